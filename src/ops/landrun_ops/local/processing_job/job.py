"""One Processing job: SageMaker's container contract on folders of this machine.

What SageMaker promises a container (developer guide, "Build Your Own Processing Container"), with
the script as a subprocess: inputs lie under their ``LocalPath``, outputs are uploaded from theirs
at the end of the job, also after a script that failed; two files in ``/opt/ml/config`` say what
runs where; the first KB of ``/opt/ml/output/message`` becomes the job's ``ExitMessage``; several
instances are several subprocesses, each with its own folders, named algo-1, algo-2, ….

There is no ``/opt/ml`` here: paths in arguments, in environment values and in the two files are
rewritten to the folders that stand for it, and ``LANDRUN_OPT_ML`` names that of ``/opt/ml``. With
Docker there is, and nothing is rewritten: each host is a container of the job's image.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from landrun_ops.local.processing_job.container import (
    Container,
    ContainerStartError,
    Subprocess,
    is_python,
    rewrite,
)
from landrun_ops.local.processing_job.files import (
    Put,
    TransferError,
    download,
    inside,
    upload,
)
from landrun_ops.local.processing_job.logs import LogStream
from landrun_ops.local.processing_job.spark import is_spark, submit

if TYPE_CHECKING:
    from docker import DockerClient

_TICK: Final = 0.1
_DAY: Final = 86400
_KB: Final = 1024
_KEPT: Final = 20
"""How many jobs' folders, with their logs, are kept."""

# Of this process's environment, what a program needs to run at all; a container sees no more.
_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME")

_running: set[str] = set()
_housekeeping = threading.Lock()


class Outcome(NamedTuple):
    """How a job ended: SageMaker's status, and its two texts where there are any."""

    status: Literal["Completed", "Failed", "Stopped"]
    failure_reason: str | None = None
    exit_message: str | None = None


@dataclass(frozen=True)
class Order:
    """A job to run, and the signals between it and SageMaker.

    ``stop`` asks it to end; ``abandon`` as well, leaving its outputs where they are, for when the
    laptop's AWS goes down; ``started`` is called when inputs are in and the script begins.
    """

    request: Mapping[str, Any]
    arn: str
    started: Callable[[], None]
    stop: threading.Event = field(default_factory=threading.Event)
    abandon: threading.Event = field(default_factory=threading.Event)

    @property
    def outputs(self) -> Sequence[Mapping[str, Any]]:
        """The outputs of ``ProcessingOutputConfig``."""
        outputs: Sequence[Any] = self.request.get("ProcessingOutputConfig", {}).get("Outputs", ())
        return outputs


@dataclass(frozen=True)
class Laptop:
    """The laptop in place of SageMaker's instances.

    ``program`` stands for ``/opt/program``; jobs leave their logs in ``work_dir/jobs/<job>/``;
    ``python`` is the interpreter; ``client("s3")`` is a boto3 client, and ``access`` the
    environment by which a script's own finds AWS; ``grace`` are the seconds between SIGTERM and
    SIGKILL; ``docker`` runs jobs in their image, without it they are subprocesses.
    """

    program: Path
    work_dir: Path
    python: str
    client: Callable[[str], Any]
    put: Put
    access: Mapping[str, str]
    grace: float = 5.0
    docker: DockerClient | None = None


class Host:
    """One instance of a job; ``folder`` is the job's, in which this one has a folder and a log."""

    def __init__(self, name: str, folder: Path, order: Order, laptop: Laptop) -> None:
        self.name = name
        self.folder = folder / name
        self.opt_ml = self.folder / "opt" / "ml"
        self.container: Container | None = None
        self._log_file = folder / f"{name}.log"
        self._order = order
        self._request = order.request
        self._laptop = laptop
        stream = f"{order.request['ProcessingJobName']}/{name}-{int(time.time())}"
        self.log = LogStream(laptop.client("logs"), stream, self._log_file)

    def lay_out(self, names: Sequence[str]) -> None:
        """Make the folders, and SageMaker's two files in ``config``; ``names`` are all hosts'."""
        outputs = [inside(self.opt_ml, one["S3Output"]["LocalPath"]) for one in self._order.outputs]
        own = [self.opt_ml / name for name in ("config", "output", "processing")]
        for folder in (*own, *outputs):
            folder.mkdir(parents=True, exist_ok=True)
        cluster = self._request["ProcessingResources"]["ClusterConfig"]
        resources = {
            "current_host": self.name,
            "hosts": names,
            "current_instance_type": cluster.get("InstanceType"),
            "network_interface_name": "lo",
        }
        job = {"ProcessingJobArn": self._order.arn, **self._request}
        for name, content in (("processingjobconfig", job), ("resourceconfig", resources)):
            text = json.dumps(self._localised(content), indent=2)
            (self.opt_ml / "config" / f"{name}.json").write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start the job's command. Raises ContainerStartError when that is not possible."""
        in_docker = self._laptop.docker is not None
        self.container = self._in_docker() if in_docker else self._subprocess()
        self.container.start()

    def _in_docker(self) -> Container:
        from landrun_ops.local.processing_job.docker_container import (  # noqa: PLC0415
            DockerContainer,  # late: Docker's SDK takes half a second, and few use it
        )

        laptop = self._laptop
        return DockerContainer(
            self._request,
            self.name,
            laptop.access,
            owner=laptop.work_dir,
            opt_ml=self.opt_ml,
            log=self._log_file,
            grace=laptop.grace,
            client=laptop.docker,
        )

    def _subprocess(self) -> Container:
        laptop, image = self._laptop, self._request["AppSpecification"]
        bin_folder = str(Path(laptop.python).parent)
        environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **laptop.access,
            **self._localised(self._request.get("Environment", {})),
            "LANDRUN_OPT_ML": str(self.opt_ml),
        }
        words = [*image["ContainerEntrypoint"], *image.get("ContainerArguments", ())]
        command = self._localised(words)
        if is_python(command[0]):
            command[0] = laptop.python
        if is_spark(command):
            command = submit(command, self.name, laptop.python, laptop.program, environment)
        return Subprocess(command, environment, self.folder, self._log_file, laptop.grace)

    def _localised(self, value: Any) -> Any:
        if self._laptop.docker is not None:
            return value
        if isinstance(value, Mapping):
            return {key: self._localised(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self._localised(member) for member in value]
        if isinstance(value, str):
            return rewrite(value, self.opt_ml, self._laptop.program)
        return value


def run(order: Order, laptop: Laptop) -> Outcome:
    """Run a job from its inputs to its outputs.

    A job's own errors end as ``Failed`` in SageMaker's words: ``AlgorithmError`` for the script,
    ``ClientError`` for its inputs and outputs.
    """
    name = order.request["ProcessingJobName"]
    folder = _folder(laptop.work_dir / "jobs", name)
    count = order.request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1)
    names = [f"algo-{number}" for number in range(1, count + 1)]
    hosts = [Host(name, folder, order, laptop) for name in names]
    try:
        for host in hosts:
            host.lay_out(names)
        for entry in order.request.get("ProcessingInputs", ()):
            path = entry["S3Input"]["LocalPath"]
            folders = [inside(host.opt_ml, path) for host in hosts]
            download(laptop.client("s3"), entry["S3Input"], folders)
        if order.stop.is_set():
            return Outcome("Stopped")
        order.started()
        return _finish(order, hosts, _execute(order, hosts), laptop)
    except (TransferError, ContainerStartError) as error:
        return Outcome("Failed", f"ClientError: {error}".encode()[:_KB].decode(errors="ignore"))
    finally:
        for host in hosts:
            host.log.ship(last=True)
            if host.container is not None:
                host.container.discard()
            shutil.rmtree(host.folder, ignore_errors=True)
        _running.discard(name)


def _folder(jobs: Path, name: str) -> Path:
    """Make a job's folder; remove those of old jobs."""
    with _housekeeping:
        _running.add(name)
        shutil.rmtree(jobs / name, ignore_errors=True)
        (jobs / name).mkdir(parents=True)
        ended = [folder for folder in jobs.iterdir() if folder.name not in _running]
        ended.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in ended[_KEPT - 1 :]:  # the new one is kept, too
            shutil.rmtree(folder, ignore_errors=True)
    return jobs / name


def _execute(order: Order, hosts: Sequence[Host]) -> int | str:
    """Run the script; return the first exit code that is not 0, or why the job was stopped."""
    limit = order.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY)
    deadline = time.monotonic() + limit
    try:
        for host in hosts:
            host.start()
        while not order.stop.is_set():
            codes = [host.container.wait(_TICK / len(hosts)) for host in hosts if host.container]
            for host in hosts:
                host.log.ship()
            if any(codes) or None not in codes:
                return next(filter(None, codes), 0)
            if time.monotonic() >= deadline:
                return f"MaxRuntimeInSeconds ({limit}) reached"
        return "StopProcessingJob"
    finally:
        for host in hosts:
            if host.container is not None:
                host.container.stop()


def _finish(order: Order, hosts: Sequence[Host], ending: int | str, laptop: Laptop) -> Outcome:
    if isinstance(ending, str):
        hosts[0].log.note(f"[landrun] stopped: {ending}")
    if order.abandon.is_set():
        return Outcome("Stopped")
    key_arn = str(order.request.get("ProcessingOutputConfig", {}).get("KmsKeyId", ""))
    for host in hosts:  # one after the other: of one name the last is left, as in S3
        if host.container is not None:
            host.container.collect()
        for target in [output["S3Output"] for output in order.outputs]:
            upload(laptop.put, target, inside(host.opt_ml, target["LocalPath"]), key_arn)
    files = [host.opt_ml / "output" / "message" for host in hosts]
    written = b"".join(path.read_bytes() for path in files if path.is_file())
    message = written[:_KB].decode(errors="ignore") or None
    if isinstance(ending, str):
        return Outcome("Stopped", None, message)
    if ending:
        return Outcome("Failed", f"AlgorithmError: , exit code: {ending}", message)
    return Outcome("Completed", None, message)
