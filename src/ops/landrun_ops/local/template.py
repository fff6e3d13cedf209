"""template.yaml as AWS would see it: checked, packaged and translated from SAM."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from landrun.errors import ConfigurationError
from landrun_ops.local.errors import TemplateError
from landrun_ops.local.nested import inlined
from landrun_ops.local.rules import check_rules
from landrun_ops.local.settings import REGION
from landrun_ops.workflow.definition_file import parse

Json = dict[str, Any]

PACKAGED: Final = "s3://landrun-local/packaged"
"""Where ``sam package`` would have put code and definitions; nothing is ever read from there."""

_LONGEST: Final = 4096
"""Bytes in a parameter's value (CloudFormation's quotas)."""

PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}


@dataclass(frozen=True)
class Translated:
    """A SAM template translated to CloudFormation, and the local files it was packaged from.

    Attributes
    ----------
    template
        The CloudFormation template.
    code
        Per function (logical id) the folder of its CodeUri.
    definitions
        Per state machine (logical id) the text of its DefinitionUri.
    """

    template: Json
    code: dict[str, Path] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> Json:
        """The resources by logical id."""
        resources: Json = self.template["Resources"]
        return resources


def translate(path: Path, parameters: Mapping[str, str]) -> Translated:
    """Read the SAM template at ``path``, nested applications included, and translate it offline.

    Raises
    ------
    TemplateError
        When the template, a parameter, a file that it names, or a reference in it is wrong, or a
        rule refuses the parameters.
    """
    source = read(path)
    check_parameters(source, parameters)
    check_rules(source, parameters)
    packaged = package(inlined(source, path.parent, read), path.parent)
    translated = Translated(
        _to_cloudformation(packaged.template, parameters), packaged.code, packaged.definitions
    )
    check_references(translated.template)
    return translated


def read(path: Path) -> Json:
    """Parse the template at ``path``, short-form intrinsics (``!Ref``) included."""
    import yaml  # noqa: PLC0415  (with the translator: late, for start-up)
    from samtranslator.yaml_helper import yaml_parse  # noqa: PLC0415

    try:
        source = yaml_parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TemplateError(f"there is no template at {path}") from error
    except yaml.YAMLError as error:
        raise TemplateError(f"{path} is not YAML: {error}") from error
    if not isinstance(source, dict) or not isinstance(source.get("Resources"), dict):
        raise TemplateError(f"{path} is not a template: it has no Resources")
    return source


def with_texts_for_defaults(template: Json) -> Json:
    """Spell the defaults of parameters as texts, which is what they are in conditions.

    To CloudFormation a Number is a text when it is referred to (its user guide, "Parameters");
    moto compares the number of the template with the text of a condition, and finds them unequal.
    """
    declared = {
        name: {**rules, "Default": _text(rules["Default"])} if "Default" in rules else rules
        for name, rules in template.get("Parameters", {}).items()
    }
    return {**template, "Parameters": declared} if declared else template


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_parameters(source: Json, given: Mapping[str, str]) -> None:
    """Hold ``given`` against the template's Parameters, as CloudFormation does and moto does not.

    Raises
    ------
    TemplateError
        Naming the parameter and what it allows.
    """
    declared: Json = source.get("Parameters", {})
    for name, value in given.items():
        if name not in declared:
            raise TemplateError(
                f"the template has no parameter {name}; it has: {', '.join(declared) or 'none'}"
            )
        problem = _parameter_problem(declared[name], value)
        if problem:
            raise TemplateError(f"parameter {name} is {value!r}, but {problem}")
    for name, rules in declared.items():
        if name not in given and "Default" not in rules:
            raise TemplateError(f"parameter {name} has no default: give it a value")


def _parameter_problem(rules: Json, value: str) -> str:
    if rules.get("Type") == "Number":
        return _number_problem(rules, value)
    allowed = [str(one) for one in rules.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"only {', '.join(allowed)} are allowed"
    pattern = rules.get("AllowedPattern", ".*")
    if not re.fullmatch(pattern, value, re.DOTALL):
        return str(rules.get("ConstraintDescription") or f"it must match {pattern}")
    if not int(rules.get("MinLength", 0)) <= len(value) <= int(rules.get("MaxLength", _LONGEST)):
        longest = rules.get("MaxLength", _LONGEST)
        return f"it must have {rules.get('MinLength', 0)} to {longest} letters"
    if len(value.encode()) > _LONGEST:
        return f"CloudFormation takes {_LONGEST:,} bytes at most"
    return ""


def _number_problem(rules: Json, value: str) -> str:
    try:
        number = float(value)
    except ValueError:
        return "it must be a number"
    low, high = rules.get("MinValue", "-inf"), rules.get("MaxValue", "inf")
    if not float(low) <= number <= float(high):
        return f"it must be between {low} and {high}"
    return ""


def package(source: Json, folder: Path) -> Translated:
    """Do what ``sam package`` does: note the local files and put S3 locations in their place.

    Raises
    ------
    TemplateError
        When a CodeUri is no folder or a DefinitionUri neither JSON nor YAML.
    """
    packaged = Translated(copy.deepcopy(source))
    shared = packaged.template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    for logical_id, resource in packaged.resources.items():
        properties = resource.setdefault("Properties", {})
        if resource.get("Type") == "AWS::Serverless::Function":
            packaged.code[logical_id] = _code_folder(
                logical_id, folder, properties.get("CodeUri", shared)
            )
            properties["CodeUri"] = PACKAGED
        elif resource.get("Type") == "AWS::Serverless::StateMachine":
            uri = properties.get("DefinitionUri")
            if isinstance(uri, str):
                packaged.definitions[logical_id] = _definition(logical_id, folder / uri)
                properties["DefinitionUri"] = PACKAGED
    return packaged


def _code_folder(logical_id: str, folder: Path, uri: Any) -> Path:
    if not isinstance(uri, str) or not (folder / uri).is_dir():
        raise TemplateError(f"{logical_id}: its CodeUri {uri!r} is not a folder in {folder}")
    return (folder / uri).resolve()


def _definition(logical_id: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii")  # CloudFormation's reader may know no other
        parse(text)
    except (OSError, ValueError, ConfigurationError) as error:
        raise TemplateError(
            f"{logical_id}: cannot use its DefinitionUri {path}: {error}"
        ) from error
    return text


def _to_cloudformation(source: Json, parameters: Mapping[str, str]) -> Json:
    # Late: the translator takes a second to import.
    import boto3  # noqa: PLC0415
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics  # noqa: PLC0415
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    session = boto3.Session(region_name=REGION)
    metrics = Metrics("landrun", DummyMetricsPublisher())
    translator = Translator(None, Parser(), boto_session=session, metrics=metrics)
    try:
        translated: Json = translator.translate(
            source, dict(parameters), get_managed_policy_map=dict
        )
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"the template is not valid SAM: {causes}") from error
    finally:
        metrics.publish()  # else it complains on stderr at the end
    return translated


def check_references(template: Json) -> None:
    """Find references to what is not there, which moto reports as a bare KeyError, or not at all.

    Raises
    ------
    TemplateError
        Naming who refers and to what.
    """
    known = PSEUDO_PARAMETERS | template["Resources"].keys() | template.get("Parameters", {}).keys()
    for section in ("Resources", "Outputs"):
        for owner, body in template.get(section, {}).items():
            missing = sorted(set(references(body)) - known)
            if missing:
                raise TemplateError(f"{owner} refers to {missing[0]}, which is not in the template")


def references(node: Any) -> Iterator[str]:
    """Yield every logical id or parameter that ``node`` refers to."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "Fn::Sub":
                yield from _substituted(value)
            else:
                yield from references(value)


def _substituted(value: Any) -> Iterator[str]:
    text, variables = (value, {}) if isinstance(value, str) else value
    for name in re.findall(r"\$\{([^!}][^}]*)\}", text):
        if name not in variables:
            yield name.split(".")[0]
    yield from references(list(variables.values()))
