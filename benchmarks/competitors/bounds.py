"""What no way can be faster than: reading the file, and parsing its lines with orjson alone.

Prints the seconds that it took, without the start of Python.

python benchmarks/competitors/bounds.py read|orjson FILE
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path

import orjson

BLOCK = 4 * 1024 * 1024


def read(source: Path) -> None:
    """Read the bytes and do nothing with them."""
    block = bytearray(BLOCK)
    with source.open("rb", buffering=0) as file:
        while file.readinto(block):
            pass


def parse(source: Path) -> None:
    """Parse every line, on all cores: what any JSON way in Python has to do at least."""
    count = os.cpu_count() or 1
    step = -(-source.stat().st_size // count)
    with multiprocessing.Pool(count) as pool:
        pool.starmap(_parse, [(source, n * step, (n + 1) * step) for n in range(count)])


def _parse(source: Path, start: int, end: int) -> None:
    with source.open("rb") as file:
        file.seek(start)
        if start:
            file.readline()
        while file.tell() < end and (lines := file.readlines(BLOCK)):
            for line in lines:
                try:
                    orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue


if __name__ == "__main__":
    began = time.perf_counter()
    {"read": read, "orjson": parse}[sys.argv[1]](Path(sys.argv[2]))
    print(time.perf_counter() - began)
