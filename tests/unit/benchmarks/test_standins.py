"""What stands in for Step Functions and S3 answers real clients as AWS does."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from benchmarks import burst, facts, ledger, tick
from benchmarks.standins import ACCOUNT, S3, Bucket, Clients, StepFunctions, json_service
from benchmarks.standins_history import PastExecutions, PastManifests

from landrun.adapters.manifests import Manifests
from landrun.adapters.step_functions import Executions
from landrun.models.events import parse_object_created
from landrun.models.run import ExecutionInput, ManualTrigger, manual_run_name

MACHINE = burst.ENVIRONMENT["STATE_MACHINE_ARN"]


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _taken(bucket: Bucket) -> int:
    return sum(1 for _ in iter(bucket.take, False))


def test_a_quota_gives_its_bucket_at_once_then_its_refill_and_never_more_than_the_bucket() -> None:
    clock = Clock()
    bucket = Bucket(1300, 300, clock)
    assert _taken(bucket) == 1300
    clock.now += 1
    assert _taken(bucket) == 300
    clock.now += 0.5
    assert _taken(bucket) == 150
    clock.now += 1000
    assert _taken(bucket) == 1300


def _input(name: str) -> ExecutionInput:
    return ExecutionInput(
        PreprocessingJobName=name,
        InputMessage="s3://output/manifests/x.json",
        OutputProcessedMessage=f"s3://output/processed/{name}/",
        Trigger=ManualTrigger(StartedBy="me"),
    )


def test_a_call_over_the_quota_is_refused_as_throttled_and_tried_again_by_botocore() -> None:
    answers = iter([False, True])
    service = StepFunctions(lambda: next(answers))
    door = Executions(Clients(stepfunctions=(json_service(service), 0.0))("stepfunctions"), MACHINE)
    run = _input(manual_run_name("landrun"))
    assert door.start(run).arn.endswith(run.PreprocessingJobName)
    assert (service.throttled, list(service.started)) == (1, [run.PreprocessingJobName])


def test_what_nobody_stands_in_for_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="sqs"):
        Clients()("sqs").list_queues()


def test_an_object_is_written_once_and_read_with_what_is_known_of_it() -> None:
    storage = S3()
    door = Manifests(Clients(s3=(storage, 0.0))("s3"), "output", "manifests/")
    name, by = manual_run_name("landrun"), ManualTrigger(StartedBy="me")
    assert door.write_once(name, "b", ["k", "ü"], by).written
    stands = door.write_once(name, "b", ["other"], by)
    assert (stands.written, stands.keys, stands.trigger) == (False, ("k", "ü"), by)
    assert door.find(manual_run_name("landrun")) is None
    assert [one.key for one in door.listed_after("")] == [f"manifests/{name}.json"]
    assert storage.calls == {"PutObject": 2, "GetObject": 2, "ListObjectsV2": 1}


def _entry(number: int) -> dict[str, Any]:
    status = "RUNNING" if number >= 2490 else "SUCCEEDED"
    return {"name": f"run-{number}", "status": status, "startDate": 1.0 * number}


def test_past_executions_are_listed_newest_first_each_once() -> None:
    past = json_service(PastExecutions(MACHINE, _entry, range(100, 2500)))
    door = Executions(Clients(stepfunctions=(past, 0.0))("stepfunctions"), MACHINE)
    names, token = [], ""
    while True:
        page, token = door.page(token)
        names += [one["name"] for one in page]
        if not token:
            break
    assert names == [f"run-{number}" for number in range(2499, 99, -1)]
    page, token = door.page(statusFilter="RUNNING")
    assert (len(page), token) == (10, "")


def test_past_manifests_are_listed_in_order_after_any_key() -> None:
    names = [f"landrun-{number:032x}" for number in range(2500)]
    door = Manifests(Clients(s3=(PastManifests(names), 0.0))("s3"), "output", "manifests/")
    assert [door.run_of(one.key) for one in door.listed_after("")] == names
    after = door.listed_after(f"manifests/{names[9]}.json")
    assert [door.run_of(one.key) for one in islice(after, 2)] == names[10:12]


# What is measured with them


def test_suites_measure_with_what_the_template_and_awss_quotas_say() -> None:
    """They say it again where they measure: spelled out, it is read at once."""
    stack, quotas = facts.stack(), facts.quotas()
    rates = (quotas["start_executions_burst"].value, quotas["start_executions"].value)

    assert rates == (burst.SIZE, burst.REFILL)
    assert (stack.at_once, stack.batch) == (burst.LAMBDAS, burst.BATCH)
    assert 6 * stack.timeout["ObjectCreated"] == burst.VISIBILITY
    assert stack.max_objects == tick.MOST
    assert stack.memory["Schedule"] / facts.WHOLE_CORE == tick.CORES
    assert tick.LONGEST == stack.timeout["Schedule"] == quotas["function_seconds"].value
    assert stack.timeout["Reconcile"] == ledger.LONGEST


def test_landings_made_up_for_a_burst_are_of_objects_of_their_own() -> None:
    landings = [parse_object_created(message["body"]) for message in burst.messages(20)]
    assert len({(one.key, one.version_id, one.sequencer) for one in landings}) == 20


def test_a_message_that_failed_is_seen_again_after_the_visibility_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(burst.time, "monotonic", clock)
    queue = burst._Queue(burst.messages(12))
    first, second = queue.receive(), queue.receive()
    assert (len(first or ()), len(second or ())) == (10, 2)
    queue.done(first or [], {"message-3"})
    queue.done(second or [], set())
    assert queue.receive() == []
    clock.now += burst.VISIBILITY
    again = queue.receive() or []
    assert [message["messageId"] for message in again] == ["message-3"]
    queue.done(again, set())
    assert (queue.receive(), queue.again) == (None, 1)


def test_a_tick_asks_dynamodb_twice_for_each_landing_and_once_for_each_shard(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "DYNAMODB_SECONDS", 0.0)
    few, many = tick.tick(20, tmp_path), tick.tick(60, tmp_path)
    assert (few.requests, many.requests) == (2 * 20 + 16, 2 * 60 + 16)
    assert (few.writes, many.writes) == (4 * 20, 4 * 60)
    assert few.runs == many.runs == 1


def test_a_tick_that_leaves_landings_behind_is_not_measured(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landrun.adapters.landings_table.SHARDS", "01234567")
    with pytest.raises(RuntimeError, match="60 landings"):
        tick.tick(60, tmp_path)
