"""The door to the ledger for people: runs, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from landrun.clients import translated
from landrun.contract import is_run_name
from landrun.errors import ConfigurationError
from landrun.outside import shown
from landrun_ops.run import UNFINISHED, Run, run_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

__all__ = ["UNFINISHED", "Only", "Run", "Runs", "run_of"]

QUIET_MONTHS = 24
"""Months without any run after which the ledger is taken to have ended."""

_WHOLE = re.compile(r"-[0-9a-f]{32}$")

MOST_NAMED = 6
"""Runs that are named to somebody who has to write more of a name."""


@dataclass(frozen=True, slots=True)
class Only:
    """Which runs to give; DynamoDB leaves the others out, so that they need not be sent.

    Attributes
    ----------
    status : frozenset of str
        Statuses as Step Functions writes them; empty for any.
    kind : str
        The trigger's ``Kind``; empty for any.
    contains : str
        What the trigger's ``Key`` has in it; empty for any.
    rerun_of : str
        The run that they repeat; empty for any.
    named : str
        What the name begins with, or the digits after its last dash; empty for any.
    """

    status: frozenset[str] = frozenset()
    kind: str = ""
    contains: str = ""
    rerun_of: str = ""
    named: str = ""

    def asked(self) -> tuple[str, dict[str, str], dict[str, str]]:
        """Spell it as a filter expression, with the names and the values (texts) in it."""
        parts: list[str] = []
        names: dict[str, str] = {}
        values: dict[str, str] = {}
        if self.status:
            values |= {f":status{n}": one for n, one in enumerate(sorted(self.status))}
            parts.append(f"#status IN ({', '.join(values)})")
            names["#status"] = "status"
        if self.kind:
            parts.append("#trigger.Kind = :kind")
            names["#trigger"], values[":kind"] = "trigger", self.kind
        if self.contains:
            parts.append("contains(#trigger.#key, :contains)")
            names |= {"#trigger": "trigger", "#key": "Key"}
            values[":contains"] = self.contains
        if self.rerun_of:
            parts.append("rerun_of = :rerun_of")
            values[":rerun_of"] = self.rerun_of
        if self.named:
            parts.append("(begins_with(#name, :named) OR contains(#name, :digits))")
            names["#name"] = "name"
            values |= {":named": self.named, ":digits": f"-{self.named}"}
        return " AND ".join(parts), names, values


class Runs:
    """Reads the ledger.

    Parameters
    ----------
    client : DynamoDBClient
        Talks to the account and region of the table.
    table : str
        The table's name.

    Examples
    --------
    >>> runs = Runs(boto3.client("dynamodb"), "landrun-RunsTable")  # doctest: +SKIP
    >>> for run in islice(runs.newest(datetime.now(UTC)), 20):  # doctest: +SKIP
    ...     print(run.name, run.status)
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, name: str) -> Run | None:
        """Give the run of exactly this name, as it stands now; None when there is no row of it.

        Raises
        ------
        ServiceError
            When DynamoDB does not answer, or has no such table.
        """
        with translated("dynamodb:GetItem"):
            found = self._client.get_item(
                TableName=self._table, Key={"name": {"S": name}}, ConsistentRead=True
            )
        return run_of(found["Item"]) if "Item" in found else None

    def named(self, text: str, now: datetime) -> Run:
        """Give the run of this name, or the only one whose name, or digits, begin so.

        Parameters
        ----------
        text : str
            A name, or as much of it as is clear, as ``landrun-3f5d8f02`` or ``3f5d8f02``.
        now : datetime
            The present, with its time zone.

        Raises
        ------
        ConfigurationError
            When there is none, or more than one: names them.
        ServiceError
            When DynamoDB does not answer, or has no such table.
        """
        whole = self.get(text) if is_run_name(text) else None
        if whole:
            return whole
        # A whole name is the beginning of no other: that spares reading the ledger to its end.
        begins = text and not _WHOLE.search(text)
        found = list(islice(self._beginning(text, now), MOST_NAMED)) if begins else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise ConfigurationError(
                f"no run in the ledger is called {shown(text)}: landrun runs lists them"
            )
        names = ", ".join(run.name for run in found)
        more = " and more" if len(found) == MOST_NAMED else ""
        raise ConfigurationError(f"{shown(text)} may be {names}{more}: write more of the name")

    def _beginning(self, text: str, now: datetime) -> Iterator[Run]:
        for run in self.newest(now, only=Only(named=text)):
            if run.name.startswith(text) or run.name.rpartition("-")[2].startswith(text):
                yield run

    def newest(
        self,
        now: datetime,
        page_size: int = 100,
        quiet_months: int = QUIET_MONTHS,
        *,
        since: datetime | None = None,
        only: Only = Only(),
    ) -> Iterator[Run]:
        """Give the runs from the newest to the oldest, reading a page at a time.

        Parameters
        ----------
        now : datetime
            The present, with its time zone.
        page_size : int
            Rows asked for at a time; where ``only`` leaves some out, a page is whole megabytes.
        quiet_months : int
            Months without any run after which to look no further back.
        since : datetime, optional
            When the oldest run to give started, aware.
        only : Only
            Which runs to give.

        Raises
        ------
        ServiceError
            When DynamoDB does not answer, or has no such table.
        """
        quiet = 0
        oldest = _spelled(since) if since else ""
        for month in _months_back(now + timedelta(days=1)):
            if month < oldest[:7]:
                return
            there = False
            for page in self._pages(month, page_size, oldest, only):
                there |= page["ScannedCount"] > 0
                yield from map(run_of, page["Items"])
            quiet = 0 if there else quiet + 1
            if quiet >= quiet_months:
                return

    def _pages(
        self, month: str, page_size: int, oldest: str, only: Only
    ) -> Iterator[QueryOutputTypeDef]:
        asked = _asked(month, page_size, oldest, only)
        position: dict[str, Any] = {}
        while True:
            with translated("dynamodb:Query"):
                page = self._client.query(TableName=self._table, **asked, **position)
            yield page
            if not page.get("LastEvaluatedKey"):
                return
            position = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _asked(month: str, page_size: int, oldest: str, only: Only) -> dict[str, Any]:
    """Ask for the runs of a month, newest first."""
    condition, names, values = only.asked()
    names, values = names | {"#month": "month"}, values | {":month": month}
    keys = "#month = :month"
    if oldest:
        keys, values = f"{keys} AND started_at >= :oldest", values | {":oldest": oldest}
    return {
        "IndexName": "by-month",
        "KeyConditionExpression": keys,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: {"S": text} for name, text in values.items()},
        "ScanIndexForward": False,
        # What is left out counts for a Limit: of a filter's pages DynamoDB decides the size.
        **({"FilterExpression": condition} if condition else {"Limit": page_size}),
    }


def _spelled(time: datetime) -> str:
    """Spell a time as ``started_at`` has it."""
    utc = time.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def _months_back(newest: datetime) -> Iterator[str]:
    day = newest.astimezone(UTC)
    while True:
        yield f"{day:%Y-%m}"
        if day.year == 1 and day.month == 1:
            return
        day = day.replace(day=1) - timedelta(days=1)
