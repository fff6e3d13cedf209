"""Parameters that do not go together are refused as CloudFormation refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.rules import check_rules
from landrun_ops.local.template import read

PARAMETERS = {"Mode": {"Default": "a"}, "Size": {"Default": 1}, "Name": {}}
NAME_IS_EMPTY = {"Fn::Equals": [{"Ref": "Name"}, ""]}
MODE_IS_B = {"Fn::Equals": [{"Ref": "Mode"}, "b"]}


def source(assertion: Any, condition: Any = None) -> dict[str, Any]:
    rule = {"Assertions": [{"Assert": assertion, "AssertDescription": "leave Name empty"}]}
    conditional = {"RuleCondition": condition} if condition else {}
    return {"Parameters": PARAMETERS, "Rules": {"R": {**rule, **conditional}}}


def test_an_assertion_that_does_not_hold_is_told_in_its_own_words() -> None:
    with pytest.raises(TemplateError, match=r"^leave Name empty$"):
        check_rules(source(NAME_IS_EMPTY), {"Name": "x"})
    check_rules(source(NAME_IS_EMPTY), {"Name": ""})


def test_a_rule_whose_condition_does_not_hold_asserts_nothing() -> None:
    check_rules(source(NAME_IS_EMPTY, MODE_IS_B), {"Name": "x"})
    with pytest.raises(TemplateError):
        check_rules(source(NAME_IS_EMPTY, MODE_IS_B), {"Name": "x", "Mode": "b"})


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"Fn::Equals": [{"Ref": "Size"}, "1"]}, True),
        ({"Fn::Not": [MODE_IS_B]}, True),
        ({"Fn::And": [MODE_IS_B, True]}, False),
        ({"Fn::Or": [MODE_IS_B, {"Fn::Not": [MODE_IS_B]}]}, True),
        ({"Fn::Contains": [["a", "c"], {"Ref": "Mode"}]}, True),
        ({"Fn::Contains": [["b"], {"Ref": "Mode"}]}, False),
    ],
)
def test_defaults_and_functions_are_evaluated(assertion: Any, holds: bool) -> None:
    try:
        check_rules(source(assertion), {})
    except TemplateError:
        assert not holds
    else:
        assert holds


def test_what_cannot_be_evaluated_is_told() -> None:
    with pytest.raises(TemplateError, match=r"rule R: .* Fn::ValueOf"):
        check_rules(source({"Fn::ValueOf": ["Name", "Tag"]}), {})


def test_the_template_refuses_to_collect_and_to_read_a_scheduled_input(root: Any) -> None:
    template = read(root / "template.yaml")
    check_rules(template, {"StartOn": "schedule"})
    check_rules(template, {"ScheduledInput": "daily/"})
    with pytest.raises(TemplateError, match="leave ScheduledInput empty"):
        check_rules(template, {"StartOn": "schedule", "ScheduledInput": "daily/"})
