"""The summary of a run whose job had several hosts, each of which left its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.adapters.outputs import SUMMARY_LIMIT, Outputs
from landrun.models.job_summary import JOINED, HostSummaries
from landrun.models.s3_uri import S3Uri

UNDER = S3Uri("outputs", "processed/run-1/")
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
HOSTS = ["algo-1", "algo-2"]


def of_host(host: str, hosts: list[str] = HOSTS, **more: Any) -> dict[str, Any]:
    """A summary as the default job writes it; two files of ten rows, a row lost to each reason."""
    files = [{"name": f"{host}-{n}.jsonl", "bytes": 100} for n in range(2)]
    counts = {"rows_in": 20, "rows_out": 17, "duplicates": 1, "empty": 1, "rejected": 1}
    return {
        **counts,
        "files": files,
        "files_rejected": 0,
        "parts": [f"part-{host}-00000.parquet"],
        "columns": ["message_id", "text"],
        "seconds": 2.0,
        "version": "0.1.0",
        "host": host,
        "hosts": hosts,
        "duplicates_within": "shard",
        **more,
    }


@pytest.fixture
def left(s3):
    """``left(name, summary)`` puts a file below the run's output."""

    def put(name: str, summary: Any) -> None:
        body = summary if isinstance(summary, bytes) else json.dumps(summary).encode()
        s3.put_object(Bucket="outputs", Key=f"{UNDER.key}{name}", Body=body)

    return put


def test_hosts_summaries_add_up_to_the_runs(s3, left):
    left("summary-algo-1.json", of_host("algo-1", seconds=3.5))
    left("summary-algo-2.json", of_host("algo-2", columns=["message_id", "lang"]))

    summary = Outputs(s3).summary(UNDER)

    assert [summary[name] for name in COUNTS] == [40, 34, 2, 2, 2]
    names = ["algo-1-0.jsonl", "algo-1-1.jsonl", "algo-2-0.jsonl", "algo-2-1.jsonl"]
    assert [file["name"] for file in summary["files"]] == names
    assert summary["parts"] == ["part-algo-1-00000.parquet", "part-algo-2-00000.parquet"]
    assert summary["columns"] == ["message_id", "text", "lang"]
    assert (summary["seconds"], summary["version"]) == (3.5, "0.1.0")
    assert summary["duplicates_within"] == "shard"
    assert summary["hosts"] == HOSTS
    assert "host" not in summary
    assert "problem" not in summary


def test_what_each_host_did_is_kept_apart(s3, left):
    left("summary-algo-1.json", of_host("algo-1"))
    nothing = dict.fromkeys([*COUNTS, "seconds"], 0) | {"files": [], "parts": []}
    left("summary-algo-2.json", of_host("algo-2", **nothing))

    shards = Outputs(s3).summary(UNDER)["shards"]

    first = {"files": 2, "bytes": 200, "rows_in": 20, "rows_out": 17, "seconds": 2.0}
    assert first.items() <= shards["algo-1"].items()
    assert {"files": 0, "bytes": 0, "rows_in": 0}.items() <= shards["algo-2"].items()


def test_a_host_that_left_no_summary_is_named(s3, left):
    four = [f"algo-{number}" for number in (1, 2, 3, 4)]
    left("summary-algo-3.json", of_host("algo-3", four))
    left("summary-algo-1.json", of_host("algo-1", four))

    summary = Outputs(s3).summary(UNDER)

    assert summary["hosts"] == four
    assert summary["problem"] == "2 of 4 hosts left a summary, not algo-2, algo-4"
    assert summary["rows_in"] == 40


def test_a_hosts_own_problem_is_the_runs(s3, left):
    left("summary-algo-1.json", of_host("algo-1"))
    left("summary-algo-2.json", of_host("algo-2", problem="no file could be used: b: why"))
    assert Outputs(s3).summary(UNDER)["problem"] == "algo-2: no file could be used: b: why"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"a":' * 40 + b"1" + b"}" * 40], ids=repr)
def test_a_summary_of_a_host_that_cannot_be_read_is_said_and_the_others_count(s3, left, body):
    left("summary-algo-1.json", of_host("algo-1"))
    left("summary-algo-2.json", body)

    summary = Outputs(s3).summary(UNDER)

    assert summary["rows_in"] == 20
    assert summary["problem"] == "algo-2: its summary cannot be read"


def test_the_summary_of_one_machine_is_not_added_to(s3, left):
    left("summary.json", {"rows_in": 3})
    left("summary-algo-1.json", of_host("algo-1"))
    assert Outputs(s3).summary(UNDER) == {"rows_in": 3}


@pytest.mark.parametrize(
    "name", ["summary-of-mine.json", "summary-algo-1.json.bak", "summary-algo-1", "x/summary.json"]
)
def test_files_with_such_names_are_no_summaries_of_hosts(s3, left, name):
    left(name, of_host("algo-1"))
    assert Outputs(s3).summary(UNDER) is None


def test_summaries_of_a_run_whose_name_begins_alike_are_another_runs(s3, left):
    body = json.dumps(of_host("algo-1")).encode()
    s3.put_object(Bucket="outputs", Key="processed/run-10/summary-algo-1.json", Body=body)
    assert Outputs(s3).summary(UNDER) is None


def test_a_hundred_hosts_of_many_files_fit_into_a_row(s3, left):
    hosts = [f"algo-{number}" for number in range(1, 101)]
    for host in hosts:
        files = [{"name": f"{host}/{n}", "bytes": 1} for n in range(30)]
        left(f"summary-{host}.json", of_host(host, hosts, files=files))

    summary = Outputs(s3).summary(UNDER)

    assert summary["rows_in"] == 2000
    assert summary["files_omitted"] == 3000
    assert "files" not in summary
    assert summary["hosts"] == hosts
    assert len(json.dumps(summary)) < SUMMARY_LIMIT * 1.2


def test_shares_that_leave_no_room_are_counted_and_left_out(s3, left):
    many = {f"{'count' * 60}-{number}": number for number in range(20)}
    for number in range(1, 11):
        left(f"summary-algo-{number}.json", of_host(f"algo-{number}", **many))

    summary = Outputs(s3).summary(UNDER)

    assert "shards" not in summary
    assert summary["shards_omitted"] == 10
    assert summary["rows_in"] == 200


def summed(*summaries: dict[str, Any]) -> dict[str, Any]:
    shards = HostSummaries()
    for number, summary in enumerate(summaries, 1):
        shards.add(f"algo-{number}", summary)
    return shards.summary() or {}


def test_no_summary_makes_none():
    assert HostSummaries().summary() is None


def test_equal_counts_add_up_too():
    assert summed({"n": 1}, {"n": 1}, {"n": 1})["n"] == 3


def test_of_times_the_longest_counts():
    assert summed({"seconds": 2.5}, {"seconds": 1}, {"seconds": 3})["seconds"] == 3


def test_what_hosts_say_differently_is_left_out_for_good():
    said = summed({"lang": "de", "ok": True}, {"lang": "en", "ok": True}, {"lang": "de"})
    assert "lang" not in said
    assert said["ok"] is True


def test_a_number_too_large_to_be_a_count_is_not_added():
    assert summed({"n": 10**4000}, {"n": 10**4000})["n"] == 10**4000
    assert "n" not in summed({"n": 10**4000}, {"n": 1})


def test_a_list_longer_than_is_kept_counts_the_rest():
    one = {"parts": [f"a{n}" for n in range(JOINED)]}
    other = {"parts": [f"b{n}" for n in range(5)], "parts_omitted": 7}
    said = summed(one, other)
    assert (len(said["parts"]), said["parts_omitted"]) == (JOINED, 12)


def test_hosts_are_in_the_order_in_which_people_count():
    hosts = [f"algo-{number}" for number in range(1, 12)]
    assert summed({"hosts": sorted(hosts)})["hosts"] == hosts


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["hosts", "host", "problem", "files", "files_omitted", "n", "shards"])


@given(st.lists(st.dictionaries(NAMES | st.text(max_size=4), JSON, max_size=6), max_size=4))
def test_anything_that_hosts_may_write_gives_a_summary_that_can_be_written(summaries):
    said = summed(*summaries)
    json.dumps(said)
    assert bool(said) == bool(summaries)
    assert len(said.get("problem", "")) <= 400


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_counts_of_any_hosts_are_their_sum(counts):
    said = summed(*({"rows_in": count} for count in counts))
    assert said["rows_in"] == sum(counts)
    assert sum(shard["rows_in"] for shard in said["shards"].values()) == sum(counts)
