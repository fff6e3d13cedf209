"""`landrun explain`: what became of an object, decided from its facts, and the output."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from landrun.errors import ServiceError
from landrun.models.s3_uri import S3Uri
from landrun_ops import cli
from landrun_ops.cli import explain as explaining
from landrun_ops.cli.target import Target
from landrun_ops.stack import object_status
from landrun_ops.stack.dead_letters import DeadLetter
from landrun_ops.stack.inputs import Reader, Readers
from landrun_ops.stack.landings import LandingRecord
from landrun_ops.stack.object_status import Facts, decide
from landrun_ops.stack.object_versions import ObjectVersion
from landrun_ops.stack.stack import Stack
from records import record

from .conftest import OUTPUTS

NOW = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
WHERE = S3Uri("landing", "incoming/a.jsonl")
V1 = ObjectVersion(WHERE.key, "v1", NOW - timedelta(hours=2), 7)
V0 = ObjectVersion(WHERE.key, "v0", NOW - timedelta(hours=3), 7, latest=False)
MARK = ObjectVersion(WHERE.key, "m", NOW - timedelta(hours=1), deletion=True)


def run(name="landrun-1", status="SUCCEEDED", **more):
    seconds = {} if status == "RUNNING" else {"duration_seconds": 42}
    return record({"name": name, "status": status, "started_at": "2026", **seconds, **more})


def facts(**known):
    usual = {"where": WHERE, "landing": S3Uri("landing", "incoming/"), "now": NOW}
    return Facts(**usual | {"versions": [V1]} | known)


TICK_RUN = run("landrun-tick", trigger={"Kind": "schedule", "ScheduledTime": "2026-11-22T03:00Z"})
BY_HAND = run("landrun-hand", trigger={"Kind": "manual", "StartedBy": "ada\x1b"})
READ_BY_HAND = Readers((Reader(BY_HAND),))
WAITS = LandingRecord("v1", recorded_at="2026-11-22T08:00", waits=True, done_run="older")
DONE = LandingRecord("v1", done_run="landrun-tick", newest_done=True)
FAILED = DeadLetter("1", "h", "{}")
REFUSED = DeadLetter("1", "h", "{}", {"Reason": "too many boxes"})
REDRIVE = "redrive --queue landings"
OLD = {"versions": [V1, V0], "asked": "v0"}
ELSEWHERE = S3Uri("other", "k")
UNSEEN = ["dynamodb:GetItem: AccessDenied"]


CASES = [
    ({"run": run()}, "processed", "SUCCEEDED after 42.0 s", "show landrun-1"),
    ({"run": run(status="RUNNING")}, "running", "was started for it: RUNNING", "show"),
    ({"run": run(status="FAILED", cause="disk full")}, "failed", "disk full", "rerun landrun-1"),
    ({"readers": Readers((Reader(TICK_RUN, exact=True),))}, "processed", "read it", "show"),
    ({"landed": DONE, "taken_by": TICK_RUN}, "processed", "landrun-tick read it", "show"),
    ({"landed": DONE}, "claimed", "has not recorded", "reconcile"),
    ({"landed": WAITS}, "waiting", "since 2026-11-22T08:00", ""),
    ({"where": ELSEWHERE}, "other-bucket", "s3://landing/incoming/", "start s3://other/k"),
    ({"where": ELSEWHERE, "readers": READ_BY_HAND}, "processed", "landrun-hand read it", "show"),
    ({"readers": READ_BY_HAND}, "no-event", "its event was lost", "backfill"),
    ({"versions": [MARK, V1]}, "deleted", "It was deleted", ""),
    ({"asked": "v9"}, "not-there", "no such object or version", ""),
    ({"ignored": "suffix"}, "ignored", "LandingSuffix", ""),
    ({"ignored": "unreadable-key"}, "refused", "an empty, '.'", ""),
    ({"dead_letters": [REFUSED]}, "dead-letter", "too many boxes", f"{REDRIVE} --discard"),
    ({"dead_letters": [FAILED]}, "dead-letter", "nothing says why", REDRIVE),
    (OLD, "superseded", "a newer one has taken its place", ""),
    ({"queued": 3}, "on-its-way", "one of 3 in the landing queue", "backfill"),
    ({}, "no-event", "its event was lost", "backfill s3://landing/incoming/a.jsonl --missing"),
    # What could not be looked at is no reason to say that there is no run.
    ({"unseen": UNSEEN}, "unknown", "there may be one", ""),
]


@pytest.mark.parametrize(("known", "verdict", "words", "command"), CASES)
def test_each_case_has_its_verdict_its_reason_and_its_commands(known, verdict, words, command):
    status = decide(facts(**known))
    assert status.verdict == verdict
    assert words in status.said
    assert (len(status.commands) > 0) is (command != "")
    assert not command or any(one.startswith(f"landrun {command}") for one in status.commands)


def explained(monkeypatch, capsys, client, *arguments):
    """The exit code of a command about an object of a stack with this client, and its output."""
    stack = Stack("s", "eu", OUTPUTS | {"LandingQueueUrl": "x"}, {}, client)
    monkeypatch.setattr(Target, "find", lambda _: stack)
    return cli.run(["explain", str(WHERE), *arguments]), capsys.readouterr().out


def test_other_runs_that_read_it_are_named_and_how_many_manifests_were_looked_at(
    monkeypatch, capsys
):
    readers = Readers((Reader(BY_HAND), Reader(TICK_RUN)), 298, 4000)
    monkeypatch.setattr(explaining, "gather", lambda *_: facts(readers=readers))
    code, out = explained(monkeypatch, capsys, None, "--stack", "s")
    assert code == 0
    for words in ("no-event", r"landrun-hand: SUCCEEDED (by hand, ada\x1b", "298 of 4,000"):
        assert words in out
    assert out.endswith(f"landrun backfill {WHERE} --missing --stack s\n")
    answer = json.loads(explained(monkeypatch, capsys, None, "--json")[1])
    assert (answer["verdict"], answer["run"], answer["version_id"]) == ("no-event", None, "v1")
    assert [one["run"] for one in answer["also"]] == ["landrun-hand", "landrun-tick"]


def test_an_incomplete_answer_names_what_it_could_not_read_and_exits_with_2(monkeypatch, capsys):
    def client(service, *_):
        if service != "s3":
            raise ServiceError(f"{service}:Read", "AccessDenied", "no")

    monkeypatch.setattr(object_status, "versions_of", lambda *_: [V1])
    code, out = explained(monkeypatch, capsys, client)
    assert code == 2
    assert all(f"not seen  {one}:Read: AccessDenied" in out for one in ("dynamodb", "sqs"))
