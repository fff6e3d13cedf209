"""What was brought along: the key, the network, and who is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, fail, listed, ok, skip, warn

AREA: Final = "the job"
TOLD: Final = "who is told"
LET_IN: Final = ("events.amazonaws.com", "cloudwatch.amazonaws.com")
"""Services that a key's policy has to let in by name: they act for nobody's role (SECURITY.md)."""

_DOCUMENTED = "SECURITY.md has the statements that its policy needs"


def judge_key(key: Mapping[str, Any], region: str) -> Finding:
    """Judge a key; ``key`` is DescribeKey's KeyMetadata."""
    arn, state = key["Arn"], key["KeyState"]
    if state != "Enabled":
        remedy = f"aws kms enable-key --key-id {arn}"
        if state == "PendingDeletion":
            remedy = f"aws kms cancel-key-deletion --key-id {arn}, then enable-key"
        return fail(f"the key {arn} is {state}: nothing can be read or written", remedy)
    if key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        return fail(f"the key {arn} is {key['KeySpec']}", "give a symmetric key for encryption")
    if arn.split(":")[3] != region:
        return fail(f"the key {arn} is of another region", f"give one of {region}")
    return ok(f"the key {arn.rpartition('/')[2]} is enabled")


def judge_key_policy(policy: str) -> Finding:
    """Judge whether a key's policy, JSON, lets in the services that act for nobody's role."""
    allowed: set[str] = set()
    for one in json.loads(policy).get("Statement", ()):
        principal = one.get("Principal", {})
        services = principal.get("Service", ()) if isinstance(principal, dict) else ()
        if one.get("Effect") == "Allow":
            allowed |= {services} if isinstance(services, str) else set(services)
    missing = [name for name in LET_IN if name not in allowed]
    if missing:
        return fail(
            f"the key's policy does not let in {listed(missing)}: events and alarms are lost",
            _DOCUMENTED,
        )
    return ok("the key's policy lets events and alarms in")


def judge_network(
    subnets: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]], count: int
) -> Finding:
    """Judge the network of jobs.

    Parameters
    ----------
    subnets, groups : sequence of Mapping
        DescribeSubnets' and DescribeSecurityGroups' entries.
    count : int
        Instances of a run.
    """
    networks = {one["VpcId"] for one in (*subnets, *groups)}
    if len(networks) > 1:
        return fail(
            f"subnets and security groups are of several networks: {listed(sorted(networks))}",
            "sam deploy with SubnetIds and SecurityGroupIds of one VPC",
        )
    free = sum(one["AvailableIpAddressCount"] for one in subnets)
    if free < count:
        return fail(
            f"the subnets have {free} free addresses, and a run takes {count}",
            "sam deploy with larger subnets",
        )
    return ok(f"{len(subnets)} subnets of {networks.pop()} with {free} free addresses")


def judge_endpoint(
    endpoints: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]
) -> Finding:
    """Judge whether jobs in a network reach S3: by an endpoint, or by a way out.

    Parameters
    ----------
    endpoints : sequence of Mapping
        DescribeVpcEndpoints' entries of the network.
    routes : sequence of Mapping
        DescribeRouteTables' entries of the network.
    """
    if any(one["ServiceName"].endswith(".s3") for one in endpoints):
        return ok("jobs reach S3 by an endpoint of the network")
    ways = [route for table in routes for route in table.get("Routes", ())]
    if any(way.get("NatGatewayId") or way.get("TransitGatewayId") for way in ways):
        return ok("jobs reach S3 by a gateway")
    return warn(
        "no endpoint of S3 and no NAT gateway in the jobs' network: jobs would wait, and fail",
        "add a gateway endpoint of S3, and endpoints of ECR (api, dkr) and CloudWatch Logs",
    )


def judge_told(subscriptions: Sequence[Mapping[str, Any]]) -> Finding:
    """Judge who is told of failures; ListSubscriptionsByTopic's entries."""
    waiting = [one for one in subscriptions if one["SubscriptionArn"] == "PendingConfirmation"]
    confirmed = len(subscriptions) - len(waiting)
    if waiting:
        who = listed([one["Endpoint"] for one in waiting])
        remedy = "follow the link in AWS's mail; it is sent again by sam deploy, or the console"
        return warn(f"{who} has not confirmed: not told of failures and alarms", remedy)
    if not confirmed:
        return warn(
            "nobody is told of failures and alarms",
            "sam deploy with NotificationEmail, or subscribe to the topic",
        )
    return ok(f"{confirmed} subscriber{'s' if confirmed != 1 else ''}")


def judge_alarms(alarms: Sequence[Mapping[str, Any]], name: str) -> list[Finding]:
    """Judge the stack's alarms; DescribeAlarms' entries that are in the state ALARM."""
    if not alarms:
        return [ok("none rings")]
    return [
        warn(
            f"{one['AlarmName']} rings: {one.get('StateReason', 'no reason given')}",
            f"docs/alarms/{one['AlarmName'].removeprefix(f'{name}-')}.md says what to type",
        )
        for one in alarms
    ]


def checks(sight: Sight) -> list[Check]:
    """Give the checks of what was brought along."""
    parameters = sight.stack.parameters
    found = []
    if parameters.get("KmsKeyArn"):
        found.append(Check(AREA, "key", lambda: _key(sight)))
    if parameters.get("PreviousKmsKeyArns"):
        found.append(Check(AREA, "previous keys", lambda: _previous_keys(sight)))
    if parameters.get("SubnetIds"):
        found.append(Check(AREA, "network", lambda: _network(sight)))
    return [
        *found,
        Check(TOLD, "subscribers", lambda: _told(sight)),
        Check(TOLD, "alarms", lambda: _alarms(sight)),
    ]


def _described(sight: Sight, arn: str, parameter: str) -> Finding:
    try:
        return judge_key(sight.ask("kms:DescribeKey", KeyId=arn)["KeyMetadata"], sight.stack.region)
    except ServiceError as error:
        if error.code != "NotFoundException":
            raise
        return fail(f"there is no key {arn}", f"sam deploy with another {parameter}")


def _previous_keys(sight: Sight) -> list[Finding]:
    """Judge earlier keys: older objects, queued messages and waiting executions are under them."""
    arns = sight.stack.parameters["PreviousKmsKeyArns"].split(",")
    return [_described(sight, arn, "PreviousKmsKeyArns") for arn in arns]


def _key(sight: Sight) -> list[Finding]:
    arn = sight.stack.parameters["KmsKeyArn"]
    key = _described(sight, arn, "KmsKeyArn")
    if key.grade != "ok" or sight.stack.laptop:
        return [key]
    policy = sight.ask("kms:GetKeyPolicy", KeyId=arn, PolicyName="default")["Policy"]
    return [key, judge_key_policy(policy)]


def _network(sight: Sight) -> list[Finding]:
    parameters = sight.stack.parameters
    ids, group_ids = parameters["SubnetIds"].split(","), parameters["SecurityGroupIds"].split(",")
    try:
        subnets = sight.ask("ec2:DescribeSubnets", SubnetIds=ids)["Subnets"]
        groups = sight.ask("ec2:DescribeSecurityGroups", GroupIds=group_ids)["SecurityGroups"]
    except ServiceError as error:
        if not error.code.endswith(".NotFound"):
            raise
        return [fail(str(error), "sam deploy with SubnetIds and SecurityGroupIds that exist")]
    judged = judge_network(subnets, groups, int(parameters.get("InstanceCount", 1)))
    if judged.grade != "ok":
        return [judged]
    of_network = [{"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]}]
    endpoints = sight.all("ec2:DescribeVpcEndpoints", "VpcEndpoints", Filters=of_network)
    routes = sight.all("ec2:DescribeRouteTables", "RouteTables", Filters=of_network)
    return [judged, judge_endpoint(endpoints, routes)]


def _told(sight: Sight) -> Finding:
    if sight.stack.laptop:
        return skip("the laptop sends no mail")
    topic = sight.stack.output("NotificationsTopicArn")
    return judge_told(sight.all("sns:ListSubscriptionsByTopic", "Subscriptions", TopicArn=topic))


def _alarms(sight: Sight) -> list[Finding]:
    name = sight.stack.name
    if sight.stack.laptop:
        return [skip("the laptop has no alarms")]
    rings = sight.all(
        "cloudwatch:DescribeAlarms", "MetricAlarms", AlarmNamePrefix=f"{name}-", StateValue="ALARM"
    )
    # The names of another stack may begin so, too; what follows the stack's name is one word.
    mine = [one for one in rings if "-" not in one["AlarmName"].removeprefix(f"{name}-")]
    return judge_alarms(mine, name)
