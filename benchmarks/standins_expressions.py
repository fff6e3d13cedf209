"""DynamoDB's expressions, as far as landrun writes them; any other is an error, not a guess.

Conditions are read once and remembered by their text. A test holds them against moto's, whose own
cost more than a call of botocore does.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

Item = dict[str, Any]
"""Attributes by name, each as DynamoDB's API spells it: ``{"S": "text"}``."""

Operand = Callable[[Item, "Given"], Any]
Condition = Callable[[Item, "Given"], bool]

_TOKEN = re.compile(r"\s*([#:]?\w+(?:\.#?\w+)*|<>|<=|>=|[=<>(),])")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Given:
    """What stands for ``#names`` and ``:values`` in an expression."""

    names: Mapping[str, str]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, call: Mapping[str, Any]) -> Given:
        """Read them from a call."""
        names = call.get("ExpressionAttributeNames", {})
        return cls(names, call.get("ExpressionAttributeValues", {}))

    def name(self, text: str) -> str:
        """Give the attribute that is meant."""
        return self.names[text] if text.startswith("#") else text


def holds(condition: str | None, item: Item, given: Given) -> bool:
    """Say whether a condition holds for an item; without one, it does."""
    return condition is None or _condition(condition)(item, given)


def updated(expression: str, item: Item, given: Given) -> Item:
    """Give the item after ``SET a = :b, … REMOVE c, …``.

    Raises
    ------
    NotImplementedError
        For whatever else an update may be.
    """
    sets, removes = _update(expression)
    result = item | {given.name(name): given.values[value] for name, value in sets}
    for name in removes:
        result.pop(given.name(name), None)
    return result


def key_conditions(expression: str, given: Given) -> list[tuple[str, str, str]]:
    """Read a key condition: attribute, comparison and text of each part."""
    # begins_with stands for >= here: nothing comes after the prefixes that are asked for.
    prefix = re.compile(r"begins_with\((\w+), (:\w+)\)")
    parts = [
        re.split(r"\s*(<=|>=|=|<|>)\s*", prefix.sub(r"\1 >= \2", part))
        for part in expression.split(" AND ")
    ]
    return [(given.name(name), sign, given.values[value]["S"]) for name, sign, value in parts]


@lru_cache
def _update(expression: str) -> tuple[list[tuple[str, str]], list[str]]:
    found = re.fullmatch(r"(?:SET (.+?))?(?:\s*REMOVE (.+))?", expression)
    sets = [part.split(" = ") for part in (found[1] or "").split(", ") if part] if found else []
    if not found or any(len(part) != 2 or part[1][0] != ":" for part in sets):  # noqa: PLR2004
        raise NotImplementedError(f"an update such as {expression!r}")
    return [(name, value) for name, value in sets], [n for n in (found[2] or "").split(", ") if n]


@lru_cache
def _condition(text: str) -> Condition:
    try:
        return _Reader(list(_tokens(text))).whole()
    except IndexError as error:
        raise NotImplementedError(f"a condition such as {text!r}") from error


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if not found:
            raise NotImplementedError(f"a condition such as {text!r}")
        yield found[1]
        position = found.end()


class _Reader:
    """Reads a condition by recursive descent: OR binds least, NOT most."""

    def __init__(self, tokens: list[str]) -> None:
        self._left = tokens[::-1]

    def whole(self) -> Condition:
        condition = self._either()
        if self._left:
            raise NotImplementedError(f"a condition with {self._left[-1]!r} there")
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda item, g: any(p(item, g) for p in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._take("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda item, g: all(p(item, g) for p in parts)

    def _one(self) -> Condition:
        if self._take("NOT"):
            wrong = self._one()
            return lambda item, given: not wrong(item, given)
        if self._take("("):
            inner = self._either()
            self._must(")")
            return inner
        word = self._left.pop()
        if self._take("("):
            return _function(word, self._operands())
        return self._comparison(_operand(word))

    def _comparison(self, left: Operand) -> Condition:
        sign = self._left.pop()
        if sign == "IN":
            self._must("(")
            others = self._operands()
            return lambda item, g: any(_compared("=", left(item, g), o(item, g)) for o in others)
        right = _operand(self._left.pop())
        return lambda item, given: _compared(sign, left(item, given), right(item, given))

    def _operands(self) -> list[Operand]:
        found = [_operand(self._left.pop())]
        while self._take(","):
            found.append(_operand(self._left.pop()))
        self._must(")")
        return found

    def _take(self, token: str) -> bool:
        taken = bool(self._left) and self._left[-1] == token
        if taken:
            self._left.pop()
        return taken

    def _must(self, token: str) -> None:
        if not self._take(token):
            raise NotImplementedError(f"a condition without {token!r}")


def _operand(text: str) -> Operand:
    if text.startswith(":"):
        return lambda _, given: given.values[text]
    first, *rest = text.split(".")
    return lambda item, given: _within(item.get(given.name(first)), rest, given)


def _within(value: Any, path: list[str], given: Given) -> Any:
    for name in path:
        value = value.get("M", {}).get(given.name(name)) if value else None
    return value


def _function(name: str, operands: list[Operand]) -> Condition:
    one = operands[0]
    if name == "attribute_exists":
        return lambda item, given: one(item, given) is not None
    if name == "attribute_not_exists":
        return lambda item, given: one(item, given) is None
    texts = {"begins_with": str.startswith, "contains": str.__contains__}
    if name not in texts:
        raise NotImplementedError(f"the function {name}")
    return lambda item, given: _of_text(texts[name], one(item, given), operands[1](item, given))


def _of_text(holding: Callable[[str, str], bool], text: Any, part: Any) -> bool:
    """Compare texts; of what is none, nothing holds."""
    return text is not None and "S" in text and holding(text["S"], part["S"])


def _compared(sign: str, left: Any, right: Any) -> bool:
    """Compare values of one type; of two types, or with nothing, only ``<>`` holds."""
    if left is None or right is None or left.keys() != right.keys():
        return sign == "<>"
    [(kind, a)], [(_, b)] = left.items(), right.items()
    a, b = (Decimal(a), Decimal(b)) if kind == "N" else (a, b)
    return _COMPARISONS[sign](a, b)
