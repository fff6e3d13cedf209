"""The door to the ledger for people: runs, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from landrun.clients import translated
from landrun.outside import one_line

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

UNFINISHED = frozenset({"RUNNING", "PENDING_REDRIVE"})
"""Statuses after which more will come (Step Functions, DescribeExecution)."""

COUNTABLE = 10**15
"""More rows than any job can have read."""

QUIET_MONTHS = 24
"""Months without any run after which the ledger is taken to have ended."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the ledger.

    Attributes
    ----------
    attributes : Mapping[str, Any]
        The row as JSON would hold it; an absent attribute is not known (yet).
    """

    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The run's name, which is also its execution's."""
        return str(self.attributes["name"])

    @property
    def status(self) -> str:
        """The execution's status, as Step Functions writes it."""
        return str(self.attributes.get("status", ""))

    @property
    def finished(self) -> bool:
        """Whether the status is a last one."""
        return bool(self.status) and self.status not in UNFINISHED

    @property
    def succeeded(self) -> bool:
        """Whether the run ended well."""
        return self.status == "SUCCEEDED"

    @property
    def trigger(self) -> Mapping[str, Any]:
        """What started the run: the contract's ``Trigger``, or whatever object stands for it."""
        return _mapping(self.attributes.get("trigger"))

    @property
    def output_uri(self) -> str:
        """Where the output lies in S3, or an empty text."""
        return str(self.attributes.get("output_processed_message", ""))

    @property
    def seconds(self) -> float | None:
        """How long the run took."""
        seconds = self.attributes.get("duration_seconds")
        return seconds if isinstance(seconds, (int, float)) else None

    @property
    def cause(self) -> str:
        """Why the run failed, in the words nearest to the reason, as one line; or empty."""
        known = (self.attributes.get(name) for name in ("exit_message", "cause", "error"))
        return one_line(str(next(filter(None, known), "")))

    def rows(self, count: str) -> int | None:
        """Give one count of the job's summary: ``rows_in``, ``rows_out``, ``duplicates``, ….

        None where the summary, which is the job's own, has no such number.
        """
        number = _mapping(self.attributes.get("summary")).get(count)
        return number if isinstance(number, int) and abs(number) < COUNTABLE else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


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

    def newest(
        self, now: datetime, page_size: int = 100, quiet_months: int = QUIET_MONTHS
    ) -> Iterator[Run]:
        """Give the runs from the newest to the oldest, reading a page at a time.

        Parameters
        ----------
        now : datetime
            The present, with its time zone.
        page_size : int
            Rows asked for at a time.
        quiet_months : int
            Months without any run after which to look no further back.

        Raises
        ------
        ServiceError
            When DynamoDB does not answer, or has no such table.
        """
        quiet = 0
        for month in _months_back(now + timedelta(days=1)):
            found = 0
            for found, run in enumerate(self._month(month, page_size), start=1):  # noqa: B007
                yield run
            quiet = 0 if found else quiet + 1
            if quiet >= quiet_months:
                return

    def _month(self, month: str, page_size: int) -> Iterator[Run]:
        position: dict[str, Any] = {}
        while True:
            page = self._page(month, page_size, position)
            yield from map(_run, page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            position = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _page(self, month: str, page_size: int, position: dict[str, Any]) -> QueryOutputTypeDef:
        with translated("dynamodb:Query"):
            return self._client.query(
                TableName=self._table,
                IndexName="by-month",
                KeyConditionExpression="#month = :month",
                ExpressionAttributeNames={"#month": "month"},
                ExpressionAttributeValues={":month": {"S": month}},
                ScanIndexForward=False,
                Limit=page_size,
                **position,
            )


def _months_back(newest: datetime) -> Iterator[str]:
    day = newest.astimezone(UTC)
    while True:
        yield f"{day:%Y-%m}"
        day = day.replace(day=1) - timedelta(days=1)


def _run(item: Mapping[str, Any]) -> Run:
    read = TypeDeserializer()
    return Run({name: _plain(read.deserialize(value)) for name, value in item.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
