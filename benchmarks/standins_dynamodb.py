"""A DynamoDB to measure with: real rows in SQLite, requests and capacity counted as AWS bills them.

moto looks through a whole table for every query of an index, and counts one unit for whatever is
asked. Here an index is an index, and capacity follows the developer guide: "DynamoDB read and write
operations" (4 KB and 1 KB, half for eventually consistent reads, the evaluated rather than the
returned items of a query, the item that stands for a condition that fails), "Using Global Secondary
Indexes" (a write for each index whose entry changes, two when its key does) and "Item sizes and
formats". Indexes are up to date at once, where DynamoDB's lag; nothing is throttled.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import facts
from benchmarks.standins import Refusal
from benchmarks.standins_expressions import Given, Item, holds, key_conditions, updated
from benchmarks.units import item_bytes, units

PAGE = 1_048_576
"""Bytes that a query evaluates at most (Query, "1 MB")."""


@dataclass(frozen=True)
class Index:
    """A global secondary index; it holds the items that have both of its keys.

    ``projected`` names what else it holds; None for everything.
    """

    name: str
    hash: str
    range: str
    projected: frozenset[str] | None = None

    def entry(self, item: Item, key: str) -> Item | None:
        """Give what the index holds of an item; None when it does not."""
        if self.hash not in item or self.range not in item:
            return None
        if self.projected is None:
            return item
        kept = {self.hash, self.range, key, *self.projected}
        return {name: value for name, value in item.items() if name in kept}


@dataclass(frozen=True)
class Design:
    """A table: its name, its key, its indexes."""

    name: str
    key: str
    indexes: Sequence[Index]


class DynamoDB:
    """Tables of one key attribute each, answering DynamoDB's JSON calls.

    Parameters
    ----------
    designs
        The tables.
    path
        A file to keep the rows in; in memory without one.
    cache
        Megabytes of the file that are kept in memory.

    Attributes
    ----------
    calls
        Requests by operation.
    read_units, write_units
        What they consumed.
    """

    def __init__(self, designs: Iterable[Design], path: Path | None = None, cache: int = 2) -> None:
        self._designs = {design.name: design for design in designs}
        self._rows = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._rows.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{cache * 1000};"
        )
        self._lock = threading.Lock()
        self.forget_counts()
        for design in self._designs.values():
            self._create(design)

    def forget_counts(self) -> None:
        """Begin to count anew."""
        self.calls: Counter[str] = Counter()
        self.read_units = self.write_units = 0.0

    def __call__(self, operation: str, call: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        act: Callable[[Any], dict[str, Any]] = getattr(self, f"_{operation}")
        with self._lock:
            self.calls[operation] += 1
            return act(call)

    def load(self, table: str, items: Iterable[Item]) -> None:
        """Put items there that are new, without counting."""
        design = self._designs[table]
        entries: dict[str, list[tuple[Any, ...]]] = {i.name: [] for i in design.indexes}
        rows = []
        [[last]] = self._rows.execute(f'SELECT coalesce(max(id), 0) FROM "{table}"')
        for number, item in enumerate(items, last + 1):
            key = item[design.key]["S"]
            rows.append((number, key, json.dumps(item, ensure_ascii=False), item_bytes(item)))
            for index in design.indexes:
                entry = index.entry(item, design.key)
                if entry is not None:
                    place = (entry[index.hash]["S"], entry[index.range]["S"], key)
                    entries[index.name].append((*place, item_bytes(entry), number))
        with self._lock:
            self._rows.executemany(f'INSERT INTO "{table}" VALUES (?, ?, ?, ?)', rows)
            for name, found in entries.items():
                statement = f'INSERT INTO "{table}/{name}" VALUES (?, ?, ?, ?, ?)'
                self._rows.executemany(statement, found)

    def indexed(self, table: str, index: str) -> int:
        """Count what an index holds."""
        [[found]] = self._rows.execute(f'SELECT count(*) FROM "{table}/{index}"')
        return int(found)

    def items(self, table: str) -> list[Item]:
        """Give all items of a table."""
        return [json.loads(text) for (text,) in self._rows.execute(f'SELECT item FROM "{table}"')]

    def clear(self, table: str) -> None:
        """Empty a table."""
        for name in (table, *(f"{table}/{one.name}" for one in self._designs[table].indexes)):
            self._rows.execute(f'DELETE FROM "{name}"')

    def close(self) -> None:
        """Forget everything."""
        self._rows.close()

    def _create(self, design: Design) -> None:
        self._rows.execute(
            f'CREATE TABLE "{design.name}"'
            " (id INTEGER PRIMARY KEY, key TEXT UNIQUE, item TEXT, size INT)"
        )
        for index in design.indexes:
            self._rows.execute(
                f'CREATE TABLE "{design.name}/{index.name}" (hash TEXT, range TEXT, key TEXT,'
                " size INT, id INT, PRIMARY KEY (hash, range, key)) WITHOUT ROWID"
            )

    def _found(self, table: str, key: str) -> tuple[Item | None, int]:
        query = f'SELECT item, size FROM "{table}" WHERE key = ?'
        found = self._rows.execute(query, (key,)).fetchone()
        return (json.loads(found[0]), found[1]) if found else (None, 0)

    def _GetItem(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        design = self._designs[call["TableName"]]
        item, size = self._found(design.name, call["Key"][design.key]["S"])
        self._read(size, consistent=call.get("ConsistentRead", False))
        return {} if item is None else {"Item": item}

    def _BatchGetItem(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        answers = {}
        for table, asked in call["RequestItems"].items():
            given = Given.of(asked)
            names = {given.name(n) for n in asked.get("ProjectionExpression", "").split(", ") if n}
            found = []
            for key in asked["Keys"]:
                item, size = self._found(table, key[self._designs[table].key]["S"])
                self._read(size, consistent=asked.get("ConsistentRead", False))
                if item is not None:
                    found.append({n: v for n, v in item.items() if not names or n in names})
            answers[table] = found
        return {"Responses": answers, "UnprocessedKeys": {}}

    def _PutItem(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._written(call, call["Item"], lambda _: dict(call["Item"]))

    def _UpdateItem(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        given = Given.of(call)
        change = call["UpdateExpression"]
        return self._written(call, call["Key"], lambda item: updated(change, item, given))

    def _written(
        self, call: Mapping[str, Any], keyed: Item, change: Callable[[Item], Item]
    ) -> dict[str, Any]:
        design = self._designs[call["TableName"]]
        key = keyed[design.key]["S"]
        before, size = self._found(design.name, key)
        if not holds(call.get("ConditionExpression"), before or {}, Given.of(call)):
            self.write_units += units(size, 1024)
            raise _refused(call, before)
        after = change(before or {design.key: keyed[design.key]})
        now = item_bytes(after)
        self.write_units += units(max(size, now), 1024)
        row = (key, json.dumps(after, ensure_ascii=False), now)
        [[number]] = self._rows.execute(
            f'INSERT INTO "{design.name}" (key, item, size) VALUES (?, ?, ?) ON CONFLICT (key)'
            " DO UPDATE SET item = excluded.item, size = excluded.size RETURNING id",
            row,
        ).fetchall()
        for index in design.indexes:
            self._index(design, index, (key, number), before or {}, after)
        answer = {"ALL_OLD": before, "ALL_NEW": after}.get(call.get("ReturnValues", "NONE"))
        return {"Attributes": answer} if answer else {}

    def _index(
        self, design: Design, index: Index, row: tuple[str, int], before: Item, after: Item
    ) -> None:
        """Bring an index up to date, and count its writes."""
        old, new = (index.entry(item, design.key) for item in (before, after))
        if old == new:
            return
        place, next_place = (_place(index, entry) for entry in (old, new))
        sizes = [0 if entry is None else item_bytes(entry) for entry in (old, new)]
        moved = old is not None and new is not None and place != next_place
        written = map(_one_kilobyte, sizes) if moved else [_one_kilobyte(max(sizes))]
        self.write_units += sum(written)
        table = f'"{design.name}/{index.name}"'
        if place and place != next_place:
            where = "hash = ? AND range = ? AND key = ?"
            self._rows.execute(f"DELETE FROM {table} WHERE {where}", (*place, row[0]))
        if next_place:
            entry = (*next_place, row[0], sizes[1], row[1])
            self._rows.execute(f"REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)", entry)

    def _Query(self, call: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N802
        design = self._designs[call["TableName"]]
        [index] = [one for one in design.indexes if one.name == call.get("IndexName", "")]
        items, evaluated, last = self._page(design, index, call)
        self._read(evaluated, consistent=False)
        given, wanted = Given.of(call), call.get("FilterExpression")
        kept = [item for item in items if holds(wanted, item, given)]
        answer = {"Items": kept, "Count": len(kept), "ScannedCount": len(items)}
        return answer | ({"LastEvaluatedKey": last} if last else {})

    def _page(
        self, design: Design, index: Index, call: Mapping[str, Any]
    ) -> tuple[list[Item], int, Item | None]:
        """Evaluate items until there are enough; say how large they were, and where to go on."""
        limit, items, evaluated = call.get("Limit"), list[Item](), 0
        for text, size in self._in_order(design, index, call):
            entry = index.entry(json.loads(text), design.key) or {}
            items.append(entry)
            evaluated += size
            if len(items) == limit or evaluated >= PAGE:
                keys = (design.key, index.hash, index.range)
                return items, evaluated, {name: entry[name] for name in keys}
        return items, evaluated, None

    def _in_order(
        self, design: Design, index: Index, call: Mapping[str, Any]
    ) -> Iterable[tuple[str, int]]:
        given = Given.of(call)
        columns = {index.hash: "hash", index.range: "range"}
        keys = key_conditions(call["KeyConditionExpression"], given)
        where = [f"i.{columns[name]} {sign} ?" for name, sign, _ in keys]
        values = [text for _, _, text in keys]
        forward = call.get("ScanIndexForward", True)
        if "ExclusiveStartKey" in call:
            after = call["ExclusiveStartKey"]
            where.append(f"(i.range, i.key) {'>' if forward else '<'} (?, ?)")
            values += [after[index.range]["S"], after[design.key]["S"]]
        order = "ASC" if forward else "DESC"
        return self._rows.execute(
            f'SELECT t.item, i.size FROM "{design.name}/{index.name}" i'
            f' JOIN "{design.name}" t ON t.id = i.id WHERE {" AND ".join(where)}'
            f" ORDER BY i.range {order}, i.key {order}",
            values,
        )

    def _read(self, size: int, *, consistent: bool) -> None:
        self.read_units += units(size, 4096) * (1 if consistent else 0.5)


def dollars(read_units: float, write_units: float) -> float:
    """Price units on demand, by prices.toml."""
    price = facts.prices()
    return price["read_unit"].each * read_units + price["write_unit"].each * write_units


def _place(index: Index, entry: Item | None) -> tuple[str, str] | None:
    return None if entry is None else (entry[index.hash]["S"], entry[index.range]["S"])


def _one_kilobyte(size: int) -> int:
    return units(size, 1024)


def _refused(call: Mapping[str, Any], stands: Item | None) -> Refusal:
    wanted = call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and stands
    kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"
    about = {"Item": stands} if wanted else {}
    return Refusal(kind, "The conditional request failed", about)
