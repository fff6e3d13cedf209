"""Say what a folder of Parquet files holds, whatever the order of its rows: count and hash.

python benchmarks/competitors/fingerprint.py FOLDER
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import duckdb
from rules import COLUMNS


def fingerprint(folder: Path) -> str:
    """Hash the rows, sorted by all their columns; a missing value equals no empty one."""
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{folder}/spilled'")
    row = "concat_ws(chr(31), " + ", ".join(f"coalesce({c}, chr(0))" for c in COLUMNS) + ")"
    found = connection.execute(
        f"SELECT md5({row}) FROM read_parquet('{folder}/**/*.parquet') ORDER BY 1"
    )
    digest, rows = hashlib.sha256(), 0
    while batch := found.fetchmany(100_000):
        digest.update("".join(value for (value,) in batch).encode())
        rows += len(batch)
    return f"{rows} {digest.hexdigest()}"


if __name__ == "__main__":
    print(fingerprint(Path(sys.argv[1])))
