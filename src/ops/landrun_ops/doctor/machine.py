"""The state machine: there, of the right kind, and as it was rendered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor import given_machine
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.definitions import differences, expected, unlike
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import PUT_BACK, Finding, fail, listed, ok, skip
from landrun_ops.workflow.definition_file import parse

AREA: Final = "state machine"
ASL: Final = Path("src", "statemachine", "processing.asl.yaml")
_REDEPLOY: Final = f"if another version was deployed, sam build && sam deploy; else {PUT_BACK}"


def judge_machine(machine: Mapping[str, Any]) -> Finding:
    """Judge a state machine; ``machine`` is DescribeStateMachine's answer."""
    name = machine["name"]
    if machine["status"] != "ACTIVE":
        return fail(
            f"{name} is {machine['status']}",
            "name a machine that is active, or none: StateMachineArn",
        )
    if machine.get("type", "STANDARD") != "STANDARD":
        return fail(
            f"{name} is {machine['type']}: such machines know no names, and a run would run twice",
            "name a machine of the type STANDARD",
        )
    return ok(f"{name} is active")


def judge_definition(
    rendered: str, deployed: str, parameters: Mapping[str, str], outputs: Mapping[str, str]
) -> Finding:
    """Compare a machine's definition with the rendered one and the stack's parameters.

    Parameters
    ----------
    rendered : str
        What ``landrun workflow render`` writes.
    deployed : str
        DescribeStateMachine's ``definition``.
    """
    values: dict[str, Any] = {}
    found = [*differences(parse(rendered), json.loads(deployed), values)]
    if found:
        return fail(f"its definition is not the rendered one: {listed(found)}", _REDEPLOY)
    others = [
        problem
        for name, wanted in expected(parameters, outputs).items()
        if name in values
        for problem in unlike(name, values[name], wanted)
    ]
    if others:
        return fail(f"its definition has other values: {'; '.join(others[:2])}", _REDEPLOY)
    return ok("its definition is the rendered one, with the stack's parameters")


def checks(sight: Sight, rendered: Callable[[], str]) -> list[Check]:
    """Give the checks of the state machine.

    Parameters
    ----------
    rendered : Callable
        Gives the definition as rendered.
    """
    parameters, outputs = sight.stack.parameters, sight.stack.outputs
    input_format = sight.stack.input_message_format

    def machine() -> Finding:
        try:
            return judge_machine(described(sight))
        except ServiceError as error:
            if error.code != "StateMachineDoesNotExist":
                raise
            return fail("the state machine is gone: no run can start", PUT_BACK)

    def prefixes() -> Finding:
        runs = sight.stack.ledger().newest(datetime.now(UTC))
        return given_machine.judge_prefixes(list(islice(runs, given_machine.RUNS)))

    def check(name: str, judge: Callable[[str], Finding]) -> Check:
        return Check(AREA, name, lambda: _of_definition(sight, judge))

    if parameters.get("StateMachineArn"):
        judges = given_machine.judges(input_format)
    else:
        judges = {
            "definition": lambda text: judge_definition(rendered(), text, parameters, outputs)
        }
    found = [Check(AREA, "machine", machine), *(check(*one) for one in judges.items())]
    return [*found, Check(AREA, "prefixes", prefixes)] if input_format == "uri" else found


def _of_definition(sight: Sight, judge: Callable[[str], Finding]) -> Finding:
    try:
        return judge(described(sight)["definition"])
    except ServiceError as error:
        if error.code != "StateMachineDoesNotExist":
            raise
        return skip("there is none")


def described(sight: Sight) -> dict[str, Any]:
    """Describe the stack's state machine."""
    arn = sight.stack.output("StateMachineArn")
    return sight.ask("states:DescribeStateMachine", stateMachineArn=arn)


def of_project(project: Path | None) -> str:
    """Give the definition as rendered: the project's file or, without a project, rendered now.

    The file is what was deployed, and a test holds that it is what the workflow renders; rendering
    takes the SDK's seconds.
    """
    if project and (project / ASL).is_file():
        return (project / ASL).read_text(encoding="utf-8")
    from landrun_ops.workflow import render  # noqa: PLC0415  (the SDK takes seconds)

    return render()
