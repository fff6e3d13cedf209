"""What a run left in S3: how much, and its summary, which several hosts may have written."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landrun.adapters.outputs import OTHER_KEYS, SUMMARY_LIMIT, Outputs, OutputSize, fitting_summary
from landrun.models.job_summary import LIST_LIMIT, sum_of_hosts
from landrun.models.s3_uri import S3Uri

NUMBERS = count()
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
HOSTS = ["algo-1", "algo-2"]


@pytest.fixture(scope="module")
def bucket(shared_aws):
    shared_aws("s3").create_bucket(Bucket="outputs")
    return shared_aws("s3")


@pytest.fixture
def under():
    """A run's output folder, which no other test writes to."""
    return S3Uri("outputs", f"processed/run-{next(NUMBERS)}/")


@pytest.fixture
def left(bucket, under):
    """``left(name, content)`` puts an object below the run's output folder."""

    def put(name: str, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        bucket.put_object(Bucket=under.bucket, Key=f"{under.key}{name}", Body=body)

    return put


@pytest.fixture
def outputs(bucket):
    return Outputs(bucket)


# ---- How much, and what else begins with a key


@pytest.fixture
def neighbour(bucket, under):
    """A run whose name begins as this one's has left a summary."""
    key = f"{under.key.removesuffix('/')}0/summary-algo-1.json"
    bucket.put_object(Bucket=under.bucket, Key=key, Body=b'{"rows_in": 1}')


@pytest.mark.usefixtures("neighbour")
def test_what_lies_under_an_output_is_counted_up_to_a_limit(outputs, left, under, monkeypatch):
    for name in "abc":
        left(name, b"12345")
    assert outputs.measure(under) == OutputSize(3, 15)
    monkeypatch.setattr("landrun.adapters.outputs.OBJECTS_COUNTED", 2)
    assert outputs.measure(under) == OutputSize(2, 10, complete=False)


@pytest.mark.parametrize(
    ("names", "key", "found"),
    [
        (["a.csv", "b.csv"], "a.csv", []),
        (["a.csv", "a.csv.bak", "a.csv/b", "b"], "a.csv", ["a.csv.bak", "a.csv/b"]),
        (["a", *(f"a{number}" for number in range(9))], "a", ["a0", "a1", "a2"]),
        (["a.csv.bak"], "a.csv", []),  # a prefix, or an object that is gone
        ([], "a.csv", []),
    ],
)
def test_other_objects_are_named_whose_keys_begin_with_an_objects(
    outputs, left, under, names, key, found
):
    for name in names:
        left(name, b"")
    keys = outputs.keys_that_begin_with(S3Uri(under.bucket, f"{under.key}{key}"))
    assert [found.removeprefix(under.key) for found in keys] == found
    assert len(keys) <= OTHER_KEYS


# ---- A summary


@pytest.mark.usefixtures("neighbour")
def test_a_summary_is_read_and_a_missing_one_is_none(outputs, left, under):
    assert outputs.summary(under) is None
    left("summary.json", {"rows_in": 3})
    assert outputs.summary(under) == {"rows_in": 3}


@pytest.mark.parametrize(("omitted", "counted"), [({}, 100), ({"files_omitted": 20}, 120)])
def test_a_summary_too_long_for_a_record_loses_its_files_but_keeps_its_counts(omitted, counted):
    files = [{"name": "x" * 1000}] * 100
    summary = json.dumps({"rows_in": 3, "files": files, **omitted}).encode()
    assert fitting_summary(summary) == {"rows_in": 3, "files_omitted": counted}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": "' + b"x" * SUMMARY_LIMIT,
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"rows_in": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "list", "cut", "binary", "long", "deep", "deeper", "nested", "digits"],
)
def test_what_is_no_summary_is_none(body):
    assert fitting_summary(body) is None


# ---- Summaries of several hosts


def of_host(host: str, hosts: list[str] = HOSTS, **more: Any) -> dict[str, Any]:
    """A summary as the default job writes it; two files of ten rows, a row lost to each reason."""
    files = [{"name": f"{host}-{n}.jsonl", "bytes": 100} for n in range(2)]
    return {
        "rows_in": 20,
        "rows_out": 17,
        "duplicates": 1,
        "empty": 1,
        "rejected": 1,
        "files": files,
        "parts": [f"part-{host}-00000.parquet"],
        "columns": ["message_id", "text"],
        "seconds": 2.0,
        "version": "0.1.0",
        "host": host,
        "hosts": hosts,
        **more,
    }


def test_the_summaries_of_hosts_are_read_and_added_up(outputs, left, under):
    four = [f"algo-{number}" for number in (1, 2, 3, 4)]
    left("summary-algo-3.json", of_host("algo-3", four))
    left("summary-algo-1.json", of_host("algo-1", four))
    summary = outputs.summary(under)
    assert summary["hosts"] == four
    assert summary["problem"] == "2 of 4 hosts left a summary, not algo-2, algo-4"
    assert summary["rows_in"] == 40


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"a":' * 40 + b"1" + b"}" * 40], ids=repr)
def test_a_host_whose_summary_cannot_be_read_is_named_and_the_others_count(
    outputs, left, under, body
):
    left("summary-algo-1.json", of_host("algo-1"))
    left("summary-algo-2.json", body)
    summary = outputs.summary(under)
    assert summary["rows_in"] == 20
    assert summary["problem"] == "algo-2: its summary cannot be read"


def test_nothing_is_added_to_the_summary_of_one_machine(outputs, left, under):
    left("summary.json", {"rows_in": 3})
    left("summary-algo-1.json", of_host("algo-1"))
    assert outputs.summary(under) == {"rows_in": 3}


@pytest.mark.parametrize(
    "name", ["summary-of-mine.json", "summary-algo-1.json.bak", "summary-algo-1", "x/summary.json"]
)
def test_files_with_such_names_are_no_summaries_of_hosts(outputs, left, under, name):
    left(name, of_host("algo-1"))
    assert outputs.summary(under) is None


def test_a_hundred_hosts_of_many_files_fit_into_a_record():
    hosts = [f"algo-{number}" for number in range(1, 101)]
    files = [{"name": f"{n}.jsonl" * 9, "bytes": 1} for n in range(10)]
    total = summed(*(of_host(host, hosts, files=files) for host in hosts))
    summary = fitting_summary(json.dumps(total).encode())
    assert (summary["rows_in"], summary["files_omitted"]) == (2000, 1000)
    assert summary["hosts"] == hosts
    assert "files" not in summary
    assert len(json.dumps(summary)) < SUMMARY_LIMIT * 1.2


def test_shares_that_leave_no_room_are_counted_and_left_out():
    many = {f"{'count' * 60}-{number}": number for number in range(20)}
    total = summed(*(of_host(f"algo-{number}", **many) for number in range(1, 11)))
    summary = fitting_summary(json.dumps(total).encode())
    assert "shards" not in summary
    assert (summary["shards_omitted"], summary["rows_in"]) == (10, 200)


def summed(*summaries: dict[str, Any]) -> dict[str, Any]:
    return sum_of_hosts((f"algo-{n}", summary) for n, summary in enumerate(summaries, 1))


def test_hosts_summaries_add_up_to_the_runs():
    summary = summed(
        of_host("algo-1", seconds=3.5), of_host("algo-2", columns=["message_id", "lang"])
    )
    assert [summary[name] for name in COUNTS] == [40, 34, 2, 2, 2]
    names = ["algo-1-0.jsonl", "algo-1-1.jsonl", "algo-2-0.jsonl", "algo-2-1.jsonl"]
    assert [file["name"] for file in summary["files"]] == names
    assert summary["parts"] == ["part-algo-1-00000.parquet", "part-algo-2-00000.parquet"]
    assert summary["columns"] == ["message_id", "text", "lang"]
    assert (summary["seconds"], summary["version"]) == (3.5, "0.1.0")
    assert summary["hosts"] == HOSTS
    assert not {"host", "problem"} & summary.keys()


def test_what_each_host_did_is_kept_apart():
    nothing = dict.fromkeys([*COUNTS, "seconds"], 0) | {"files": [], "parts": []}
    shards = summed(of_host("algo-1"), of_host("algo-2", **nothing))["shards"]
    first = {"files": 2, "bytes": 200, "rows_in": 20, "rows_out": 17, "seconds": 2.0}
    assert first.items() <= shards["algo-1"].items()
    assert {"files": 0, "bytes": 0, "rows_in": 0}.items() <= shards["algo-2"].items()


@pytest.mark.parametrize(
    ("summaries", "expected"),
    [
        ([{"n": 1}, {"n": 1}, {"n": 1}], {"n": 3}),
        ([{"seconds": 2.5}, {"seconds": 1}, {"seconds": 3}], {"seconds": 3}),
        ([{"lang": "de", "ok": True}, {"lang": "en", "ok": True}, {"lang": "de"}], {"ok": True}),
        ([{"n": 10**4000}, {"n": 10**4000}], {"n": 10**4000}),  # too large to be a count
        ([{"n": 10**4000}, {"n": 1}], {}),
        ([{"x": None}, {"x": ["a"]}], {}),
        ([{"problem": "no file could be used"}], {"problem": "algo-1: no file could be used"}),
        (
            [{"parts": list(range(LIST_LIMIT))}, {"parts": ["b"] * 5, "parts_omitted": 7}],
            {"parts": list(range(LIST_LIMIT)), "parts_omitted": 12},
        ),
    ],
    ids=["counts", "times", "disputed", "large", "larger", "null", "problem", "long-list"],
)
def test_each_kind_of_value_has_its_own_way_of_being_summed(summaries, expected):
    said = summed(*summaries)
    assert {name: said[name] for name in said.keys() - {"hosts", "shards"}} == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["hosts", "host", "problem", "files", "files_omitted", "n", "shards"])


@settings(max_examples=50)
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
