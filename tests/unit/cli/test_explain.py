"""What became of an object: each verdict from what is known, and how it is said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun.adapters.manifests import Manifest
from landrun.errors import ConfigurationError, ServiceError
from landrun.models.landing import Landing
from landrun.models.run_record import RunRecord
from landrun.models.s3_uri import S3Uri
from landrun_ops.cli.explain_run import described, parsed, write
from landrun_ops.cli.fact_sheet import Sheet
from landrun_ops.stack import lineage
from landrun_ops.stack.dead_letters import Letter
from landrun_ops.stack.landings import Known
from landrun_ops.stack.lineage import Lineage, Reader, Readers
from landrun_ops.stack.object_facts import Facts, chosen
from landrun_ops.stack.object_status import Answer, decide, others
from landrun_ops.stack.object_versions import Version
from landrun_ops.stack.waiting_executions import Line, Waiter
from records import record

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
LANDING = S3Uri("landings", "incoming/")
WHERE = S3Uri("landings", "incoming/a.jsonl")
MANIFESTS = S3Uri("outputs", "manifests/")
PREFIX = "s3://landings/incoming/"
V1 = Version(WHERE.key, "v1", NOW - timedelta(hours=2), 7)
V0 = Version(WHERE.key, "v0", NOW - timedelta(hours=3), 7, latest=False)
MARK = Version(WHERE.key, "m", NOW - timedelta(hours=1), deletion=True)


def run(name: str = "landrun-1", status: str = "SUCCEEDED", **more: Any) -> RunRecord:
    seconds = {} if status == "RUNNING" else {"duration_seconds": 42}
    return record({"name": name, "status": status, "started_at": "2026", **seconds, **more})


def facts(**known: Any) -> Facts:
    version = known.setdefault("version", V1)
    known.setdefault("versions", [version] if version else [])
    known.setdefault("start_on", "arrival")
    return Facts(**{"where": WHERE, "landing": LANDING, "now": NOW, **known})


def collects(**known: Any) -> Facts:
    return facts(start_on="schedule", **known)


TICK_RUN = run("landrun-tick", trigger={"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00Z"})
BY_HAND = run("landrun-hand", trigger={"Kind": "manual", "StartedBy": "ada"})
WAITS = Known("v1", recorded_at="2026-11-22T08:00:00+00:00", waits=True)
CLAIMED = Known("v1", waits=True, claimed_by="landrun-tick")
DONE = Known("v1", done_run="landrun-tick", newest_done=True)
LETTER = Letter("1", "h", "{}", {"Reason": "too many boxes"})
LINE = Line(1, 1, (Waiter("landrun-0", NOW), Waiter("landrun-1", NOW)))
OLD = {"version": V0, "versions": [V1, V0]}

VERDICTS: list[tuple[Facts, str, str]] = [
    (facts(run=run()), "processed", "succeeded after 42.0 s"),
    (facts(run=run(status="RUNNING")), "running", "runs now"),
    (facts(run=run(status="RUNNING"), line=LINE), "running", "waits its turn, 2nd of 2 in line"),
    (facts(run=run("landrun-9", "RUNNING"), line=LINE), "running", "runs now"),
    (facts(run=run(), line=LINE), "processed", "succeeded"),
    (
        facts(run=run(status="FAILED", cause="disk full")),
        "failed",
        "failed after 42.0 s. disk full",
    ),
    (facts(run=run(status="TIMED_OUT")), "failed", "ran out of time"),
    (
        facts(run=run(input_also_matches=["incoming/a.jsonl.bak"])),
        "processed",
        "which begin the same: incoming/a.jsonl.bak.",
    ),
    (facts(run=run(), is_recorded=False), "processed", "not on the record yet"),
    (facts(run=run(), version=None, asked="v1"), "processed", "landrun-1"),
    (facts(run=run(), ignored="suffix", letters=[LETTER]), "processed", "landrun-1"),
    (collects(readers=Readers((Reader(TICK_RUN, exact=True),))), "processed", "on a tick"),
    (collects(landed=DONE, taken_by=TICK_RUN), "processed", "on a tick"),
    (collects(landed=DONE), "claimed", "neither on the record"),
    (collects(landed=WAITS), "waiting", "since 2026-11-22 08:00:00 UTC"),
    (collects(landed=CLAIMED), "claimed", "landrun-tick has claimed it"),
    (collects(landed=DONE, **OLD), "superseded", "the run landrun-tick read that"),
    (collects(landed=WAITS, **OLD), "superseded", "that waits for a tick"),
    (collects(landed=Known("v0", waits=True)), "no-event", "no trace"),
    (facts(**OLD), "overwritten", "a newer one has taken its place"),
    (facts(ignored="own-output"), "ignored", "landrun itself writes there"),
    (facts(ignored="prefix"), "ignored", "LandingPrefix"),
    (facts(ignored="folder-marker"), "ignored", "marks a folder"),
    (facts(ignored="suffix"), "ignored", "LandingSuffix"),
    (facts(ignored="zero-bytes"), "ignored", "it is empty"),
    (facts(unreadable="the key is bad"), "refused", "the key is bad"),
    (facts(letters=[LETTER]), "dead-letter", "too many boxes"),
    (facts(letters=[Letter("1", "h", "{}")]), "dead-letter", "for ten hours"),
    (facts(version=Version("k", "v", NOW, archived=True)), "archived", "no job can read it"),
    (facts(versions=[MARK, V1]), "deleted", "deleted at 2026-11-22 07:15:30 UTC"),
    (facts(version=None), "not-there", "no such object"),
    (facts(version=None, asked="v9"), "not-there", "no version v9"),
    (facts(on_their_way=3), "on-its-way", "3 landings are in the queue"),
    (facts(), "no-event", "its event was lost"),
    (facts(where=S3Uri("other", "k")), "other-bucket", "s3://landings/incoming/"),
    (
        facts(where=S3Uri("other", "k"), readers=Readers((Reader(BY_HAND),))),
        "processed",
        "in its manifest",
    ),
]


@pytest.mark.parametrize(("known", "verdict", "words"), VERDICTS)
def test_each_verdict_is_decided_and_said(known: Facts, verdict: str, words: str) -> None:
    answer = decide(known)
    assert answer.verdict == verdict
    assert words in answer.said


@pytest.mark.parametrize(("known", "verdict", "_"), VERDICTS)
def test_an_answer_fits_the_screen_but_for_what_is_to_be_copied(
    known: Facts, verdict: str, _: str
) -> None:
    answer, sheet = decide(known), Sheet(80)
    write(sheet, known, answer, "2026-11-23 03:00:00 UTC")
    copied = (str(known.where), *answer.commands)
    lines = [line.plain for line in sheet.lines]
    assert all(len(line) <= 80 or any(one in line for one in copied) for line in lines)
    assert len(lines) < 24
    assert described(known, answer)["verdict"] == verdict
    json.dumps(described(known, answer))


def test_every_answer_that_leaves_something_to_do_says_what() -> None:
    helped = {"failed", "claimed", "dead-letter", "archived", "on-its-way", "no-event"}
    for known, verdict, _ in VERDICTS:
        answer = decide(known)
        assert verdict not in helped or answer.remedy or answer.commands


def test_what_is_to_be_typed_can_be_typed_whatever_the_key() -> None:
    odd = facts(where=S3Uri("landings", "incoming/a b; rm -rf '$HOME'"))
    [command] = decide(odd).commands
    quoted = """'s3://landings/incoming/a b; rm -rf '"'"'$HOME'"'"''"""
    assert command == f"landrun backfill {quoted} --missing"


def test_a_folder_that_is_no_object_is_shown_the_way_to_look_into_it() -> None:
    answer = decide(facts(version=None, where=LANDING))
    assert answer.commands == ("landrun backfill s3://landings/incoming/ --missing --dry-run",)


def test_without_versions_a_landing_of_the_same_time_or_later_is_the_one() -> None:
    plain = Version(WHERE.key, None, NOW)
    then, before = (
        Known(event_time=(NOW + timedelta(seconds=s)).isoformat(), waits=True) for s in (0, -60)
    )
    assert decide(collects(version=plain, landed=then)).verdict == "waiting"
    assert decide(collects(version=plain, landed=before)).verdict == "no-event"


def test_other_runs_that_read_it_are_named_and_what_was_not_looked_at_is_said() -> None:
    again = run("landrun-again", rerun_of="landrun-1", trigger={"Kind": "manual"})
    found = tuple(map(Reader, (again, BY_HAND, TICK_RUN)))
    known = facts(run=run(), readers=Readers(found, 300, 4000, 2), unseen=["the queue: no"])
    answer, sheet = decide(known), Sheet(80)
    write(sheet, known, answer, "")
    text = " ".join(" ".join(line.plain.split()) for line in sheet.lines)
    for words in (
        "landrun-again succeeded after 42.0 s (ran landrun-1 again)",
        "(by hand, ada)",
        "whichever version was newest then",
        "the manifests of 300 of 4,000 runs",
        "2 of their manifests could not be read",
        "could not see the queue: no",
    ):
        assert words in text
    assert others(known, Answer("processed", "", again)) == list(found[1:])


def test_the_version_asked_for_is_chosen_or_the_newest_that_is_an_object() -> None:
    assert chosen([MARK, V1, V0], "") is V1
    assert chosen([MARK, V1, V0], "v0") is V0
    assert chosen([MARK, V1, V0], "m") is None
    assert chosen([MARK], "") is None


@pytest.mark.parametrize(
    ("uri", "words"), [("s3://b", "names no object"), ("b/k", "write s3://bucket/key")]
)
def test_what_names_no_object_is_an_error(uri: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parsed(uri)


# ---- which manifests name it


class FakeLedger:
    def __init__(self, *runs: RunRecord) -> None:
        self.runs = runs

    def newest(self, now: datetime, *, since: datetime, only: Any) -> Any:
        return (one for one in self.runs if one.trigger["Kind"] == only.kind)


def tick_run(name: str, started_at: str) -> RunRecord:
    trigger = {"Kind": "schedule", "ScheduledTime": started_at}
    uri = f"s3://outputs/manifests/{name}.json"
    return record(
        {"name": name, "trigger": trigger, "input_message": uri, "started_at": started_at}
    )


class FakeManifests:
    """Manifests by the run's name; an error in the place of one is raised."""

    stored: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, s3: Any, bucket: str, prefix: str) -> None:
        assert (bucket, prefix) == ("outputs", "manifests/")

    def find(self, name: str) -> Manifest | None:
        found = self.stored.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    def collected(self, manifest: Manifest) -> Any:
        landings = [Landing("landings", WHERE.key, manifest.landings, "0A", 1, "")]
        return type("Collected", (), {"landings": landings})


def test_ticks_whose_list_has_the_version_are_found_and_those_of_other_versions_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri, keys = S3Uri("outputs", "m"), (WHERE.key,)
    stored = {
        "old": Manifest(uri, "landings", keys, False, landings="v0"),
        "mine": Manifest(uri, "landings", keys, False, landings="v1"),
        "listing": Manifest(uri, "landings", keys, False),
        "elsewhere": Manifest(uri, "other", keys, False),
        "refused": ServiceError("s3:GetObject", "AccessDenied", "no"),
        "odd": ValueError("no manifest"),
    }
    monkeypatch.setattr(FakeManifests, "stored", stored)
    monkeypatch.setattr(lineage, "Manifests", FakeManifests)
    runs = [tick_run(name, f"2026-11-{n:02}") for n, name in enumerate([*stored, "gone"], start=1)]
    stored["of-a-prefix"] = Manifest(uri, "landings", keys, False)
    runs.append(record({**tick_run("of-a-prefix", "2026-12").attributes, "input_message": PREFIX}))
    found = Lineage(FakeLedger(*reversed(runs)), None, MANIFESTS).readers(WHERE, "v1", NOW, NOW)  # type: ignore[arg-type]
    assert [(one.run.name, one.exact) for one in found.found] == [
        ("mine", True),
        ("listing", False),
        ("of-a-prefix", False),
    ]
    assert (found.looked, found.of, found.unread) == (8, 8, 1)


def test_of_too_many_runs_the_first_and_the_last_are_looked_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lineage, "Manifests", FakeManifests)
    runs = [tick_run(f"r{n}", f"{n:05}") for n in range(500)]
    found = Lineage(FakeLedger(*runs), None, MANIFESTS).readers(WHERE, "v1", NOW, NOW)  # type: ignore[arg-type]
    assert (found.looked, found.of, found.found) == (300, 500, ())


def test_what_could_not_be_looked_at_is_no_reason_to_say_that_there_is_no_run() -> None:
    for known in (facts(), facts(version=Version("k", "v", NOW, archived=True))):
        found = decide(replace(known, unseen=["the run: dynamodb:GetItem: AccessDenied"]))
        assert (found.verdict, found.commands) == ("unknown", ())
        assert "permissions" in found.remedy
