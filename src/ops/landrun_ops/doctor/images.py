"""The Processing job's image: in its registry, and for the processor of its instances."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from landrun.errors import ServiceError
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, fail, ok, skip, warn

AREA: Final = "the job"
INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws)/(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_GRAVITON = re.compile(r"ml\.[a-z]+\d+[a-z]*g[a-z]*\.")


@dataclass(frozen=True, slots=True)
class Image:
    """An image in ECR, as its name has it; ``wanted`` is BatchGetImage's id of it."""

    account: str
    region: str
    name: str
    wanted: Mapping[str, str]


def image_of(uri: str) -> Image | None:
    """Take the name of an image in ECR apart; None for one of another registry.

    Examples
    --------
    >>> image_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/jobs:v1").wanted
    {'imageTag': 'v1'}
    """
    found = _ECR.fullmatch(uri)
    if not found:
        return None
    digest, tag = found["digest"], found["tag"] or "latest"
    wanted = {"imageDigest": digest} if digest else {"imageTag": tag}
    return Image(found["account"], found["region"], found["name"], wanted)


def architecture_of(instance_type: str) -> str:
    """Name the architecture of an instance type, as images do.

    A ``g`` after the generation is Graviton (EC2, "Instance type naming conventions").

    >>> [architecture_of(f"ml.{one}.large") for one in ("m5", "g4dn", "m6g", "c7gd", "g5g")]
    ['amd64', 'amd64', 'arm64', 'arm64', 'arm64']
    """
    return "arm64" if _GRAVITON.match(instance_type) else "amd64"


def judge_found(uri: str, answer: Mapping[str, Any], remedy: str) -> Finding | None:
    """Judge whether an image is there; None when it is.

    Parameters
    ----------
    answer : Mapping[str, Any]
        BatchGetImage's, with ``failures``.
    """
    if answer.get("images"):
        return None
    failures = answer.get("failures", ())
    why = failures[0].get("failureReason", "") if failures else "the registry has none"
    return fail(f"there is no image {uri}: {why}", remedy)


def judge_index(manifest: Mapping[str, Any], wanted: str) -> Finding:
    """Judge an image index by the architectures that it has.

    Docker of today pushes one even of a single image, for its attestations. SageMaker refuses
    indexes for models ("Unsupported manifest media type", moby/buildkit issue 5480).
    """
    platforms = [one.get("platform", {}) for one in manifest.get("manifests", ())]
    has = sorted({one.get("architecture", "") for one in platforms} - {"unknown", ""})
    remedy = "build with --provenance=false --platform linux/" + wanted + ", and push again"
    if wanted not in has:
        return fail(f"the image is for {', '.join(has) or 'nothing'}, not for {wanted}", remedy)
    return warn(f"an index of images ({', '.join(has)}), which SageMaker refuses at places", remedy)


def judge_config(config: Mapping[str, Any], wanted: str, instance_type: str, uri: str) -> Finding:
    """Judge an image by its configuration (OCI image specification, ``architecture``, ``os``)."""
    has, system = config.get("architecture", "unknown"), config.get("os", "linux")
    if has != wanted or system != "linux":
        return fail(
            f"the image is for {system}/{has}, and {instance_type} runs linux/{wanted}:"
            " its jobs end with exec format error",
            f"build it with --platform linux/{wanted} (landrun image does), and push again",
        )
    return ok(f"{uri} is there, for linux/{has}")


def judge_type(instance_type: str, known: list[str]) -> Finding:
    """Judge whether Processing jobs run on an instance type, as this SDK's list has it."""
    if instance_type in known:
        return ok(f"{instance_type} is one of the {len(known)} types for Processing jobs")
    return warn(
        f"{instance_type} is not among the types for Processing jobs that this SDK knows",
        "check it in SageMaker's API reference (ProcessingClusterConfig); newer SDKs know more",
    )


def checks(sight: Sight) -> list[Check]:
    """Give the checks of what jobs run in and on."""
    return [
        Check(AREA, "image", lambda: _image(sight)),
        Check(AREA, "instance type", lambda: _type(sight)),
    ]


def _given(sight: Sight) -> Finding | None:
    if sight.stack.parameters.get("StateMachineArn"):
        return skip("the machine given says itself what its jobs are")
    return None


def _image(sight: Sight) -> Finding:
    given = _given(sight)
    if given or sight.stack.laptop:
        return given or skip("the laptop runs jobs as processes, without an image")
    stack = sight.stack
    own = f"{stack.outputs.get('ImageRepositoryUri', '')}:latest"
    uri = stack.parameters.get("ImageUri") or own
    image = image_of(uri)
    if image is None:
        return warn(f"{uri} is not in ECR, where SageMaker pulls from", "push it to ECR")
    if image.region != stack.region:
        return warn(f"{uri} is in {image.region}: pulled from there, if at all", "push it here")
    remedy = (
        f"make image STACK={stack.name}" if uri == own else "push it, or deploy another ImageUri"
    )
    try:
        answer = sight.ask("ecr:BatchGetImage", **_asked(image))
    except ServiceError as error:
        if error.code != "RepositoryNotFoundException":
            raise
        return fail(f"there is no repository {image.name} in {image.account}", remedy)
    return judge_found(uri, answer, remedy) or _architecture(sight, image, answer, uri)


def _asked(image: Image) -> dict[str, Any]:
    return {
        "registryId": image.account,
        "repositoryName": image.name,
        "imageIds": [dict(image.wanted)],
        "acceptedMediaTypes": [*INDEXES, *MANIFESTS],
    }


def _architecture(sight: Sight, image: Image, answer: Mapping[str, Any], uri: str) -> Finding:
    manifest = json.loads(answer["images"][0]["imageManifest"])
    instance_type = sight.stack.parameters.get("InstanceType", "ml.m5.large")
    wanted = architecture_of(instance_type)
    if "manifests" in manifest:
        return judge_index(manifest, wanted)
    config = _config(sight, image, manifest["config"]["digest"])
    return judge_config(config, wanted, instance_type, uri)


def _config(sight: Sight, image: Image, digest: str) -> dict[str, Any]:
    """Fetch an image's configuration, which the registry keeps as it keeps layers."""
    answer = sight.ask(
        "ecr:GetDownloadUrlForLayer",
        registryId=image.account,
        repositoryName=image.name,
        layerDigest=digest,
    )
    found: dict[str, Any] = json.loads(sight.fetch(answer["downloadUrl"]))
    return found


def _type(sight: Sight) -> Finding:
    given = _given(sight)
    if given:
        return given
    model = sight.model("sagemaker")
    known = list(model.shape_for("ProcessingInstanceType").enum)
    return judge_type(sight.stack.parameters.get("InstanceType", "ml.m5.large"), known)
