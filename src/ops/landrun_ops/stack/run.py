"""One row of the ledger, as people read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from landrun.sanitize import one_line

_WORDS = ("exit_message", "cause", "error")

UNFINISHED = frozenset({"RUNNING", "PENDING_REDRIVE"})
"""Statuses after which more will come (Step Functions, DescribeExecution)."""

COUNTABLE = 10**15
"""More rows than any job can have read."""


_EXECUTION_NAME = re.compile(r"[\w.+!@()=`~-]{1,80}", re.ASCII)


def is_execution_name(text: str) -> bool:
    """Whether an execution can be called so: a notebook's have more than a run's 54 characters."""
    return _EXECUTION_NAME.fullmatch(text) is not None


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
        return mapping(self.attributes.get("trigger"))

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the job, or the sum of its hosts, says of itself; empty where nothing is known."""
        return mapping(self.attributes.get("summary"))

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
        """Why the run failed, in the words nearest to the reason, as one line; or empty.

        Of a run that was stopped, its jobs know nothing: who stopped it may have said why.
        """
        words = ("cause", "error") if self.status == "ABORTED" else _WORDS
        known = (self.attributes.get(name) for name in words)
        return one_line(str(next(filter(None, known), "")))

    @property
    def can_be_redriven(self) -> bool:
        """Return False if it succeeded, or if a redrive would ask for a job name that is taken."""
        names = (self.name, self.attributes.get("preprocessing_job_name"))
        takes_name_of_run = self.attributes.get("job_name", "") in names
        was_taken = "ResourceInUse" in str(self.attributes.get("error"))
        return not (self.succeeded or takes_name_of_run or was_taken)

    @property
    def rerun_of(self) -> str:
        """The name of the run that this one repeats, or an empty text."""
        return str(self.attributes.get("rerun_of", ""))

    @property
    def also_matched(self) -> tuple[str, ...]:
        """Other keys, three at most, that begin as the key that landed: its job reads them too."""
        keys = self.attributes.get("input_also_matches")
        return tuple(one_line(str(key)) for key in keys) if isinstance(keys, list) else ()

    def rows(self, count: str) -> int | None:
        """Give one count of the job's summary: ``rows_in``, ``rows_out``, ``duplicates``, ….

        None where the summary, which is the job's own, has no such number.
        """
        number = self.summary.get(count)
        return number if isinstance(number, int) and abs(number) < COUNTABLE else None


def mapping(value: object) -> Mapping[str, Any]:
    """Give an object; of what is none, an empty one."""
    return value if isinstance(value, Mapping) else {}


def run_of(item: Mapping[str, Any]) -> Run:
    """Read a run from DynamoDB's spelling of its row."""
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
