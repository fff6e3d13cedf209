"""The Processing job's image: in ECR, and for the processor of its instances."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.findings import Finding, fail, ok, warn

MEDIA_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws)/(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_GRAVITON = re.compile(r"ml\.[a-z]+\d+[a-z]*g[a-z]*\.")


class Image(NamedTuple):
    """An image in ECR; ``id`` is what BatchGetImage calls it."""

    account: str
    region: str
    name: str
    id: Mapping[str, str]

    @classmethod
    def of(cls, uri: str) -> Image | None:
        """Parse the URI of an image; None if it is in another registry.

        >>> Image.of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/jobs:v1").id
        {'imageTag': 'v1'}
        """
        found = _ECR.fullmatch(uri)
        if not found:
            return None
        digest, tag = found["digest"], found["tag"] or "latest"
        identifier = {"imageDigest": digest} if digest else {"imageTag": tag}
        return cls(found["account"], found["region"], found["name"], identifier)


def architecture_of(instance_type: str) -> str:
    """Return the architecture of an instance type, as images name it.

    A ``g`` after the generation is Graviton (EC2, "Instance type naming conventions").

    >>> [architecture_of(f"ml.{one}.large") for one in ("m5", "g4dn", "m6g", "c7gd", "g5g")]
    ['amd64', 'amd64', 'arm64', 'arm64', 'arm64']
    """
    return "arm64" if _GRAVITON.match(instance_type) else "amd64"


def image(aws: StackReader) -> Finding:
    """The image is in ECR, and for the architecture of the instances."""
    own = f"{aws.output('ImageRepositoryUri')}:latest"
    uri = aws.parameter("ImageUri", own)
    found = Image.of(uri)
    if found is None or found.region != aws.stack.region:
        return warn(f"{uri} is not in ECR in {aws.stack.region}", "push it there")
    remedy = f"make image STACK={aws.stack.name}" if uri == own else "push it, or change ImageUri"
    answer = aws.find(
        "ecr:BatchGetImage",
        "RepositoryNotFoundException",
        registryId=found.account,
        repositoryName=found.name,
        imageIds=[dict(found.id)],
        acceptedMediaTypes=list(MEDIA_TYPES),
    )
    if answer is None:
        return fail(f"there is no repository {found.name} in {found.account}", remedy)
    if not answer.get("images"):
        reasons = [one.get("failureReason", "") for one in answer.get("failures", ())]
        why = reasons[0] if reasons else "the repository has none"
        return fail(f"there is no image {uri}: {why}", remedy)
    return _judge_architecture(aws, found, json.loads(answer["images"][0]["imageManifest"]), uri)


def _judge_architecture(
    aws: StackReader, image: Image, manifest: Mapping[str, Any], uri: str
) -> Finding:
    instance_type = aws.parameter("InstanceType", "ml.m5.large")
    wanted = architecture_of(instance_type)
    remedy = f"build it with --provenance=false --platform linux/{wanted} (landrun image does)"
    if "manifests" in manifest:
        platforms = [one.get("platform", {}) for one in manifest["manifests"]]
        found = sorted({one.get("architecture", "") for one in platforms} - {"unknown", ""})
        if wanted in found:
            # SageMaker refuses indexes for models (moby/buildkit issue 5480).
            return warn("the image is an index, which parts of SageMaker refuse", remedy)
    else:
        found = [_configuration(aws, image, manifest["config"]["digest"])["architecture"]]
        if found == [wanted]:
            return ok(f"{uri} is for linux/{wanted}")
    return fail(
        f"the image is for {', '.join(found) or 'no platform'}, and {instance_type} is {wanted}:"
        " its jobs end with exec format error",
        remedy,
    )


def _configuration(aws: StackReader, image: Image, digest: str) -> dict[str, Any]:
    """Read an image's configuration (OCI image specification), which ECR keeps like a layer."""
    answer = aws.ask(
        "ecr:GetDownloadUrlForLayer",
        registryId=image.account,
        repositoryName=image.name,
        layerDigest=digest,
    )
    found: dict[str, Any] = json.loads(aws.fetch(answer["downloadUrl"]))
    return found
