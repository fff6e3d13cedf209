"""How the default processing job reads, cleans and deduplicates messages.

``batch`` and what it imports (``lines``, ``jsonrows``, ``cleaning``, ``masking``, ``columns``,
``values``) are pure: lines or rows in, cleaned rows and rejects out. ``sources``, ``streams``,
``encodings``, ``csvfiles`` and ``csvrows`` read files, ``staging`` and ``buckets`` hold what does
not fit in memory, ``plan``, ``work`` and ``job`` tie them together, ``summary`` says what came of
it.

What a file holds is not trusted: ``printing`` looks at texts before people read them.
"""

VERSION = "0.1.0"
