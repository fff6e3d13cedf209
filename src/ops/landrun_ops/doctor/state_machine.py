"""The state machine: that it is there, that its definition fits, and what its executions need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from landrun_ops.doctor import customer_state_machine as customer
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import RESTORE, Finding, fail, listed, ok, skip, warn
from landrun_ops.workflow.definition_file import PREFIX, TOKEN, parse

ASL: Final = Path("src", "statemachine", "processing.asl.yaml")
NEWEST_RUNS: Final = 100
"""How many of the newest runs are looked at."""


def machine(aws: StackReader) -> Finding:
    """The state machine exists, is active, and is of the type STANDARD."""
    arn = aws.output("StateMachineArn")
    missing = "StateMachineDoesNotExist"
    found = aws.find("states:DescribeStateMachine", missing, stateMachineArn=arn)
    if found is None:
        return fail("there is no such state machine: no run can start", RESTORE)
    return judge_machine(found)


def judge_machine(found: Mapping[str, Any]) -> Finding:
    """Judge whether runs can start a state machine, DescribeStateMachine's response."""
    name, kind = found["name"], found.get("type", "STANDARD")
    if found["status"] != "ACTIVE":
        return fail(f"{name} is {found['status']}", "sam deploy with another StateMachineArn")
    if kind != "STANDARD":
        return fail(
            f"{name} is {kind}: executions have no names there, and a run would run twice",
            "sam deploy with a StateMachineArn of the type STANDARD",
        )
    return ok(f"{name} is active")


def definition(aws: StackReader) -> Finding:
    """The definition is the project's, with values in the places of its tokens."""
    file = aws.project / ASL if aws.project else None
    if file is None or not file.is_file():
        return skip("no project folder here to compare the definition with")
    project = parse(file.read_text(encoding="utf-8"))
    found = [*differences(project, aws.definition())]
    if found:
        return fail(
            f"its definition is not the project's: {listed(found)}",
            f"if another version was deployed, sam build && sam deploy; otherwise {RESTORE}",
        )
    return ok()


def differences(rendered: Any, deployed: Any, where: str = "") -> Iterator[str]:
    """Yield where two definitions differ, except where a token ``${Name}`` was replaced.

    >>> list(differences({"a": "x ${B}", "c": [1], "${D}": 3}, {"a": "x y", "c": [2], "D": 4}))
    ['c[0]']
    """
    if isinstance(rendered, str) and TOKEN.search(rendered):
        return
    if isinstance(rendered, list) and isinstance(deployed, list) and len(rendered) == len(deployed):
        for index, pair in enumerate(zip(rendered, deployed, strict=True)):
            yield from differences(*pair, f"{where}[{index}]")
    elif isinstance(rendered, dict) and isinstance(deployed, dict):
        fields = {name for name in rendered if not TOKEN.fullmatch(name)}
        optional = {name[2:-1].removeprefix(PREFIX) for name in rendered.keys() - fields}
        for name in sorted((fields | deployed.keys()) - optional):
            path = f"{where}.{name}" if where else name
            yield from differences(rendered.get(name), deployed.get(name), path)
    elif rendered != deployed:
        yield where


def given_definition(aws: StackReader, judge: Callable[[Any], Finding]) -> Finding:
    """The definition of StateMachineArn fits what landrun starts it with."""
    return judge(aws.definition())


def input_message(aws: StackReader) -> Finding:
    """The job reads InputMessage as what InputMessageFormat passes in it."""
    return customer.judge_input_format(aws.definition(), aws.stack.input_message_format)


def passes_uris(parameters: Mapping[str, str]) -> bool:
    """Return True if runs read an S3Prefix, which other keys may begin with as well."""
    return parameters.get("InputMessageFormat") == "uri"


def prefixes(aws: StackReader) -> Finding:
    """No run read other keys that begin as its own."""
    runs = list(islice(aws.stack.ledger().newest(aws.now), NEWEST_RUNS))
    matched = [run for run in runs if run.input_also_matches]
    if not matched:
        return ok(f"none of the last {len(runs)} runs read other keys that begin as its own")
    newest = matched[0]
    return warn(
        f"{len(matched)} of the last {len(runs)} runs also read keys that begin as their own:"
        f" {newest.name} also read {listed(list(newest.input_also_matches))}",
        "let no key begin with another one, or let the machine read a ManifestFile with"
        " InputMessageFormat=manifest",
    )
