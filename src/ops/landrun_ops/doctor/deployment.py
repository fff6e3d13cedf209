"""The stack as it was deployed: its state, its version, and parameters that cannot work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from landrun.errors import ConfigurationError, InvalidName
from landrun.models.run import ATTEMPT_SUFFIX_LENGTH, RUN_NAME_LIMIT, check_prefix
from landrun.models.s3_uri import KEY_LIMIT
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, fail, listed, ok, warn
from landrun_ops.stack.engines import variables, words

AREA: Final = "stack"
NEEDED: Final = (
    "LandingBucket",
    "LandingPrefix",
    "OutputBucket",
    "StartOn",
    "StateMachineArn",
    "RunsTable",
    "LandingsTable",
    "ConcurrencyTable",
    "LandingQueueUrl",
    "LandingDeadLetterQueueUrl",
    "ScheduleDeadLetterQueueUrl",
    "StatusQueueUrl",
    "StatusDeadLetterQueueUrl",
    "ObjectCreatedFunction",
    "ScheduleFunction",
    "ExecutionStatusFunction",
    "ReconcileFunction",
    "ScheduleArn",
    "LandingSuffix",
    "OutputPrefix",
    "ManifestPrefix",
    "JobNamePrefix",
    "LandingRule",
    "StatusRule",
    "ScheduleGroup",
    "FunctionLogs",
)
"""The outputs that this version's commands go by."""

WORD_LIMIT, WORDS_LIMIT = 256, 100
"""Characters of an argument or a variable, and how many of them there may be (SageMaker API,
AppSpecification and CreateProcessingJob)."""


def judge_status(name: str, status: str, events: Iterable[Mapping[str, Any]] = ()) -> Finding:
    """Judge a stack's status.

    Parameters
    ----------
    events : iterable of Mapping
        DescribeStackEvents' entries, newest first, to say why it is so.
    """
    if status.endswith("_IN_PROGRESS"):
        return warn(f"{status}: it is being changed right now", "wait for its end, and look again")
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return ok(status)
    says = f"{status}{_why(events)}"
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warn(f"{says}: what runs is the version before", "mend that, and sam deploy again")
    if status == "UPDATE_ROLLBACK_FAILED":
        remedy = f"mend that, then aws cloudformation continue-update-rollback --stack-name {name}"
        return fail(says, remedy)
    return fail(says, "mend that, sam delete what is left of it, and sam deploy again")


def _why(events: Iterable[Mapping[str, Any]]) -> str:
    """Give the first reason of the newest failure: those after it say that others gave up."""
    failed = []
    for event in events:
        if event["ResourceStatus"].endswith("_FAILED"):
            failed.append(event)
        elif failed and event.get("ResourceStatusReason") == "User Initiated":
            break
    if not failed:
        return ""
    first = failed[-1]
    return f" ({first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'no reason')})"


def judge_version(outputs: Mapping[str, str], needed: Sequence[str] = NEEDED) -> Finding:
    """Judge whether a stack has the outputs that this version's commands go by."""
    missing = [name for name in needed if name not in outputs]
    if not missing:
        return ok("has every output that this version's commands go by")
    return warn(
        f"deployed from another version: no output {listed(missing)}",
        "sam build && sam deploy from this version's folder; some commands and checks need it",
    )


def judge_names(parameters: Mapping[str, str]) -> list[Finding]:
    """Hold what the parameters make up against the limits of those who get it."""
    problems = [*_problems(parameters)]
    if problems:
        return problems
    prefix = parameters.get("JobNamePrefix", "")
    return [
        ok(
            f"jobs are called {prefix}-…: within SageMaker's 63 characters, and so are arguments,"
            " variables and URIs within their limits"
        )
    ]


def _problems(parameters: Mapping[str, str]) -> Iterator[Finding]:
    try:
        check_prefix(parameters.get("JobNamePrefix", "landrun"))
    except InvalidName as error:
        yield fail(f"JobNamePrefix: {error}", "sam deploy with a shorter JobNamePrefix")
    yield from _job_problems(parameters)
    for name in ("OutputPrefix", "ManifestPrefix"):
        room = KEY_LIMIT - RUN_NAME_LIMIT - ATTEMPT_SUFFIX_LENGTH - len(".landings.json") - 64
        if len(parameters.get(name, "").encode()) > room:
            yield fail(
                f"{name} leaves no room in a key for what runs write under it",
                f"sam deploy with a {name} of at most {room} bytes",
            )


def _job_problems(parameters: Mapping[str, str]) -> Iterator[Finding]:
    """Find what SageMaker refuses; deployments of before let it pass."""
    try:
        found = {
            name: words(name, parameters.get(name, ""))
            for name in ("JobEntrypoint", "JobArguments")
        }
        environment = variables(parameters.get("JobEnvironment", ""))
    except ConfigurationError as error:
        yield fail(str(error), "sam deploy with a value that is")
        return
    for name, texts in found.items():
        if len(texts) > WORDS_LIMIT or any(not 0 < len(text) <= WORD_LIMIT for text in texts):
            yield fail(
                f"{name} has over {WORDS_LIMIT} words, or an empty one, or one of over {WORD_LIMIT}"
                " characters: SageMaker refuses such jobs",
                f"sam deploy with a shorter {name}, or read it from a file in the image",
            )
    if len(environment) > WORDS_LIMIT or any(
        len(text) > WORD_LIMIT for pair in environment.items() for text in pair
    ):
        yield fail(
            f"JobEnvironment has over {WORDS_LIMIT} variables, or one of over {WORD_LIMIT}"
            " characters: SageMaker refuses such jobs",
            "sam deploy with a shorter JobEnvironment",
        )


def judge_feedback(outputs: Mapping[str, str], parameters: Mapping[str, str]) -> list[Finding]:
    """Judge whether what runs write would land, or be read by a schedule, and start more runs.

    The rules are those of `landrun.settings`, by which the functions refuse to work.
    """
    landing, output = outputs["LandingBucket"], outputs["OutputBucket"]
    own = {name: parameters.get(name, "") for name in ("OutputPrefix", "ManifestPrefix")}
    prefix = parameters.get("LandingPrefix", outputs["LandingPrefix"])
    found = [
        _overlap(f"{name} {folder!r}", f"LandingPrefix {prefix!r}", output)
        for name, folder in own.items()
        if landing == output and _overlaps(folder, prefix)
    ]
    bucket, read = read_by_schedule(parameters.get("ScheduledInput", ""), landing)
    found += [
        _overlap(f"{name} {folder!r}", f"ScheduledInput {read!r}", output)
        for name, folder in own.items()
        if bucket == output and _overlaps(folder, read)
    ]
    if found:
        return found
    where = "one bucket, under prefixes that lie apart" if landing == output else "two buckets"
    return [ok(f"outputs start no runs: landings and outputs are in {where}")]


def read_by_schedule(text: str, landing: str) -> tuple[str, str]:
    """Give bucket and beginning of the keys that ticks read; an empty bucket for none."""
    if not text:
        return "", ""
    uri = text if text.startswith("s3://") else f"s3://{landing}/{text}"
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key.partition("{")[0]


def _overlaps(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _overlap(written: str, read: str, bucket: str) -> Finding:
    return fail(
        f"{written} and {read} overlap in the bucket {bucket}: outputs would be taken for input",
        "sam deploy with prefixes of which neither begins with the other, or with another"
        " OutputBucketName",
    )


def checks(sight: Sight) -> list[Check]:
    """Give the checks of the stack."""
    stack = sight.stack

    def status() -> Finding:
        bad = not stack.status.endswith("_COMPLETE") or "ROLLBACK" in stack.status
        events: list[Any] = []
        if bad:
            events = sight.all(
                "cloudformation:DescribeStackEvents", "StackEvents", StackName=stack.name
            )
        return judge_status(stack.name, stack.status, events)

    return [
        Check(AREA, "deployment", status),
        Check(AREA, "version", lambda: judge_version(stack.outputs)),
        Check(AREA, "names", lambda: judge_names(stack.parameters)),
        Check(AREA, "feedback", lambda: judge_feedback(stack.outputs, stack.parameters)),
    ]
