"""How the default processing job reads, cleans and deduplicates messages.

``batch`` and what it imports (``lines``, ``jsonrows``, ``cleaning``, ``masking``, ``numbers``,
``columns``, ``values``) are pure: lines or rows in, cleaned rows and rejects out. ``sources``,
``streams``, ``encodings``, ``csvfiles`` and ``csvrows`` read files; ``staging`` and ``buckets``
hold what does not fit in memory; ``plan``, ``work`` and ``job`` tie them together; ``summary``
says what came of it. ``wanted`` and ``rules`` are the arguments, ``options`` holds them.

What a file holds is not trusted: ``guard`` runs what reads it in processes that may die, and
``printing`` makes texts fit to be read by people.
"""

VERSION = "0.1.0"
