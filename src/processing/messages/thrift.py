"""Just enough of Thrift's compact protocol to look at a Parquet file's metadata before others do.

Nothing is built that was not asked for, nothing is believed before its bytes are there, and what
is nested deeper than Parquet's own metadata is refused.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_DEPTH, _VARINT, _LONG_LIST = 16, 10, 15
_NUMBERS = (I16, I32, I64)
_SIZES = {TRUE: 0, FALSE: 0, BYTE: 1, DOUBLE: 8}
Spec = Mapping[int, Any]


class MalformedError(ValueError):
    """The bytes are not what they should be."""


class Thrift:
    """Values that lie in ``data`` between ``position`` and ``end``; ``position`` moves on."""

    def __init__(self, data: bytes | mmap.mmap, position: int, end: int) -> None:
        if not 0 <= position <= end <= len(data):
            raise MalformedError("an offset beyond the file")
        self._data = data
        self._end = end
        self.position = position

    def fields(self) -> Iterator[tuple[int, int]]:
        """Give number and kind of each of a struct's fields; the caller reads or skips each."""
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._number()
            yield number, kind

    def struct(self, spec: Spec) -> dict[int, Any]:
        """Read the fields of a struct that ``spec`` has.

        Parameters
        ----------
        spec
            Field -> ``None`` for a ``scalar``, a spec for a struct, ``[spec]`` for a list of
            structs.
        """
        found: dict[int, Any] = {}
        for number, kind in self.fields():
            if number not in spec:
                self.skip(kind)
            elif (inner := spec[number]) is None:
                found[number] = self.scalar(kind)
            elif isinstance(inner, list):
                found[number] = list(self.structs(kind, inner[0]))
            else:
                self._expect(kind, STRUCT)
                found[number] = self.struct(inner)
        return found

    def structs(self, kind: int, spec: Spec) -> Iterator[dict[int, Any]]:
        """Read a list of structs, one at a time."""
        self._expect(kind, LIST)
        count, kind = self._list_head()
        self._expect(kind, STRUCT)
        for _ in range(count):
            yield self.struct(spec)

    def scalar(self, kind: int) -> int:
        """Read a number; of bytes, how many there are."""
        if kind in _NUMBERS:
            return self._number()
        self._expect(kind, BINARY)
        size = self._varint()
        self._pass(size)
        return size

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass by a value."""
        if depth > _DEPTH:
            raise MalformedError(f"metadata nested deeper than {_DEPTH}")
        if kind in _SIZES:
            self._pass(_SIZES[kind])
        elif kind in _NUMBERS:
            self._varint()
        elif kind == BINARY:
            self._pass(self._varint())
        elif kind == STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        else:
            self._skip_collection(kind, depth)

    def _skip_collection(self, kind: int, depth: int) -> None:
        if kind in (LIST, SET):
            count, element = self._list_head()
            kinds = [element]
        elif kind == MAP:
            count = self._varint()
            both = self._byte() if count else 0
            kinds = [both >> 4, both & 15]
        else:
            raise MalformedError("metadata of no known type")
        for _ in range(count):
            for element in kinds:
                self.skip(BYTE if element in (TRUE, FALSE) else element, depth + 1)

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4
        if count == _LONG_LIST:
            count = self._varint()
        if count > self._end - self.position:  # each element has a byte at least
            raise MalformedError("a list longer than its bytes")
        return count, head & 15

    def _number(self) -> int:
        read = self._varint()
        return (read >> 1) ^ -(read & 1)

    def _varint(self) -> int:
        value = 0
        for place in range(_VARINT):
            byte = self._byte()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:  # noqa: PLR2004
                return value
        raise MalformedError("a number without end")

    def _byte(self) -> int:
        return self._data[self._pass(1)]

    def _pass(self, size: int) -> int:
        start = self.position
        if size > self._end - start:
            raise MalformedError("metadata that ends too soon")
        self.position = start + size
        return start

    @staticmethod
    def _expect(kind: int, expected: int) -> None:
        if kind != expected:
            raise MalformedError("metadata of another type than its own")
