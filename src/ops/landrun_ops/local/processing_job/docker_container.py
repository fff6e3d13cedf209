"""Runs one host of a Processing job as a Docker container, as SageMaker does.

Folders that SageMaker mounts are volumes, owned by root. Files are copied in before the start and
out after the end: nothing of this machine is mounted, wherever Docker's daemon runs. The network is
this machine's, so that ``AWS_ENDPOINT_URL`` leads to the laptop's AWS.
"""

import contextlib
import math
import shutil
import tarfile
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import docker
from docker.errors import DockerException, ImageNotFound
from docker.types import Mount

from landrun_ops.actions.docker import DockerError
from landrun_ops.local.processing_job.container import OPT_ML, Container, ContainerStartError
from landrun_ops.local.processing_job.files import TransferError

LABEL: Final = "landrun.job"
"""Label of the containers of jobs and of their volumes; its value is the job's name."""

_OWNER: Final = "landrun.folder"
"""Label of the containers of jobs; its value is the folder of the laptop's AWS that runs them."""


def connect(image: str, remedy: str) -> docker.DockerClient:
    """Connect to the Docker of the environment or of its context, which has ``image``.

    Raises DockerError when it does not answer, or has no such image; ``remedy`` gets it.
    """
    try:
        client = docker.from_env()
        client.images.get(image)
    except ImageNotFound as error:
        raise DockerError(f"Docker has no image {image}: {remedy}") from error
    except DockerException as error:
        raise DockerError(f"Docker does not answer: {error}; install Docker, start it") from error
    return client


def remove_leftovers(client: docker.DockerClient, owner: Path) -> None:
    """Remove the containers that a killed laptop's AWS has left, by the folder that it had."""
    for one in client.containers.list(all=True, filters={"label": f"{_OWNER}={owner}"}):
        one.remove(force=True, v=True)


@dataclass
class DockerContainer(Container):
    """One host of a job, in Docker; its files come from ``opt_ml`` and go back there.

    ``access`` is the environment by which a script finds AWS, ``grace`` are the seconds between
    SIGTERM and SIGKILL, and ``owner`` is the folder by which `remove_leftovers` knows it.
    """

    request: Mapping[str, Any]
    host: str
    access: Mapping[str, str]
    owner: Path
    opt_ml: Path
    log: Path
    grace: float
    client: docker.DockerClient
    _container: Any = None

    def __post_init__(self) -> None:
        """Prepare the thread that writes the log, and list the folders that are read back."""
        self._follower = threading.Thread(target=self._follow, daemon=True)
        outputs = self.request.get("ProcessingOutputConfig", {}).get("Outputs", ())
        paths = [str(PurePosixPath(entry["S3Output"]["LocalPath"])) for entry in outputs]
        self._written = list(dict.fromkeys([f"{OPT_ML}/output", *paths]))

    def start(self) -> None:
        """Create and start the container. Raises ContainerStartError when that is not possible."""
        image = self.request["AppSpecification"]["ImageUri"]
        try:
            self._container = self.client.containers.create(image, **self._options())
            with tempfile.TemporaryFile() as file:
                with tarfile.open(fileobj=file, mode="w") as archive:
                    archive.add(self.opt_ml, OPT_ML.lstrip("/"), filter=_owned_by_root)
                file.seek(0)
                self._container.put_archive("/", file)
            self._container.start()
        except (DockerException, OSError) as error:
            raise ContainerStartError(f"cannot run {image}: {error}") from error
        self._follower.start()

    def wait(self, seconds: float) -> int | None:
        """Wait for the end, at most ``seconds``; return the exit code, None while it runs."""
        if self._container is None:
            return None
        self._container.reload()
        if self._container.status != "exited":
            time.sleep(seconds)
            return None
        self._follower.join()
        return int(self._container.attrs["State"]["ExitCode"])

    def stop(self) -> None:
        """End it, if it runs: SIGTERM, later SIGKILL."""
        if self._container is not None:
            with contextlib.suppress(DockerException):  # it may have ended by itself meanwhile
                self._container.stop(timeout=math.ceil(self.grace))

    def collect(self) -> None:
        """Bring what the job wrote to ``opt_ml``. Raises TransferError when it cannot be read."""
        for folder in self._written:
            target = self.opt_ml / PurePosixPath(folder).relative_to(OPT_ML)
            try:
                with tempfile.TemporaryFile() as file:
                    file.writelines(self._container.get_archive(folder)[0])
                    file.seek(0)
                    with tarfile.open(fileobj=file) as archive:
                        for member in archive:
                            _extract(archive, member, target)
            except (DockerException, OSError, ValueError, tarfile.TarError) as error:
                name = self.request["ProcessingJobName"]
                raise TransferError(f"cannot read {folder} of {name}: {error}") from error

    def discard(self) -> None:
        """Remove the container and its volumes."""
        if self._container is not None:
            with contextlib.suppress(DockerException):
                self._container.remove(force=True, v=True)

    def _options(self) -> dict[str, Any]:
        """Return what the container is created with, besides its image."""
        name, application = self.request["ProcessingJobName"], self.request["AppSpecification"]
        isolated = self.request.get("NetworkConfig", {}).get("EnableNetworkIsolation")
        inputs = self.request.get("ProcessingInputs", ())
        read = [str(PurePosixPath(entry["S3Input"]["LocalPath"])) for entry in inputs]
        folders = dict.fromkeys([f"{OPT_ML}/config", *read, *self._written])
        return {
            "name": f"{name}-{self.host}",
            "hostname": self.host,
            "labels": {LABEL: name, _OWNER: str(self.owner)},
            "network_mode": "none" if isolated else "host",
            "environment": {**self.access, **self.request.get("Environment", {})},
            "entrypoint": application.get("ContainerEntrypoint"),
            "command": application.get("ContainerArguments"),
            # no_copy: what the image has at this place is not seen, as under SageMaker's mounts.
            "mounts": [Mount(one, None, no_copy=True, labels={LABEL: name}) for one in folders],
        }

    def _follow(self) -> None:
        with self.log.open("wb", buffering=0) as log:
            for written in self._container.logs(stream=True, follow=True):
                log.write(written)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    mode = 0o755 if entry.isdir() else 0o644
    return entry.replace(uid=0, gid=0, uname="root", gname="root", mode=mode, deep=False)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Put a file below ``target``; the first component of its name is the folder's own."""
    parts = PurePosixPath(member.name).parts[1:]
    if ".." in parts:
        raise ValueError(f"{member.name!r} leaves its folder")
    path = target.joinpath(*parts)
    if member.isreg() and (content := archive.extractfile(member)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
