"""`landrun reconcile`, and what `landrun local tick` says of a tick with several runs."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from landrun_ops import cli
from landrun_ops.cli.local import tick_lines
from landrun_ops.cli.target import Target
from landrun_ops.stack.stack import Stack

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0}


class Lambda:
    """Answers each invocation alike; ``heard`` are the payloads."""

    def __init__(self, answer: Any, **more: Any) -> None:
        self.heard: list[Any] = []
        self._answer, self._more = answer, more

    def configured(self, config: Any) -> Lambda:
        self.config = config
        return self

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        self.heard.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._more}


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``answering(answer)``: the function that the command finds gives it."""

    def put(answer: Any, **more: Any) -> Lambda:
        found = Lambda(answer, **more)
        outputs = {"ReconcileFunction": "landrun-Reconcile"}
        client = lambda _, config: found.configured(config)  # noqa: E731
        stack = Stack("theirs", "eu", outputs, {}, client=client)
        monkeypatch.setattr(Target, "find", lambda _: stack)
        return found

    return put


def test_what_was_recovered_is_counted_and_the_function_is_invoked_once(
    answering: Any, capsys: pytest.CaptureFixture[str], load_event: Any
) -> None:
    found = answering({**NOTHING, "Statuses": 2, "Claims": 1})
    assert cli.run(["reconcile"]) == 0
    assert capsys.readouterr().out == "recovered: Statuses 2, Claims 1\n"
    assert found.heard == [("landrun-Reconcile", {})]
    # As long as Lambda may take; a retry would be a second invocation.
    assert (found.config.read_timeout, found.config.retries) == (900, {"total_max_attempts": 1})

    found = answering(NOTHING)
    assert cli.run(["reconcile"]) == 0
    assert capsys.readouterr().out == "nothing was lost\n"
    assert cli.run(["reconcile", "--grace", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == NOTHING
    assert found.heard[1:] == [("landrun-Reconcile", load_event("reconcile-at-once"))]


def test_a_function_that_fails_is_one_line_and_exit_code_2(
    answering: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(
        {"errorType": "NotReconciled", "errorMessage": "states:ListExecutions"},
        FunctionError="Unhandled",
    )
    assert cli.run(["reconcile"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "ReconcileFunction failed: NotReconciled: states:ListExecutions" in line
    assert "call it again" in line


def test_a_tick_with_several_runs_is_a_line_each() -> None:
    runs = [{"PreprocessingJobName": f"run-{n}", "ExecutionArn": "", "Objects": n} for n in (2, 1)]
    assert tick_lines({**runs[0], "Objects": 3, "Runs": runs}) == [
        "run-2 over 2 objects",
        "run-1 over 1 object",
    ]
    assert tick_lines(runs[0]) == ["run-2 over 2 objects"]
    assert tick_lines({"Objects": 0}) == [
        "no run: nothing waits, and nothing lies under ScheduledInput"
    ]
