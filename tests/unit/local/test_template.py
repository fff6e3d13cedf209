"""Templates: parameters, local files and references, before moto sees any of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local.adapt import adapt, schedule_arn
from landrun_ops.local.errors import TemplateError
from landrun_ops.local.template import (
    PACKAGED,
    Translated,
    check_parameters,
    check_references,
    package,
    read,
    references,
    with_texts_for_defaults,
)

SUPPORTED = {
    "AWS::Lambda::Function",
    "AWS::Events::Rule",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
}
FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": "k"}}}
QUEUE = {"Type": "AWS::SQS::Queue"}
SCHEDULE = {"Type": "AWS::Scheduler::Schedule", "Properties": {}}


def adapted(resources: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> Any:
    return adapt(Translated({"Resources": resources, "Outputs": outputs or {}}, **more), SUPPORTED)


class TestParameters:
    @pytest.mark.parametrize(
        ("rules", "value", "says"),
        [
            ({"Type": "Number"}, "x", "it must be a number"),
            ({"Type": "Number", "MinValue": 1}, "0", "between 1 and inf"),
            ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "only a, b are allowed"),
            ({"Type": "String", "AllowedPattern": "[a-z]*"}, "a1", r"must match \[a-z\]\*"),
            ({"Type": "String", "MaxLength": 2}, "abc", "0 to 2 letters"),
            ({"Type": "String"}, "é" * 2049, "4,096 bytes at most"),
            (
                {"Type": "String", "AllowedPattern": "x", "ConstraintDescription": "an x"},
                "y",
                "an x",
            ),
        ],
    )
    def test_a_wrong_value_is_told(self, rules: dict[str, Any], value: str, says: str) -> None:
        with pytest.raises(TemplateError, match=f"parameter P is '{value}', but .*{says}"):
            check_parameters({"Parameters": {"P": rules}}, {"P": value})

    def test_defaults_are_texts_as_conditions_have_them(self) -> None:
        given = {"A": {"Type": "Number", "Default": 0}, "B": {"Type": "String", "Default": True}}
        declared = with_texts_for_defaults({"Parameters": given | {"C": {"Type": "Number"}}})
        assert declared["Parameters"] == {
            "A": {"Type": "Number", "Default": "0"},
            "B": {"Type": "String", "Default": "true"},
            "C": {"Type": "Number"},
        }

    def test_an_unknown_name_is_told(self) -> None:
        with pytest.raises(TemplateError, match="no parameter Q; it has: none"):
            check_parameters({}, {"Q": "1"})

    def test_one_without_default_needs_a_value(self) -> None:
        with pytest.raises(TemplateError, match="P has no default"):
            check_parameters({"Parameters": {"P": {"Type": "String"}}}, {})


class TestPackage:
    SOURCE = {  # noqa: RUF012
        "Globals": {"Function": {"CodeUri": "code"}},
        "Resources": {
            "F": {"Type": "AWS::Serverless::Function"},
            "M": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {"DefinitionUri": "m.asl.json"},
            },
        },
    }

    def test_notes_local_files_and_puts_s3_locations(self, tmp_path: Path) -> None:
        (tmp_path / "code").mkdir()
        (tmp_path / "m.asl.json").write_text("{}")
        packaged = package(self.SOURCE, tmp_path)
        assert packaged.code == {"F": tmp_path / "code"}
        assert packaged.definitions == {"M": "{}"}
        assert packaged.resources["F"]["Properties"]["CodeUri"] == PACKAGED
        assert "Properties" not in self.SOURCE["Resources"]["F"]  # type: ignore[index]

    def test_a_folder_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(TemplateError, match="F: its CodeUri 'code' is not a folder"):
            package(self.SOURCE, tmp_path)

    @pytest.mark.parametrize("text", ["{,", "a: é"])
    def test_a_definition_that_is_no_ascii_or_neither_json_nor_yaml_is_told(
        self, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "code").mkdir()
        (tmp_path / "m.asl.json").write_text(text, encoding="utf-8")
        with pytest.raises(TemplateError, match=r"M: .* DefinitionUri .*m\.asl\.json"):
            package(self.SOURCE, tmp_path)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"Ref": "A"}, ["A"]),
        ({"Fn::GetAtt": ["A", "Arn"]}, ["A"]),
        ({"Fn::GetAtt": "A.Arn"}, ["A"]),
        ({"Fn::Sub": "${A} ${B.Arn} ${!C} ${AWS::Region}"}, ["A", "B", "AWS::Region"]),
        ({"Fn::Sub": ["${A} ${V}", {"V": {"Ref": "B"}}]}, ["A", "B"]),
        ([{"x": {"Fn::If": ["Condition", {"Ref": "A"}, "b"]}}], ["A"]),
        ({"Fn::Sub": "$${A}"}, ["A"]),
    ],
)
def test_references_are_found_in_every_form(node: Any, expected: list[str]) -> None:
    assert list(references(node)) == expected


def test_a_reference_to_nothing_names_who_refers() -> None:
    with pytest.raises(TemplateError, match="Q refers to Nothing"):
        check_references({"Resources": {"Q": {**QUEUE, "Properties": {"N": {"Ref": "Nothing"}}}}})


def test_a_template_without_resources_is_told(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Outputs: {}")
    with pytest.raises(TemplateError, match="is not a template"):
        read(tmp_path / "template.yaml")


def test_a_template_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no template at"):
        read(tmp_path / "template.yaml")


def test_what_moto_cannot_create_is_left_out_with_the_reason() -> None:
    result = adapted({"Q": QUEUE, "N": {"Type": "AWS::New::Thing"}, "S": SCHEDULE})
    assert result.template["Resources"].keys() == {"Q"}
    assert result.reasons["N"] == "moto's CloudFormation has no AWS::New::Thing"
    assert "landrun fires" in result.reasons["S"]


def test_needing_what_is_left_out_is_told() -> None:
    with pytest.raises(TemplateError, match=r"O refers to N.*cannot create AWS::New::Thing"):
        adapted({"N": {"Type": "AWS::New::Thing"}}, {"O": {"Value": {"Ref": "N"}}})


def test_a_function_behind_a_rule_gets_a_queue_in_between() -> None:
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {},
            "Targets": [{"Id": "t", "Arn": {"Fn::GetAtt": ["F", "Arn"]}}],
        },
    }
    result = adapted({"F": FUNCTION, "R": rule})
    assert result.rule_queues == {"RForF": "F"}
    target = result.template["Resources"]["R"]["Properties"]["Targets"][0]
    assert target["Arn"] == {"Fn::GetAtt": ["RForF", "Arn"]}


def test_attributes_that_moto_lacks_are_told_another_way() -> None:
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {}}
    outputs = {
        "A": {"Value": {"Fn::GetAtt": ["M", "Arn"]}},
        "B": {"Value": {"Fn::Sub": "${M.Arn} ${S.Arn}"}},
        "C": {"Value": {"Ref": "S"}},
        "D": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}},
    }
    got = adapted({"M": machine, "S": SCHEDULE, "Q": QUEUE}, outputs).template["Outputs"]
    assert got["A"]["Value"] == {"Ref": "M"}
    assert got["B"]["Value"]["Fn::Sub"] == [
        "${MArnStandIn} ${SArnStandIn}",
        {"MArnStandIn": {"Ref": "M"}, "SArnStandIn": schedule_arn("S", {})},
    ]
    assert got["C"]["Value"] == "landrun-S"
    assert got["D"] == outputs["D"]


def test_a_schedule_has_the_templates_group_and_name() -> None:
    arn = schedule_arn("S", {"GroupName": "g", "Name": {"Ref": "P"}})
    assert arn["Fn::Join"][1][1:] == ["g", "/", {"Ref": "P"}]
