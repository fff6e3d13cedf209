"""``landrun backfill``: objects whose events never arrived, through the normal path."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from landrun.models.s3_uri import S3Uri
from landrun_ops.actions.backfill import Backfill, Survey, object_created, send, under_landing
from landrun_ops.cli import options
from landrun_ops.cli.console import ask, complain, counted, say, show_json, stoppable
from landrun_ops.cli.target import Target, on_stack
from landrun_ops.units import count, size_text, spelled


@on_stack
def backfill(
    target: Target,
    uri: Annotated[str, options.argument("URI", "The prefix to process, as s3://bucket/prefix.")],
    *,
    missing: Annotated[
        bool, options.flag("Leave out objects that have a run or wait for one.", "--missing")
    ] = False,
    dry_run: Annotated[bool, options.flag("Count, and send nothing.", "--dry-run")] = False,
    rate: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="How many objects per second at most.")
    ] = 50,
    yes: options.YesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Process objects that landed before the stack, or whose events were lost.

    Sends, for the current version of each object, the event that S3 would have sent. A version that
    has a run gets no second one, unless that run is over 90 days old; --missing leaves such
    versions out. If the command is interrupted, run it again.

    Example: landrun backfill s3://bucket/incoming/2026/ --missing --dry-run
    """
    stack = target.find()
    under, survey, sent = under_landing(uri, stack.landing), Survey(), 0
    found = Backfill(stack, under, datetime.now(UTC), missing=missing)
    with stoppable():
        with counted("objects") as progress:
            for _ in found.find(survey):
                progress(survey.objects)
        if not json:
            _show(under, survey, dry_run=dry_run)
        if survey.to_send and not dry_run:
            what = f"{count(survey.to_send, 'object')} to the landing queue"
            so_long = spelled(survey.to_send / rate)
            ask(f"Send {what}, {rate} a second (about {so_long})?", yes=yes)
            arn, url = stack.output("LandingQueueArn"), stack.output("LandingQueueUrl")
            versions = (one for some in found.find(Survey()) for one in some)
            events = (object_created(under.bucket, one, arn) for one in versions)
            try:
                with counted("sent", survey.to_send) as progress:
                    for sent in send(stack.client("sqs"), url, events, rate):
                        progress(sent)
            except BaseException:
                again = "run the same command again, with --missing to leave out what has a run"
                complain(f"interrupted after {sent:,} of {survey.to_send:,}: {again}")
                raise
    if json:
        show_json({"uri": str(under), "dry_run": dry_run, **asdict(survey), "sent": sent})
    elif not dry_run:
        say(f"{sent:,} sent; what becomes of them: landrun watch")


def _show(under: S3Uri, survey: Survey, *, dry_run: bool) -> None:
    say(f"{under}: {count(survey.objects, 'object')}, {size_text(survey.bytes)}")
    for number, what in (
        (survey.known, "left out: have a run, or wait for one"),
        *((number, f"left out: {why}") for why, number in survey.left_out.most_common()),
    ):
        if number:
            say(f"{number:>6,} {what}")
    say(f"{survey.to_send:>6,} to send{'; nothing was sent: a dry run' if dry_run else ''}")
    for key in survey.first[: 10 if dry_run else 0]:
        say(f"       {key}")
