"""``landrun backfill``: objects whose events never arrived, through the normal path."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landrun.sanitize import printable
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, counted, show_json, show_lines, stoppable
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.units import spelled

if TYPE_CHECKING:
    from landrun.models.s3_uri import S3Uri
    from landrun_ops.actions.backfill import Backfill, Survey
    from landrun_ops.actions.checkpoint import Checkpoint, Progress
    from landrun_ops.stack.object_versions import ObjectVersion
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


@on_stack
def backfill(
    target: Target,
    uri: Annotated[
        str,
        typer.Argument(
            metavar="URI", help="What to look at, as s3://bucket/prefix.", show_default=False
        ),
    ],
    *,
    missing: Annotated[
        bool, typer.Option("--missing", help="Leave out what has a run, or waits for one.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and send nothing.")] = False,
    rate: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Objects a second, at most.")
    ] = 50,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew where an earlier one was interrupted.")
    ] = False,
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Process objects that landed before the stack, or whose events were lost.

    Sends, for the current version of each object, the event that S3 would have sent. A version that
    has a run finds it and gets no second one, unless that ran over 90 days ago: --missing leaves it
    out. If it is interrupted, the same command continues where it stopped.

    Example: landrun backfill s3://bucket/incoming/2026/ --missing --dry-run
    """
    stack = target.find()
    # Late, like all that takes longer to import than --help may take.
    from landrun_ops.actions.backfill import of_stack, under_landing  # noqa: PLC0415
    from landrun_ops.actions.checkpoint import Checkpoint, folder  # noqa: PLC0415

    under = under_landing(uri, stack.landing)
    if str(under) != uri and not json:
        show_lines(["only this, for nothing else starts runs:"])
    what = f"{stack.output('LandingQueueArn')} {under}{' --missing' if missing else ''}"
    checkpoint = Checkpoint(folder(), what)
    if restart and not dry_run:
        checkpoint.remove()
    before = None if restart else checkpoint.read()
    found = of_stack(stack, under, missing=missing, now=datetime.now(UTC))
    command = _Command(stack, found, checkpoint, before, rate, yes=yes, json=json)
    with stoppable():
        result = command.run(dry_run=dry_run)
    if json:
        show_json(result)


@dataclass(frozen=True)
class _Command:
    stack: Stack
    backfill: Backfill
    checkpoint: Checkpoint
    before: Progress | None
    rate: int
    yes: bool
    json: bool

    def run(self, *, dry_run: bool) -> dict[str, Any]:
        """Say what there is, ask, send it, and return what to say as JSON."""
        survey = self._survey()
        result = {
            "uri": str(self.backfill.under),
            "missing": self.backfill.missing,
            "dry_run": dry_run,
            "resumed_after": self._after or None,
            **{name: value for name, value in asdict(survey).items() if name != "kept"},
        }
        if dry_run:
            return result | {"sent": 0, "first": self._name(survey)}
        if not survey.to_send:
            self.checkpoint.remove()
            return result | {"sent": 0}
        what = f"{survey.to_send:,} object{'s' * (survey.to_send > 1)}"
        how = f"{self.rate} a second (about {spelled(survey.to_send / self.rate)})"
        ask(f"Send {what} to the landing queue, {how}?", yes=self.yes)
        return result | {"sent": self._send(survey)}

    @property
    def _after(self) -> str:
        return self.before.after if self.before else ""

    def _survey(self) -> Survey:
        from landrun_ops.stack.queue_depth import depth  # noqa: PLC0415

        if self.before:
            self._say(resumed_text(self.before))
        with counted("objects") as count:
            for survey in self.backfill.survey(self._after):
                count(survey.objects)
        self._say(*survey_lines(survey, self.backfill.under, self.stack.output("StartOn")))
        on_their_way = depth(self.stack.client("sqs"), self.stack.output("LandingQueueUrl"))
        if on_their_way and survey.to_send and self.backfill.missing:
            self._say(
                f"{on_their_way:>6,} on their way in the landing queue: counted as missing until"
                " they are through, and no run starts twice"
            )
        return survey

    def _name(self, survey: Survey) -> list[dict[str, Any]]:
        """Name the first of what would be sent."""
        named = [self._named(one) for one in survey.kept[:NAMED]]
        for one in named[:SHOWN]:
            self._say("  ".join(filter(None, ("", one["run"], printable(one["key"])))))
        if survey.to_send > SHOWN:
            self._say(f"  and {survey.to_send - SHOWN:,} more")
        self._say("nothing was sent: this was a dry run")
        return named

    def _named(self, version: ObjectVersion) -> dict[str, Any]:
        from landrun.models.run import landing_run_name  # noqa: PLC0415

        prefix, bucket = self.stack.output("JobNamePrefix"), self.backfill.under.bucket
        identity = version.version_id or f"sequencer:{version.sequencer}"
        starts = self.stack.output("StartOn") == "arrival"
        run = landing_run_name(prefix, bucket, version.key, identity) if starts else None
        return {"key": version.key, "version_id": version.version_id, "run": run}

    def _send(self, survey: Survey) -> int:
        from landrun_ops.actions.backfill import Sender  # noqa: PLC0415
        from landrun_ops.actions.checkpoint import Progress  # noqa: PLC0415

        url, arn = (self.stack.output(f"LandingQueue{name}") for name in ("Url", "Arn"))
        clock = time.monotonic
        sender = Sender(self.stack.client("sqs"), url, arn, self.rate, clock, time.sleep)
        began = clock()
        first = now = self.before or Progress("", 0, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        versions = self.backfill.to_send(survey, self._after)
        try:
            with counted("sent", survey.to_send) as count:
                for batch in sender.send(self.backfill.under.bucket, iter(versions)):
                    now = replace(now, after=batch[-1].key, sent=now.sent + len(batch))
                    self.checkpoint.write(now)
                    count(now.sent - first.sent)
        except BaseException:
            complain(
                f"interrupted after {now.sent - first.sent:,} of {survey.to_send:,}; the same"
                " command continues there"
            )
            raise
        self.checkpoint.remove()
        sent = now.sent - first.sent
        took = spelled(clock() - began)
        self._say(f"{sent:,} sent in {took}; what becomes of them: landrun watch")
        return sent

    def _say(self, *lines: str) -> None:
        if not self.json:
            show_lines(lines)


def resumed_text(before: Progress) -> str:
    """Say where an earlier backfill was interrupted."""
    return (
        f"continues after {printable(before.after)}: {before.sent:,} were sent since"
        f" {before.began} (--restart begins anew)"
    )


def survey_lines(survey: Survey, under: S3Uri, start_on: str) -> list[str]:
    """Say what there is, a line for each count."""
    return [str(under), *(f"{count:>6,} {words}" for count, words in _counts(survey, start_on))]


def _counts(survey: Survey, start_on: str) -> Iterator[tuple[int, str]]:
    from rich.filesize import decimal  # noqa: PLC0415

    yield survey.objects, f"object{'s' * (survey.objects != 1)}, {decimal(survey.bytes)}"
    if survey.known:
        yield survey.known, "left out: have a run, or wait for one"
    for reason, count in survey.left_out.most_common():
        yield count, f"left out: {LEFT_OUT.get(reason, reason)}"
    if survey.unversioned:
        yield survey.unversioned, "without a version id: known by key and time, as with --missing"
    what = "each starts a run" if start_on == "arrival" else "the next tick takes them"
    yield survey.to_send, f"to send: {what}" if survey.to_send else "to send"
