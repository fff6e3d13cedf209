"""SageMaker's quotas, against what one run of the stack asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, fail, ok, skip, warn
from landrun_ops.durations import spelled

AREA: Final = "the job"
SERVICE: Final = "sagemaker"
_ACROSS = re.compile(r"(total )?number of instances across (all )?processing jobs", re.IGNORECASE)
_LONGEST = re.compile(r"longest run time for a processing job", re.IGNORECASE)
_VOLUME = re.compile(r"size of (an )?ebs volume for a processing instance", re.IGNORECASE)
_REMEDY = "Service Quotas' console, Amazon SageMaker: ask for more of it"


def usage(instance_type: str) -> str:
    """Name the quota of an instance type, as errors of SageMaker and Service Quotas call it."""
    return f"{instance_type} for processing job usage"


def matters(name: str, instance_type: str) -> bool:
    """Whether a quota of that name bounds a run."""
    bounds = (_ACROSS, _LONGEST, _VOLUME)
    return name == usage(instance_type) or any(one.fullmatch(name) for one in bounds)


def judge_quotas(
    quotas: Iterable[Mapping[str, Any]], parameters: Mapping[str, str]
) -> list[Finding]:
    """Judge the quotas that bound a run.

    Parameters
    ----------
    quotas : iterable of Mapping
        ListServiceQuotas' entries that matter.
    """
    instance_type = parameters.get("InstanceType", "ml.m5.large")
    by_name = {one["QuotaName"]: float(one["Value"]) for one in quotas}
    if usage(instance_type) not in by_name:
        return [skip(f"Service Quotas has no quota named {usage(instance_type)}", _REMEDY)]
    found = [*_judged(by_name, parameters, instance_type)]
    return [one for one in found if one.grade != "ok"] or found[:1]


def _judged(
    by_name: Mapping[str, float], parameters: Mapping[str, str], instance_type: str
) -> Iterator[Finding]:
    count = int(parameters.get("InstanceCount", 1))
    bound = int(parameters.get("MaxConcurrentRuns") or 0)
    yield _instances(usage(instance_type), by_name[usage(instance_type)], count, bound)
    for name, value in by_name.items():
        if _ACROSS.fullmatch(name):
            yield _instances(name, value, count, bound)
        if _LONGEST.fullmatch(name):
            yield _at_most(name, value, float(parameters.get("MaxRuntimeInSeconds", 3600)), spelled)
        if _VOLUME.fullmatch(name):
            yield _at_most(name, value, float(parameters.get("VolumeSizeInGB", 30)), _gigabytes)


def _instances(name: str, value: float, count: int, bound: int) -> Finding:
    """Judge a quota of instances; ``bound`` is MaxConcurrentRuns, 0 for none."""
    if value < count:
        return fail(
            f"the quota '{name}' is {value:.0f}, and a run takes {count}: each waits for"
            " about a day, and fails",
            f"{_REMEDY}, or sam deploy with another InstanceType",
        )
    fit = int(value // count)
    if bound > fit:
        return warn(
            f"the quota '{name}' is {value:.0f}, enough for {fit} at a time, and MaxConcurrentRuns"
            f" lets {bound} runs have their job: the others ask again and again, in no order",
            f"sam deploy with MaxConcurrentRuns={fit}, or {_REMEDY}",
        )
    if bound:
        return ok(f"the quota '{name}' is {value:.0f}: enough for MaxConcurrentRuns={bound}")
    if value < 2 * count:
        return warn(
            f"the quota '{name}' is {value:.0f}: one run at a time, the others wait for it",
            f"{_REMEDY}; let one run read more (StartOn=schedule); or let them wait in order"
            f" (MaxConcurrentRuns={fit})",
        )
    return ok(f"the quota '{name}' is {value:.0f}: {fit} runs at a time")


def _at_most(name: str, value: float, asked: float, spell: Any) -> Finding:
    if asked > value:
        return fail(
            f"the quota '{name}' is {spell(value)}, and runs ask for {spell(asked)}",
            f"{_REMEDY}, or sam deploy with less",
        )
    return ok(f"the quota '{name}' is {spell(value)}")


def _gigabytes(value: float) -> str:
    return f"{value:.0f} GB"


def checks(sight: Sight) -> list[Check]:
    """Give the check of quotas."""
    return [Check(AREA, "quota", lambda: _quotas(sight))]


def _quotas(sight: Sight) -> list[Finding]:
    """Look at what the account has and, for what was never changed, at AWS's defaults.

    ListServiceQuotas leaves out quotas that only have a default (its API reference).
    """
    stack = sight.stack
    if stack.parameters.get("StateMachineArn"):
        return [skip("the machine given says itself what its jobs are")]
    if stack.laptop:
        return [skip("the laptop has no quotas")]
    instance_type = stack.parameters.get("InstanceType", "ml.m5.large")
    found: dict[str, Mapping[str, Any]] = {}
    for operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
        for one in sight.all(f"servicequotas:{operation}", "Quotas", ServiceCode=SERVICE):
            if matters(one["QuotaName"], instance_type):
                found.setdefault(one["QuotaName"], one)
        if usage(instance_type) in found:
            break
    return judge_quotas(found.values(), stack.parameters)
