"""The metrics that the functions emit, found in the calls that emit them."""

import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src" / "functions" / "landrun"
CALL = re.compile(r"(?<!def )\b(count|count_by|add_metric)\(([^()]+)")
NAME = re.compile(r'"(\w+)"')


def emitted_metrics():
    """Return each metric's name and its dimension beside the service; an empty text without one."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        if path.stem != "observability":  # where the names are parameters
            for function, arguments in CALL.findall(path.read_text(encoding="utf-8")):
                names = NAME.findall(arguments)
                assert names, f"{path}: the name of a metric must be a literal, not {arguments}"
                by_dimension = function == "count_by"
                found |= {tuple(names)} if by_dimension else {(name, "") for name in names}
    return found
