"""What a function tells: structured logs with the run's name, and CloudWatch metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import IO, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from landrun.adapters.landings_table import Recorded
from landrun.sanitize import plain_json
from landrun.services.start_run import StartedRun

_SUPERSEDES = (Recorded.REPLACES, Recorded.OLDER)
_RECORDED = {
    Recorded.WAITS: "LandingsRecorded",
    Recorded.REPLACES: "LandingsRecorded",
    Recorded.DUPLICATE: "DuplicateDeliveries",
    Recorded.OLDER: "LandingsRecorded",
}


class Telemetry:
    """Logs and metrics of one function; messages of a batch may be in several threads.

    Built on first use: Powertools reads its settings from the environment
    (``POWERTOOLS_SERVICE_NAME``, ``POWERTOOLS_METRICS_NAMESPACE``, ``POWERTOOLS_LOG_LEVEL``).

    Parameters
    ----------
    stream : text stream, optional
        Where logs go; standard output, which Lambda keeps, when left out.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        # Its own JSON leaves what turns text round, and the second block of control characters.
        self.logger = Logger(stream=stream, json_serializer=plain_json)
        self._counting = Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._durations: list[tuple[str, float]] = []

    @contextmanager
    def invocation(self, context: Any) -> Iterator[None]:
        """Put Lambda's request id on every line, and let the metrics leave at the end."""
        self.logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
        with self.message():
            try:
                yield
            finally:
                self.flush()

    @contextmanager
    def message(self) -> Iterator[None]:
        """Forget the run's name once a message is done: a thread takes another one then."""
        try:
            yield
        finally:
            self.logger.thread_safe_clear_keys()

    def run(self, name: str) -> None:
        """Put the run's name on every line of this thread, until its message is done."""
        self.logger.thread_safe_append_keys(run=name)

    def started(self, run: StartedRun, **details: Any) -> None:
        """Count and log a run that has been started, now or before."""
        self.count("DuplicateDeliveries" if run.duplicate else "RunsStarted")
        if run.mismatch:
            self.count("InputMismatches")
        self.logger.info(
            "delivered again, the run is there" if run.duplicate else "run started",
            extra={"execution_arn": run.execution_arn, "objects": run.objects, **details},
        )

    def recorded(self, recorded: Recorded, **details: Any) -> None:
        """Count and log a landing that waits for a tick, or why it does not."""
        if recorded in _SUPERSEDES:
            self.count("LandingsSuperseded")
        self.count(_RECORDED[recorded])
        self.logger.info("landing recorded", extra={"outcome": recorded.value, **details})

    def mended(self, kind: str, **details: Any) -> None:
        """Count and log a loss that has been made good: something had not come, or not ended."""
        self.count("MissedEventsRecovered")  # all kinds together, for the alarm
        self.count("MissedEventsRecovered", "Kind", kind)
        self.logger.warning("missed event recovered", extra={"kind": kind, **details})

    def ignored(self, reason: str, **details: Any) -> None:
        """Count and log an object that starts no run."""
        self.count("LandingsIgnored", "Reason", reason)
        self.logger.info("landing ignored", extra={"reason": reason, **details})

    def waiting(self, landings: int, oldest: float) -> None:
        """Report how many landings are in no manifest yet, and the age of the oldest in seconds."""
        with self._counting:
            self._counts["LandingsWaiting", "", ""] += landings
        self.duration("OldestLandingAge", oldest)

    def in_line(self, runs: int, oldest: float) -> None:
        """Report how many runs wait for their turn, and for how long the first, in seconds."""
        with self._counting:
            self._counts["RunsWaiting", "", ""] += runs
        self.duration("OldestWaitForSlot", oldest)

    def count(self, metric: str, dimension: str = "", value: str = "") -> None:
        """Add one to a count; it leaves with the next `flush`.

        Parameters
        ----------
        metric : str
            As ``LandingsIgnored``.
        dimension, value : str, optional
            One dimension beside the service, as ``Reason`` and ``zero-bytes``.
        """
        with self._counting:
            self._counts[metric, dimension, value] += 1

    def duration(self, metric: str, seconds: float) -> None:
        """Report one duration in seconds; it leaves with the next `flush`, too."""
        with self._counting:
            self._durations.append((metric, seconds))

    def flush(self) -> None:
        """Write the metrics so far, one line for each, and begin again with none.

        Called when no other thread is at work: Powertools prints a line in two pieces.
        """
        counts, self._counts = self._counts, Counter()
        durations, self._durations = self._durations, []
        for metric, seconds in durations:
            with single_metric(metric, MetricUnit.Seconds, seconds):
                pass
        for (metric, dimension, value), count in counts.items():
            with single_metric(metric, MetricUnit.Count, count) as one:
                if dimension:
                    one.add_dimension(dimension, value)
