"""What is scanned of the template: translations, policies and definitions, as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from landrun_ops.local.template import Translated, translate
from landrun_ops.workflow.definition_file import filled_in

from .resolved import concrete, resolved

Json = dict[str, Any]

KEY: Final = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
STACKS: Final[Mapping[str, Mapping[str, str]]] = {
    "defaults": {},
    "collecting": {"StartOn": "schedule"},
    "own-key": {
        "KmsKeyArn": KEY,
        "PreviousKmsKeyArns": f"{KEY[:-1]}6,{KEY[:-1]}7",
        "ScheduledInput": "s3://elsewhere/in/{date:%Y/%m/%d}/",
        "Engine": "spark",
    },
    "all-given": {
        "KmsKeyArn": KEY,
        "LandingBucketName": "landed-already",
        "OutputBucketName": "made-already",
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:made-in-a-notebook",
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "NotificationEmail": "on-call@example.com",
    },
    "own-network": {
        "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "SecurityGroupIds": "sg-0123456789abcdef0",
        "NetworkIsolation": "true",
        "InterContainerEncryption": "true",
        "JobEnvironment": "LANG=C.UTF-8,MODE=strict",
        "JobArguments": '["--config", "{\\"a\\": 1}", "${ImageUri}", "it\'s \\\\d"]',
        "MaxConcurrentRuns": "2",
    },
}


@dataclass(frozen=True)
class Targets:
    """Files to scan, by what they are; a template's name is that of its stack.

    Attributes
    ----------
    translation
        The CloudFormation template, its choices still open.
    stacks
        For each set of parameters the template that it makes.
    policies
        Every policy document of these, with ARNs in it, as ``<stack>/<resource>.<which>.json``.
    definitions
        The rendered definition of every state machine, as ``<stack>/<resource>.asl.json``.
    """

    translation: Path
    stacks: tuple[Path, ...]
    policies: tuple[Path, ...]
    definitions: tuple[Path, ...]


def write_targets(
    template: Path, folder: Path, stacks: Mapping[str, Mapping[str, str]] = STACKS
) -> Targets:
    """Translate ``template`` for each of ``stacks`` and write what is to be scanned to ``folder``.

    Raises
    ------
    TemplateError
        When the template or a parameter is wrong.
    """
    translated = {name: translate(template, given) for name, given in stacks.items()}
    outspoken = {name: unsilenced(one.template) for name, one in translated.items()}
    templates = {name: resolved(one, stacks[name]) for name, one in outspoken.items()}
    return Targets(
        translation=_write(folder / "translation.json", next(iter(outspoken.values()))),
        stacks=tuple(_write(folder / f"{name}.json", one) for name, one in templates.items()),
        policies=tuple(
            _write(folder / "policies" / stack / f"{name}.json", document)
            for stack, one in templates.items()
            for name, document in policies(concrete(one))
        ),
        definitions=tuple(
            _write(folder / "definitions" / stack / f"{name}.asl.json", definition)
            for stack, one in translated.items()
            for name, definition in definitions(one, concrete(templates[stack]))
        ),
    )


def unsilenced(template: Json) -> Json:
    """Give a template without Metadata, which is where scanners are told to look away."""
    resources = {
        name: {key: value for key, value in body.items() if key != "Metadata"}
        for name, body in template["Resources"].items()
    }
    rest = {key: value for key, value in template.items() if key != "Metadata"}
    return {**rest, "Resources": resources}


def policies(template: Json) -> Iterator[tuple[str, Json]]:
    """Yield every policy document of a template, named by its resource and what it is there."""
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for key in ("PolicyDocument", "KeyPolicy", "RepositoryPolicyText"):
            if key in properties:
                yield f"{logical_id}.{key}", _with_resource(properties[key])
        if "AssumeRolePolicyDocument" in properties:
            yield f"{logical_id}.trust", _with_resource(properties["AssumeRolePolicyDocument"])
        for policy in properties.get("Policies", []):
            yield f"{logical_id}.{policy['PolicyName']}", policy["PolicyDocument"]


def _with_resource(document: Json) -> Json:
    """Name the resource where the policy is the resource's own, and need not."""
    own = "arn:aws:iam::123456789012:role/its-own"
    return {**document, "Statement": [{"Resource": own, **one} for one in document["Statement"]]}


def definitions(translated: Translated, template: Json) -> Iterator[tuple[str, Json]]:
    """Yield every state machine's definition with its substitutions, by logical id."""
    for logical_id, text in translated.definitions.items():
        if logical_id in template["Resources"]:
            given = template["Resources"][logical_id]["Properties"]["DefinitionSubstitutions"]
            yield logical_id, json.loads(filled_in(text, given))


def _write(path: Path, content: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path
