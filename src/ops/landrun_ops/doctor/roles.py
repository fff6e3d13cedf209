"""What the stack's roles allow, by IAM's own simulation: policies, boundaries, organisation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from landrun_ops.doctor import required_permissions as needs
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.definitions import texts
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import PUT_BACK, Finding, fail, listed, ok, skip, warn
from landrun_ops.doctor.functions import described as function
from landrun_ops.doctor.functions import short
from landrun_ops.doctor.machine import described as machine
from landrun_ops.doctor.required_permissions import Need, Places

AREA: Final = "permissions"
FUNCTIONS: Final[Mapping[str, Callable[[Places], Iterator[Need]]]] = {
    "ObjectCreatedFunction": needs.of_object_created,
    "ScheduleFunction": needs.of_schedule,
    "ExecutionStatusFunction": needs.of_execution_status,
    "ReconcileFunction": needs.of_reconcile,
}


def refused(need: Need, answer: Mapping[str, Any]) -> list[str]:
    """Say what a simulation refused, and by whom.

    Parameters
    ----------
    answer : Mapping[str, Any]
        SimulatePrincipalPolicy's answer for the need.
    """
    return [
        f"{one['EvalActionName']} on {need.resource.rpartition(':')[2]} ({_why(one)})"
        for one in answer["EvaluationResults"]
        if one["EvalDecision"] != "allowed"
    ]


def _why(result: Mapping[str, Any]) -> str:
    """Tell who refuses (IAM API, EvaluationResult)."""
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return "the organisation's policies do not allow it"
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if not boundary.get("AllowedByPermissionsBoundary", True):
        return "the permissions boundary does not allow it"
    if result["EvalDecision"] == "explicitDeny":
        return "a policy denies it"
    return "no policy allows it"


def judge_role(role: str, asked: int, denied: list[str], *, own: bool = True) -> Finding:
    """Judge a role by what was simulated.

    Parameters
    ----------
    asked : int
        How many actions were.
    denied : list of str
        What was refused.
    own : bool
        Whether the role is the stack's: of another we cannot know all that it goes by.
    """
    name = role.rpartition("/")[2]
    if not denied:
        return ok(f"the role may do the {asked} things that it has to")
    says = f"{name} may not {listed(denied, 2)}"
    if not own:
        return warn(says, "give it that permission, unless it does without")
    return fail(says, f"{PUT_BACK}; of boundaries and organisations, ask those who keep them")


def checks(sight: Sight) -> list[Check]:
    """Give the checks of roles."""
    return [
        Check(AREA, "state machine", partial(_machine, sight)),
        Check(AREA, "jobs", partial(_jobs, sight)),
        *(Check(AREA, short(name), partial(_function, sight, name)) for name in FUNCTIONS),
        Check(AREA, "schedules", partial(_scheduler, sight)),
    ]


def _machine(sight: Sight) -> Finding:
    found = machine(sight)
    own = not sight.stack.parameters.get("StateMachineArn")
    job = _job(found)
    if job is None:
        return skip("the machine given makes no Processing jobs by .sync: its role is not judged")
    return _judged(sight, found["roleArn"], needs.of_machine(_places(sight), job), own=own)


def _jobs(sight: Sight) -> Finding:
    job = _job(machine(sight)) or {}
    role = str(job.get("RoleArn", ""))
    if not role.startswith("arn:"):
        return skip("the machine given does not name its jobs' role")
    own = not sight.stack.parameters.get("StateMachineArn")
    return _judged(sight, role, needs.of_jobs(_places(sight)), own=own)


def _function(sight: Sight, output: str) -> Finding:
    role = function(sight, output)["Role"]
    return _judged(sight, role, FUNCTIONS[output](_places(sight)))


def _scheduler(sight: Sight) -> Finding:
    group, name = sight.stack.output("ScheduleArn").split("/")[-2:]
    found = sight.ask("scheduler:GetSchedule", Name=name, GroupName=group)
    return _judged(sight, found["Target"]["RoleArn"], needs.of_scheduler(_places(sight)))


def _judged(sight: Sight, role: str, wanted: Iterable[Need], *, own: bool = True) -> Finding:
    wanted, denied = list(wanted), []
    for need in wanted:
        denied += refused(need, _simulated(sight, role, need))
    return judge_role(role, sum(len(need.actions) for need in wanted), denied, own=own)


def _simulated(sight: Sight, role: str, need: Need) -> dict[str, Any]:
    """Ask IAM's simulator; one action on several resources would be one answer for all of them."""
    context = [
        {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}
        for key, (kind, value) in need.context.items()
    ]
    resource = {} if need.resource == "*" else {"ResourceArns": [need.resource]}
    return sight.ask(
        "iam:SimulatePrincipalPolicy",
        PolicySourceArn=role,
        ActionNames=list(need.actions),
        ContextEntries=context,
        **resource,
    )


def _job(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the parameters of the first state that makes a Processing job and waits for it."""
    definition = json.loads(found["definition"])
    if not any(text.endswith("sagemaker:createProcessingJob.sync") for text in texts(definition)):
        return None
    for state in definition.get("States", {}).values():
        if str(state.get("Resource", "")).endswith(":sagemaker:createProcessingJob.sync"):
            job: Mapping[str, Any] = state.get("Parameters", {})
            return job
    return {}


def _places(sight: Sight) -> Places:
    stack = sight.stack
    _, partition, _, region, account, *_ = stack.output("StateMachineArn").split(":")
    return Places(partition, region, account, stack.outputs, stack.parameters)
