"""Nested applications, put where they are used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.nested import inlined

Json = dict[str, Any]

OUTER: Json = {
    "Conditions": {"Wanted": {"Fn::Equals": [{"Ref": "Given"}, ""]}},
    "Globals": {
        "Function": {"Environment": {"Variables": {"T": {"Fn::GetAtt": "Data.Outputs.T"}}}}
    },
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Data": {
            "Type": "AWS::Serverless::Application",
            "Properties": {
                "Location": "src/data/template.yaml",
                "Parameters": {"Name": {"Ref": "Given"}, "Queue": {"Fn::GetAtt": "Queue.Arn"}},
            },
        },
    },
    "Outputs": {"All": {"Value": {"Fn::Sub": "${Data.Outputs.T}/${Queue.Arn}"}}},
}
INNER: Json = {
    "Parameters": {"Name": {}, "Queue": {}, "Days": {"Default": 7}},
    "Conditions": {"Named": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Name"}, ""]}]}},
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Condition": "Named",
            "Properties": {
                "TableName": {"Ref": "Name"},
                "Text": {"Fn::Sub": "${Queue} for ${Days}"},
                "Own": {"Fn::GetAtt": ["Other", "Arn"]},
            },
        },
        "Other": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {"DefinitionUri": "x.asl.json"},
        },
    },
    "Outputs": {"T": {"Value": {"Ref": "Table"}}},
}


@pytest.fixture
def flat() -> Callable[..., Json]:
    def of(outer: Json = OUTER, inner: Json = INNER) -> Json:
        copies = json.loads(json.dumps([outer, inner]))
        folder = Path("/project")
        return inlined(
            copies[0], folder, {folder / "src/data/template.yaml": copies[1]}.__getitem__
        )

    return of


def changed(template: Json, section: str, **change: Any) -> Json:
    return {**template, section: {**template[section], **change}}


def test_resources_keep_their_names_and_get_what_their_parameters_are_given(
    flat: Callable[..., Json],
) -> None:
    resources = flat()["Resources"]
    assert list(resources) == ["Queue", "Table", "Other"]
    assert resources["Table"]["Properties"] == {
        "TableName": {"Ref": "Given"},
        "Text": {
            "Fn::Sub": ["${Queue} for ${Days}", {"Queue": {"Fn::GetAtt": "Queue.Arn"}, "Days": 7}]
        },
        "Own": {"Fn::GetAtt": ["Other", "Arn"]},
    }


def test_outputs_stand_where_they_are_asked_for(flat: Callable[..., Json]) -> None:
    template = flat()
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables == {"T": {"Ref": "Table"}}
    assert template["Outputs"]["All"]["Value"] == {
        "Fn::Sub": ["${DataT}/${Queue.Arn}", {"DataT": {"Ref": "Table"}}]
    }


def test_files_are_named_from_where_the_template_is(flat: Callable[..., Json]) -> None:
    properties = flat()["Resources"]["Other"]["Properties"]
    assert properties["DefinitionUri"] == "src/data/x.asl.json"


def test_what_is_in_an_application_is_there_only_where_the_application_is(
    flat: Callable[..., Json],
) -> None:
    data = {**OUTER["Resources"]["Data"], "Condition": "Wanted"}
    template = flat(changed(OUTER, "Resources", Data=data))
    assert template["Resources"]["Other"]["Condition"] == "Wanted"
    assert template["Resources"]["Table"]["Condition"] == "WantedAndNamed"
    assert template["Conditions"]["WantedAndNamed"] == {
        "Fn::And": [{"Condition": "Wanted"}, {"Condition": "Named"}]
    }


def test_a_template_without_applications_is_left_alone() -> None:
    template: Json = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    assert inlined(template, Path(), dict.__getitem__) is template  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outer", "inner", "said"),
    [
        (OUTER, changed(INNER, "Parameters", More={}), "needs a value for More"),
        (OUTER, {**INNER, "Parameters": {"Name": {}}}, "has no parameter Queue"),
        (OUTER, {**INNER, "Outputs": {}}, "Data has no output T"),
        (OUTER, changed(INNER, "Resources", Queue={"Type": "X"}), "Queue is used in another"),
        (OUTER, changed(INNER, "Conditions", Wanted={"Fn::Equals": [1, 2]}), "Wanted is used in"),
    ],
)
def test_what_does_not_fit_together_is_named(
    flat: Callable[..., Json], outer: Json, inner: Json, said: str
) -> None:
    with pytest.raises(TemplateError, match=said):
        flat(outer, inner)


def test_an_application_from_a_repository_cannot_be_used_here(flat: Callable[..., Json]) -> None:
    remote = {
        "Type": "AWS::Serverless::Application",
        "Properties": {"Location": {"ApplicationId": "arn", "SemanticVersion": "1.0.0"}},
    }
    with pytest.raises(TemplateError, match="only applications in a local file"):
        flat(changed(OUTER, "Resources", Data=remote))
