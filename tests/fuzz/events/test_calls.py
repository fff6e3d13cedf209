"""Whatever a schedule or a person calls a function with: an answer, or an error in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.errors import LandrunError

from .aws import THEN
from .conftest import Lambda, payloads, thoroughly
from .hostile import changed, texts, values

TICKS = payloads("schedule")
TICK = {"ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"}
WAITS = {
    "id": {"S": "0a"},
    "bucket": {"S": "landings"},
    "recorded_at": {"S": "2026-11-22T02:00:00.000+00:00"},
}
times = texts | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1.5])
names = texts.map(lambda text: text.encode("utf-8", "replace")[:1000].decode("utf-8", "ignore"))
"""What keys that S3 lists may hold: any Unicode, of 1,024 bytes at most."""


def called(function, event):
    try:
        return function(event)
    except LandrunError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) <= 4000
    return None


@pytest.fixture(scope="module", params=["arrival", "schedule"])
def tick(request, aws):
    source = {"SCHEDULED_INPUT": ""} if request.param == "schedule" else {}
    return Lambda("schedule", aws, START_ON=request.param, **source)


@thoroughly
@given(
    event=st.one_of(
        st.sampled_from(TICKS).flatmap(changed),
        st.builds(lambda time: TICK | {"ScheduledTime": time}, times),
        values,
    ),
    keys=st.lists(names, max_size=4),
)
def test_a_tick_is_answered_or_refused_in_one_line(aws, tick, event, keys):
    listed = [{"Key": f"incoming/2026/{key}", "Size": 1} for key in keys]
    aws.reset(
        ListObjectsV2={"Contents": listed},
        Query={"Items": [WAITS]},
        UpdateItem={"Error": {"Code": "ConditionalCheckFailedException", "Message": "taken"}},
    )
    called(tick, event)


@pytest.fixture(scope="module")
def reconciling(aws):
    return Lambda("reconcile", aws)


@thoroughly
@given(
    event=st.one_of(changed({"GraceSeconds": 0}), values),
    keys=st.lists(names | st.sampled_from(["", "x" * 900, "a b"]), max_size=4),
)
def test_a_reconcile_is_answered_or_refused_whatever_lies_beside_the_manifests(
    aws, reconciling, event, keys
):
    listed = [
        {"Key": f"manifests/{key}.json", "Size": 1, "LastModified": THEN.replace(year=2025)}
        for key in keys
    ]
    aws.reset(
        ListObjectsV2={"Contents": listed},
        Query={"Items": []},
        ListExecutions={"executions": []},
        BatchGetItem={"Responses": {}},
    )
    called(reconciling, event)
    for asked in aws.asked("BatchGetItem"):
        [request] = asked["RequestItems"].values()
        assert all(0 < len(key["name"]["S"]) <= 54 for key in request["Keys"])
