"""One backfill from the beginning to the end, on the screen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.filesize import decimal

from landrun.adapters.runs_table import RunsTable
from landrun.models.run import landing_run_name
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import printable
from landrun_ops.actions import checkpoint as bookmarks
from landrun_ops.actions.backfill import Backfill, Sender, Survey, place
from landrun_ops.actions.checkpoint import Bookmark, Place
from landrun_ops.cli.console import ask, complain, counted, show_json, show_lines
from landrun_ops.durations import spelled
from landrun_ops.stack.landings import Landings
from landrun_ops.stack.object_versions import Version, Versions
from landrun_ops.stack.processed_versions import Knows
from landrun_ops.stack.queue_depth import depth
from landrun_ops.stack.stack import Stack

SHOWN = 10
"""Objects that a dry run names on the screen."""

NAMED = 1000
"""Objects that it names as JSON."""

LEFT_OUT = {
    "own-output": "landrun's own output",
    "prefix": "not under LandingPrefix",
    "folder-marker": "markers of folders",
    "suffix": "not with LandingSuffix at the end",
    "zero-bytes": "empty",
    "unreadable-key": "keys that no file can have: rename them",
    "archived": "archived: restore them first",
    "forgotten": "over 400 days old, whether run is forgotten: landrun start",
}
"""Why objects are not sent, by the labels of `landrun_ops.actions.backfill.Survey`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; see ``landrun backfill --help``."""

    uri: str
    missing: bool
    dry_run: bool
    rate: int
    yes: bool
    json: bool


def run_backfill(stack: Stack, asked: Asked, *, restart: bool) -> None:
    """Look, say what there is, ask, send, and say what was sent.

    Raises
    ------
    ConfigurationError
        When the URI is not of the landing bucket, or nobody is there to be asked.
    ServiceError
        When AWS refuses a call or cannot be reached; the same command goes on then.
    """
    under = place(asked.uri, stack.landing)
    if str(under) != asked.uri and not asked.json:
        show_lines(["only this, for nothing else starts runs:"])
    mark = bookmark(stack, under, asked)
    if restart and not asked.dry_run:
        mark.remove()
    stands = None if restart else mark.read()
    command = _Command(stack, asked, under, mark, stands)
    result = command.run()
    if asked.json:
        show_json(result)


def bookmark(stack: Stack, under: S3Uri, asked: Asked) -> Bookmark:
    """Give the bookmark of this backfill, and of no other."""
    queue = stack.output("LandingQueueArn")
    what = f"{queue} {under}{' --missing' if asked.missing else ''}"
    return Bookmark(bookmarks.folder(), what)


@dataclass(frozen=True)
class _Command:
    stack: Stack
    asked: Asked
    under: S3Uri
    mark: Bookmark
    stands: Place | None

    def run(self) -> dict[str, Any]:
        """Do it, and give what there is to say as JSON."""
        backfill = self._backfill()
        if self.stands:
            self._say(resumed(self.stands))
        survey = self._survey(backfill)
        self._say(*survey_lines(survey, self.under, self.stack.output("StartOn")))
        on_their_way = depth(self.stack.client("sqs"), self.stack.output("LandingQueueUrl"))
        if on_their_way and survey.to_send and self.asked.missing:
            self._say(
                f"{on_their_way:>6,} on their way in the landing queue: counted as missing until"
                " they are through, and no run starts twice"
            )
        result = {
            "uri": str(self.under),
            "missing": self.asked.missing,
            "dry_run": self.asked.dry_run,
            "resumed_after": self.stands.after if self.stands else None,
            **{name: value for name, value in asdict(survey).items() if name != "kept"},
        }
        if self.asked.dry_run:
            return result | {"sent": 0, "first": self._look(survey)}
        if not survey.to_send:
            self.mark.remove()
            return result | {"sent": 0}
        self._ask(survey)
        return result | {"sent": self._send(backfill, survey)}

    @property
    def _after(self) -> str:
        return self.stands.after if self.stands else ""

    def _backfill(self) -> Backfill:
        stack, dynamodb = self.stack, self.stack.client("dynamodb")
        knows = Knows(
            bucket=self.under.bucket,
            prefix=stack.output("JobNamePrefix"),
            ledger=RunsTable(dynamodb, stack.output("RunsTable")),
            landings=Landings(dynamodb, stack.output("LandingsTable")),
            runs=stack.ledger(),
            now=datetime.now(UTC),
            collects=stack.output("StartOn") == "schedule",
        )
        versions = Versions(stack.client("s3"))
        return Backfill(versions, self.under, stack.landing_filter(), knows, self.asked.missing)

    def _survey(self, backfill: Backfill) -> Survey:
        with counted("objects") as count:
            for survey in backfill.survey(self._after):
                count(survey.objects)
        return survey

    def _look(self, survey: Survey) -> list[dict[str, Any]]:
        """Name the first of what would be sent."""
        named = [self._named(one) for one in survey.kept[:NAMED]]
        for one in named[:SHOWN]:
            self._say("  ".join(filter(None, ("", one["run"], printable(one["key"])))))
        if survey.to_send > SHOWN:
            self._say(f"  and {survey.to_send - SHOWN:,} more")
        self._say("nothing was sent: this was a dry run")
        return named

    def _named(self, version: Version) -> dict[str, Any]:
        prefix, bucket = self.stack.output("JobNamePrefix"), self.under.bucket
        arrival = self.stack.output("StartOn") == "arrival"
        version_name = version.version_id or f"sequencer:{version.sequencer}"
        run = landing_run_name(prefix, bucket, version.key, version_name) if arrival else None
        return {"key": version.key, "version_id": version.version_id, "run": run}

    def _ask(self, survey: Survey) -> None:
        seconds = spelled(survey.to_send / self.asked.rate)
        what = f"{survey.to_send:,} object{'s' * (survey.to_send > 1)}"
        ask(
            f"Send {what} to the landing queue, {self.asked.rate} a second (about {seconds})?",
            yes=self.asked.yes,
        )

    def _send(self, backfill: Backfill, survey: Survey) -> int:
        sender = Sender(
            client=self.stack.client("sqs"),
            queue_url=self.stack.output("LandingQueueUrl"),
            queue_arn=self.stack.output("LandingQueueArn"),
            rate=self.asked.rate,
            clock=time.monotonic,
            sleep=time.sleep,
        )
        began, stood = time.monotonic(), self.stands or Place("", 0, _now())
        stands = stood
        try:
            with counted("sent", survey.to_send) as count:
                for batch in sender.send(
                    self.under.bucket, iter(backfill.to_send(survey, self._after))
                ):
                    now = replace(stands, after=batch[-1].key, sent=stands.sent + len(batch))
                    self.mark.move(now)
                    stands = now
                    count(stands.sent - stood.sent)
        except BaseException:
            complain(
                f"cut off after {stands.sent - stood.sent:,} of {survey.to_send:,}; the same"
                " command goes on there"
            )
            raise
        self.mark.remove()
        sent = stands.sent - stood.sent
        self._say(
            f"{sent:,} sent in {spelled(time.monotonic() - began)};"
            " what becomes of them: landrun watch"
        )
        return sent

    def _say(self, *lines: str) -> None:
        if not self.asked.json:
            show_lines(lines)


def resumed(stands: Place) -> str:
    """Say where an earlier backfill was cut off."""
    return (
        f"goes on after {printable(stands.after)}: {stands.sent:,} were sent since {stands.began}"
        " (--restart begins anew)"
    )


def survey_lines(survey: Survey, under: S3Uri, start_on: str) -> list[str]:
    r"""Say what there is, a line for each count.

    >>> survey = Survey(objects=3, bytes=2_000_000, known=1, to_send=2)
    >>> print(*survey_lines(survey, S3Uri("b", "in/"), "arrival"), sep="\n")
    s3://b/in/
         3 objects, 2.0 MB
         1 left out: have a run, or wait for one
         2 to send: each starts a run
    """
    return [str(under), *(f"{count:>6,} {words}" for count, words in _counts(survey, start_on))]


def _counts(survey: Survey, start_on: str) -> Iterator[tuple[int, str]]:
    yield survey.objects, f"object{'s' * (survey.objects != 1)}, {decimal(survey.bytes)}"
    if survey.known:
        yield survey.known, "left out: have a run, or wait for one"
    for reason, count in survey.left_out.most_common():
        yield count, f"left out: {LEFT_OUT.get(reason, reason)}"
    if survey.unversioned:
        yield survey.unversioned, ("without a version id: known by key and time, as with --missing")
    what = "each starts a run" if start_on == "arrival" else "the next tick takes them"
    yield survey.to_send, f"to send: {what}" if survey.to_send else "to send"


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
