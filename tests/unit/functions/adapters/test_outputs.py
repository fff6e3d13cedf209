"""The summary that a run left in S3, which several hosts may have written.

tests/faults/test_cases_statuses.py has how much a run left, and what else its input matches.
"""

import json

import pytest

from landrun.adapters.outputs import SUMMARY_LIMIT, Outputs
from landrun.models.s3_uri import S3Uri

DEEP = b'{"a":' * 40 + b"1" + b"}" * 40
UNDER = S3Uri("outputs", "processed/run-1/")


@pytest.fixture
def left(s3):
    """``left(name, body)`` puts an object under the run's output URI."""
    return lambda name, body: s3.put_object(Bucket="outputs", Key=f"{UNDER.key}{name}", Body=body)


def test_the_summary_of_one_machine_comes_before_those_of_hosts(s3, left):
    outputs = Outputs(s3)
    others = ["summary-of-mine.json", "summary-algo-1.json.bak", "summary-algo-1", "x/summary"]
    for name in [*others, "../run-10/summary-algo-1.json"]:
        left(name, b'{"rows_in": 20}')
    assert outputs.summary(UNDER) is None
    for host in ("algo-3", "algo-1"):
        left(f"summary-{host}.json", b'{"rows_in": 20, "hosts": ["algo-2", "algo-4"]}')
    summary = outputs.summary(UNDER)
    assert (summary["hosts"], summary["rows_in"]) == (["algo-1", "algo-2", "algo-3", "algo-4"], 40)
    assert summary["problem"] == "2 of 4 hosts left a summary, not algo-2, algo-4"
    left("summary.json", b'{"rows_in": 3}')
    assert outputs.summary(UNDER) == {"rows_in": 3}


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", DEEP], ids=len)
def test_a_host_whose_summary_cannot_be_read_is_named_and_the_others_count(s3, left, body):
    left("summary-algo-1.json", b'{"rows_in": 20}')
    left("summary-algo-2.json", body)
    summary = Outputs(s3).summary(UNDER)
    assert summary["rows_in"] == 20
    assert summary["problem"] == "algo-2: its summary cannot be read"


LONG = [{"name": "x" * 1000}] * 100


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ({"files": LONG, "files_omitted": 20}, {"files_omitted": 120}),
        (
            {"files": LONG, "parts": ["a"], "shards": {"algo-1": "x" * SUMMARY_LIMIT}},
            {"files_omitted": 100, "parts_omitted": 1, "shards_omitted": 1},
        ),
    ],
    ids=["files", "all lists"],
)
def test_a_summary_too_long_for_a_record_loses_its_lists_but_keeps_its_counts(
    s3, left, summary, kept
):
    left("summary.json", json.dumps({"rows_in": 3} | summary).encode())
    assert Outputs(s3).summary(UNDER) == {"rows_in": 3} | kept
