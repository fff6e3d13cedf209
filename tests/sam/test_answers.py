"""What passes for an answer of a function, and what each payload is to come to."""

from __future__ import annotations

from typing import Any

import pytest

from landrun_ops.cli.local import SAM_FUNCTIONS, sam_variables
from landrun_ops.stack import clients

from . import expected
from .checks import Checks
from .invoke import answered
from .steps import Failure, Steps

NAMES = sorted(path.stem for path in expected.EVENTS.glob("*.json"))


def test_every_payload_has_an_expectation_and_every_expectation_a_payload() -> None:
    known = (expected.LANDED, expected.RECORDED, expected.TICKS, expected.SWEEPS, expected.ASKED)
    listed = [name for names in known for name in names]
    assert sorted(listed) == NAMES


@pytest.mark.parametrize("name", expected.LANDED)
def test_a_payload_has_as_many_runs_as_is_written_down(name: str) -> None:
    assert len(expected.runs(name, "sam")) == expected.LANDED[name].runs


def test_a_tick_has_the_same_run_however_its_schedule_tells_of_it() -> None:
    told = {name: expected.tick_run(name, "sam") for name in ("schedule-tick", "schedule-classic")}
    assert expected.tick_run("schedule-default-input", "sam") == told["schedule-tick"]
    assert told["schedule-classic"] != told["schedule-tick"]


@pytest.mark.parametrize("stdout", ["", "\n", "Traceback", '{"half":'])
def test_no_answer_is_a_failure_though_sam_exits_with_0(stdout: str) -> None:
    with pytest.raises(Failure, match="last words"):
        answered(stdout, "first\nlast words")


def test_an_answer_is_what_the_function_returned() -> None:
    assert answered('\n{"batchItemFailures": []}\n') == {"batchItemFailures": []}


class Nothing:
    """A laptop on which nothing ever happens."""

    def executions(self) -> set[str]:
        return set()

    def dead_letters(self, queue: str) -> int:
        return 0

    def row(self, name: str) -> dict[str, Any]:
        return {"status": "of another run"}

    def forget(self, name: str) -> None:
        pass

    def told(self, name: str) -> int:
        return 0

    def waiting(self) -> set[tuple[str, str]]:
        return set()


def failed(name: str, answer: Any, *, collects: bool = False) -> list[str]:
    steps = Steps(write=lambda _line: None)
    laptop: Any = Nothing()
    checks = Checks(laptop, lambda _function, _payload: answer, steps, collects=collects)
    checks.all([name])
    return steps.failed


@pytest.mark.parametrize("name", NAMES)
def test_an_error_of_the_function_fails_every_payload(name: str) -> None:
    [why] = failed(name, {"errorType": "Runtime.ImportModuleError", "errorMessage": "no module"})
    assert "ImportModuleError" in why


DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("object-created", "runs not started"),
        ("object-created-malformed", "new dead letters"),
        ("execution-succeeded", "status and redrives in the row"),
        ("execution-malformed", "new dead letters"),
    ],
)
def test_a_fine_answer_is_not_enough_when_nothing_happened(name: str, why: str) -> None:
    [said] = failed(name, DONE)
    assert why in said


def test_a_landing_that_does_not_wait_is_seen_while_landings_collect() -> None:
    [said] = failed("object-created", DONE, collects=True)
    assert "landings that do not wait" in said


def test_a_message_that_is_to_come_again_is_a_failure() -> None:
    [said] = failed("object-deleted", {"batchItemFailures": [{"itemIdentifier": "1"}]})
    assert "the answer" in said


def test_an_event_that_must_be_refused_is_not_to_be_taken() -> None:
    [said] = failed("schedule-unfilled", {"Objects": 0})
    assert "expected InvalidEvent" in said


def test_sam_gets_text_alone_as_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    class Moto:
        def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
            return {
                "Environment": {"Variables": {"MAX_OBJECTS_PER_RUN": 10000, "OF": FunctionName}}
            }

    monkeypatch.setattr(clients, "Clients", lambda **_: lambda _: Moto())
    names = dict.fromkeys(SAM_FUNCTIONS.values(), "f")
    variables = sam_variables({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", **names})
    due = {
        "MAX_OBJECTS_PER_RUN": "10000",
        "OF": "f",
        "AWS_ENDPOINT_URL": "http://host.docker.internal:4566",
    }
    assert variables == dict.fromkeys(SAM_FUNCTIONS, due)
