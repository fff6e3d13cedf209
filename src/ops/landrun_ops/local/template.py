"""Reads template.yaml: checks, flattens and packages it, and translates it from SAM."""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.settings import REGION

Json = dict[str, Any]
Find = Callable[[str], Any]
"""Takes ``Queue`` or ``Queue.Arn``; returns the replacement of the reference, or None."""

APPLICATION: Final = "AWS::Serverless::Application"
PACKAGED: Final = "s3://landrun-local/packaged"
"""Stands for the S3 location of packaged code and definitions; nothing is read from there."""

_RULE_FUNCTIONS: Final[Mapping[str, Callable[[list[Any]], bool]]] = {
    "Fn::Equals": lambda values: bool(values[0] == values[1]),
    "Fn::Not": lambda values: not values[0],
    "Fn::And": all,
    "Fn::Or": any,
}


@dataclass(frozen=True)
class Translated:
    """A template, each function's folder and each state machine's definition, by logical id."""

    template: Json
    code: dict[str, Path] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)


def translate(path: Path, parameters: Mapping[str, str]) -> Translated:
    """Read the SAM template at ``path``, nested applications included, and translate it offline.

    Raises TemplateError when it, a parameter, or a file that it names is wrong.
    """
    source = read(path)
    check_parameters(source, parameters)
    packaged = package(inlined(source, path.parent), path.parent)
    template = _to_cloudformation(packaged.template, parameters)
    return Translated(template, packaged.code, packaged.definitions)


def read(path: Path) -> Json:
    """Parse the template at ``path``, short-form intrinsics (``!Ref``) included."""
    import yaml  # noqa: PLC0415  (late, as is samtranslator)
    from samtranslator.yaml_helper import intrinsics_multi_constructor  # noqa: PLC0415

    # SAM's own loader but in C, which takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader.add_multi_constructor("!", intrinsics_multi_constructor)
    try:
        source = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - a safe loader
    except FileNotFoundError as error:
        raise TemplateError(f"there is no template at {path}") from error
    except yaml.YAMLError as error:
        raise TemplateError(f"{path} is not YAML: {error}") from error
    if not isinstance(source, dict) or "Resources" not in source:
        raise TemplateError(f"{path} is not a template: it has no Resources")
    return source


def check_parameters(source: Json, given: Mapping[str, str]) -> None:
    """Raise TemplateError when a parameter or a rule of the template forbids a value.

    moto checks neither. Rules speak in their assertion's own words:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
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
    values = values_of(source, given)
    for rule in source.get("Rules", {}).values():
        if _rule_value(rule.get("RuleCondition", True), values):
            for assertion in rule["Assertions"]:
                if not _rule_value(assertion["Assert"], values):
                    raise TemplateError(assertion["AssertDescription"])


def _parameter_problem(rules: Json, value: str) -> str:
    if rules.get("Type") == "Number":
        low, high = rules.get("MinValue", "-inf"), rules.get("MaxValue", "inf")
        try:
            fits = float(low) <= float(value) <= float(high)
        except ValueError:
            fits = False
        return "" if fits else f"it must be a number between {low} and {high}"
    allowed = rules.get("AllowedValues", [value])
    if value not in map(str, allowed):
        return f"only {', '.join(map(str, allowed))} are allowed"
    pattern, longest = rules.get("AllowedPattern", ".*"), rules.get("MaxLength", 4096)
    if not re.fullmatch(pattern, value, re.DOTALL):
        return str(rules.get("ConstraintDescription", f"it must match {pattern}"))
    return "" if len(value) <= longest else f"it must have at most {longest} characters"


def values_of(source: Json, given: Mapping[str, str]) -> dict[str, str]:
    """Return every parameter's value, given or by default, as the text that conditions compare.

    moto compares a Number's default as YAML has it with the text in a condition.
    """
    declared: Json = source.get("Parameters", {})
    defaults = {name: one["Default"] for name, one in declared.items() if "Default" in one}
    texts = {
        name: str(one).lower() if isinstance(one, bool) else str(one)
        for name, one in defaults.items()
    }
    return {**texts, **given}


def _rule_value(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_rule_value(item, values) for item in node]
    if not isinstance(node, dict):
        return node
    [(name, argument)] = node.items()
    if name == "Ref":
        return values[argument]
    return _RULE_FUNCTIONS[name](_rule_value(argument, values))


def rewritten(node: Any, find: Find) -> Any:
    """Copy ``node``; Ref, GetAtt and ``${}`` are replaced by what ``find`` returns."""
    if isinstance(node, list):
        return [rewritten(item, find) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(function, argument)] = node.items()
        if function == "Fn::Sub":
            return _rewritten_sub(argument, find)
        if function in ("Ref", "Fn::GetAtt"):
            found = find(argument if isinstance(argument, str) else ".".join(argument))
            return node if found is None else found
    return {key: rewritten(value, find) for key, value in node.items()}


def _rewritten_sub(argument: Any, find: Find) -> Json:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    variables = rewritten(variables, find)

    def replace(match: re.Match[str]) -> str:
        found = None if match[1] in variables else find(match[1])
        if found is None:
            return match[0]
        variable = match[1].replace(".", "")
        variables[variable] = found
        return f"${{{variable}}}"

    text = re.sub(r"\$\{([^!}][^}]*)\}", replace, text)
    return {"Fn::Sub": [text, variables] if variables else text}


def check_references(template: Json) -> None:
    """Raise TemplateError for a reference to a missing resource; moto raises a KeyError."""
    known = {*template["Resources"], *template.get("Parameters", {})}

    def check(owner: str, name: str) -> None:
        logical_id = name.partition(".")[0]
        if logical_id not in known and not name.startswith("AWS::"):
            raise TemplateError(
                f"{owner} refers to {logical_id}, which is not in the template, or which the"
                " laptop's AWS cannot have"
            )

    for section in (template["Resources"], template.get("Outputs", {})):
        for owner, body in section.items():
            rewritten(body, partial(check, owner))


def inlined(source: Json, folder: Path) -> Json:
    """Return ``source`` with the contents of its nested applications in their place.

    CloudFormation makes a stack of each; moto reads nested templates from S3 only. Logical ids stay
    as they are, DefinitionUris become relative to ``folder``. Raises TemplateError when two
    templates use one name.
    """
    flat: Json = {**source, "Conditions": dict(source.get("Conditions", {})), "Resources": {}}
    outputs: Json = {}
    for name, resource in source["Resources"].items():
        if resource.get("Type") == APPLICATION:
            _inline(flat, outputs, name, resource, folder)
        else:
            _add(flat["Resources"], name, resource)

    def output(name: str) -> Any:
        return rewritten(outputs[name], output) if name in outputs else None

    for section in ("Globals", "Resources", "Outputs"):
        flat[section] = rewritten(flat.get(section, {}), output)
    return flat


def _inline(flat: Json, outputs: Json, name: str, resource: Json, folder: Path) -> None:
    location = folder / resource["Properties"]["Location"]
    template = read(location)
    declared: Json = template.get("Parameters", {})
    defaults = {one: rules["Default"] for one, rules in declared.items() if "Default" in rules}
    values = {**defaults, **resource["Properties"].get("Parameters", {})}
    for condition, body in template.get("Conditions", {}).items():
        _add(flat["Conditions"], condition, rewritten(body, values.get))
    for logical_id, body in template["Resources"].items():
        inner = rewritten(body, values.get)
        conditions = [one["Condition"] for one in (resource, inner) if "Condition" in one]
        if conditions:
            inner["Condition"] = "And".join(conditions)
        if len(conditions) > 1:
            both = {"Fn::And": [{"Condition": one} for one in conditions]}
            flat["Conditions"][inner["Condition"]] = both
        uri = inner.get("Properties", {}).get("DefinitionUri")
        if isinstance(uri, str):
            relative = (location.parent / uri).relative_to(folder)
            inner["Properties"]["DefinitionUri"] = str(relative)
        _add(flat["Resources"], logical_id, inner)
    for output, body in template.get("Outputs", {}).items():
        outputs[f"{name}.Outputs.{output}"] = rewritten(body["Value"], values.get)


def _add(section: Json, name: str, body: Any) -> None:
    if section.get(name, body) != body:
        raise TemplateError(f"{name} is used in another template of this stack already")
    section[name] = body


def package(source: Json, folder: Path) -> Translated:
    """Note the local files that the template names and put S3 locations there: ``sam package``.

    Raises TemplateError when a CodeUri is no folder or a DefinitionUri no text.
    """
    packaged = Translated(copy.deepcopy(source))
    shared = packaged.template.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    for logical_id, resource in packaged.template["Resources"].items():
        properties = resource.setdefault("Properties", {})
        if resource.get("Type") == "AWS::Serverless::Function":
            uri = properties.get("CodeUri", shared)
            if not isinstance(uri, str) or not (folder / uri).is_dir():
                raise TemplateError(f"{logical_id}: its CodeUri {uri!r} is no folder in {folder}")
            packaged.code[logical_id] = (folder / uri).resolve()
            properties["CodeUri"] = PACKAGED
        elif "DefinitionUri" in properties:
            try:  # CloudFormation's reader may know no other encoding
                text = (folder / properties["DefinitionUri"]).read_text(encoding="ascii")
            except (OSError, ValueError) as error:
                why = f"{logical_id}: cannot read its DefinitionUri: {error}"
                raise TemplateError(why) from error
            packaged.definitions[logical_id] = text
            properties["DefinitionUri"] = PACKAGED
    return packaged


def _to_cloudformation(source: Json, parameters: Mapping[str, str]) -> Json:
    import boto3  # noqa: PLC0415  (late: the translator takes a second to import)
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
        metrics.publish()  # an unpublished metric complains on stderr at the end
    return translated
