"""`landrun explain`: what became of an object, decided from its facts, and how that is said."""

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
from landrun_ops.cli.explain import described, parsed, show
from landrun_ops.stack import lineage
from landrun_ops.stack.dead_letters import DeadLetter
from landrun_ops.stack.landings import LandingRecord
from landrun_ops.stack.lineage import Lineage, Reader, Readers
from landrun_ops.stack.object_facts import Facts, chosen
from landrun_ops.stack.object_status import ObjectStatus, decide, others
from landrun_ops.stack.object_versions import ObjectVersion
from landrun_ops.stack.waiting_executions import SlotUsage, WaitingExecution
from records import record

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
LANDING = S3Uri("landings", "incoming/")
WHERE = S3Uri("landings", "incoming/a.jsonl")
MANIFESTS = S3Uri("outputs", "manifests/")
V1 = ObjectVersion(WHERE.key, "v1", NOW - timedelta(hours=2), 7)
V0 = ObjectVersion(WHERE.key, "v0", NOW - timedelta(hours=3), 7, latest=False)
MARK = ObjectVersion(WHERE.key, "m", NOW - timedelta(hours=1), deletion=True)
ARCHIVED = ObjectVersion("k", "v", NOW, archived=True)


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
WAITS = LandingRecord("v1", recorded_at="2026-11-22T08:00:00+00:00", waits=True)
CLAIMED = LandingRecord("v1", waits=True, claimed_by="landrun-tick")
DONE = LandingRecord("v1", done_run="landrun-tick", newest_done=True)
REFUSED = DeadLetter("1", "h", "{}", {"Reason": "too many boxes"})
FAILED = DeadLetter("1", "h", "{}")
LINE = SlotUsage(1, 1, (WaitingExecution("landrun-0", NOW), WaitingExecution("landrun-1", NOW)))
OLD = {"version": V0, "versions": [V1, V0]}
ELSEWHERE = S3Uri("other", "k")

CASES: list[tuple[Facts, str, str]] = [
    (facts(run=run()), "processed", "succeeded after 42.0 s"),
    (facts(run=run(status="RUNNING")), "running", "runs now"),
    (facts(run=run(status="RUNNING"), line=LINE), "running", "concurrency slot, 2nd of 2 in line"),
    (facts(run=run("landrun-9", "RUNNING"), line=LINE), "running", "runs now"),
    (facts(run=run(), line=LINE), "processed", "succeeded"),
    (facts(run=run(status="FAILED", cause="disk full")), "failed", "after 42.0 s. disk full"),
    (facts(run=run(status="TIMED_OUT")), "failed", "ran out of time"),
    (facts(run=run(input_also_matches=["a.bak"])), "processed", "which begin the same: a.bak."),
    (facts(run=run(), is_recorded=False), "processed", "not in the runs table yet"),
    (facts(run=run(), version=None, asked="v1"), "processed", "landrun-1"),
    (facts(run=run(), ignored="suffix", dead_letters=[REFUSED]), "processed", "landrun-1"),
    (collects(readers=Readers((Reader(TICK_RUN, exact=True),))), "processed", "on a tick"),
    (collects(landed=DONE, taken_by=TICK_RUN), "processed", "on a tick"),
    (collects(landed=DONE), "claimed", "neither in the runs table"),
    (collects(landed=WAITS), "waiting", "since 2026-11-22 08:00:00 UTC"),
    (collects(landed=CLAIMED), "claimed", "landrun-tick has claimed it"),
    (collects(landed=DONE, **OLD), "superseded", "the run landrun-tick read that"),
    (collects(landed=WAITS, **OLD), "superseded", "that waits for a tick"),
    (collects(landed=LandingRecord("v0", waits=True)), "no-event", "no trace"),
    (facts(**OLD), "overwritten", "a newer one has taken its place"),
    (facts(ignored="own-output"), "ignored", "landrun itself writes there"),
    (facts(ignored="prefix"), "ignored", "LandingPrefix"),
    (facts(ignored="folder-marker"), "ignored", "marks a folder"),
    (facts(ignored="suffix"), "ignored", "LandingSuffix"),
    (facts(ignored="zero-bytes"), "ignored", "it is empty"),
    (facts(unreadable="the key is bad"), "refused", "the key is bad"),
    (facts(dead_letters=[REFUSED]), "dead-letter", "too many boxes"),
    (facts(dead_letters=[FAILED]), "dead-letter", "nothing says why"),
    (facts(version=ARCHIVED), "archived", "no job can read it"),
    (facts(versions=[MARK, V1]), "deleted", "deleted at 2026-11-22 07:15:30 UTC"),
    (facts(version=None), "not-there", "no such object"),
    (facts(version=None, asked="v9"), "not-there", "no version v9"),
    (facts(on_their_way=3), "on-its-way", "3 landings are in the queue"),
    (facts(), "no-event", "its event was lost"),
    (facts(where=ELSEWHERE), "other-bucket", "s3://landings/incoming/"),
    (facts(where=ELSEWHERE, readers=Readers((Reader(BY_HAND),))), "processed", "in its manifest"),
    # What could not be looked at is no reason to say that there is no run.
    (facts(unseen=["the run: AccessDenied"]), "unknown", "there may be one"),
    (facts(unseen=["the run: AccessDenied"], version=ARCHIVED), "unknown", "there may be one"),
]
NEEDS_REMEDY = {
    *("failed", "claimed", "dead-letter", "archived", "on-its-way", "no-event", "unknown")
}


@pytest.mark.parametrize(("known", "verdict", "words"), CASES)
def test_each_case_is_decided_and_said_with_what_to_do(
    known: Facts,
    verdict: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status = decide(known)
    assert status.verdict == verdict
    assert words in status.said
    assert verdict not in NEEDS_REMEDY or status.remedy or status.commands
    assert json.loads(json.dumps(described(known, status, ["c"])))["verdict"] == verdict
    show(known, status, [f"landrun {'x' * 90}"], "2026-11-23 03:00:00 UTC")
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.endswith(f" landrun {'x' * 90}") for line in lines
    )  # commands are copied: never folded
    assert all(len(line) <= 80 for line in lines if "xxx" not in line)


def test_a_refused_message_is_not_only_to_be_sent_back() -> None:
    redrive = "landrun redrive --queue landings"
    assert decide(facts(dead_letters=[FAILED])).commands == (redrive,)
    assert decide(facts(dead_letters=[REFUSED])).commands == (redrive, f"{redrive} --discard")
    unreadable = facts(unreadable="the key is bad", dead_letters=[REFUSED])
    assert decide(unreadable).commands == (f"{redrive} --discard",)


@pytest.mark.parametrize(
    ("key", "quoted"),
    [
        ("a b; rm '$HOME'", """'s3://landings/a b; rm '"'"'$HOME'"'"''"""),
        ("a\x1b[2J\n'é", r"$'s3://landings/a\x1b[2J\x0a\x27é'"),
    ],
)
def test_commands_can_be_typed_whatever_the_key(key: str, quoted: str) -> None:
    [command] = decide(facts(where=S3Uri("landings", key))).commands
    assert command == f"landrun backfill {quoted} --missing"


def test_a_folder_that_is_no_object_is_shown_the_way_to_look_into_it() -> None:
    status = decide(facts(version=None, where=LANDING))
    assert status.commands == ("landrun backfill s3://landings/incoming/ --missing --dry-run",)


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "waiting"), (-60, "no-event")])
def test_without_versions_a_landing_of_the_same_time_or_later_is_the_one(
    seconds: int, verdict: str
) -> None:
    plain = ObjectVersion(WHERE.key, None, NOW)
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    landed = LandingRecord(event_time=at, waits=True)
    assert decide(collects(version=plain, landed=landed)).verdict == verdict


def test_other_readers_are_named_and_what_was_not_looked_at_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    again = run("landrun-again", rerun_of="landrun-1", trigger={"Kind": "manual"})
    found = tuple(map(Reader, (again, BY_HAND, TICK_RUN)))
    known = facts(run=run(), readers=Readers(found, 300, 4000, 2), unseen=["the queue: no\x1b"])
    show(known, decide(known), [], "")
    out = capsys.readouterr().out
    for words in (
        "landrun-again succeeded after 42.0 s (ran landrun-1 again)",
        "(by hand, ada)",
        "whichever version was newest then",
        "the manifests of 300 of 4,000 runs",
        "2 of their manifests could not be read",
        "could not see the queue: no\\x1b",
    ):
        assert words in out
    assert others(known, ObjectStatus("processed", "", again)) == list(found[1:])


@pytest.mark.parametrize(
    ("versions", "asked", "version"),
    [([MARK, V1, V0], "", V1), ([V1, V0], "v0", V0), ([MARK, V1], "m", None), ([MARK], "", None)],
)
def test_the_version_asked_for_is_chosen_or_the_newest_that_is_an_object(
    versions: list[ObjectVersion], asked: str, version: ObjectVersion | None
) -> None:
    assert chosen(versions, asked) is version


@pytest.mark.parametrize(
    ("uri", "words"), [("s3://b", "names no object"), ("b/k", "write s3://bucket/key")]
)
def test_what_names_no_object_is_an_error(uri: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parsed(uri)


# ---- Which manifests name it


class FakeRuns:
    def __init__(self, *runs: RunRecord) -> None:
        self.runs = runs

    def newest(self, now: datetime, *, since: datetime, only: Any) -> Any:
        return (one for one in self.runs if one.trigger["Kind"] == only.kind)


def tick_run(name: str, started_at: str, uri: str = "") -> RunRecord:
    trigger = {"Kind": "schedule", "ScheduledTime": started_at}
    uri = uri or f"s3://outputs/manifests/{name}.json"
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


def readers(monkeypatch: pytest.MonkeyPatch, *runs: RunRecord) -> Readers:
    monkeypatch.setattr(lineage, "Manifests", FakeManifests)
    table: Any = FakeRuns(*runs)
    return Lineage(table, None, MANIFESTS).readers(WHERE, "v1", NOW, NOW)


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
        "of-a-prefix": Manifest(uri, "landings", keys, False),
    }
    monkeypatch.setattr(FakeManifests, "stored", stored)
    passed = {"of-a-prefix": str(LANDING)}
    runs = [
        tick_run(name, f"2026-11-{n:02}", passed.get(name, ""))
        for n, name in enumerate([*stored, "gone"], start=1)
    ]
    found = readers(monkeypatch, *reversed(runs))
    assert [(one.run.name, one.exact) for one in found.found] == [
        ("mine", True),
        ("listing", False),
        ("of-a-prefix", False),
    ]
    assert (found.looked, found.of, found.unread) == (8, 8, 1)


def test_of_too_many_runs_the_first_and_the_last_are_looked_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = readers(monkeypatch, *(tick_run(f"r{n}", f"{n:05}") for n in range(500)))
    assert (found.looked, found.of, found.found) == (300, 500, ())


def test_what_could_not_be_looked_at_gives_no_commands() -> None:
    found = decide(replace(facts(), unseen=["the run: dynamodb:GetItem: AccessDenied"]))
    assert found.commands == ()
    assert "permissions" in found.remedy
