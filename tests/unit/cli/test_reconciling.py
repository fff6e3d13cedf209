"""`landrun reconcile`, and what `landrun local tick` says of a tick with several runs."""

from __future__ import annotations

import io
import json
from unittest.mock import Mock

import pytest

from landrun_ops import cli
from landrun_ops.cli.local import tick_lines
from landrun_ops.cli.target import Target
from landrun_ops.stack.stack import Stack

NOTHING = {"Statuses": 0, "Executions": 0, "Claims": 0}


@pytest.fixture
def function(monkeypatch):
    """The invocation of the stack's function, which answers with ``function.answer``."""

    def invoke(**_):
        return {"Payload": io.BytesIO(json.dumps(found.answer).encode()), **found.failed}

    found = Mock(side_effect=invoke, answer=NOTHING, failed={})

    def client(_, config):
        # As long as Lambda may take; a retry would be a second invocation.
        assert (config.read_timeout, config.retries) == (900, {"total_max_attempts": 1})
        return Mock(invoke=found)

    stack = Stack("theirs", "eu", {"ReconcileFunction": "landrun-Reconcile"}, {}, client)
    monkeypatch.setattr(Target, "find", lambda _: stack)
    return found


def test_reconcile_invokes_the_function_once_and_counts_what_it_recovered(
    function, capsys, load_event
):
    function.answer = {**NOTHING, "Statuses": 2, "Claims": 1}
    assert cli.run(["reconcile"]) == 0
    assert capsys.readouterr().out == "recovered: Statuses 2, Claims 1\n"
    function.assert_called_once_with(FunctionName="landrun-Reconcile", Payload="{}")
    function.answer = NOTHING
    assert cli.run(["reconcile"]) == 0
    assert capsys.readouterr().out == "nothing was lost\n"
    assert cli.run(["reconcile", "--grace", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == NOTHING
    assert json.loads(function.call_args.kwargs["Payload"]) == load_event("reconcile-at-once")


def test_a_function_that_fails_is_one_line_and_exit_code_2(function, capsys):
    function.answer = {"errorType": "NotReconciled", "errorMessage": "states:ListExecutions"}
    function.failed = {"FunctionError": "Unhandled"}
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
