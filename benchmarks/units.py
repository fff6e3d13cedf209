"""How DynamoDB measures items and counts units."""

from __future__ import annotations

import math
from typing import Any


def item_bytes(item: dict[str, Any]) -> int:
    """Measure an item as DynamoDB does: names and values in UTF-8 (developer guide, "Item sizes").

    >>> item_bytes({"name": {"S": "abc"}, "count": {"N": "12"}})
    15
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    [(kind, held)] = value.items()
    if kind == "S":
        return len(held.encode())
    if kind == "N":
        return math.ceil(len(held.strip("-0.").replace(".", "")) / 2) + 2
    if kind == "L":
        return 3 + sum(1 + _value_bytes(one) for one in held)
    if kind == "M":
        return 3 + sum(1 + len(n.encode()) + _value_bytes(one) for n, one in held.items())
    return 1


def units(size: float, of: int) -> int:
    """Count the units of a request: at least one."""
    return max(1, math.ceil(size / of))
