"""Rows as items of DynamoDB, cut to what an item can hold.

Whatever a state machine of the user's own takes and gives becomes part of a row: its size, its
depth, its names and its numbers are anybody's. A row that DynamoDB refuses would never be written,
however often its message came again.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer, TypeSerializer

from landrun.sanitize import nested_deeper

ITEM_LIMIT = 409_600
"""Bytes of an item (DynamoDB, "Service quotas")."""

ROW_LIMIT = 350_000
"""Bytes of a row as DynamoDB counts them: what is left is for what is added to it later."""

NESTING_LIMIT = 30
"""Levels of lists and maps in an attribute; DynamoDB takes 32, the item itself being one."""

NAME_LIMIT = 1024
"""Characters of an attribute's name within an attribute; DynamoDB takes 65,535 bytes."""

_FIRST_TO_GO = ("output", "summary", "trigger", "cause", "error", "exit_message")
_NAMELESS = "(empty)"


def fitting(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out what makes a row too deep or too large for DynamoDB; ``left_out`` names it.

    Numbers become decimals, as DynamoDB wants them: never floats.
    All of it comes from outside: an execution of somebody's own may have any input and output.
    """
    left_out = [name for name, value in row.items() if nested_deeper(value, NESTING_LIMIT)]
    kept = _exact({name: value for name, value in row.items() if name not in left_out})
    sizes = {name: _size(name) + _size(value) for name, value in kept.items()}
    for name in _FIRST_TO_GO:
        if name in kept and sum(sizes[each] for each in kept) > ROW_LIMIT:
            del kept[name]
            left_out.append(name)
    return kept | {"left_out": left_out} if left_out else kept


def item(row: dict[str, Any]) -> dict[str, Any]:
    """Spell a row as DynamoDB's API has it, without what does not fit."""
    return {name: TypeSerializer().serialize(value) for name, value in fitting(row).items()}


def row(item: dict[str, Any]) -> dict[str, Any]:
    """Read a row from an item."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _exact(value: dict[str, Any]) -> dict[str, Any]:
    """Give what DynamoDB has a type for: decimals for numbers, a name for what has none.

    Half of a surrogate pair, which no database takes, becomes ``?``.
    """
    text = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")
    exact: dict[str, Any] = json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=lambda name: name,
        object_pairs_hook=_named,
    )
    return exact


def _named(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name[:NAME_LIMIT] or _NAMELESS: value for name, value in pairs}


def _number(text: str) -> Decimal | str:
    """Read a number; one that DynamoDB cannot hold exactly (38 digits, 1E+126) stays text."""
    try:
        return DYNAMODB_CONTEXT.create_decimal(text)
    except ArithmeticError:
        return text


def _size(value: object) -> int:
    """Count the bytes of a value as DynamoDB does ("Item sizes and formats"), or a few more."""
    if isinstance(value, dict):
        return 3 + sum(1 + _size(name) + _size(inner) for name, inner in value.items())
    if isinstance(value, list):
        return 3 + sum(1 + _size(inner) for inner in value)
    if isinstance(value, str):
        return len(value.encode())
    return len(str(value)) // 2 + 3
