"""What a job is told, and the error that ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from messages.rules import Rules
from messages.wanted import Wanted


class JobError(Exception):
    """The job cannot be done; the message is for the person who has to act on it."""


@dataclass(frozen=True)
class Options:
    """What a job is told.

    Attributes
    ----------
    input : Path
        The folder with the messages or, ``on_spark``, with the run's manifest.
    output : Path
        The folder for what comes of them.
    wanted : Wanted
        How files are to be read where they do not say so themselves.
    rules : Rules
        How messages are cleaned and compared.
    max_rejected : float
        The largest share of the rows that may be rejected; the job always fails without any other.
    on_spark : bool
        True on a Spark cluster.
    workers, memory : int, optional
        Processes, and MiB for all of them. Default: what the machine has.
    opt_ml : Path
        The root of SageMaker's files.
    """

    input: Path
    output: Path
    wanted: Wanted = field(default_factory=Wanted)
    rules: Rules = field(default_factory=Rules)
    max_rejected: float = 1.0
    on_spark: bool = False
    workers: int | None = None
    memory: int | None = None
    opt_ml: Path = Path("/opt/ml")
