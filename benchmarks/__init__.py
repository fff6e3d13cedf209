"""What landrun costs: seconds, memory, requests and dollars, each beside what it replaces.

``make bench`` runs every suite and prints one table. Machines are noisy: what counts are ratios of
ways that took turns in one run; absolute figures say only where they were measured.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # handler_loader, sam
