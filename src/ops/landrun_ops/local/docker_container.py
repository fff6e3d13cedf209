"""A job's host as a container of its image: SageMaker's mounts, environment and exit conventions.

- Folders under ``/opt/ml`` that SageMaker mounts are volumes here, owned by root as there, whatever
  the image prepared at their place: ``config``, ``output``, and each input and output.
- Files are copied in before the start and out after the end, so that nothing of this machine is
  mounted: it works with any Docker, wherever its daemon runs, and leaves no files of other users.
- The command is the job's entrypoint and arguments as they are, the environment the job's own.
- Of what it wrote only files and folders come back, no links: SageMaker follows none either.
- With network isolation there is no network; else this machine's, so that ``AWS_ENDPOINT_URL``
  leads to the laptop's AWS (with Docker Desktop: where host networking is enabled).
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.local.container import OPT_ML, ContainerStartError
from landrun_ops.local.processing_files import TransferError

LABEL = "landrun.job"
"""Label of the containers of jobs and of their volumes; its value is the job's name."""

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Spec:
    """What to run: a job's request, as far as one container is concerned.

    Attributes
    ----------
    job
        The job's name.
    host
        ``algo-1`` and so on.
    image, entrypoint, arguments
        Of ``AppSpecification``.
    environment
        All variables beyond the image's own.
    inputs, outputs
        ``LocalPath``s.
    isolated
        Without a network.
    """

    job: str
    host: str
    image: str
    entrypoint: Sequence[str]
    arguments: Sequence[str]
    environment: Mapping[str, str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    isolated: bool

    @classmethod
    def of(cls, request: Mapping[str, Any], host: str, access: Mapping[str, str]) -> Spec:
        """Read a ``CreateProcessingJob`` request; ``access`` is how a script finds AWS."""
        application = request["AppSpecification"]
        outputs = (request.get("ProcessingOutputConfig") or {}).get("Outputs") or ()
        return cls(
            job=request["ProcessingJobName"],
            host=host,
            image=application["ImageUri"],
            entrypoint=application.get("ContainerEntrypoint") or (),
            arguments=application.get("ContainerArguments") or (),
            environment={**access, **(request.get("Environment") or {})},
            inputs=[
                entry["S3Input"]["LocalPath"] for entry in request.get("ProcessingInputs") or ()
            ],
            outputs=[entry["S3Output"]["LocalPath"] for entry in outputs],
            isolated=bool((request.get("NetworkConfig") or {}).get("EnableNetworkIsolation")),
        )

    @property
    def name(self) -> str:
        """The container's name."""
        return f"{self.job}-{self.host}"

    @property
    def written(self) -> list[str]:
        """Folders that the job writes to."""
        return list(dict.fromkeys([f"{OPT_ML}/output", *map(_plain, self.outputs)]))

    @property
    def keys(self) -> dict[str, str]:
        """Give the variables that Docker takes from its own environment.

        Every user of this machine can read the words of a command, but not its environment.
        """
        return {name: value for name, value in self.environment.items() if name in _KEYS}

    def create_words(self) -> list[str]:
        """Give the words of ``docker create``; an image that is not here is an error."""
        words = ["create", "--pull", "never", "--name", self.name]
        label = f"{LABEL}={self.job}"
        words += ["--label", label, "--hostname", self.host]
        words += ["--network", "none" if self.isolated else "host"]
        for folder in dict.fromkeys([f"{OPT_ML}/config", *map(_plain, self.inputs), *self.written]):
            # nocopy: what the image has at this place is not seen, as under a mount of SageMaker's.
            volume = f"type=volume,dst={folder},volume-nocopy=true,volume-label={label}"
            words += ["--mount", volume]
        for name, value in self.environment.items():
            words += ["--env", name if name in _KEYS else f"{name}={value}"]
        program, *rest = self.entrypoint or ("",)
        return [
            *words,
            *(["--entrypoint", program] if program else []),
            self.image,
            *rest,
            *self.arguments,
        ]


def _plain(path: str) -> str:
    return str(PurePosixPath(path))


class DockerContainer:
    """One host of a job, in Docker. See ``Container``.

    Parameters
    ----------
    spec
        What to run.
    opt_ml
        Folder of this machine whose content becomes the container's ``/opt/ml``, and to which what
        the job wrote comes back.
    log
        File that receives stdout and stderr.
    docker
        The door to Docker.
    """

    def __init__(self, spec: Spec, opt_ml: Path, log: Path, docker: Docker) -> None:
        self._spec = spec
        self._opt_ml = opt_ml
        self._log = log
        self._docker = docker
        self._attached: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """See ``Container``."""
        try:
            environment = {**os.environ, **self._spec.keys}
            self._docker(*self._spec.create_words(), environment=environment)
            self._bring_in()
        except (DockerError, OSError) as error:
            raise ContainerStartError(f"cannot run {self._spec.image}: {error}") from error
        with self._log.open("wb") as output:
            self._attached = self._docker.start("start", "--attach", self._spec.name, output=output)

    def wait(self, seconds: float) -> int | None:
        """See ``Container``; Docker's own failures, told in the log, are exit codes, too."""
        if self._attached is None:
            return None
        try:
            return self._attached.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace: float) -> None:
        """See ``Container``."""
        if self._attached is None or self._attached.poll() is not None:
            return
        with contextlib.suppress(DockerError):  # it may have ended by itself meanwhile
            self._docker("stop", "--time", str(math.ceil(grace)), self._spec.name)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._attached.wait(grace)
        self._attached.kill()
        self._attached.wait()

    def collect(self) -> None:
        """Bring what the job wrote to ``opt_ml``.

        Raises
        ------
        TransferError
            When that is not possible.
        """
        for folder in self._spec.written:
            try:
                self._bring_out(PurePosixPath(folder))
            except (DockerError, OSError, ValueError) as error:
                raise TransferError(
                    f"cannot read {folder} of {self._spec.name}: {error}"
                ) from error

    def discard(self) -> None:
        """Remove the container and its volumes, if there is one."""
        with contextlib.suppress(DockerError):
            self._docker("rm", "--force", "--volumes", self._spec.name)

    def _bring_in(self) -> None:
        with (
            self._docker.stream("cp", "-", f"{self._spec.name}:/", into=True) as stream,
            tarfile.open(fileobj=stream, mode="w|", bufsize=_CHUNK) as archive,
        ):
            archive.add(self._opt_ml, OPT_ML.lstrip("/"), filter=_owned_by_root)

    def _bring_out(self, folder: PurePosixPath) -> None:
        target = self._opt_ml / folder.relative_to(OPT_ML)
        with self._docker.stream("cp", f"{self._spec.name}:{folder}", "-", into=False) as stream:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:
                for member in archive:
                    _extract(archive, member, target)
            while stream.read(_CHUNK):  # what tar pads with: Docker must get rid of it
                pass


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry


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
            shutil.copyfileobj(content, file, _CHUNK)
