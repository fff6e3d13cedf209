"""How the default processing job reads, cleans and deduplicates messages.

``options`` reads the arguments. ``plan``, ``job`` and ``summary`` are the parent's, which imports
no Polars: they plan, call the workers and sum up. ``work`` and ``buckets`` are what workers are
called with; ``tasks`` is what passes between both.

``batch`` and what it imports (``lines``, ``jsonrows``, ``cleaning``, ``masking``, ``numbers``,
``columns``, ``values``) are pure: lines or rows in, cleaned rows and rejects out. ``sources``,
``streams``, ``encodings``, ``csvrows`` and ``parquet`` read files; ``staging`` holds
what does not fit in memory.

What a file holds is not trusted: ``guard`` runs what reads it in processes that may die, and
``printing`` makes texts fit to be read by people.
"""

VERSION = "0.1.0"
