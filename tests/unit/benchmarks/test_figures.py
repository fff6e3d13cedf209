"""The README's figures, and the tables of the pages about cost and scale, are those computed."""

import json

import pytest
from benchmarks import ROOT, burst, landings
from benchmarks import __main__ as command
from benchmarks import costs_and_scale as model

RESULTS = json.loads(command.RESULTS.read_text(encoding="utf-8"))
TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "part"),
    [("costs.md", part) for part in model.COSTS] + [("scale.md", part) for part in model.SCALE],
)
def test_a_page_has_the_table_that_is_computed(page, part):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert part() in text, "python -m benchmarks.costs_and_scale prints it"
    assert page != "costs.md" or model.PRICES_OF in text


def test_sizes_are_those_of_the_template():
    for line, count in {
        f"MemorySize: {model.FUNCTION_MB}": 1,
        f"MemorySize: {model.TICK_MB}": 1,
        f"MaximumConcurrency: {model.LAMBDAS}": 2,
        f"BatchSize: {model.BATCH}": 2,
        f"Default: {model.MOST_OBJECTS}\n": 1,
    }.items():
        assert TEMPLATE.count(line) >= count, line
    assert (burst.LAMBDAS, landings.BATCH) == (model.LAMBDAS, model.BATCH)


def test_a_million_landings_cost_what_can_be_added_up_by_hand():
    arrival = model.services(1e6, 0)
    assert arrival["Step Functions"] == pytest.approx(150)  # 6 transitions of $25 a million
    assert arrival["SQS"] == pytest.approx(3.6)  # 9 requests of $0.40
    assert arrival["DynamoDB"] == pytest.approx(6.25)  # 10 write units of $0.625
    assert model.jobs(1e6, 0) > 10 * sum(arrival.values())
    assert model.jobs(1e6, 720) < 0.01 * model.jobs(1e6, 0)


@pytest.mark.parametrize(
    ("suite", "figure"),
    [
        ("cold_start", "cold start, object_created: whole first event ÷ bare boto3's"),
        ("cold_start", "cold start, object_created: notebook's ÷ ours, until the first start"),
        ("burst", "burst of 10,000 landings: ÷ the bound of the quota alone"),
        ("processing", "JSONL, 302 MB, Polars: time ÷ ours"),
        ("processing", "JSONL, 302 MB, pandas: time ÷ ours"),
    ],
)
def test_the_readmes_figures_are_those_of_the_results(suite, figure):
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## How fast", 1)[1]
    median = RESULTS[suite]["figures"][figure]["median"]
    assert f"**{median:.2f}**" in readme or f"**{median:.1f}**" in readme


def test_results_are_medians_and_spreads_of_every_suite():
    assert tuple(RESULTS) == command.SUITES
    for suite in RESULTS.values():
        assert "cores" in suite["machine"]
        for figure in suite["figures"].values():
            assert set(figure) == {"median", "low", "high", "unit"}
            assert figure["low"] <= figure["median"] <= figure["high"]
