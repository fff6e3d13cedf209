"""Print how many rows a folder of Parquet files has, and a hash of them in whatever order.

python benchmarks/competitors/fingerprint.py FOLDER
"""

import sys

import duckdb
from rules import COLUMNS

if __name__ == "__main__":
    row = "concat_ws(chr(31), " + ", ".join(f"coalesce({c}, chr(0))" for c in COLUMNS) + ")"
    query = f"SELECT count(*), bit_xor(md5_number({row})) FROM '{sys.argv[1]}/**/*.parquet'"
    print(*duckdb.sql(query).fetchall())
