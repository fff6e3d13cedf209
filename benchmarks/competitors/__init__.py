"""The same job by other means, each as its users would write it; run by .venv-bench's Python.

``python benchmarks/competitors/<way>.py INPUT OUTPUT`` reads one file of `benchmarks/generate.py`
and writes Parquet (zstd) into the folder ``OUTPUT``: rows cleaned and masked, empty ones and
duplicates dropped (the first by id is kept), broken lines left out.
"""
