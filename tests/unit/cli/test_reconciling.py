"""`landrun reconcile`, and what `landrun local tick` says of a tick with several runs."""

from __future__ import annotations

import io
import json

import pytest

from landrun_ops import cli
from landrun_ops.cli.local import tick_lines
from landrun_ops.cli.target import Target
from landrun_ops.stack.stack import Stack

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0}


class Lambda:
    """Answers each invocation alike; ``heard`` are the payloads."""

    def __init__(self, answer, **more):
        self.heard = []
        self._answer, self._more = answer, more

    def invoke(self, FunctionName, Payload):  # noqa: N803
        self.heard.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._more}


@pytest.fixture
def answering(monkeypatch):
    """``answering(answer)``: the function that the command finds gives it."""

    def put(answer, **more):
        found = Lambda(answer, **more)

        def client(_, config):
            # As long as Lambda may take; a retry would be a second invocation.
            assert (config.read_timeout, config.retries) == (900, {"total_max_attempts": 1})
            return found

        stack = Stack("theirs", "eu", {"ReconcileFunction": "landrun-Reconcile"}, {}, client)
        monkeypatch.setattr(Target, "find", lambda _: stack)
        return found

    return put


def test_what_was_recovered_is_counted_and_the_function_is_invoked_once(
    answering, capsys, load_event
):
    found = answering({**NOTHING, "Statuses": 2, "Claims": 1})
    assert cli.run(["reconcile"]) == 0
    assert capsys.readouterr().out == "recovered: Statuses 2, Claims 1\n"
    assert found.heard == [("landrun-Reconcile", {})]
    found = answering(NOTHING)
    assert cli.run(["reconcile"]) == 0
    assert capsys.readouterr().out == "nothing was lost\n"
    assert cli.run(["reconcile", "--grace", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == NOTHING
    assert found.heard[1:] == [("landrun-Reconcile", load_event("reconcile-at-once"))]


def test_a_function_that_fails_is_one_line_and_exit_code_2(answering, capsys):
    failed = {"errorType": "NotReconciled", "errorMessage": "states:ListExecutions"}
    answering(failed, FunctionError="Unhandled")
    assert cli.run(["reconcile"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "ReconcileFunction failed: NotReconciled: states:ListExecutions" in line


def test_a_tick_with_several_runs_is_a_line_each():
    runs = [{"PreprocessingJobName": f"run-{n}", "ExecutionArn": "", "Objects": n} for n in (2, 1)]
    assert tick_lines({**runs[0], "Objects": 3, "Runs": runs}) == [
        "run-2 over 2 objects",
        "run-1 over 1 object",
    ]
    assert tick_lines(runs[0]) == ["run-2 over 2 objects"]
    assert tick_lines({"Objects": 0}) == [
        "no run: nothing waits, and nothing lies under ScheduledInput"
    ]
