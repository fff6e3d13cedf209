"""The door to the ledger for people: runs, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from landrun.adapters.clients import translated
from landrun.adapters.dynamodb_items import from_item
from landrun.adapters.runs_table import INDEX as BY_UNFINISHED
from landrun.errors import ConfigurationError
from landrun.models.run_record import EXECUTION_RUNNING, RunRecord
from landrun.sanitize import shown
from landrun_ops.stack.run_filter import ANY, Looking, Only

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

QUIET_MONTHS = 24
"""Months without any run after which the ledger is taken to have ended."""

_WHOLE = re.compile(r"-[0-9a-f]{32}$")
# For a second run of so many digits the ledger is not read: one in four billion has the same.
_CLEAR = re.compile(r"(^|-)[0-9a-f]{8,}$")

_EXECUTION_NAME = re.compile(r"[\w.+!@()=`~-]{1,80}", re.ASCII)

MOST_NAMED = 6
"""Runs that are named to somebody who has to write more of a name."""


def is_execution_name(text: str) -> bool:
    """Whether an execution can be called so: a notebook's have more than a run's 54 characters."""
    return _EXECUTION_NAME.fullmatch(text) is not None


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

    def get(self, name: str) -> RunRecord | None:
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
        return from_item(found["Item"]) if "Item" in found else None

    def named(self, text: str, now: datetime) -> RunRecord:
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
            When there is none among the newest `LOOKED_AT`, or more than one: names them.
        ServiceError
            When DynamoDB does not answer, or has no such table.
        """
        whole = self.get(text) if is_execution_name(text) else None
        if whole:
            return whole
        looking = Looking()
        # A whole name is the beginning of no other: that spares reading the ledger.
        begins = text and not _WHOLE.search(text)
        found = list(islice(self._beginning(text, now, looking), MOST_NAMED)) if begins else []
        if len(found) == 1:
            return found[0]
        if not found and looking.back_to:
            raise ConfigurationError(
                f"no run since {looking.back_to} is called {shown(text)}: write the whole name to"
                " find an older one"
            )
        if not found:
            raise ConfigurationError(
                f"no run in the ledger is called {shown(text)}: landrun runs lists them"
            )
        names = ", ".join(run.name for run in found)
        more = " and more" if len(found) == MOST_NAMED else ""
        raise ConfigurationError(f"{shown(text)} may be {names}{more}: write more of the name")

    def _beginning(self, text: str, now: datetime, looking: Looking) -> Iterator[RunRecord]:
        for run in self.newest(now, only=Only(named=text), looking=looking):
            if run.name.startswith(text) or run.name.rpartition("-")[2].startswith(text):
                if _CLEAR.search(text):
                    looking.left = 0  # no further than the page that is there
                yield run

    def newest(
        self,
        now: datetime,
        page_size: int = 100,
        quiet_months: int = QUIET_MONTHS,
        *,
        since: datetime | None = None,
        only: Only = ANY,
        looking: Looking | None = None,
    ) -> Iterator[RunRecord]:
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
        looking : Looking, optional
            How many rows to look at; any number when left out. Says afterwards where it stopped.

        Raises
        ------
        ServiceError
            When DynamoDB does not answer, or has no such table.
        """
        quiet = 0
        oldest = _spelled(since) if since else ""
        if only.runs_on:
            for page in self._pages(_unfinished(page_size, oldest, only)):
                yield from map(from_item, page["Items"])
            return
        for month in _months_back(now + timedelta(days=1)):
            if month < oldest[:7]:
                return
            there = False
            for page in self._pages(_of_month(month, page_size, oldest, only)):
                there |= page["ScannedCount"] > 0
                yield from map(from_item, page["Items"])
                if looking and looking.stops(month, page):
                    return
            quiet = 0 if there else quiet + 1
            if quiet >= quiet_months:
                return

    def _pages(self, asked: dict[str, Any]) -> Iterator[QueryOutputTypeDef]:
        position: dict[str, Any] = {}
        while True:
            with translated("dynamodb:Query"):
                page = self._client.query(TableName=self._table, **asked, **position)
            yield page
            if not page.get("LastEvaluatedKey"):
                return
            position = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _of_month(month: str, page_size: int, oldest: str, only: Only) -> dict[str, Any]:
    """Ask for the runs of a month, newest first."""
    return {"IndexName": "by-month", **_asked("month", month, page_size, oldest, only)}


def _unfinished(page_size: int, oldest: str, only: Only) -> dict[str, Any]:
    """Ask for the runs that have not ended, newest first: as many rows as there are of them."""
    return {
        "IndexName": BY_UNFINISHED,
        **_asked("unfinished", EXECUTION_RUNNING, page_size, oldest, only),
    }


def _asked(key: str, value: str, page_size: int, oldest: str, only: Only) -> dict[str, Any]:
    condition, names, values = only.asked()
    names, values = names | {f"#{key}": key}, values | {f":{key}": value}
    keys = f"#{key} = :{key}"
    if oldest:
        keys, values = f"{keys} AND started_at >= :oldest", values | {":oldest": oldest}
    return {
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
