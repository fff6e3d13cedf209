"""The template's Rules, by which CloudFormation refuses parameters that do not go together.

moto does not look at them. What they may say:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from landrun_ops.local.errors import TemplateError

_FUNCTIONS: Final[Mapping[str, Callable[[list[Any]], bool]]] = {
    "Fn::Equals": lambda values: bool(values[0] == values[1]),
    "Fn::Not": lambda values: not values[0],
    "Fn::And": all,
    "Fn::Or": any,
    "Fn::Contains": lambda values: values[1] in values[0],
}


def check_rules(source: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Hold the parameters, the ``given`` ones and the others' defaults, against the Rules.

    Raises
    ------
    TemplateError
        In the words of the assertion that does not hold, or when a rule cannot be evaluated here.
    """
    declared = source.get("Parameters", {})
    defaults = {name: str(one["Default"]) for name, one in declared.items() if "Default" in one}
    values = {**defaults, **given}
    for name, rule in source.get("Rules", {}).items():
        if _value(rule.get("RuleCondition", True), name, values):
            for assertion in rule["Assertions"]:
                if not _value(assertion["Assert"], name, values):
                    raise TemplateError(assertion.get("AssertDescription", f"rule {name}"))


def _value(node: Any, rule: str, values: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_value(item, rule, values) for item in node]
    if not isinstance(node, dict):
        return node
    [(name, argument)] = node.items()
    if name == "Ref":
        return values.get(argument)
    if name not in _FUNCTIONS:
        raise TemplateError(f"rule {rule}: the laptop's AWS cannot evaluate {name}")
    return _FUNCTIONS[name](_value(argument, rule, values))
