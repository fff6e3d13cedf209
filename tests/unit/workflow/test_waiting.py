from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from landrun.models.run import ExecutionInput, ManualTrigger
from landrun_ops.cli.waiting import follow

RUN = ExecutionInput(
    PreprocessingJobName="bsm-1",
    InputMessage="s3://output/manifests/bsm-1.json",
    OutputProcessedMessage="s3://output/processed/",
    Trigger=ManualTrigger(StartedBy="me"),
).to_dict()


class FakeExecution:
    """As the SDK's Execution; interrupted while it waits, where told so."""

    execution_arn = "arn:aws:states:eu-central-1:123456789012:execution:m:bsm-1"

    def __init__(self, *, interrupted: bool = False, **answer: Any) -> None:
        self._interrupted = interrupted
        self._answer = {"startDate": datetime(2026, 11, 22, 3, 0, tzinfo=UTC)} | answer

    def get_output(self, wait: bool = False) -> Any:
        if self._interrupted:
            raise KeyboardInterrupt

    def describe(self) -> dict[str, Any]:
        return self._answer


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_run_that_ended_badly_is_exit_code_1_and_says_why(
    status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    execution = FakeExecution(
        status=status,
        error="States.TaskFailed",
        cause='{"ExitMessage": "no text column"}',
        stopDate=datetime(2026, 11, 22, 3, 1, tzinfo=UTC),
    )

    assert follow(execution, RUN, wait=True, json=False) == 1

    ending = capsys.readouterr().out.splitlines()[-1]
    assert ending == f"{status} after 60 s: States.TaskFailed: no text column"


def test_a_run_that_goes_on_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(FakeExecution(status="RUNNING"), RUN, wait=False, json=False) == 0

    assert capsys.readouterr().out == "started bsm-1, reading s3://output/manifests/bsm-1.json\n"


def test_ctrl_c_ends_the_waiting_and_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    execution = FakeExecution(status="RUNNING", interrupted=True)

    assert follow(execution, RUN, wait=True, json=False) == 130

    assert execution.execution_arn in capsys.readouterr().err
