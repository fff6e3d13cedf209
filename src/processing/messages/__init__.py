"""How the default processing job reads, cleans and deduplicates messages.

``batch`` and what it imports (``lines``, ``jsonrows``, ``jsontable``, ``cleaning``, ``masking``,
``numbers``, ``columns``, ``values``) are pure: lines or rows in, cleaned rows and rejects out.
``sources``, ``streams``, ``encodings`` and ``csvfiles`` (by ``csvrows`` and ``csvtable``) read
files, ``staging`` and ``buckets`` hold what does not fit in memory, ``plan``, ``work`` and ``job``
tie them together, ``summary`` says what came of it.

What a file holds is not trusted: ``footer`` (by ``thrift``) looks at Parquet's claims before a
reader believes them, ``printing`` at texts before people read them.
"""

VERSION = "0.1.0"
