"""The dashboard: four questions, on a grid without overlaps or holes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

Json = dict[str, Any]

QUESTIONS = ["Is data flowing?", "What failed?", "How long do runs take?", "What waits?"]
CONSOLE_GRID = 24  # columns


def test_the_dashboard_asks_the_four_questions_in_order(dashboard: Json) -> None:
    texts = [w for w in dashboard["widgets"] if w["type"] == "text"]
    assert [w["properties"]["markdown"].removeprefix("## ") for w in texts] == QUESTIONS
    assert [w["y"] for w in texts] == sorted(w["y"] for w in texts)


def test_every_alarm_is_on_the_dashboard(dashboard: Json, alarms: Json) -> None:
    [widget] = [w for w in dashboard["widgets"] if w["type"] == "alarm"]
    assert sorted(widget["properties"]["alarms"]) == sorted(f"<{name}.Arn>" for name in alarms)


def test_every_widget_has_a_title_and_its_region(dashboard: Json) -> None:
    for widget in dashboard["widgets"]:
        properties = widget["properties"]
        if widget["type"] != "text":
            assert properties["title"]
        if widget["type"] in ("metric", "log"):
            assert properties["region"] == "us-east-1", properties["title"]


def test_every_count_and_age_says_how_it_is_summed_up(dashboard: Json) -> None:
    for widget in dashboard["widgets"]:
        rows = widget["properties"].get("metrics", [])
        of_its_own = [row[-1] for row in rows if isinstance(row[-1], dict)]
        said = [one for one in of_its_own if "stat" in one or "expression" in one]
        assert "stat" in widget["properties"] or said == of_its_own


def test_widgets_stay_on_the_grid_and_do_not_overlap(dashboard: Json) -> None:
    widgets = dashboard["widgets"]
    assert all(w["x"] + w["width"] <= CONSOLE_GRID for w in widgets)
    assert not [(a, b) for a, b in combinations(widgets, 2) if overlap(a, b)]


def overlap(a: Json, b: Json) -> bool:
    return (
        a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    )


def test_widgets_leave_no_hole(dashboard: Json) -> None:
    widgets = dashboard["widgets"]
    bottom = max(w["y"] + w["height"] for w in widgets)
    assert sum(w["width"] * w["height"] for w in widgets) == CONSOLE_GRID * bottom


def test_its_name_tells_two_stacks_and_two_regions_apart(resources: Json, given: Json) -> None:
    name = resources["Dashboard"]["Properties"]["DashboardName"]
    assert name == f"{given['Service']}-us-east-1"


def test_its_url_names_it(dashboard_url: str, resources: Json) -> None:
    page, _, name = dashboard_url.partition("#dashboards/dashboard/")
    assert page == "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
    assert name == resources["Dashboard"]["Properties"]["DashboardName"]
