"""Simulations take seconds: `make bench-quick` runs their tests, and those of what they write."""

from __future__ import annotations

import os

collect_ignore = (
    []
    if os.environ.get("LANDRUN_BENCHMARKS")
    else ["test_dollars.py", "test_queueing.py", "test_scale.py"]
)
