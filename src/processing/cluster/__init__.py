"""The default job on a Spark cluster: same batch functions, duplicates dropped among all hosts.

The driver (`job`) plans, sums up and writes the summary; executors (`executors`) inspect files,
clean them and write parts, inside ``mapInArrow``. What is cleaned stays on the executors' disks in
Arrow's format, so that only who sent what passes through Spark's shuffle. S3 is behind one door
(`store`), and a stretch of an object becomes a local file before anything reads it
(`fetching`), so that all that reads files is the one-machine engine's, in `messages`.
"""
