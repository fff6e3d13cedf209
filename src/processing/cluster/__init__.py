"""The default job on a Spark cluster: the same batch functions, with duplicates found across hosts.

The driver (`job`) plans, sums up and writes the summary; executors (`executors`) inspect files,
clean them and write parts, inside ``mapInArrow``. Cleaned rows stay on the executors' disks in
Arrow's format; only the columns that identify messages pass through Spark's shuffle. `store` is the
only module that calls S3. `fetching` copies the needed range of an object to a local file, so that
files are read by the code of the one-machine engine, in `messages`.
"""
