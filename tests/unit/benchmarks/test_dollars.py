from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import dollars, facts, pages, usage
from benchmarks.bills import Bill, Month
from benchmarks.units import item_bytes
from hypothesis import given
from hypothesis import strategies as st


def total(bill: Bill, service: str, what: str) -> float:
    return sum(i.dollars for i in bill.items if i.service == service and what in i.what)


def test_a_run_costs_its_states_and_its_start_and_end() -> None:
    """Four states, or five with a slot: six and seven transitions at 25 dollars a million."""
    month = Month(landings=1_000_000)
    assert total(month.arrival(), "Step Functions", "transitions") == pytest.approx(150)
    assert total(month.arrival(bounded=True), "Step Functions", "transitions") == pytest.approx(175)
    assert total(month.rule(), "Step Functions", "transitions") == pytest.approx(75)


def test_beside_the_modes_are_a_rule_alone_and_an_airflow_that_costs_the_same_for_any_number() -> (
    None
):
    few, many = (dollars.ways(Month(landings=number))[4:] for number in (1000, 1_000_000))

    [rule, *airflows] = many
    assert "rule" in rule.way
    assert rule.runs == 1_000_000
    assert set(rule.by_service()) == {"EventBridge", "Step Functions"}
    assert [set(one.by_service()) for one in airflows] == [{"Airflow"}] * 2
    assert [one.moving for one in airflows] == [one.moving for one in few[1:]]
    ticks = Month().schedule(dollars.DAILY, "")
    assert [one.working for one in airflows] == [ticks.working] * 2, "its jobs are anybody's"


def test_a_jobs_seconds_are_what_is_billed() -> None:
    month = Month(landings=3600, job_seconds=59, objects_per_second=1, object_bytes=1e-6)
    jobs = {item.what: item.dollars for item in month.arrival().jobs}
    assert jobs["instance seconds"] == pytest.approx(60 * 0.115)


def test_twice_as_many_landings_cost_twice_as_much_on_arrival() -> None:
    one, two = Month(landings=500_000).arrival(), Month(landings=1_000_000).arrival()
    assert two.total == pytest.approx(2 * one.total)


@given(st.integers(1000, 10**7), st.sampled_from([1, 24, 96]))
def test_ticks_never_take_more_jobs_than_arrival_nor_fewer_than_may_be(
    landings: int, ticks: int
) -> None:
    month = Month(landings=landings)
    bill = month.schedule(ticks, "")
    assert landings / month.max_objects <= bill.runs <= landings
    assert bill.working <= month.arrival().working


def test_ten_landings_in_an_invocation_cost_less_than_one_each() -> None:
    one, ten = Month(batch=1).arrival(), Month(batch=10).arrival()
    for service in ("SQS", "Lambda", "CloudWatch"):
        assert ten.by_service()[service] < one.by_service()[service], service
    assert ten.by_service()["Step Functions"] == one.by_service()["Step Functions"]


def test_a_bill_is_the_sum_of_its_lines() -> None:
    for bill in dollars.ways(Month()):
        assert sum(bill.by_service().values()) == pytest.approx(bill.moving)
        assert all(item.quantity >= 0 for item in (*bill.items, *bill.jobs))


def test_every_price_is_used_and_says_where_it_is_from() -> None:
    month = replace(Month(), architecture="x86_64")
    used = {
        item.price
        for m in (Month(), month)
        for bill in dollars.ways(m)
        for item in (*bill.items, *bill.jobs, *m.standing(bill.runs))
    }
    prices = facts.prices()
    others = {name for name in prices if name.startswith("instance.")} | {"mail", "key_request"}
    assert set(prices) - used <= others
    assert used <= set(prices)
    for price in prices.values():
        assert price.source.startswith("https://aws.amazon.com/"), price
        assert price.dollars > 0


@pytest.mark.parametrize("batch", [1, 10])
def test_a_landing_that_starts_its_run_takes_two_requests(batch: int) -> None:
    found = usage.used("arrival", batch).requests
    assert found == {"s3:PutObject": batch, "stepfunctions:StartExecution": batch}


def test_what_a_tick_uses_grows_with_what_waits_and_with_nothing_else() -> None:
    ten, hundred, thousand = (usage.used("tick", n) for n in (10, 100, 1000))
    per = [(b.write_units - a.write_units, b.requests.total() - a.requests.total())
           for a, b in ((ten, hundred), (hundred, thousand))]  # fmt: skip
    assert [units / n for (units, _), n in zip(per, (90, 900), strict=True)] == [4, 4]
    assert [calls / n for (_, calls), n in zip(per, (90, 900), strict=True)] == [2, 2]


def test_a_runs_two_events_write_its_row_and_both_its_indexes() -> None:
    found = usage.used("run")
    assert found.requests["dynamodb:PutItem"] == 2
    assert set(found.index_units) == {"month", "unfinished"}
    assert found.write_units > sum(found.index_units.values()) > 0


def test_an_index_takes_a_write_for_each_entry_that_comes_or_goes() -> None:
    """DynamoDB developer guide, "Write capacity units" of global secondary indexes."""
    small, large = {"S": "x" * 100}, {"S": "x" * 1500}
    told = {"name": {"S": "r"}, "month": {"S": "m"}}
    world = usage.Counting()
    for item, units in (
        (told | {"unfinished": {"S": "execution"}, "x": small}, 1 + 1 + 1),
        (told | {"unfinished": {"S": "notification"}, "x": large}, 2 + 2 + (1 + 2)),
        (told | {"x": large}, 2 + 2 + 2),
        (told | {"x": small}, 2 + 2 + 0),
    ):
        world.forget()
        world.client("dynamodb").put_item(TableName="runs", Item=item)
        assert world.usage.write_units == units


def test_items_are_measured_as_dynamodb_measures_them() -> None:
    assert item_bytes({"id": {"S": "äb"}}) == 2 + 3
    assert item_bytes({"n": {"N": "-1234"}}) == 1 + 4
    assert item_bytes({"n": {"N": "123"}}) == 1 + 4
    assert item_bytes({"m": {"M": {"ok": {"BOOL": True}}}}) == 1 + 3 + 1 + 2 + 1


def test_what_was_measured_takes_the_place_of_what_is_assumed(tmp_path: Path) -> None:
    measured = {
        "warm": ("warm, batches of 1, a door that answers at once", "handler's own time",
                 "µs an event", 123.0),
        "tick": ("a tick over 100,000 landings", "seconds with the CPU that the function has",
                 "s", 172.75390625),
        "processing": ("JSONL, 1 GB", "preprocess.py: speed", "MB/s", 55.0),
        "cold_start": ("object_created", "INIT and first call", "ms", 900.0),
    }  # fmt: skip
    names = ("case", "figure", "unit", "value")
    suites = {
        name: {"rows": [dict(zip(names, row, strict=True))]} for name, row in measured.items()
    }
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"suites": suites}), encoding="utf-8")
    assert facts.measured(results) == {
        "handler_microseconds": 123.0,
        "tick_microseconds": pytest.approx(1000.0, rel=1e-3),
        "job_megabytes_per_second": 55.0,
        "cold_seconds": pytest.approx(0.9),
    }
    assert facts.measured(tmp_path / "none.json") == {}
    assert set(facts.MEASURED) <= set(facts.assumptions())


def test_the_stack_is_as_the_template_has_it() -> None:
    stack = facts.stack()
    assert (stack.batch, stack.at_once, stack.memory["Schedule"]) == (10, 10, 1024)
    assert stack.states_with_turn == stack.states + 1


def test_the_page_is_as_it_would_be_written() -> None:
    text = dollars.PAGE.read_text(encoding="utf-8")
    assert sorted(pages.parts_of(text, "dollars")) == sorted(dollars.PARTS)
    assert pages.filled(text, "dollars", dollars.PARTS) == text, "benchmarks.dollars --write"


def test_a_page_with_another_figure_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "costs.md"
    text = pages.filled(dollars.PAGE.read_text("utf-8"), "dollars", dollars.PARTS)
    monkeypatch.setattr(dollars, "PAGE", page)
    page.write_text(text.replace("# What it costs", "# Costs"), encoding="utf-8")
    assert dollars.main(["--check"]) == 0  # not in a made part
    page.write_text(text.replace("| arrival:", "| Arrival:"), encoding="utf-8")
    assert dollars.main(["--check"]) == 1
    assert dollars.main(["--write"]) == 0
    assert page.read_text("utf-8") == text


def test_the_command_gives_all_lines_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert dollars.main(["--landings", "50000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["month"]["landings"] == 50_000
    for way in found["ways"]:
        assert sum(i["dollars"] for i in way["items"]) == pytest.approx(way["dollars"]["together"])


@pytest.mark.parametrize("wrong", [["--landings", "0"], ["--instance-count", "0"]])
def test_the_command_refuses_what_is_no_amount(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dollars.main(wrong) == 2
    assert wrong[0][2:].replace("-", "_") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "known"),
    [
        (["--instance-type", "ml.huge"], ["ml.huge", "ml.m5.large", "ml.m5.2xlarge"]),
        (["--architecture", "mips"], ["mips", "arm64", "x86_64"]),
    ],
)
def test_what_has_no_price_is_refused_with_the_names_of_what_has(
    wrong: list[str], known: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        dollars.main(wrong)
    assert left.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert all(name in said for name in known)
    with pytest.raises(ValueError, match=rf"no {wrong[1]}.*{known[1]}.*{known[2]}"):
        Month(**{wrong[0][2:].replace("-", "_"): wrong[1]})


def test_the_page_is_not_written_for_other_figures() -> None:
    with pytest.raises(SystemExit) as left:
        dollars.main(["--check", "--landings", "5"])
    assert left.value.code == 2


@pytest.mark.parametrize("kind", facts.priced("instance"))
def test_every_instance_type_has_a_bill(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dollars.main(["--instance-type", kind]) == 0
    assert "arrival" in capsys.readouterr().out


def test_instances_of_a_family_cost_in_proportion_to_their_size() -> None:
    """So that a slip of the pen shows: prices are rounded to a tenth of a cent or so."""
    sizes = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "9xlarge": 18, "12xlarge": 24,
             "24xlarge": 48}  # fmt: skip
    found = facts.prices()
    for family in ("m5", "c5", "r5"):
        each = [found[f"instance.{name}"].dollars / sizes[name.split(".")[2]]
                for name in facts.priced("instance") if name.split(".")[1] == family]  # fmt: skip
        assert len(each) >= 3
        assert max(each) == pytest.approx(min(each), rel=0.01), family


def test_a_jobs_instances_all_pay_its_least_time_and_share_its_work() -> None:
    month = Month(landings=1000, days=1, job_seconds=60, objects_per_second=1, object_bytes=1e-6)
    billed = {
        n: replace(month, instance_count=n).schedule(1, "").jobs[0].quantity for n in (1, 2, 10)
    }
    assert billed == {
        n: pytest.approx(n * 60 + 1000, rel=1e-6) for n in (1, 2, 10)
    }  # each object is work once


def test_instances_without_an_object_are_paid_for_until_the_one_is_done() -> None:
    month = Month(landings=1000, object_bytes=1e9)
    one, four = month.arrival(), replace(month, instance_count=4).arrival()
    assert four.jobs[0].quantity == pytest.approx(4 * one.jobs[0].quantity)
    assert four.moving == one.moving


def test_the_commands_table_fits_a_terminal_and_names_its_columns_as_the_page_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert dollars.main(["--landings", "90000000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert (
        " ".join(f"{lines[0]} {lines[1]}".split()) == "all but the jobs jobs, $ jobs, $ together, $"
    )
    assert "all but the jobs, $" in dollars.totals()
