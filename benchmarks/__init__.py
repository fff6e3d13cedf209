"""What landrun costs in seconds, memory and dollars, beside what it replaces.

``make bench`` runs every suite. Machines are noisy, so ways take turns within one run: rely on
ratios. Absolute figures hold for the machine that `results.json` names.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # handler_loader, records
