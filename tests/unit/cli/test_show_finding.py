"""A run is found before the ledger knows it, and looked at even where not all may be seen."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from landrun.errors import ConfigurationError, ServiceError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.stack import run_details
from landrun_ops.stack.run_details import find, gather
from records import record

NAME = "landrun-50f0421ea8585c9eb9688415b36b93f2"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
ARN = f"arn:aws:states:us-east-1:123456789012:execution:m:{NAME}"
NOW = datetime(2026, 11, 22, 3, 0, 9, tzinfo=UTC)
DESCRIBED = {
    "executionArn": ARN,
    "stateMachineArn": MACHINE,
    "name": NAME,
    "status": "RUNNING",
    "startDate": datetime(2026, 11, 22, 3, tzinfo=UTC),
    "input": '{"InputMessage": "s3://out/manifests/m.json", "Trigger": {"Kind": "manual"}}',
}


class Ledger:
    def __init__(self, rows: dict[str, RunRecord]) -> None:
        self.rows = rows

    def named(self, text: str, _now: datetime) -> RunRecord:
        if text not in self.rows:
            raise ConfigurationError("no run is called so")
        return self.rows[text]


class Executions:
    def __init__(self, described: dict[str, Any] | None) -> None:
        self.described = described

    def arn(self, name: str) -> str:
        return f"{ARN.rpartition(':')[0]}:{name}"

    def find(self, arn: str) -> dict[str, Any] | None:
        return self.described if arn == ARN else None


def _stack(rows: dict[str, RunRecord], described: dict[str, Any] | None = None) -> Any:
    return SimpleNamespace(ledger=lambda: Ledger(rows), executions=lambda: Executions(described))


def test_a_run_on_record_is_taken_from_the_ledger() -> None:
    run = record({"name": NAME})
    assert find(_stack({NAME: run}), NAME, NOW) == (run, True)


def test_a_run_that_has_just_started_is_taken_from_its_execution() -> None:
    run, recorded = find(_stack({}, DESCRIBED), NAME, NOW)
    assert (run.name, run.status, recorded) == (NAME, "RUNNING", False)
    assert run.input_message == "s3://out/manifests/m.json"


@pytest.mark.parametrize("text", ["landrun-0", "not a name", ""])
def test_what_neither_knows_is_no_run(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no run is called so"):
        find(_stack({}, DESCRIBED), text, NOW)


def test_what_may_not_be_seen_is_said_and_the_rest_is_shown() -> None:
    class Refusing:
        def __getattr__(self, operation: str) -> Any:
            def refuse(*_: Any, **__: Any) -> Any:
                raise ServiceError(operation, "AccessDenied", "not allowed")

            return refuse

    refusing = Refusing()
    row = {
        "name": NAME,
        "status": "RUNNING",
        "execution_arn": ARN,
        "started_at": "2026-11-22T03:00:00.000Z",
        "input_message": "s3://out/manifests/m.json",
        "output_processed_message": "s3://out/processed/m/",
    }
    stack: Any = SimpleNamespace(
        client=lambda _: refusing,
        ledger=lambda: refusing,
        manifests_folder=S3Uri("out", "manifests/"),
        laptop=False,
        name="s",
    )
    found = gather(stack, record(row), NOW)
    unseen = [line.partition(":")[0] for line in found.not_seen]
    assert unseen == [
        f"could not see its {what}" for what in ("attempts", "input", "output", "reruns")
    ]
    assert (found.events, found.given, found.outputs, found.doing) == (None, None, [], "")
    assert set(found.links) == {"execution", "output"}


@pytest.mark.parametrize(("summary", "named"), [({}, True), ({"rows_in": 1}, False)])
def test_a_summary_that_the_row_has_not_is_among_the_outputs(
    summary: dict[str, int], named: bool
) -> None:
    keys = [f"p/part-{n}.parquet" for n in range(9)] + ["p/summary.json"]

    class S3:
        def get_paginator(self, _: str) -> S3:
            return self

        def paginate(self, *, Prefix: str, **_: Any) -> Any:  # noqa: N803
            found = [{"Key": key, "Size": 1} for key in keys if key.startswith(Prefix)]
            yield {"Contents": found}

    row = {"name": NAME, "status": "SUCCEEDED", "output_processed_message": "s3://b/p/"}
    outputs = run_details._outputs(record(row | {"summary": summary}), S3())
    assert ("p/summary.json" in [one.key for one in outputs]) is named
    assert len(outputs) == run_details.LISTED + named
