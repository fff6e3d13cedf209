"""A job's host as a container of its image: SageMaker's mounts, environment and exit conventions.

Folders that SageMaker mounts are volumes, owned by root. Files are copied in before the start and
out after the end: nothing of this machine is mounted, wherever Docker's daemon runs. The network is
this machine's, so that ``AWS_ENDPOINT_URL`` leads to the laptop's AWS.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.local.processing_job.container import OPT_ML, Container, ContainerStartError
from landrun_ops.local.processing_job.files import TransferError

LABEL: Final = "landrun.job"
"""Label of the containers of jobs and of their volumes; its value is the job's name."""

_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class DockerContainer(Container):
    """One host of a job, in Docker; its files come from ``opt_ml`` and go back there."""

    def __init__(
        self,
        request: Mapping[str, Any],
        host: str,
        access: Mapping[str, str],
        *,
        opt_ml: Path,
        log: Path,
        grace: float,
        docker: Docker,
    ) -> None:
        self._request = request
        self._host = host
        self._environment = {**access, **request.get("Environment", {})}
        self._opt_ml = opt_ml
        self._log = log
        self._grace = grace
        self._docker = docker
        self._process = None
        self._name = f"{request['ProcessingJobName']}-{host}"
        outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
        paths = [str(PurePosixPath(entry["S3Output"]["LocalPath"])) for entry in outputs]
        self._written = list(dict.fromkeys([f"{OPT_ML}/output", *paths]))

    def create_words(self) -> list[str]:
        """Return the words of ``docker create``; it takes no image from elsewhere."""
        application = self._request["AppSpecification"]
        isolated = self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation")
        label = f"{LABEL}={self._request['ProcessingJobName']}"
        words = ["create", "--pull", "never", "--name", self._name, "--label", label]
        words += ["--hostname", self._host, "--network", "none" if isolated else "host"]
        inputs = self._request.get("ProcessingInputs", ())
        read = [str(PurePosixPath(entry["S3Input"]["LocalPath"])) for entry in inputs]
        for folder in dict.fromkeys([f"{OPT_ML}/config", *read, *self._written]):
            # nocopy: what the image has at this place is not seen, as under a mount of SageMaker's.
            volume = f"type=volume,dst={folder},volume-nocopy=true,volume-label={label}"
            words += ["--mount", volume]
        for name, value in self._environment.items():
            # Every user of this machine can read the words of a command, but not its environment.
            words += ["--env", name if name in _KEYS else f"{name}={value}"]
        program, *rest = application.get("ContainerEntrypoint") or ("",)
        words += ["--entrypoint", program] if program else []
        return [*words, application["ImageUri"], *rest, *application.get("ContainerArguments", ())]

    def start(self) -> None:
        """Create and start the container. Raises ContainerStartError when that is not possible."""
        keys = {name: value for name, value in self._environment.items() if name in _KEYS}
        try:
            self._docker(*self.create_words(), environment={**os.environ, **keys})
            with (
                self._docker.stream("cp", "-", f"{self._name}:/", into=True) as stream,
                tarfile.open(fileobj=stream, mode="w|") as archive,
            ):
                archive.add(self._opt_ml, OPT_ML.lstrip("/"), filter=_owned_by_root)
        except (DockerError, OSError) as error:
            image = self._request["AppSpecification"]["ImageUri"]
            raise ContainerStartError(f"cannot run {image}: {error}") from error
        with self._log.open("wb") as output:
            self._process = self._docker.start("start", "--attach", self._name, output=output)

    def stop(self) -> None:
        """End it, if it runs: SIGTERM, later SIGKILL."""
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(DockerError):  # it may have ended by itself meanwhile
            self._docker("stop", "--time", str(math.ceil(self._grace)), self._name)
        super().stop()

    def collect(self) -> None:
        """Bring what the job wrote to ``opt_ml``. Raises TransferError when it cannot be read."""
        for folder in self._written:
            target = self._opt_ml / PurePosixPath(folder).relative_to(OPT_ML)
            words = ("cp", f"{self._name}:{folder}", "-")
            try:
                with self._docker.stream(*words, into=False) as stream:
                    with tarfile.open(fileobj=stream, mode="r|") as archive:
                        for member in archive:
                            _extract(archive, member, target)
                    while stream.read(1 << 20):  # what tar pads with: Docker must get rid of it
                        pass
            except (DockerError, OSError, ValueError) as error:
                raise TransferError(f"cannot read {folder} of {self._name}: {error}") from error

    def discard(self) -> None:
        """Remove the container and its volumes."""
        with contextlib.suppress(DockerError):
            self._docker("rm", "--force", "--volumes", self._name)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    mode = 0o755 if entry.isdir() else 0o644
    return entry.replace(uid=0, gid=0, uname="root", gname="root", mode=mode, deep=False)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Put one member below ``target``; its first component is the folder's own name."""
    parts = PurePosixPath(member.name).parts[1:]
    if ".." in parts:
        raise ValueError(f"{member.name!r} leaves its folder")
    path = target.joinpath(*parts)
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
    elif member.isreg() and (content := archive.extractfile(member)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
