"""The dashboard: four questions, on a grid without overlaps or holes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

Json = dict[str, Any]

QUESTIONS = ["Is data flowing?", "What failed?", "How long do runs take?", "What waits?"]
CONSOLE_GRID = 24  # columns


def test_the_dashboard_asks_the_four_questions_in_order(dashboard):
    texts = [w for w in dashboard["widgets"] if w["type"] == "text"]
    assert [w["properties"]["markdown"].removeprefix("## ") for w in texts] == QUESTIONS
    assert [w["y"] for w in texts] == sorted(w["y"] for w in texts)


def test_every_alarm_is_on_the_dashboard(dashboard, alarms):
    [widget] = [w for w in dashboard["widgets"] if w["type"] == "alarm"]
    assert sorted(widget["properties"]["alarms"]) == sorted(f"<{name}.Arn>" for name in alarms)


def test_every_widget_says_what_it_shows_and_how_it_is_summed_up(dashboard):
    for widget in dashboard["widgets"]:
        properties = widget["properties"]
        if widget["type"] != "text":
            assert properties["title"]
        if widget["type"] in ("metric", "log"):
            assert properties["region"] == "us-east-1", properties["title"]
        of_its_own = [row[-1] for row in properties.get("metrics", []) if isinstance(row[-1], dict)]
        said = [one for one in of_its_own if "stat" in one or "expression" in one]
        assert "stat" in properties or said == of_its_own


def test_widgets_fill_the_grid_without_overlap(dashboard):
    widgets = dashboard["widgets"]
    assert all(w["x"] + w["width"] <= CONSOLE_GRID for w in widgets)
    assert not [(a, b) for a, b in combinations(widgets, 2) if overlap(a, b)]
    bottom = max(w["y"] + w["height"] for w in widgets)
    assert sum(w["width"] * w["height"] for w in widgets) == CONSOLE_GRID * bottom


def overlap(a, b):
    return all(
        one[at] < other[at] + other[size]
        for one, other in ((a, b), (b, a))
        for at, size in (("x", "width"), ("y", "height"))
    )


def test_its_name_tells_two_stacks_and_two_regions_apart_and_is_in_its_url(stack):
    name = stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardName"]
    page, _, named = stack.outputs["DashboardUrl"].partition("#dashboards/dashboard/")
    assert name == named == "landrun-us-east-1"
    assert page == "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1"
