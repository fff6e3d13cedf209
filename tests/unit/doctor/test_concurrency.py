"""The preflight of turns: the line moves, the count is right, the quota is enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from landrun_ops.doctor import concurrency, quotas
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.findings import Grade
from landrun_ops.stack.waiting_executions import Line, Lines, Waiter, ordinal

from .conftest import NOW, Aws, answer


def waiters(minutes: float, count: int = 1) -> tuple[Waiter, ...]:
    asked = NOW - timedelta(minutes=minutes)
    return tuple(Waiter(f"r-{n}", asked) for n in range(count))


@pytest.mark.parametrize(
    ("line", "grade", "words"),
    [
        (Line(3, 1), "ok", "1 of 3 turns are taken, and nobody waits"),
        (Line(0, 4), "ok", "4 turns are taken, and nobody waits"),
        (Line(2, 2, waiters(90, 5)), "ok", "5 runs wait, the longest for 1 h 30 min"),
        (Line(2, 2, waiters(90), more=True), "ok", "at least 1 run waits, the longest"),
        (Line(2, 1, waiters(5)), "ok", "1 of 2"),  # reconcile is still to come
        (
            Line(2, 1, waiters(25)),
            "warn",
            "1 run waits, the longest for 25 min 00 s, though only 1 of 2 turns are taken",
        ),
        (Line(0, 4, waiters(25)), "warn", "though MaxConcurrentRuns is 0"),
    ],
)
def test_a_line_is_well_while_nobody_waits_long_for_a_turn_that_is_free(
    line: Line, grade: str, words: str
) -> None:
    found = concurrency.judge_line(line, NOW)
    assert found.grade == grade
    assert words in found.says
    assert bool(found.remedy) == (grade != "ok")


def test_a_count_that_does_not_match_fails_with_what_sets_it_right() -> None:
    assert concurrency.judge_count(2, ["a", "b"], "t").grade is Grade.OK
    found = concurrency.judge_count(2, ["a"], "landrun-ConcurrencyTable")
    assert found.grade is Grade.FAIL
    assert "2 turns are counted, and 1 runs have one" in found.says
    assert "update-item --table-name landrun-ConcurrencyTable" in found.remedy
    assert '":n": {"N": "1"}, ":was": {"N": "2"}' in found.remedy


def test_holders_are_compared_with_a_count_that_stood_still_meanwhile() -> None:
    reads = iter([(1, ["a"], 2), (2, ["a", "b"], 2)])
    assert concurrency.compared(lambda: next(reads)) == (2, ["a", "b"])
    assert concurrency.compared(lambda: (1, [], 2)) is None


def examined(aws: Aws, **changes: Any) -> dict[str, str]:
    [check] = concurrency.checks(Sight(aws.stack(**changes)), NOW)
    found = check.judge()
    assert not hasattr(found, "grade")
    return {one.says: one.grade for one in found}  # type: ignore[union-attr]


def test_the_table_is_read_as_dynamodb_has_it(aws: Aws) -> None:
    assert examined(aws) == {
        "2 of 2 turns are taken, and 3 runs wait, the longest for 2 min 09 s": "ok",
        "2 turns are counted, and so many runs have one": "ok",
    }


def test_a_table_that_is_gone_fails_and_one_that_nobody_uses_says_so(aws: Aws) -> None:
    nothing = {"Items": [], "Count": 0, "ScannedCount": 0}
    aws.says("dynamodb.Query", nothing)
    aws.says("dynamodb.GetItem", lambda _: {})
    assert examined(aws, parameters={"MaxConcurrentRuns": "0"}) == {
        "runs are not bounded (MaxConcurrentRuns is 0), and none waits its turn": "ok"
    }
    aws.refuses("dynamodb.DescribeTable", "ResourceNotFoundException")
    [(says, grade)] = examined(aws).items()
    assert (grade, "runs cannot get their turn" in says) == ("fail", True)


def test_a_stack_from_before_there_were_turns_has_no_such_check(aws: Aws) -> None:
    stack = aws.stack()
    del stack.outputs["ConcurrencyTable"]  # type: ignore[attr-defined]
    assert concurrency.checks(Sight(stack), NOW) == []


@pytest.mark.parametrize(
    ("count", "bound", "grade", "words"),
    [
        (1, 4, "ok", "enough for MaxConcurrentRuns=4"),
        (1, 5, "warn", "enough for 4 at a time, and MaxConcurrentRuns lets 5"),
        (2, 3, "warn", "enough for 2 at a time, and MaxConcurrentRuns lets 3"),
        (3, 1, "ok", "enough for MaxConcurrentRuns=1"),
        (1, 0, "ok", "is 4: 4 runs at a time"),
        (3, 0, "warn", "one run at a time"),
        (5, 1, "fail", "a run takes 5"),
    ],
)
def test_the_quota_is_held_against_instances_times_runs(
    count: int, bound: int, grade: str, words: str
) -> None:
    given = {"InstanceCount": str(count), "MaxConcurrentRuns": str(bound)}
    entries = answer("service-quotas.ListServiceQuotas")["Quotas"]
    found = quotas.judge_quotas(
        [one for one in entries if "ml.m5.large" in one["QuotaName"]], given
    )
    assert found[0].grade == grade
    assert words in found[0].says


def test_a_bound_over_the_quota_is_told_with_the_bound_that_fits() -> None:
    given = {"InstanceCount": "1", "MaxConcurrentRuns": "9"}
    [found] = quotas.judge_quotas(answer("service-quotas.ListServiceQuotas")["Quotas"], given)[:1]
    assert "sam deploy with MaxConcurrentRuns=4" in found.remedy


# ---- Looking


class Table:
    """A table of turns whose line has so many pages of two runs."""

    def __init__(self, pages: int) -> None:
        self.pages, self.read = pages, 0

    def get_item(self, **asked: Any) -> dict[str, Any]:
        assert asked["ConsistentRead"] is True
        return {"Item": {"slots_in_use": {"N": "2"}}}

    def get_paginator(self, name: str) -> Table:
        assert name == "query"
        return self

    def paginate(self, **asked: Any) -> Any:
        assert asked["ExpressionAttributeValues"][":status"] == {"S": "waiting#"}
        for page in range(self.pages):
            self.read += 1
            items = [
                {
                    "name": {"S": f"run-{page}-{n}"},
                    "requested_at": {"S": f"2026-11-22T08:15:3{n}.000Z"},
                }
                for n in (1, 2)
            ]
            last = page == self.pages - 1
            yield {"Items": items, **({} if last else {"LastEvaluatedKey": {}})}


def test_the_line_is_read_in_its_order_and_no_further_than_it_has_to() -> None:
    line = Lines(Table(2), "t", 2).look()
    assert [one.name for one in line.waiters] == ["run-0-1", "run-0-2", "run-1-1", "run-1-2"]
    assert (line.holding, line.bound, line.more) == (2, 2, False)
    assert str(line.place("run-1-1")) == "3rd of 4 in line"
    assert line.place("run-9-9") is None
    assert line.oldest == datetime(2026, 11, 22, 8, 15, 31, tzinfo=UTC)
    long = Table(50)
    many = Lines(long, "t", 2).look()
    assert (len(many.waiters), many.more, long.read) == (10, True, 5)
    assert str(many.place("run-0-1")) == "1st of at least 10 in line"


def test_places_are_spelled_as_people_say_them() -> None:
    spelled = {1: "1st", 2: "2nd", 3: "3rd", 11: "11th", 13: "13th", 22: "22nd", 1103: "1,103rd"}
    assert {number: ordinal(number) for number in spelled} == spelled
