"""Templates: parameters, rules, nested applications, local files, before moto sees any of it."""

import json

import pytest

from landrun_ops.local.deploy import adapt
from landrun_ops.local.errors import TemplateError
from landrun_ops.local.template import (
    Translated,
    check_parameters,
    check_references,
    inlined,
    package,
    read,
    values_of,
)

SUPPORTED = {"AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine"}
QUEUE = {"Type": "AWS::SQS::Queue"}


@pytest.mark.parametrize(
    ("rules", "value", "says"),
    [
        ({"Type": "Number", "MinValue": 1}, "0", "between 1 and inf"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "only a, b are allowed"),
        ({"Type": "String", "MaxLength": 2}, "abc", "at most 2 characters"),
        ({"Type": "String", "AllowedPattern": "x", "ConstraintDescription": "an x"}, "y", "an x"),
    ],
)
def test_a_wrong_value_of_a_parameter_is_refused(rules, value, says):
    with pytest.raises(TemplateError, match=f"parameter P is '{value}', but .*{says}"):
        check_parameters({"Parameters": {"P": rules}}, {"P": value})


def test_parameters_are_those_of_the_template_as_texts():
    declared = {"A": {"Default": 0}, "B": {"Default": True}, "C": {}, "D": {"Default": 1}}
    values = values_of({"Parameters": declared}, {"D": "2"})
    assert values == {"A": "0", "B": "true", "D": "2"}
    with pytest.raises(TemplateError, match="no parameter Q; it has: P"):
        check_parameters({"Parameters": {"P": {}}}, {"Q": "1"})


MODE_IS_B = {"Fn::Equals": [{"Ref": "Mode"}, "b"]}


def test_a_rule_refuses_in_its_own_words_and_only_where_its_condition_holds():
    is_a = {"Fn::And": [{"Fn::Equals": [{"Ref": "Size"}, "1"]}, {"Fn::Not": [MODE_IS_B]}]}
    source = {"Parameters": {"Mode": {"Default": "a"}, "Size": {"Default": 1}}}
    for condition, assertion in ((MODE_IS_B, MODE_IS_B), (True, is_a)):
        assertions = [{"Assert": assertion, "AssertDescription": "not that"}]
        rule = {"RuleCondition": condition, "Assertions": assertions}
        check_parameters({**source, "Rules": {"R": rule}}, {})
    with pytest.raises(TemplateError, match=r"^not that$"):
        check_parameters({**source, "Rules": {"R": rule}}, {"Mode": "b"})


def test_what_is_no_template_is_refused(tmp_path):
    file = tmp_path / "template.yaml"
    with pytest.raises(TemplateError, match="no template at"):
        read(file)
    for text, says in (("Outputs: {}", "is not a template"), ("a: [", "is not YAML")):
        file.write_text(text)
        with pytest.raises(TemplateError, match=says):
            read(file)


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ({"Resources": {}}, "All refers to Data"),
        ({"Resources": {"Queue": {"Type": "X"}}}, "Queue is used in another"),
    ],
)
def test_what_does_not_fit_together_is_named(tmp_path, inner, says):
    nested = {"Type": "AWS::Serverless::Application", "Properties": {"Location": "data.yaml"}}
    (tmp_path / "data.yaml").write_text(json.dumps(inner))
    outputs = {"All": {"Value": {"Fn::Sub": "${Data.Outputs.T}"}}}
    outer = {"Resources": {"Queue": QUEUE, "Data": nested}, "Outputs": outputs}
    with pytest.raises(TemplateError, match=says):
        check_references(inlined(outer, tmp_path))


def test_files_that_cannot_be_used_are_named(tmp_path):
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "code"}}
    machine = {"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "m.json"}}
    source = {"Resources": {"F": function, "M": machine}}
    with pytest.raises(TemplateError, match="F: its CodeUri 'code' is no folder"):
        package(source, tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "m.json").write_text("a: é", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"M: cannot read its DefinitionUri: .*ascii"):
        package(source, tmp_path)


def test_references_that_moto_cannot_follow_are_followed_or_refused_by_name():
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {}}
    group = {"Type": "AWS::Scheduler::ScheduleGroup"}
    tick = {"Type": "AWS::Scheduler::Schedule", "Properties": {"GroupName": {"Ref": "G"}}}
    arn = "arn:aws:scheduler:us-east-1:123456789012:schedule/"
    resources = {"M": machine, "S": tick, "G": group, "Q": QUEUE}
    outputs = {
        "A": {"Value": {"Fn::GetAtt": ["M", "Arn"]}},
        "B": {"Value": {"Fn::Sub": "${M.Arn} ${G}"}},
        "C": {"Value": {"Fn::GetAtt": ["S", "Arn"]}},
        "D": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}},
    }
    translated = Translated({"Resources": resources, "Outputs": outputs})
    template, left_out = adapt(translated, SUPPORTED)
    found = {name: one["Value"] for name, one in template["Outputs"].items()}
    assert set(left_out) == {"S", "G"}
    assert found["A"] == {"Ref": "M"}
    assert found["B"]["Fn::Sub"] == ["${MArn} ${G}", {"MArn": {"Ref": "M"}, "G": "landrun-G"}]
    assert found["C"] == {"Fn::Join": ["", [arn, "landrun-G", "/", "landrun-S"]]}
    assert found["D"] == outputs["D"]["Value"]
    outputs["E"] = {"Value": {"Ref": "N"}}
    resources["N"] = {"Type": "AWS::New::Thing"}
    with pytest.raises(TemplateError, match=r"E refers to N, .* the laptop's AWS cannot have"):
        adapt(translated, SUPPORTED)
