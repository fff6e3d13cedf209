"""One Processing job: SageMaker's container contract on folders of this machine.

What SageMaker promises a container (developer guide, "Build Your Own Processing Container"),
with the script as a subprocess:

- inputs lie under their ``LocalPath``, outputs are uploaded from theirs at the end of the job,
  also after a script that failed (as the SDK's local mode does); ``Continuous`` outputs are
  treated as ``EndOfJob``;
- ``/opt/ml/config/processingjobconfig.json`` and ``resourceconfig.json`` say what runs where;
- the first KB of ``/opt/ml/output/message`` becomes the job's ``ExitMessage``;
- several instances are several subprocesses, each with its own folders, named algo-1, algo-2, ….

There is no ``/opt/ml`` here: paths in arguments, in environment values and in the two files are
rewritten to the folders that stand for it, and ``LANDRUN_OPT_ML`` names that of ``/opt/ml``. With
Docker there is, and nothing is rewritten: each host is a container of the job's image.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from landrun_ops.actions.docker import Docker
from landrun_ops.local.container import ContainerStartError
from landrun_ops.local.processing_files import TransferError, download, inside, upload
from landrun_ops.local.processing_host import Host, container_of, lay_out
from landrun_ops.local.processing_logs import LogStream

_TICK = 0.1
_DAY = 86400
_KB = 1024
_log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """How a job ended: SageMaker's status, and its two texts where there are any."""

    status: Literal["Completed", "Failed", "Stopped"]
    failure_reason: str | None = None
    exit_message: str | None = None


@dataclass(frozen=True)
class Laptop:
    """What stands for SageMaker's machines.

    Parameters
    ----------
    program
        Folder that stands for ``/opt/program``.
    work_dir
        Jobs leave their logs in ``work_dir/jobs/<job>/<host>.log``.
    python
        Interpreter that stands for the image's.
    client
        ``client("s3")``: a boto3 client of the laptop's AWS.
    access
        Environment through which a script's boto3 finds the laptop's AWS.
    grace
        Seconds between SIGTERM and SIGKILL when a job is stopped.
    docker
        Runs jobs in their image; None for subprocesses, where ``ImageUri`` is not used.
    """

    program: Path
    work_dir: Path
    python: str
    client: Callable[[str], Any]
    access: Callable[[], Mapping[str, str]]
    grace: float = 5.0
    docker: Docker | None = None


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
    def name(self) -> str:
        """The job's name."""
        return str(self.request["ProcessingJobName"])

    @property
    def inputs(self) -> Sequence[Mapping[str, Any]]:
        """The ``ProcessingInputs``."""
        return self.request.get("ProcessingInputs") or ()

    @property
    def outputs(self) -> Sequence[Mapping[str, Any]]:
        """The outputs of ``ProcessingOutputConfig``."""
        return (self.request.get("ProcessingOutputConfig") or {}).get("Outputs") or ()

    @property
    def output_key(self) -> str:
        """The ARN of the KMS key of the outputs; empty for the bucket's own encryption."""
        return str((self.request.get("ProcessingOutputConfig") or {}).get("KmsKeyId") or "")

    @property
    def seconds(self) -> float:
        """Time limit of the script; SageMaker's default is a day."""
        limit = self.request.get("StoppingCondition") or {}
        return float(limit.get("MaxRuntimeInSeconds", _DAY))


class _Ending(NamedTuple):
    code: int | None  # of the first host that failed, else of all; None when stopped
    why: str = ""


def run(order: Order, laptop: Laptop) -> Outcome:
    """Run a job from its inputs to its outputs.

    Returns
    -------
    Outcome
        Everything a job can do wrong ends here as ``Failed`` with SageMaker's words:
        ``AlgorithmError`` for the script, ``ClientError`` for what it was given.
    """
    folder = laptop.work_dir / "jobs" / order.name
    shutil.rmtree(folder, ignore_errors=True)
    hosts = _hosts(order, folder, laptop)
    try:
        _prepare(order, hosts, laptop)
        if order.stop.is_set():
            return Outcome("Stopped")
        order.started()
        return _finish(order, hosts, _execute(order, hosts, laptop), laptop)
    except (TransferError, ContainerStartError) as error:
        return Outcome("Failed", _clip(f"ClientError: {error}"), None)
    finally:
        for host in hosts:
            host.log.ship(last=True)
            if host.container is not None:
                host.container.discard()
            shutil.rmtree(host.folder, ignore_errors=True)


def _hosts(order: Order, folder: Path, laptop: Laptop) -> list[Host]:
    count = order.request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1)
    folder.mkdir(parents=True)
    return [_host(order, folder, laptop, f"algo-{number}") for number in range(1, count + 1)]


def _host(order: Order, folder: Path, laptop: Laptop, name: str) -> Host:
    log_file = folder / f"{name}.log"
    stream = f"{order.name}/{name}-{int(time.time())}"
    log = LogStream(laptop.client("logs"), stream, log_file)
    return Host(name, folder / name, log, log_file)


def _prepare(order: Order, hosts: Sequence[Host], laptop: Laptop) -> None:
    for host in hosts:
        lay_out(order, host, [h.name for h in hosts], laptop)
    for entry in order.inputs:
        source = entry["S3Input"]
        folders = [inside(host.opt_ml, source["LocalPath"]) for host in hosts]
        download(laptop.client("s3"), source, folders)


def _execute(order: Order, hosts: Sequence[Host], laptop: Laptop) -> _Ending:
    deadline = time.monotonic() + order.seconds
    ending = None
    try:
        for host in hosts:
            host.container = container_of(order, host, laptop)
            host.container.start()
        while ending is None:
            ending = _look(order, hosts, deadline)
            for host in hosts:
                host.log.ship()
        return ending
    finally:
        for host in hosts:
            if host.container is not None:
                host.container.stop(laptop.grace)


def _look(order: Order, hosts: Sequence[Host], deadline: float) -> _Ending | None:
    codes = [host.container.wait(_TICK / len(hosts)) for host in hosts if host.container]
    for code in codes:
        if code:
            return _Ending(code)
    if None not in codes:
        return _Ending(0)
    if order.stop.is_set():
        return _Ending(None, "StopProcessingJob")
    if time.monotonic() >= deadline:
        return _Ending(None, f"MaxRuntimeInSeconds ({order.seconds:.0f}) reached")
    return None


def _finish(order: Order, hosts: Sequence[Host], ending: _Ending, laptop: Laptop) -> Outcome:
    if ending.why:
        hosts[0].log.note(f"[landrun] stopped: {ending.why}")
    if order.abandon.is_set():
        return Outcome("Stopped")
    _collect(hosts)
    message, fault = _exit_message(hosts)
    _upload(order, hosts, laptop)
    if ending.code is None:
        return Outcome("Stopped", None, message)
    if ending.code:
        return Outcome("Failed", f"AlgorithmError: , exit code: {ending.code}", message)
    return Outcome("Failed", fault) if fault else Outcome("Completed", None, message)


def _upload(order: Order, hosts: Sequence[Host], laptop: Laptop) -> None:
    """Send the hosts' outputs, one host after the other: of one name the last is left, as in S3."""
    writers: dict[str, str] = {}
    for host in hosts:
        for output in order.outputs:
            target = output["S3Output"]
            folder = inside(host.opt_ml, target["LocalPath"])
            for uri in upload(laptop.client("s3"), target, folder, order.output_key):
                if uri in writers:
                    host.log.note(f"[landrun] {uri} of {writers[uri]} is overwritten")
                writers[uri] = host.name


def _collect(hosts: Sequence[Host]) -> None:
    for host in hosts:
        if host.container is not None:
            host.container.collect()


def _exit_message(hosts: Sequence[Host]) -> tuple[str | None, str | None]:
    """Concatenate the hosts' messages; first KB, and what is wrong with them when not UTF-8."""
    files = [host.opt_ml / "output" / "message" for host in hosts]
    written = b"".join(path.read_bytes() for path in files if path.is_file())
    try:
        written.decode()
    except UnicodeDecodeError:
        return None, "ClientError: /opt/ml/output/message is not UTF-8"
    return written[:_KB].decode(errors="ignore") or None, None


def _clip(text: str) -> str:
    return text.encode()[:_KB].decode(errors="ignore")
