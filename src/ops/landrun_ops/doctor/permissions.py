"""What the stack's roles allow, by IAM's simulator: policies, boundaries, organisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from landrun_ops.doctor import required_permissions as required
from landrun_ops.doctor.aws_reader import AwsReader, StackReader
from landrun_ops.doctor.customer_state_machine import processing_tasks
from landrun_ops.doctor.findings import RESTORE, Finding, fail, listed, ok, skip, warn
from landrun_ops.doctor.required_permissions import Need


def state_machine(aws: StackReader) -> Finding:
    """The state machine's role allows what Step Functions does as it."""
    task = _task(aws)
    if task is None:
        return skip("the state machine runs no Processing job with .sync")
    parameters = aws.stack.parameters
    job_name = f"{parameters['JobNamePrefix']}-doctor"
    needs = [*required.sync_integration(aws.output("StateMachineArn"), job_name, task)]
    if int(parameters.get("MaxConcurrentRuns") or 0):
        needs += _needs(aws, required.WAITING)
    own = not aws.parameter("StateMachineArn")
    return judge_role(aws, aws.state_machine()["roleArn"], needs, own=own)


def jobs(aws: StackReader) -> Finding:
    """The role of Processing jobs allows what they read and write."""
    role = str((_task(aws) or {}).get("RoleArn", ""))
    if not role.startswith("arn:"):
        return skip("the state machine does not name the role of its jobs")
    own = not aws.parameter("StateMachineArn")
    return judge_role(aws, role, _needs(aws, required.JOBS), own=own)


def function(aws: StackReader, name: str) -> Finding:
    """The function's role allows what it calls."""
    function_name = aws.output(name)
    role = aws.ask("lambda:GetFunctionConfiguration", FunctionName=function_name)["Role"]
    table = required.FUNCTIONS[name]
    if aws.parameter("StartOn") == "schedule":
        table = required.FUNCTIONS_BY_SCHEDULE.get(name, table)
    return judge_role(aws, role, _needs(aws, table))


def schedules(aws: StackReader) -> Finding:
    """The role of the schedules allows them to invoke their functions."""
    found = aws.tick_schedule()
    if found is None:
        return skip("the stack's schedule is gone")
    return judge_role(aws, found["Target"]["RoleArn"], _needs(aws, required.SCHEDULES))


def judge_role(aws: AwsReader, role: str, needs: Iterable[Need], *, own: bool = True) -> Finding:
    """Judge a role by IAM's simulator.

    Parameters
    ----------
    own : bool
        Whether the role is the stack's. A role of yours may do without some permission.

    Raises
    ------
    ServiceError
        When IAM refuses the simulation, or does not answer.
    """
    needs = list(needs)
    refused = [reason for need in needs for reason in _refused(need, _simulated(aws, role, need))]
    if not refused:
        return ok(f"the role allows {sum(len(need.actions) for need in needs)} required actions")
    says = f"{role.rpartition('/')[2]} may not {listed(refused, 2)}"
    if not own:
        return warn(says, "add that permission to its policies")
    return fail(says, f"{RESTORE}; for boundaries and organisations, ask their administrators")


def _simulated(aws: AwsReader, role: str, need: Need) -> dict[str, Any]:
    """Simulate one need; for several resources at once, IAM would return one decision."""
    context = [
        {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}
        for key, (kind, value) in need.context.items()
    ]
    return aws.ask(
        "iam:SimulatePrincipalPolicy",
        PolicySourceArn=role,
        ActionNames=need.actions,
        ResourceArns=[need.resource],
        ContextEntries=context,
    )


def _refused(need: Need, answer: Mapping[str, Any]) -> list[str]:
    return [
        f"{one['EvalActionName']} on {need.resource.rpartition(':')[2]} ({_reason(one)})"
        for one in answer["EvaluationResults"]
        if one["EvalDecision"] != "allowed"
    ]


def _reason(result: Mapping[str, Any]) -> str:
    """Say what refuses (IAM API, EvaluationResult)."""
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return "the organisation's policies do not allow it"
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if not boundary.get("AllowedByPermissionsBoundary", True):
        return "the permissions boundary does not allow it"
    return (
        "a policy denies it" if result["EvalDecision"] == "explicitDeny" else "no policy allows it"
    )


def _task(aws: StackReader) -> Mapping[str, Any] | None:
    """Return the parameters of the Processing job that the state machine waits for."""
    tasks = processing_tasks(aws.definition())
    return next((task.request for task in tasks if task.waits), None)


def _needs(aws: StackReader, table: required.Table) -> Iterable[Need]:
    return required.needs(table, required.resources(aws.stack.outputs, aws.stack.parameters))
