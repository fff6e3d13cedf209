"""The sum of the summaries that the hosts of one run wrote, which may be any JSON."""

from __future__ import annotations

import pytest

from landrun.models.job_summary import LIST_LIMIT, sum_of_hosts

COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")


def of_host(host, **more):
    """Make a host's summary as the default job writes it, of two files with ten rows each."""
    return {
        "rows_in": 20,
        "rows_out": 17,
        "duplicates": 1,
        "empty": 1,
        "rejected": 1,
        "files": [{"name": f"{host}-{number}.jsonl", "bytes": 100} for number in range(2)],
        "parts": [f"part-{host}-00000.parquet"],
        "columns": ["message_id", "text"],
        "seconds": 2.0,
        "version": "0.1.0",
        "host": host,
        "hosts": ["algo-1", "algo-2"],
        **more,
    }


def summed(*summaries):
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
    assert summary["hosts"] == ["algo-1", "algo-2"]
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
        ([{"n": 1}, {}], {"n": 1, "problem": "algo-2: its summary cannot be read"}),
        (
            [{"parts": list(range(LIST_LIMIT))}, {"parts": ["b"] * 5, "parts_omitted": 7}],
            {"parts": list(range(LIST_LIMIT)), "parts_omitted": 12},
        ),
    ],
    ids=["counts", "times", "disputed", "large", "larger", "null", "problem", "unread", "long"],
)
def test_each_kind_of_value_has_its_own_way_of_being_summed(summaries, expected):
    said = summed(*summaries)
    assert {name: said[name] for name in said.keys() - {"hosts", "shards"}} == expected
