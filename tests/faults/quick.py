"""Short cuts through moto for Worlds with many calls or items; what is answered stays the same.

Measured with 10,000 items: moto's query of a secondary index sorts the whole table first (50 ms,
whatever it finds), and each attribute of an item passes through its general serializer (a third
of a call's time).
"""

from __future__ import annotations

from typing import Any

from moto.core.serialize import BaseJSONSerializer, JSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from landrun_ops.local.patches import Patches

from . import inside


def shorten(patches: Patches) -> None:
    """Take the short cuts until the patches are undone."""
    patches.set(JSONSerializer, "_serialize_type_structure", _serialized)
    patches.set(Table, "query", _queried)
    patches.set(inside, "row", _row)


_structure = BaseJSONSerializer._serialize_type_structure


def _serialized(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """Pass an item's attributes on as they are: they have the wire's shape already."""
    if shape.name == "AttributeValue" and type(value) is dict:
        self._default_serialize(serialized, value, shape, key)
    else:
        _structure(self, serialized, value, shape, key)


_query = Table.query


def _has(item: Any, conditions: Any) -> bool:
    return all(name in item.attrs and item.attrs[name] == value for name, value in conditions)


def _queried(self: Any, *given: Any, **named: Any) -> Any:
    """Look only at the items that have the hash key which a query asks for."""
    conditions = named.get("hash_key_conditions") or ()
    everything = self.all_items

    def fitting() -> list[Any]:
        found = (item for item in self.items.values() if item and _has(item, conditions))
        return sorted(found, key=lambda item: item.hash_key)

    self.all_items = fitting if conditions and not self.range_key_attr else everything
    try:
        return _query(self, *given, **named)
    finally:
        del self.all_items


def _row(table: str, key: str) -> dict[str, Any] | None:
    """Do what `inside.row` does, with no call."""
    item = inside._table(table).items.get(DynamoType({"S": key}))
    return item and inside._spelled(item)
