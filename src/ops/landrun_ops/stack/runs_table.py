"""Reads the runs table for people: runs, newest first."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from landrun.adapters.clients import translated
from landrun.adapters.dynamodb_items import from_item
from landrun.errors import ConfigurationError
from landrun.models.run_record import EXECUTION_RUNNING, UNFINISHED, RunRecord
from landrun.models.status_change import timestamp
from landrun.sanitize import shown

SEARCHED = timedelta(days=90)
"""How far back a search without a start time goes: each row read costs, matching or not."""

QUIET_MONTHS = 13
"""Months without a run after which a search ends: a yearly run is still found."""

MOST_NAMED = 6
"""How many runs an error lists when a name is ambiguous."""

_WHOLE = re.compile(r"-[0-9a-f]{32}$")
# One run in four billion shares eight digits with another: the search stops at the first match.
_CLEAR = re.compile(r"(^|-)[0-9a-f]{8,}$")

_EXECUTION_NAME = re.compile(r"[\w.+!@()=`~-]{1,80}", re.ASCII)


def is_execution_name(text: str) -> bool:
    """Return True if an execution can have this name: a notebook's are longer than a run's 54."""
    return _EXECUTION_NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a query returns; an empty field stands for any.

    ``kind`` is the trigger's ``Kind``, ``contains`` a part of its ``Key``, ``rerun_of`` the run
    that is repeated, ``named`` the beginning of the name or of the digits after its last dash.
    """

    status: frozenset[str] = frozenset()
    kind: str = ""
    contains: str = ""
    rerun_of: str = ""
    named: str = ""

    def expression(self) -> tuple[str, dict[str, str], dict[str, str]]:
        """Return DynamoDB's filter expression, and the names and the values (strings) in it."""
        values = {f":status{n}": one for n, one in enumerate(sorted(self.status))}
        conditions = [f"#status IN ({', '.join(values)})"] if values else []
        for value, name, condition in (
            (self.kind, ":kind", "#trigger.Kind = :kind"),
            (self.contains, ":contains", "contains(#trigger.#key, :contains)"),
            (self.rerun_of, ":rerun_of", "rerun_of = :rerun_of"),
            (self.named, ":named", "(begins_with(#name, :named) OR contains(#name, :digits))"),
        ):
            if value:
                conditions.append(condition)
                values[name] = value
        if self.named:
            values[":digits"] = f"-{self.named}"
        text = " AND ".join(conditions)
        names = {f"#{name.lower()}": name for name in ("status", "trigger", "Key", "name")}
        return text, {alias: name for alias, name in names.items() if alias in text}, values


ANY = RunFilter()
"""All runs."""


class RunsReader:
    """Reads runs from the table of this name through boto3's client of DynamoDB.

    Its methods raise ServiceError when DynamoDB does not answer, or has no such table.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def get(self, name: str) -> RunRecord | None:
        """Return the run of exactly this name, by a consistent read; None if there is none."""
        with translated("dynamodb:GetItem"):
            found = self._client.get_item(
                TableName=self._table, Key={"name": {"S": name}}, ConsistentRead=True
            )
        return from_item(found["Item"]) if "Item" in found else None

    def batch(self, names: Sequence[str]) -> tuple[list[RunRecord], set[str]]:
        """Read up to 100 runs by name, consistently; also return the names DynamoDB left out."""
        request = {"Keys": [{"name": {"S": name}} for name in names], "ConsistentRead": True}
        with translated("dynamodb:BatchGetItem"):
            answer = self._client.batch_get_item(RequestItems={self._table: request})
        left_out = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
        rows = [from_item(one) for one in answer["Responses"].get(self._table, ())]
        return rows, {key["name"]["S"] for key in left_out}

    def named(self, text: str, now: datetime) -> RunRecord:
        """Return the run of this name, or the only one whose name, or digits, begin like this.

        Raises ConfigurationError when no run of the last 90 days matches, or several do.
        """
        exact = self.get(text) if is_execution_name(text) else None
        if exact:
            return exact
        found: list[RunRecord] = []
        if text and not _WHOLE.search(text):  # a whole name begins no other name
            runs = self.newest(now, since=now - SEARCHED, only=RunFilter(named=text))
            begin = (run for run in runs if _begins(run.name, text))
            found = list(islice(begin, 1 if _CLEAR.search(text) else MOST_NAMED))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(run.name for run in found)
            more = " and more" if len(found) == MOST_NAMED else ""
            raise ConfigurationError(f"{shown(text)} may be {names}{more}: write more of the name")
        raise ConfigurationError(
            f"no run of the last {SEARCHED.days} days is called {shown(text)}: landrun runs lists"
            " them, and a whole name finds older ones"
        )

    def newest(
        self,
        now: datetime,
        page_size: int = 100,
        *,
        since: datetime | None = None,
        only: RunFilter = ANY,
    ) -> Iterator[RunRecord]:
        """Yield the runs from the newest to the oldest, reading a page at a time.

        ``page_size`` counts rows; with a filter, a page has a megabyte of rows before the filter.
        """
        oldest = timestamp(since.timestamp() * 1000) if since else ""
        if only.status and only.status <= UNFINISHED:  # the index has no run that has ended
            for page in self._pages("unfinished", EXECUTION_RUNNING, oldest, page_size, only):
                yield from map(from_item, page["Items"])
            return
        quiet = 0
        for month in _months_back(now + timedelta(days=1)):
            if month < oldest[:7] or quiet == QUIET_MONTHS:
                return
            quiet += 1
            for page in self._pages("month", month, oldest, page_size, only):
                if page["ScannedCount"]:
                    quiet = 0
                yield from map(from_item, page["Items"])

    def running(self) -> Iterator[RunRecord]:
        """Yield the runs that have not ended, the oldest first."""
        for page in self._pages("unfinished", EXECUTION_RUNNING, "", 1000, ANY, forward=True):
            yield from map(from_item, page["Items"])

    def _pages(
        self,
        key: str,
        value: str,
        oldest: str,
        page_size: int,
        only: RunFilter,
        *,
        forward: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Query the index ``by-<key>``, newest first unless ``forward``."""
        condition, names, values = only.expression()
        values |= {f":{key}": value} | ({":oldest": oldest} if oldest else {})
        request = {
            "TableName": self._table,
            "IndexName": f"by-{key}",
            "KeyConditionExpression": f"#{key} = :{key}"
            + (" AND started_at >= :oldest" if oldest else ""),
            "ExpressionAttributeNames": {**names, f"#{key}": key},
            "ExpressionAttributeValues": {name: {"S": text} for name, text in values.items()},
            "ScanIndexForward": forward,
            # A Limit counts rows before the filter, so that filtered pages would be nearly empty.
            **({"FilterExpression": condition} if condition else {"Limit": page_size}),
        }
        while True:
            with translated("dynamodb:Query"):
                page = self._client.query(**request)
            yield page
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _begins(name: str, text: str) -> bool:
    return name.startswith(text) or name.rpartition("-")[2].startswith(text)


def _months_back(newest: datetime) -> Iterator[str]:
    """Yield months as the attribute ``month`` has them, the newest first."""
    day = newest.astimezone(UTC)
    while True:
        yield f"{day:%Y-%m}"
        day = day.replace(day=1) - timedelta(days=1)
