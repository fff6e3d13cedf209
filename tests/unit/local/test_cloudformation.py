"""DefinitionSubstitutions, as CloudFormation makes them."""

import json

import pytest

from landrun.errors import ConfigurationError
from landrun_ops.workflow.definition_file import filled_in


@pytest.mark.parametrize(
    ("text", "values", "made"),
    [
        ('{"a": "${A}:${B}"}', {"A": "x", "B": 1}, {"a": "x:1"}),
        ("a: ${A}\nb: ${B}", {"A": '["x", {"b": 1}]', "B": 3}, {"a": ["x", {"b": 1}], "b": 3}),
        ('a: "$$.Execution"\nb: "${C}"', {"A": 1}, {"a": "$$.Execution", "b": "${C}"}),
        ("a: ${A}", {"A": '"${B}"', "B": "x"}, {"a": "x"}),
        # An escape is undone by the YAML, and then replaced in the JSON all the same.
        ("a: ${A}", {"A": r'"\u0024{B}"', "B": "x"}, {"a": "x"}),
    ],
)  # fmt: skip
def test_tokens_are_replaced_as_cloudformation_replaces_them(text, values, made):
    assert json.loads(filled_in(text, values)) == made


def test_what_makes_no_definition_is_an_error():
    for value, says in (("*", "neither JSON nor YAML"), ('"${A}"', "without end")):
        with pytest.raises(ConfigurationError, match=says):
            filled_in("a: ${A}", {"A": value})
