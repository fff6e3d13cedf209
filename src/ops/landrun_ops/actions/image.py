"""The Processing job's image: built by Docker, pushed to a stack's repository in ECR."""

from __future__ import annotations

import base64
import json
import os
import platform as machine
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from landrun.adapters.clients import translated
from landrun.errors import ConfigurationError
from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.stack.stack import Stack

SAGEMAKER_PLATFORM = "linux/amd64"
"""What the instances of Processing jobs mostly are."""

DOCKERFILES = {"script": "Dockerfile", "spark": "Dockerfile.spark"}
"""In src/processing, by the value of the parameter ``Engine``."""

SPARK, PYTHON = "3.5", "py312"
"""Of SageMaker's Spark images, the newest; what the job imports needs Python 3.11 or later."""

_ARCHITECTURES = {"x86_64": "linux/amd64", "AMD64": "linux/amd64", "aarch64": "linux/arm64"}
_OUTPUT = "ImageRepositoryUri"


class Repository(NamedTuple):
    """Where to push, and who may."""

    uri: str
    user: str
    password: str

    @property
    def registry(self) -> str:
        """The registry's host."""
        return self.uri.partition("/")[0]


def repository(stack: Stack) -> Repository:
    """Give a stack's repository and a password for it, good for 12 hours.

    Raises
    ------
    ConfigurationError
        When the stack has no repository of its own.
    ServiceError
        When AWS says no.
    """
    uri = stack.outputs.get(_OUTPUT)
    if not uri:
        raise ConfigurationError(
            f"the stack {stack.name} has no output {_OUTPUT}: it starts a state machine of yours,"
            " whose image is where you put it"
        )
    with translated("ecr:GetAuthorizationToken"):
        answer = stack.client("ecr").get_authorization_token()
    token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    user, _, password = token.partition(":")
    return Repository(uri, user, password)


def spark_base(region: str) -> str:
    """Name SageMaker's Spark image in a region's registry; Docker must be signed in to pull it.

    Raises
    ------
    ConfigurationError
        When SageMaker has none there.
    """
    # Imported here because the SDK takes seconds (see workflow/sdk.py).
    from landrun_ops.workflow import sdk  # noqa: PLC0415

    try:
        with sdk.quietly():
            return str(sdk.image_uris.retrieve("spark", region, version=SPARK, py_version=PYTHON))
    except ValueError as error:
        raise ConfigurationError(
            f"SageMaker has no Spark image in {region}, as far as its SDK knows: name one with"
            " --base-image"
        ) from error


def build(
    docker: Docker,
    folder: Path,
    name: str,
    platform: str,
    options: Mapping[str, str],
    *,
    engine: str = "script",
) -> None:
    """Build the image ``name`` from a folder's Dockerfile, showing Docker's progress.

    Parameters
    ----------
    platform
        As in ``linux/arm64``; empty for this machine's.
    options
        The Dockerfile's arguments; empty ones keep their defaults.
    engine
        What the job runs on, which has a Dockerfile of its own.

    Raises
    ------
    DockerError
        When it cannot be built.
    """
    words = ["build", "--tag", name]
    if engine != "script":
        words += ["--file", str(folder / DOCKERFILES[engine])]
    # Only where it matters: the builder of older Dockers knows no platforms.
    if platform and platform != _ARCHITECTURES.get(machine.machine()):
        words += ["--platform", platform]
    for option, value in options.items():
        if value:
            words += ["--build-arg", f"{option}={value}"]
    # With attestations it would be an index, which SageMaker is known to refuse (buildkit 5480).
    plain = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    docker.show(*words, str(folder), environment=plain)


def push(docker: Docker, name: str, to: Repository, tag: str) -> str:
    """Push an image and give the name that has its digest.

    The password goes into a folder of Docker's that is gone afterwards: neither into the keychain
    or the file of whoever pushes, nor into a command's words.

    Raises
    ------
    DockerError
        When Docker or the registry refuses.
    """
    target = f"{to.uri}:{tag}"
    docker("tag", name, target)
    with tempfile.TemporaryDirectory(prefix="landrun-") as folder:
        environment = {**os.environ, "DOCKER_HOST": _daemon(docker), "DOCKER_CONFIG": folder}
        environment.pop("DOCKER_CONTEXT", None)
        login = ("login", "--username", to.user, "--password-stdin", to.registry)
        docker(*login, stdin=to.password, environment=environment)
        docker.show("push", target, environment=environment)
    return _with_digest(docker, to.uri, target)


def _daemon(docker: Docker) -> str:
    """Give where the daemon listens: the context that says so is not in the other folder."""
    return docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


def _with_digest(docker: Docker, uri: str, target: str) -> str:
    names = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", target))
    for name in names or ():
        if name.startswith(f"{uri}@"):
            return str(name)
    raise DockerError(f"{target} was pushed, but Docker does not tell its digest")
