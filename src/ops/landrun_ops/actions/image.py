"""The Processing job's image: built by Docker, pushed to a stack's repository in ECR."""

import base64
import json
import os
import platform as machine
from pathlib import Path
from typing import NamedTuple

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.stack.stack import Stack

SAGEMAKER_PLATFORM = "linux/amd64"
"""The platform of most instance types of Processing jobs."""

DOCKERFILES = {"script": "Dockerfile", "spark": "Dockerfile.spark"}
"""The Dockerfiles in src/processing, by the value of the parameter ``Engine``."""

SPARK, PYTHON = "3.5", "py312"
"""The newest Spark image of SageMaker; the job needs Python 3.11 or later."""

_ARCHITECTURES = {"x86_64": "linux/amd64", "AMD64": "linux/amd64", "aarch64": "linux/arm64"}


class Repository(NamedTuple):
    """A repository in ECR, with a user and a password that is good for 12 hours."""

    uri: str
    user: str
    password: str


def repository(stack: Stack) -> Repository:
    """Return a stack's repository.

    Raises ConfigurationError when the stack has none of its own, ServiceError when ECR refuses.
    """
    uri = stack.outputs.get("ImageRepositoryUri")
    if not uri:
        raise ConfigurationError(
            f"the stack {stack.name} has no output ImageRepositoryUri: it starts a state machine"
            " of yours, whose image is where you put it"
        )
    with translated("ecr:GetAuthorizationToken"):
        answer = stack.client("ecr").get_authorization_token()
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    user, _, password = token.partition(":")
    return Repository(uri, user, password)


def spark_base(region: str) -> str:
    """Name SageMaker's Spark image in a region's registry; Docker must be signed in to pull it.

    Raises ConfigurationError when SageMaker has none there.
    """
    from landrun_ops.workflow import sdk  # noqa: PLC0415  (takes seconds, see sdk.py)

    try:
        with sdk.quietly():
            return str(sdk.image_uris.retrieve("spark", region, version=SPARK, py_version=PYTHON))
    except ValueError as error:
        raise ConfigurationError(
            f"SageMaker has no Spark image in {region}, as far as its SDK knows: name one with"
            " --base-image"
        ) from error


def build(
    docker: Docker, folder: Path, name: str, *, engine: str, platform: str, **arguments: str
) -> None:
    """Build the image ``name`` from a folder's Dockerfile of the engine, showing Docker's progress.

    ``platform`` is one such as ``linux/arm64``, or empty for this machine's. Further arguments
    are build arguments of the Dockerfile; empty ones keep their defaults. Raises DockerError when
    the image cannot be built.
    """
    words = ["build", "--tag", name, "--file", str(folder / DOCKERFILES[engine])]
    # Only when it differs: the builder of older Docker versions has no --platform.
    if platform and platform != _ARCHITECTURES.get(machine.machine()):
        words += ["--platform", platform]
    for argument, value in arguments.items():
        if value:
            words += ["--build-arg", f"{argument}={value}"]
    # With attestations it would be an index, which SageMaker is known to refuse (buildkit 5480).
    plain = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    docker.show(*words, str(folder), environment=plain)


def push(docker: Docker, name: str, to: Repository, tag: str) -> str:
    """Sign in and push an image, and return the name that has its digest.

    Raises DockerError when Docker or the registry refuses.
    """
    target, registry = f"{to.uri}:{tag}", to.uri.partition("/")[0]
    docker("login", "--username", to.user, "--password-stdin", registry, stdin=to.password)
    docker("tag", name, target)
    docker.show("push", target)
    names = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", target))
    for one in names or ():
        if one.startswith(f"{to.uri}@"):
            return str(one)
    raise DockerError(f"{target} was pushed, but Docker does not know its digest")
