"""How the default processing job reads, cleans and deduplicates messages.

``options`` reads the arguments. ``plan``, ``job`` and ``summary`` run in the parent process, which
does not import Polars: they plan, call the workers and sum up. Workers run ``work`` and
``buckets``; ``tasks`` defines what passes between the two.

``batch`` and what it imports (``lines``, ``jsonrows``, ``cleaning``, ``masking``, ``numbers``,
``columns``, ``values``) are pure: lines or rows in, cleaned rows and rejects out. ``sources``,
``streams``, ``encodings``, ``csvrows`` and ``parquet`` read files; ``staging`` holds
what does not fit in memory.

Files are not trusted: ``guard`` reads them in processes that may die, and ``printing`` makes texts
safe to show.
"""

VERSION = "0.1.0"
