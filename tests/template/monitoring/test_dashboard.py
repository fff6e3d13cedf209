"""The dashboard: four questions, every alarm, and no widget that hides another."""

from __future__ import annotations

from itertools import combinations

QUESTIONS = ["Is data flowing?", "What failed?", "How long do runs take?", "What waits?"]


def test_the_dashboard_asks_the_four_questions_in_order_and_shows_every_alarm(dashboard, alarms):
    texts = [w for w in dashboard["widgets"] if w["type"] == "text"]
    assert [w["properties"]["markdown"].removeprefix("## ") for w in texts] == QUESTIONS
    assert [w["y"] for w in texts] == sorted(w["y"] for w in texts)
    [widget] = [w for w in dashboard["widgets"] if w["type"] == "alarm"]
    assert sorted(widget["properties"]["alarms"]) == sorted(f"<{name}.Arn>" for name in alarms)


def test_no_widget_overlaps_another(dashboard):
    assert not [pair for pair in combinations(dashboard["widgets"], 2) if overlap(*pair)]


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
