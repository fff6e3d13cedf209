"""The handler of landings: what each payload of events/ comes to.

tests/faults/test_cases_landings.py and test_cases_refusals.py have the messages that come again,
out of order or at once, odd keys, and functions that die.
"""

from __future__ import annotations

import json
import threading

import pytest

OUTPUTS = "landrun-outputbucket-6f5e4d3c2b1a"
COUNTED = {"arrival": "RunsStarted", "schedule": "LandingsRecorded"}


@pytest.mark.parametrize(
    ("name", "landed", "refused", "ignored"),
    [
        ("object-created", 1, 0, []),
        ("object-created-unversioned", 1, 0, []),
        ("object-created-version-null", 1, 0, []),
        ("object-created-batch", 10, 0, []),
        ("object-created-odd-keys", 10, 0, []),
        ("object-created-multipart", 1, 0, []),
        ("object-created-copy", 1, 0, []),
        ("object-created-post", 1, 0, []),
        ("object-created-versions", 2, 0, []),
        ("object-created-mixed-batch", 2, 2, ["folder-marker", "prefix"]),
        ("object-created-malformed", 0, 1, []),
        ("object-created-test-event", 0, 1, []),
        ("object-created-refused-keys", 0, 5, []),
        ("object-created-folder-marker", 0, 0, ["folder-marker"]),
        ("object-created-zero-bytes", 0, 0, ["zero-bytes"]),
        ("object-created-wrong-prefix", 0, 0, ["prefix"]),
        ("object-created-own-output", 0, 0, ["own-output", "own-output"]),
        ("object-deleted", 0, 0, ["object-deleted"]),
    ],
)
@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_a_landing_is_run_or_recorded_unless_it_is_refused_or_ignored_with_a_reason(
    load, load_event, printed, start_on, name, landed, refused, ignored
):
    function = load("object_created", START_ON=start_on, OUTPUT_BUCKET=OUTPUTS)
    event = load_event(name)
    assert function.failures(event) == []
    output = printed()
    assert output.count(COUNTED[start_on]) == landed
    assert output.count("MessagesRefused") == len(function.reasons()) == refused
    assert function.reasons().keys() <= {record["body"] for record in event["Records"]}
    assert all(function.reasons().values())
    logged = [line["reason"] for line in output.logs if line["message"] == "landing ignored"]
    assert sorted(logged) == ignored
    for reason in ignored:
        assert output.count("LandingsIgnored", Reason=reason) == ignored.count(reason)


@pytest.mark.parametrize("input_format", ["manifest", "uri"])
def test_input_and_manifest_of_a_run_have_the_whole_landing(
    load, load_event, messages, input_format
):
    function = load("object_created", INPUT_MESSAGE_FORMAT=input_format)
    function.failures(load_event("object-created"))
    [message] = messages("object-created")
    [(run, text)] = function.executions.started.items()
    bucket, landed = message["detail"]["bucket"]["name"], message["detail"]["object"]
    trigger = {
        "Kind": "object-created",
        "Bucket": bucket,
        "Key": landed["key"],
        "VersionId": landed["version-id"],
        "Sequencer": landed["sequencer"],
        "Size": landed["size"],
        "EventTime": message["time"],
    }
    uri = f"s3://{bucket}/{landed['key']}"
    assert json.loads(text) == {
        "PreprocessingJobName": run,
        "InputMessage": uri if input_format == "uri" else f"s3://outputs/manifests/{run}.json",
        "OutputProcessedMessage": f"s3://outputs/processed/{run}/",
        "Trigger": trigger,
    }
    [manifest] = function.manifests.stored.values()
    assert (manifest.bucket, manifest.keys) == (bucket, (landed["key"],))
    assert manifest.trigger.to_dict() == trigger


def test_the_messages_of_a_batch_overlap(load, load_event, monkeypatch, root):
    function = load("object_created")
    together, start = threading.Barrier(function.module.BATCH_SIZE), function.executions.start

    def started(run):
        together.wait(20)
        return start(run)

    monkeypatch.setattr(function.executions, "start", started)
    assert function.failures(load_event("object-created-batch")) == []
    template = (root / "template.yaml").read_text(encoding="utf-8")
    assert f"BatchSize: {function.module.BATCH_SIZE}\n" in template


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": "no"}, {"detail": {}}])
def test_an_event_that_is_no_batch_of_a_queue_is_an_error(load, event):
    with pytest.raises(Exception, match=r"SQS|event"):
        load("object_created").call(event)
