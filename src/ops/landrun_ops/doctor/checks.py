"""Selects the checks that apply to a stack, and runs them in parallel."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final

from landrun.adapters.clients import NOT_AWS
from landrun.errors import LandrunError, ServiceError
from landrun_ops.doctor import events, job, operations, permissions, state_machine
from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.findings import Finding
from landrun_ops.stack.stack import Stack

Check = Callable[[AwsReader], Iterator[Finding]]
"""A check. Its docstring is its claim, which holds when it finds nothing."""

WORKERS: Final = 12
"""How many checks run at the same time; they mostly wait."""

CHECKS: Final[Sequence[Check]] = (
    *(operations.credentials, operations.deployment),
    *(events.buckets, events.bucket_events, events.rules, events.functions, events.event_sources),
    *(events.tick_schedule, events.reconcile_schedule, state_machine.state_machine),
    *(permissions.state_machine_role, permissions.job_role),
    *(permissions.function_roles, permissions.schedule_role),
    *(job.keys, operations.subscribers, operations.alarms, operations.dead_letters),
)
OF_OWN_STATE_MACHINE: Final[Sequence[Check]] = (
    *(operations.executions, operations.concurrency),
    *(job.image, job.quota, job.network),
)
OF_GIVEN_STATE_MACHINE: Final[Sequence[Check]] = (
    *(state_machine.input_fields, state_machine.input_message),
    *(state_machine.job_name, state_machine.waits_for_job),
)
NOT_ON_LAPTOP: Final = (job.image, job.quota, operations.subscribers, operations.alarms)

_DENIED: Final = ("AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized", "403")
_PERMISSIONS: Final = {
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:HeadBucket": "s3:ListBucket",
}
"""Permissions whose names differ from their operation's (Service Authorization Reference)."""


def checks_of(stack: Stack) -> list[Check]:
    """Return the checks that apply to a stack."""
    given = stack.parameters.get("StateMachineArn")
    checks = [*CHECKS, *(OF_GIVEN_STATE_MACHINE if given else OF_OWN_STATE_MACHINE)]
    return [one for one in checks if not stack.laptop or one not in NOT_ON_LAPTOP]


def run_checks(checks: Sequence[Check], reader: AwsReader) -> Iterator[list[Finding]]:
    """Run checks in parallel, and yield the findings of each, in order."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(partial(_run, reader), checks)


def _run(reader: AwsReader, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(reader))
    except ServiceError as error:
        found.append(_unreadable(error))
    except LandrunError as error:
        found.append(Finding("fail", str(error)))
    except Exception as error:  # an unexpected response must not hide the other findings
        wrong = ServiceError("AWS", NOT_AWS, f"{type(error).__name__}: {error}")
        found.append(_unreadable(wrong))
    claim = Finding("ok", " ".join((check.__doc__ or "").split()))
    name = check.__name__.replace("_", " ")
    return [replace(one, check=name) for one in found or [claim]]


def _unreadable(error: ServiceError) -> Finding:
    """Describe what could not be read, and the permission that it needs."""
    if error.code.startswith(_DENIED):
        permission = _PERMISSIONS.get(error.operation, error.operation)
        return Finding("skip", f"{error.code} for {permission}", f"ask for {permission}")
    if error.code == NOT_AWS:
        remedy = "check the proxy, the network and AWS_ENDPOINT_URL, or report this"
        return Finding("fail", str(error), remedy)
    return Finding("skip", str(error))
