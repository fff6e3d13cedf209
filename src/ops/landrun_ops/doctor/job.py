"""What Processing jobs need of the account: quotas, instances with work, a key, a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.events import as_list
from landrun_ops.doctor.findings import Finding, fail, listed, ok, skip, warn

KEY_USERS: Final = ("events.amazonaws.com", "cloudwatch.amazonaws.com")
"""Services that a key's policy has to allow by name: they assume no role (SECURITY.md)."""

_INSTANCES = re.compile(
    r"(total )?number of instances across (all )?processing jobs", re.IGNORECASE
)
_INCREASE: Final = "request an increase in Service Quotas' console, Amazon SageMaker"


def quota(aws: StackReader) -> Iterator[Finding]:
    """SageMaker's quotas are enough for the runs that the stack may start at a time."""
    usage = f"{aws.parameter('InstanceType', 'ml.m5.large')} for processing job usage"
    quotas: dict[str, float] = {}
    # ListServiceQuotas leaves out quotas that have never been changed (its API reference).
    for operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
        for one in aws.pages(f"servicequotas:{operation}", "Quotas", ServiceCode="sagemaker"):
            quotas.setdefault(one["QuotaName"], float(one["Value"]))
        if usage in quotas:
            break
    else:
        yield skip(f"Service Quotas has no quota named {usage}")
        return
    findings = list(judge_quotas(quotas, usage, aws.stack.parameters))
    yield from [one for one in findings if one.grade != "ok"] or findings[:1]


def judge_quotas(
    quotas: Mapping[str, float], usage: str, parameters: Mapping[str, str]
) -> Iterator[Finding]:
    """Judge the quotas that bound a run, first that of its instance type.

    Parameters
    ----------
    quotas : Mapping[str, float]
        All of SageMaker's, by name.
    usage : str
        The name of the quota of the instance type.
    """
    count = int(parameters.get("InstanceCount", 1))
    runs = int(parameters.get("MaxConcurrentRuns") or 0)
    yield _judge_instances(usage, quotas[usage], count, runs)
    for name, value in quotas.items():
        if _INSTANCES.fullmatch(name):
            yield _judge_instances(name, value, count, runs)


def _judge_instances(name: str, value: float, count: int, runs: int) -> Finding:
    """Judge a quota of instances; ``runs`` is MaxConcurrentRuns, 0 for no bound."""
    fit = int(value // count)
    says = f"the quota '{name}' is {value:.0f}"
    if fit == 0:
        return fail(
            f"{says}, and a run takes {count}: each waits for about a day, and fails",
            f"{_INCREASE}, or sam deploy with another InstanceType",
        )
    if runs > fit:
        return warn(
            f"{says}, enough for {fit} at a time, and MaxConcurrentRuns is {runs}: the others"
            " retry in no order",
            f"sam deploy with MaxConcurrentRuns={fit}, or {_INCREASE}",
        )
    if not runs and fit == 1:
        return warn(
            f"{says}: one run at a time, the others wait for it",
            f"{_INCREASE}; let one run read more (StartOn=schedule); or let them wait in order"
            " (MaxConcurrentRuns=1)",
        )
    return ok(f"{says}: enough for MaxConcurrentRuns={runs}" if runs else f"{says}: {fit} runs")


def instances(aws: StackReader) -> Finding:
    """Each instance of a run has something to do."""
    count = int(aws.parameter("InstanceCount", "1"))
    if count == 1 or aws.parameter("Engine") == "spark" or aws.parameter("StartOn") == "schedule":
        return ok()
    return warn(
        f"a run has {count} instances and, with StartOn=arrival, one object, which is never"
        f" divided: {count - 1} of them do nothing",
        "sam deploy with InstanceCount=1, StartOn=schedule or Engine=spark; leave it where"
        " runs are started over many objects (ScheduledInput, landrun start)",
    )


def key(aws: StackReader) -> Iterator[Finding]:
    """The keys are enabled, and KmsKeyArn's policy allows EventBridge and CloudWatch to use it."""
    for arn in keys(aws.stack.parameters):
        yield _judge_key(aws, arn)
    arn = aws.parameter("KmsKeyArn")
    if not arn or aws.stack.laptop:
        return
    policy = aws.ask("kms:GetKeyPolicy", KeyId=arn, PolicyName="default")["Policy"]
    allowed: set[str] = set()
    for one in json.loads(policy).get("Statement", ()):
        principal = one.get("Principal", {})
        if one.get("Effect") == "Allow" and isinstance(principal, dict):
            allowed.update(as_list(principal.get("Service", ())))
    missing = [name for name in KEY_USERS if name not in allowed]
    if missing:
        yield fail(
            f"the key's policy does not allow {listed(missing)}: events and alarms are lost",
            "SECURITY.md has the statements that its policy needs",
        )


def keys(parameters: Mapping[str, str]) -> list[str]:
    """Return the key and the earlier ones, which older objects, messages and executions need."""
    previous = parameters.get("PreviousKmsKeyArns", "").split(",")
    return [arn for arn in (parameters.get("KmsKeyArn", ""), *previous) if arn]


def _judge_key(aws: StackReader, arn: str) -> Finding:
    answer = aws.find("kms:DescribeKey", "NotFoundException", KeyId=arn)
    if answer is None:
        remedy = "sam deploy with KmsKeyArn and PreviousKmsKeyArns that exist"
        return fail(f"there is no key {arn}", remedy)
    state = answer["KeyMetadata"]["KeyState"]
    if state == "Enabled":
        return ok(f"the key {arn.rpartition('/')[2]} is enabled")
    remedy = f"aws kms enable-key --key-id {arn}"
    if state == "PendingDeletion":
        remedy = f"aws kms cancel-key-deletion --key-id {arn}, then enable-key"
    return fail(f"the key {arn} is {state}: nothing can be read or written", remedy)


def network(aws: StackReader) -> Finding:
    """The subnets exist, and jobs reach S3 from them by an endpoint or a gateway."""
    ids = aws.parameter("SubnetIds").split(",")
    try:
        subnets = aws.ask("ec2:DescribeSubnets", SubnetIds=ids)["Subnets"]
    except ServiceError as error:
        if not error.code.endswith(".NotFound"):
            raise
        return fail(str(error), "sam deploy with SubnetIds that exist")
    vpc = subnets[0]["VpcId"]
    filters: Any = [{"Name": "vpc-id", "Values": [vpc]}]
    endpoints = aws.pages("ec2:DescribeVpcEndpoints", "VpcEndpoints", Filters=filters)
    tables = aws.pages("ec2:DescribeRouteTables", "RouteTables", Filters=filters)
    routes = [route for table in tables for route in table.get("Routes", ())]
    gateways = [one.get("NatGatewayId") or one.get("TransitGatewayId") for one in routes]
    if any(one["ServiceName"].endswith(".s3") for one in endpoints) or any(gateways):
        return ok()
    return warn(
        f"{vpc} has no endpoint of S3 and no NAT gateway: jobs would wait, and fail",
        "add a gateway endpoint of S3, and endpoints of ECR (api, dkr) and CloudWatch Logs",
    )
