"""The main job on files of one's own: land them, follow their runs, bring the outputs back.

Knows no screen and no clock of its own: `landrun demo` shows what happens here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

from landrun.adapters.clients import translated
from landrun.adapters.s3_listing import list_objects
from landrun.errors import ConfigurationError, LandrunError
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.stack.job_logs import JobLogs
from landrun_ops.stack.runs_table import RunsReader

FORMATS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
COMPRESSIONS = ("", ".gz", ".zst", ".bz2")
DATA_SUFFIXES = tuple(form + packed for form in FORMATS for packed in COMPRESSIONS)
"""How the names of files that the default job reads end."""

KEY_LIMIT = 1024
"""Bytes in an object's key (Amazon S3, Creating object key names)."""

POLL_SECONDS = 0.2


class Stage(IntEnum):
    """How far a file has come."""

    LANDED = 1
    STARTED = 2
    PROCESSING = 3
    RECORDED = 4


@dataclass(slots=True)
class Journey:
    """One file on its way to a recorded run.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Its name relative to the folder given, with slashes.
    key : str
        Its key in the landing bucket.
    stage : Stage or None
        How far it has come; None before it landed.
    run : RunRecord or None
        Its row of the ledger as last seen.
    refusal : str
        Why no run was started for it; empty when one was, or may yet be.
    """

    path: Path
    name: str
    key: str
    stage: Stage | None = None
    run: RunRecord | None = None
    refusal: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.stage is Stage.RECORDED or bool(self.refusal)

    @property
    def failure(self) -> str:
        """Why there is no output, in a line; empty when there is, or may yet be."""
        if self.refusal:
            return f"REFUSED: {self.refusal}"
        if self.run is None or not self.run.finished or self.run.succeeded:
            return ""
        error = self.run.error
        return ": ".join(filter(None, dict.fromkeys((self.run.status, error, self.run.reason))))


class Stalled(LandrunError):
    """Nothing has happened for longer than anything should take."""


class Observed(Protocol):
    """What `follow` needs to see of a stack."""

    def runs(self) -> Iterator[RunRecord]:
        """Give the rows of the ledger."""

    def processing(self) -> frozenset[str]:
        """Give the names of runs that have a Processing job."""

    def refusals(self) -> Mapping[str, str]:
        """Give the reason for each key that no run was started for."""


class Stack:
    """A deployed landrun, as whoever sends files sees it.

    Parameters
    ----------
    client : Callable[[str], Any]
        Gives the boto3 client of a service.
    outputs : Mapping[str, str]
        The stack's outputs.
    """

    def __init__(self, client: Callable[[str], Any], outputs: Mapping[str, str]) -> None:
        self._s3 = client("s3")
        self._sagemaker = client("sagemaker")
        self._sqs = client("sqs")
        self._logs = JobLogs(client("logs"))
        self._runs = RunsReader(client("dynamodb"), outputs["RunsTable"])
        self._outputs = outputs

    def upload(self, journey: Journey) -> None:
        """Let a file land."""
        with translated("s3:PutObject"):
            self._s3.upload_file(str(journey.path), self._outputs["LandingBucket"], journey.key)

    def runs(self) -> Iterator[RunRecord]:
        """Return the runs of the last day, newest first."""
        now = datetime.now(UTC)
        return self._runs.newest(now, since=now - timedelta(days=1))

    def processing(self) -> frozenset[str]:
        """Give the names of runs that have a Processing job, running or done."""
        with translated("sagemaker:ListProcessingJobs"):
            pages = self._sagemaker.get_paginator("list_processing_jobs").paginate()
            jobs = [job for page in pages for job in page["ProcessingJobSummaries"]]
        return frozenset(job["ProcessingJobName"].rpartition("-")[0] for job in jobs)

    def refusals(self) -> Mapping[str, str]:
        """Give the reason for each key among the dead letters of landings (the first ten)."""
        with translated("sqs:ReceiveMessage"):
            letters = self._sqs.receive_message(
                QueueUrl=self._outputs["LandingDeadLetterQueueUrl"],
                MaxNumberOfMessages=10,
                MessageAttributeNames=["Reason"],
                VisibilityTimeout=0,
            )
        return dict(map(_refusal, letters.get("Messages", [])))

    def download(self, uri: str, folder: Path) -> None:
        """Put the objects under an S3 URI into a folder; without objects there is no folder."""
        prefix = S3Uri.parse(uri)
        for found in list_objects(self._s3, prefix):
            target = folder / found.key.removeprefix(prefix.key)
            target.parent.mkdir(parents=True, exist_ok=True)
            with translated("s3:GetObject"):
                self._s3.download_file(prefix.bucket, found.key, str(target))

    def job_log(self, job_name: str) -> str:
        """Give what a Processing job wrote."""
        return "".join(f"{line.message}\n" for line in self._logs.lines(f"{job_name}/"))


def data_files(source: Path, landing_prefix: str) -> tuple[list[Journey], list[str]]:
    """Find what there is to land.

    Parameters
    ----------
    source : Path
        A file, or a folder with files at any depth.
    landing_prefix : str
        What keys start with.

    Returns
    -------
    tuple of list of Journey and list of str
        The data files in the order of their names, and the names of the others in a folder.

    Raises
    ------
    ConfigurationError
        When there is no such file or folder, or nothing in it to land.
    """
    if not source.exists():
        raise ConfigurationError(f"{source} does not exist: give a file or folder of messages")
    folder = source.parent if source.is_file() else source
    files = [source] if source.is_file() else sorted(filter(Path.is_file, source.rglob("*")))
    journeys = [_journey(file, folder, landing_prefix) for file in files if _is_data(file)]
    if not journeys:
        what = "is not a" if source.is_file() else "has no"
        raise ConfigurationError(
            f"{source} {what} file with data in {', '.join(FORMATS)}, plain or as"
            f" {', '.join(COMPRESSIONS[1:])}"
        )
    return journeys, [file.relative_to(folder).as_posix() for file in files if not _is_data(file)]


def follow(
    journeys: Sequence[Journey],
    stack: Observed,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    patience: float,
    job_seconds: float,
) -> Iterator[Journey]:
    """Yield each journey as it enters each further stage, until all have ended.

    Parameters
    ----------
    journeys : Sequence of Journey
        What has landed.
    stack : Observed
        Where.
    clock, sleep : Callable
        Seconds that never go back, and a wait of so many.
    patience : float
        Seconds without any change that are too many.
    job_seconds : float
        How many more a Processing job may take.

    Raises
    ------
    Stalled
        When nothing changes for too long; names the files that wait.
    """
    changed = clock()
    while waiting := [journey for journey in journeys if not journey.ended]:
        before = clock()
        for journey in _moved(waiting, stack):
            yield journey
            changed = clock()
        working = any(journey.stage is Stage.PROCESSING for journey in waiting)
        if clock() - changed > patience + working * job_seconds:
            raise Stalled(_stalled(waiting, clock() - changed))
        sleep(max(POLL_SECONDS, clock() - before))


def _moved(waiting: Sequence[Journey], stack: Observed) -> Iterator[Journey]:
    runs = {run.trigger.get("Key"): run for run in stack.runs()}
    in_wait = [journey for journey in waiting if journey.key in runs]
    unstarted = [journey for journey in in_wait if not runs[journey.key].finished]
    processing = stack.processing() if unstarted else frozenset()
    for journey in in_wait:
        journey.run = runs[journey.key]
        for stage in _stages(journey.run, processing):
            if stage > (journey.stage or 0):
                journey.stage = stage
                yield journey
    if len(in_wait) < len(waiting):
        refusals = stack.refusals()
        for journey in waiting:
            if journey.run is None and journey.key in refusals:
                journey.refusal = refusals[journey.key]
                yield journey


def _stages(run: RunRecord, processing: frozenset[str]) -> Iterator[Stage]:
    yield Stage.STARTED
    if run.name in processing or run.job_name:
        yield Stage.PROCESSING
    if run.finished:
        yield Stage.RECORDED


def _stalled(waiting: Sequence[Journey], seconds: float) -> str:
    first = waiting[0]
    stage = (first.stage or Stage.LANDED).name.lower()
    return (
        f"nothing has happened for {seconds:.0f} s; {len(waiting)} not recorded, {first.name} is"
        f" {stage}: look above for what a function reported, or wait longer with --patience"
    )


def _is_data(file: Path) -> bool:
    # An empty object starts no run: it would be waited for in vain.
    return file.name.lower().endswith(DATA_SUFFIXES) and file.stat().st_size > 0


def _journey(file: Path, folder: Path, prefix: str) -> Journey:
    name = file.relative_to(folder).as_posix()
    key = prefix + name
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"the name of {name!r} is not UTF-8: rename the file") from error
    if length > KEY_LIMIT:
        raise ConfigurationError(f"{key} is longer than {KEY_LIMIT} bytes: S3 takes no such key")
    return Journey(path=file, name=name, key=key)


def _refusal(letter: Mapping[str, Any]) -> tuple[str, str]:
    reason = letter.get("MessageAttributes", {}).get("Reason", {}).get("StringValue")
    try:
        key = json.loads(letter["Body"])["detail"]["object"]["key"]
    except (ValueError, KeyError, TypeError):
        key = ""
    return str(key), reason or "no run was started after every attempt"
