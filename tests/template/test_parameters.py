"""What a user can set, what a user gets told, and that no update of a live stack loses data."""

import json
import tomllib
from functools import reduce

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from landrun.models.run import check_prefix
from landrun_ops.local.errors import TemplateError
from landrun_ops.local.template import check_parameters

PREEXISTING = "arn:aws:states:us-east-1:123456789012:stateMachine:notebook-made"
URI = {"StateMachineArn": PREEXISTING, "InputMessageFormat": "uri"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"

ALLOWED = [
    ("LandingPrefix", ["", "incoming/", "a b/c+d", "incoming"], ["/incoming/", " a/"]),
    ("LandingSuffix", ["", ".jsonl"], ["a b", "x" * 65]),
    ("LandingBucketName", ["", "a-bucket.of-mine"], ["A-bucket", "ab", "s3://a-bucket", "a-b/in"]),
    ("OutputBucketName", ["", "a-bucket"], ["a-b/in"]),
    ("OutputPrefix", ["processed/", "a/b/", "p/"], ["", "processed", "/processed/", "/", "a//"]),
    ("ManifestPrefix", ["manifests/", "a'b(1)/c/"], ["", "manifests", "a*/", 'a"/', "${a}/"]),
    (
        "ScheduledInput",
        ["", "s3://a-bucket/in/", "a b/", "in/{date:%-d}{date:h=%H-100%%}", "x" * 4096],
        [
            *("s3://a-bucket", "s3://A/in/", "/incoming/", "http://a-bucket/in/", "in/{day}/"),
            *("in/{date:%s}/", "in/{date:%Y %m}/", "in/{date:%}/", "in/{date}/", "in/{date:%Y}}/"),
        ],
    ),
    ("ScheduleExpression", ["", "rate(1 hour)", "cron(0 3 * * ? *)"], ["0 3 * * *", "every day"]),
    ("ScheduleTimezone", ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+1"], ["", "a b"]),
    ("StateMachineArn", ["", PREEXISTING], [PREEXISTING + ":1", "notebook-made"]),
    ("JobEntrypoint", ["", "python3 /opt/program/my_script.py"], ["sh -c 'x'", "a  b", "a\\b"]),
    (
        "JobArguments",
        [
            *("", "--input /in", " ".join(["x"] * 100), '["a","b" , "c"]'),
            *(r'["{\"a\": 1}", "it\u0027s = \\, $x\u005c", "\ud83d\ude00", "😀ü", "${ImageUri}"]',),
            *(json.dumps(["x" * 256]), json.dumps(["x"] * 100), json.dumps(['"' * 256])),
        ],
        [
            *('--x "y"', "{}", "${x}", "x" * 257, " ".join(["x"] * 101), "[a", "a\nb"),
            *("[]", '[""]', '["a",]', "[1]", json.dumps(["x" * 257]), json.dumps(["x"] * 101)),
            *('["a\tb"]', r'["a\nb"]', '["\u2028"]', '["${landrun_X}"]', r'["\u0024{landrun_X}"]'),
        ],
    ),
    ("JobNamePrefix", ["landrun", "a-1", "x" * 21], ["x" * 22, "", "A", "a--b", "-a", "a-", "ü"]),
    ("InstanceType", ["ml.m5.large", "ml.g4dn.xlarge"], ["m5.large", "ml.large"]),
    ("ImageUri", ["", "1.dkr.ecr.us-east-1.amazonaws.com/a/b:1"], ["a b", "${landrun_X}"]),
    (
        "JobEnvironment",
        [
            *("", "A=", "A=1,B=two words,_C=x/y:z", r'{"A":"x=,\"y\"", "B" : ""}'),
            *(json.dumps({f"A{n}": "" for n in range(100)}),),
        ],
        [
            *("A", "1A=b", "A=b=c", "A=b,", "A=it's", "A={}", "A=" + "x" * 257),
            *("{}", '{"A": 1}', '{"1A": "x"}', json.dumps({f"A{n}": "" for n in range(101)})),
        ],
    ),
    ("SubnetIds", ["", "subnet-0a1", "subnet-1,subnet-2"], ["subnet-1, subnet-2", "sg-1", ","]),
    ("SecurityGroupIds", ["", "sg-1,sg-2"], ["sg-1 ", "subnet-1", "sg-1,sg-2,sg-3,sg-4,sg-5,sg-6"]),
    ("KmsKeyArn", ["", KEY, KEY[:-1]], ["alias/mine", KEY.replace("key/", "alias/"), "1234abcd"]),
    ("PreviousKmsKeyArns", ["", KEY, ",".join([KEY] * 10)], [f"{KEY},", ",".join([KEY] * 11)]),
    ("NotificationEmail", ["", "on-call@example.com", "us@example.com"], ["on-call", "a b@c"]),
    ("PermissionsBoundaryArn", ["", "arn:aws:iam::aws:policy/X"], ["arn:aws:iam::aws:role/x"]),
]
"""Values of each parameter that work, and values that do not."""


def refusal(source, parameters):
    """What a deployment with these parameters is refused with, if anything."""
    try:
        check_parameters(source, parameters)
    except TemplateError as error:
        return str(error)
    return None


def test_no_parameter_is_required_and_each_is_checked_and_says_what_it_takes(source):
    """cfn-lint checks that a default is allowed (E2015)."""
    for name, parameter in source["Parameters"].items():
        assert "Default" in parameter, name
        # Of values and limits CloudFormation itself says which; of a pattern, only the pattern.
        checks = {"AllowedValues", "MinValue", "ConstraintDescription"}
        assert checks & parameter.keys(), name


@pytest.mark.parametrize(("name", "good", "bad"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_patterns_allow_what_works_and_refuse_what_does_not(source, name, good, bad):
    only = {"Parameters": {name: source["Parameters"][name]}}
    assert [value for value in good if refusal(only, {name: value})] == []
    assert [value for value in bad if not refusal(only, {name: value})] == []


def test_the_functions_take_every_job_name_prefix_that_a_deployment_takes():
    [allowed] = [good for name, good, _ in ALLOWED if name == "JobNamePrefix"]
    for prefix in allowed:
        check_prefix(prefix)


@pytest.mark.parametrize(
    ("parameters", "remedy"),
    [
        ({"StartOn": "schedule", "ScheduledInput": "in/"}, "empty, or set StartOn=arrival"),
        ({"StartOn": "schedule", "ScheduleExpression": ""}, "set ScheduleExpression"),
        ({"ScheduledInput": "in/", "ScheduleExpression": ""}, "set ScheduleExpression"),
        ({"SubnetIds": "subnet-1"}, "set both, or neither"),
        ({"SecurityGroupIds": "sg-1"}, "set both, or neither"),
        ({"StateMachineArn": PREEXISTING, "ImageUri": "a/b:1"}, "leave Engine"),
        ({"StateMachineArn": PREEXISTING, "Engine": "spark"}, "leave Engine"),
        ({"Engine": "spark", "NetworkIsolation": "true"}, "leave NetworkIsolation=false"),
        ({"StateMachineArn": PREEXISTING, "MaxConcurrentRuns": "2"}, "MaxConcurrentRuns"),
        ({"InputMessageFormat": "uri"}, "leave InputMessageFormat=manifest"),
        ({**URI, "StartOn": "schedule"}, "set StartOn=arrival"),
        ({"StartOn": "schedule"}, None),
        ({"ScheduleExpression": ""}, None),
        ({"SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"}, None),
        (URI, None),
    ],
)
def test_deployment_takes_what_goes_together_and_names_the_remedy_of_the_rest(
    source, parameters, remedy
):
    said = refusal(source, parameters)
    assert said is None if remedy is None else remedy in said


def test_a_given_state_machine_is_used_and_none_is_created(deployed):
    stack = deployed(StateMachineArn=PREEXISTING)
    assert stack.of_type("AWS::StepFunctions::StateMachine") == {}
    assert not {"StateMachineRole", "ProcessingRole"} & stack.resources.keys()
    assert "<ProcessingStateMachine>" not in json.dumps([stack.resources, stack.outputs])
    assert stack.outputs["StateMachineArn"] == PREEXISTING


@pytest.mark.parametrize("environment", ["default", "dev", "prod"])
def test_samconfig_deploys_with_parameters_that_the_template_takes(source, root, environment):
    config = tomllib.loads((root / "samconfig.toml").read_text(encoding="utf-8"))
    deploy = config[environment]["deploy"]["parameters"]
    # AUTO_EXPAND: nested templates are SAM's too.
    assert deploy["capabilities"] == "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
    overrides = deploy.get("parameter_overrides", "").split()
    assert refusal(source, dict(one.split("=", 1) for one in overrides)) is None


REPLACED = {("NotificationEmail", "EmailSubscription")}
"""A subscription holds no data: another address confirms anew."""


def create_only(resource):
    """Give the create-only properties of a resource as it is: their paths and values."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
    pointers = [*schema.get("createOnlyProperties", [])]
    pointers += schema.get("conditionalCreateOnlyProperties", [])
    properties = {"properties": resource.get("Properties", {})}
    return [
        (pointer, reduce(lambda inner, name: (inner or {}).get(name), path, properties))
        for pointer in pointers
        for path in [pointer.split("/")[1:]]
    ]


def values(name, parameter):
    """Give values beside the default: those of ALLOWED, allowed ones, or limits."""
    good = {name: good[:3] for name, good, _ in ALLOWED}
    limits = [parameter[limit] for limit in ("MinValue", "MaxValue") if limit in parameter]
    others = good.get(name) or parameter.get("AllowedValues") or limits
    assert others, f"say in ALLOWED what {name} may be"
    return {str(value) for value in (parameter["Default"], *others)}


def test_no_parameter_replaces_what_holds_data(source, deployed):
    """CloudFormation replaces a resource whose create-only property changes: with a new name the
    data stays behind, and with a fixed name the update fails."""
    found = set()
    for parameter, about in source["Parameters"].items():
        stacks = [deployed(**{parameter: value}) for value in values(parameter, about)]
        kept = {}
        for name, resource in [pair for one in stacks for pair in one.resources.items()]:
            if kept.setdefault(name, create_only(resource)) != create_only(resource):
                found.add((parameter, name))
    assert found == REPLACED
