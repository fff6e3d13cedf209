"""Benchmarks of landrun's time, memory and cost, beside the ways that it replaces.

``make bench`` runs every suite. Because machines are noisy, the compared ways take turns within one
run: rely on the ratios. Absolute figures hold for the machine that `results.json` names.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # handler_loader, records
