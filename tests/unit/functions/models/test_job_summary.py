"""The sum of the summaries that the hosts of one run wrote, which may be any JSON."""

from __future__ import annotations

import pytest

from landrun.models.job_summary import LIST_LIMIT, sum_of_hosts


def summed(*summaries):
    return sum_of_hosts((f"algo-{n}", summary) for n, summary in enumerate(summaries, 1))


def test_hosts_summaries_add_up_to_the_runs_and_what_each_did_is_kept_apart():
    first, second = ({"name": "a.jsonl", "bytes": 100}, {"name": "b.jsonl", "bytes": 50})
    each = {"rows_in": 20, "rejected": 1, "version": "0.1.0", "hosts": ["algo-1", "algo-2"]}
    summary = summed(
        each | {"files": [first, second], "columns": ["id", "text"], "seconds": 3.5},
        {"rows_in": 0, "files": [], "columns": ["id", "lang"], "seconds": 2.0, "host": "algo-2"},
    )
    shards = {
        "algo-1": {"files": 2, "bytes": 150, "rows_in": 20, "rejected": 1, "seconds": 3.5},
        "algo-2": {"files": 0, "bytes": 0, "rows_in": 0, "seconds": 2.0},
    }
    assert summary == each | {
        "files": [first, second],
        "columns": ["id", "text", "lang"],
        "seconds": 3.5,
        "shards": shards,
    }


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
