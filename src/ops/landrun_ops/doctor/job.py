"""Checks of what Processing jobs need: an image, quotas, keys, a network."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.doctor.findings import Finding, listed

MEDIA_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
KEY_USERS: Final = ("events.amazonaws.com", "cloudwatch.amazonaws.com")
"""Services that a key's policy must allow by name, as they assume no role (SECURITY.md)."""

_ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+/"
    r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_INCREASE: Final = "request an increase in Service Quotas' console, Amazon SageMaker"


def image(aws: AwsReader) -> Iterator[Finding]:
    """The image is in ECR, and for the architecture of the instances."""
    own = f"{aws.stack.output('ImageRepositoryUri')}:latest"
    uri = aws.parameter("ImageUri", own)
    found = _ECR.fullmatch(uri)
    if found is None or found["region"] != aws.stack.region:
        yield Finding("warn", f"{uri} is not in ECR in {aws.stack.region}", "push it there")
        return
    tag, digest = {"imageTag": found["tag"] or "latest"}, {"imageDigest": found["digest"]}
    repository = {"registryId": found["account"], "repositoryName": found["name"]}
    answer = aws.ask(
        "ecr:BatchGetImage",
        missing="RepositoryNotFoundException",
        **repository,
        imageIds=[digest if found["digest"] else tag],
        acceptedMediaTypes=list(MEDIA_TYPES),
    )
    if not answer.get("images"):
        remedy = f"make image STACK={aws.stack.name}" if uri == own else "push it"
        yield Finding("fail", f"there is no image {uri}", remedy)
        return
    manifest = json.loads(answer["images"][0]["imageManifest"])
    architectures = ", ".join(_architectures(aws, repository, manifest))
    kind = aws.parameter("InstanceType", "ml.m5.large")
    wanted = architecture_of(kind)
    what = f"{uri} is for {architectures}, and {kind} is {wanted}"
    if wanted in architectures:
        yield Finding("ok", what)
    else:
        remedy = f"build it with --provenance=false --platform linux/{wanted} (landrun image does)"
        yield Finding("fail", f"{what}: its jobs end with exec format error", remedy)


def architecture_of(instance_type: str) -> str:
    """Return the architecture of an instance type, as images name it.

    A ``g`` after the generation is Graviton (EC2, "Instance type naming conventions").

    >>> [architecture_of(f"ml.{one}.large") for one in ("m5", "g4dn", "m6g", "c7gd", "g5g")]
    ['amd64', 'amd64', 'arm64', 'arm64', 'arm64']
    """
    return "arm64" if re.match(r"ml\.[a-z]+\d+[a-z]*g[a-z]*\.", instance_type) else "amd64"


def _architectures(aws: AwsReader, repository: dict[str, str], manifest: Any) -> list[str]:
    """Return an image's architectures: its index or its configuration has them (OCI)."""
    if "manifests" in manifest:
        found = {one.get("platform", {}).get("architecture", "") for one in manifest["manifests"]}
        return sorted(found - {"unknown", ""})
    digest = manifest["config"]["digest"]
    answer = aws.ask("ecr:GetDownloadUrlForLayer", **repository, layerDigest=digest)
    return [json.loads(aws.fetch(answer["downloadUrl"]))["architecture"]]


def quota(aws: AwsReader) -> Iterator[Finding]:
    """SageMaker's quota is enough for the runs that the stack may start at a time."""
    name = f"{aws.parameter('InstanceType', 'ml.m5.large')} for processing job usage"
    quotas: dict[str, float] = {}
    # ListServiceQuotas leaves out quotas that have never been changed (its API reference).
    for operation in ("ListAWSDefaultServiceQuotas", "ListServiceQuotas"):
        found = aws.pages(f"servicequotas:{operation}", "Quotas", ServiceCode="sagemaker")
        quotas |= {one["QuotaName"]: one["Value"] for one in found}
    if name not in quotas:
        yield Finding("skip", f"Service Quotas has no quota named {name}")
        return
    count, runs = aws.parameter("InstanceCount", "1"), aws.parameter("MaxConcurrentRuns", "0")
    fit = int(quotas[name] // int(count))
    what = f"the quota '{name}' is {quotas[name]:.0f}: {fit} runs at a time of {count} instances"
    if fit == 0:
        remedy = f"{_INCREASE}, or sam deploy with another InstanceType"
        yield Finding("fail", f"{what}: each waits for about a day, and fails", remedy)
    elif int(runs) > fit:
        remedy = f"sam deploy with MaxConcurrentRuns={fit}, or {_INCREASE}"
        yield Finding("warn", f"{what}, and MaxConcurrentRuns is {runs}", remedy)
    elif fit == 1 and runs == "0":
        remedy = f"{_INCREASE}, or sam deploy with StartOn=schedule or MaxConcurrentRuns=1"
        yield Finding("warn", f"{what}, the others wait for it", remedy)
    else:
        yield Finding("ok", what)


def keys(aws: AwsReader) -> Iterator[Finding]:
    """The stack's keys, if it has any, are enabled, and EventBridge and CloudWatch may use them."""
    own = aws.parameter("KmsKeyArn")
    for arn in filter(None, (own, *aws.parameter("PreviousKmsKeyArns").split(","))):
        found = aws.ask("kms:DescribeKey", missing="NotFoundException", KeyId=arn)
        state = found["KeyMetadata"]["KeyState"] if found else "gone"
        if state != "Enabled":
            remedy = f"aws kms cancel-key-deletion or aws kms enable-key, with --key-id {arn}"
            what = f"the key {arn} is {state}: what it encrypted cannot be read"
            yield Finding("fail", what, remedy)
    if own and not aws.stack.laptop:
        policy = aws.ask("kms:GetKeyPolicy", KeyId=own, PolicyName="default")["Policy"]
        missing = [name for name in KEY_USERS if name not in policy]
        if missing:
            what = f"the key's policy does not allow {listed(missing)}: messages are lost"
            yield Finding("fail", what, "SECURITY.md has the statements that its policy needs")


def network(aws: AwsReader) -> Iterator[Finding]:
    """Jobs reach S3 from their subnets, if they have any, by an endpoint or a gateway."""
    ids = aws.parameter("SubnetIds")
    if not ids:
        return
    found = aws.ask("ec2:DescribeSubnets", "InvalidSubnetID", SubnetIds=ids.split(","))
    if not found:
        yield Finding("fail", f"there are no subnets {ids}", "sam deploy with SubnetIds that exist")
        return
    vpc = found["Subnets"][0]["VpcId"]
    filters: Any = [{"Name": "vpc-id", "Values": [vpc]}]
    endpoints = aws.pages("ec2:DescribeVpcEndpoints", "VpcEndpoints", Filters=filters)
    tables = aws.pages("ec2:DescribeRouteTables", "RouteTables", Filters=filters)
    routes = [route for table in tables for route in table.get("Routes", ())]
    gateways = [one for one in routes if "NatGatewayId" in one or "TransitGatewayId" in one]
    if not gateways and not any(one["ServiceName"].endswith(".s3") for one in endpoints):
        what = f"{vpc} has no endpoint of S3 and no NAT gateway: jobs would wait, and fail"
        remedy = "add endpoints of S3 (a gateway), ECR (api, dkr) and CloudWatch Logs"
        yield Finding("warn", what, remedy)
