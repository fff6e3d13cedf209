"""Items as DynamoDB's API spells them, and run records cut to what an item can hold.

A user's own state machine may take and give anything: its size, its depth, its names and its
numbers have no limit. DynamoDB would refuse such an item however often its message came again.
"""

import json
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer, TypeSerializer

from landrun.models.run_record import RunRecord
from landrun.sanitize import nested_deeper

SIZE_LIMIT = 350_000
"""Bytes of a record as DynamoDB counts them. An item may have 409,600: updates add to it."""

NESTING_LIMIT = 30
"""Levels of lists and maps in an attribute. DynamoDB takes 32, and the item is one of them."""

_LEAST_NEEDED_FIRST = ("output", "summary", "trigger", "cause", "error", "exit_message")


def to_item(record: RunRecord) -> dict[str, Any]:
    """Return a record as DynamoDB's API spells an item, without what does not fit."""
    return serialize(fitting(record))


def from_item(item: dict[str, Any]) -> RunRecord:
    """Read a record from an item."""
    return RunRecord.model_validate(_plain(deserialize(item)))


def serialize(values: dict[str, Any]) -> dict[str, Any]:
    """Return attributes as DynamoDB's API spells them."""
    return {name: TypeSerializer().serialize(value) for name, value in values.items()}


def deserialize(item: dict[str, Any]) -> dict[str, Any]:
    """Read attributes that DynamoDB's API has spelled."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _plain(value: Any) -> Any:
    """Turn DynamoDB's numbers into those that JSON has."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def fitting(record: RunRecord) -> dict[str, Any]:
    """Return the attributes that DynamoDB can hold; ``left_out`` names the others."""
    attributes = record.attributes()
    left_out = [name for name, one in attributes.items() if nested_deeper(one, NESTING_LIMIT)]
    kept = _storable({name: one for name, one in attributes.items() if name not in left_out})
    sizes = {name: _size(name) + _size(value) for name, value in kept.items()}
    for name in _LEAST_NEEDED_FIRST:
        if name in kept and sum(sizes[each] for each in kept) > SIZE_LIMIT:
            del kept[name]
            left_out.append(name)
    return kept | {"left_out": left_out} if left_out else kept


def _storable(attributes: dict[str, Any]) -> dict[str, Any]:
    """Replace what DynamoDB has no type for: floats, empty names, halves of surrogate pairs."""
    text = json.dumps(attributes, ensure_ascii=False, default=str).encode("utf-8", "replace")
    storable: dict[str, Any] = json.loads(
        text,
        parse_float=_number,
        parse_int=_number,
        parse_constant=str,
        object_pairs_hook=_with_names,
    )
    return storable


def _with_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name or "(empty)": value for name, value in pairs}


def _number(text: str) -> Decimal | str:
    """Read a number; one that DynamoDB cannot hold exactly (38 digits, 1E+126) stays a text."""
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
