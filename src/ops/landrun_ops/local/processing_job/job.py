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

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from landrun_ops.local.processing_job.container import ContainerStartError
from landrun_ops.local.processing_job.files import TransferError, download, inside, upload
from landrun_ops.local.processing_job.host import Host, Laptop

_TICK: Final = 0.1
_DAY: Final = 86400
_KB: Final = 1024
_KEPT: Final = 20
"""How many jobs' folders, with their logs, are kept."""

_running: set[str] = set()


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
        return (self.request.get("ProcessingOutputConfig") or {}).get("Outputs") or ()


class _Ending(NamedTuple):
    code: int | None  # of the first host that failed, or 0; None when stopped
    why: str = ""


def run(order: Order, laptop: Laptop) -> Outcome:
    """Run a job from its inputs to its outputs.

    What a job does wrong ends here as ``Failed`` with SageMaker's words: ``AlgorithmError`` for the
    script, ``ClientError`` for what it was given.
    """
    name = order.request["ProcessingJobName"]
    folder = laptop.work_dir / "jobs" / name
    _running.add(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _prune(folder.parent)
    count = order.request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1)
    names = [f"algo-{number}" for number in range(1, count + 1)]
    hosts = [Host(name, folder, order.request, laptop) for name in names]
    try:
        _prepare(order, hosts, laptop)
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


def _prune(jobs: Path) -> None:
    """Remove the folders of old jobs."""
    folders = sorted(jobs.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[_KEPT:]:
        if folder.name not in _running:
            shutil.rmtree(folder, ignore_errors=True)


def _prepare(order: Order, hosts: Sequence[Host], laptop: Laptop) -> None:
    for host in hosts:
        host.lay_out(order.arn, [one.name for one in hosts], order.outputs)
    for entry in order.request.get("ProcessingInputs") or ():
        source = entry["S3Input"]
        folders = [inside(host.opt_ml, source["LocalPath"]) for host in hosts]
        download(laptop.client("s3"), source, folders)


def _execute(order: Order, hosts: Sequence[Host]) -> _Ending:
    limit = (order.request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _DAY)
    deadline = time.monotonic() + limit
    try:
        for host in hosts:
            host.start()
        ending = None
        while ending is None:
            codes = [host.container.wait(_TICK / len(hosts)) for host in hosts if host.container]
            for host in hosts:
                host.log.ship()
            ending = _ending(codes)
            if ending is None and order.stop.is_set():
                ending = _Ending(None, "StopProcessingJob")
            elif ending is None and time.monotonic() >= deadline:
                ending = _Ending(None, f"MaxRuntimeInSeconds ({limit}) reached")
        return ending
    finally:
        for host in hosts:
            if host.container is not None:
                host.container.stop()


def _ending(codes: Sequence[int | None]) -> _Ending | None:
    failed = next(filter(None, codes), None)
    return None if failed is None and None in codes else _Ending(failed or 0)


def _finish(order: Order, hosts: Sequence[Host], ending: _Ending, laptop: Laptop) -> Outcome:
    if ending.why:
        hosts[0].log.note(f"[landrun] stopped: {ending.why}")
    if order.abandon.is_set():
        return Outcome("Stopped")
    key_arn = str((order.request.get("ProcessingOutputConfig") or {}).get("KmsKeyId") or "")
    for host in hosts:  # one after the other: of one name the last is left, as in S3
        if host.container is not None:
            host.container.collect()
        for target in [output["S3Output"] for output in order.outputs]:
            upload(laptop.put, target, inside(host.opt_ml, target["LocalPath"]), key_arn)
    message = _exit_message(hosts)
    if ending.code is None:
        return Outcome("Stopped", None, message)
    if ending.code:
        return Outcome("Failed", f"AlgorithmError: , exit code: {ending.code}", message)
    return Outcome("Completed", None, message)


def _exit_message(hosts: Sequence[Host]) -> str | None:
    files = [host.opt_ml / "output" / "message" for host in hosts]
    written = b"".join(path.read_bytes() for path in files if path.is_file())
    try:
        written.decode()
    except UnicodeDecodeError as error:
        raise TransferError("/opt/ml/output/message is not UTF-8") from error
    return written[:_KB].decode(errors="ignore") or None
