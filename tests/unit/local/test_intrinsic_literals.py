"""Literals of intrinsic functions, as the States Language spells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser

from landrun_ops.local import intrinsic_literals
from landrun_ops.local.patches import Patches

ESCAPED = r"""States.StringToJson('\\{"A":"b c","N":1\\}')"""


@pytest.fixture
def adapted() -> Iterator[None]:
    patches = Patches()
    intrinsic_literals.adapt(patches)
    yield
    patches.undo()


def value_of(expression: str) -> Any:
    """Evaluate an expression as it stands in a definition, JSON's own backslashes included."""
    function, _ = IntrinsicParser.parse(expression)
    environment = SimpleNamespace(stack=[], is_running=lambda: True)
    function._eval_body(environment)
    [value] = environment.stack
    return value


def test_moto_takes_backslashes_of_literals_for_json() -> None:
    """When this fails, intrinsic_literals.py can go."""
    with pytest.raises(json.JSONDecodeError):
        value_of(ESCAPED)


@pytest.mark.usefixtures("adapted")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (ESCAPED, {"A": "b c", "N": 1}),
        (r"States.StringToJson('\\{\\}')", {}),
        ("States.StringToJson('30')", 30),
        ("States.StringToJson('[1, 2]')", [1, 2]),
    ],
)
def test_literals_are_read_as_step_functions_does(expression: str, value: Any) -> None:
    assert value_of(expression) == value
