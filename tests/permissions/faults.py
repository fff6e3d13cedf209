"""The World of tests/faults, wherever pytest puts that package."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[1] / "faults"


def module(name: str) -> Any:
    """Import a module of tests/faults; the package is loaded from its folder if nobody has yet."""
    if "faults" not in sys.modules:
        init = _FOLDER / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            "faults", init, submodule_search_locations=[str(_FOLDER)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules["faults"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["faults"])
    return importlib.import_module(f"faults.{name}")
