"""The definition file that SAM deploys: written as YAML, and read as CloudFormation reads it.

A token such as ``${landrun_ImageUri}`` stands where the template puts a value. CloudFormation
replaces tokens in the text, parses it as JSON or else as YAML, writes JSON, and then replaces
tokens in that JSON once more (`DefinitionProcessor.processDefinition` in
aws-cloudformation-resource-providers-stepfunctions). So whatever a value spells out as a token in
the end is replaced, however it is escaped in the YAML. Tokens therefore have a prefix that the
parameters' patterns refuse in values.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from landrun.errors import ConfigurationError

TOKEN = re.compile(r"\$\{(\w+)\}")

_PLAIN_KEY = re.compile(r"[A-Za-z][\w.$]*")


class Bare(str):
    """A token without quotes, which is replaced by JSON or by a key."""

    __slots__ = ()


def token(name: str) -> str:
    """Return the token of a substitution, to be written within double quotes.

    >>> token("ImageUri")
    '${landrun_ImageUri}'
    """
    return f"${{landrun_{name}}}"


class _Writer(yaml.SafeDumper):
    """Writes strings in double quotes, but for tokens and plain keys, and indents lists."""

    def increase_indent(self, flow: bool = False, *_: object, **__: object) -> None:
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, *_: object) -> bool:
        return True

    def text(self, text: str) -> yaml.ScalarNode:
        style = None if isinstance(text, Bare) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)

    def mapping(self, node: Mapping[str, Any]) -> yaml.MappingNode:
        pairs = [(Bare(key) if _PLAIN_KEY.fullmatch(key) else key, node[key]) for key in node]
        return self.represent_mapping("tag:yaml.org,2002:map", pairs)


_Writer.add_representer(str, _Writer.text)
_Writer.add_multi_representer(str, _Writer.text)
_Writer.add_representer(dict, _Writer.mapping)


def to_yaml(definition: Mapping[str, Any], *comments: str) -> str:
    """Write a definition as block-style YAML in ASCII, every string in double quotes."""
    lines = [f"# {comment}".rstrip() for comment in comments]
    text = yaml.dump(definition, Dumper=_Writer, default_flow_style=False, width=1_000_000)
    return "\n".join([*lines, text])


def parse(text: str) -> Any:
    """Parse a definition as JSON, or else as YAML.

    Raises ConfigurationError when it is neither.
    """
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        # PyYAML reads "\ud83d\ude00" as two surrogates, which a round trip through JSON joins.
        return json.loads(json.dumps(yaml.safe_load(text)))
    except (yaml.YAMLError, TypeError) as error:
        raise ConfigurationError(f"the definition is neither JSON nor YAML: {error}") from error


def filled_in(text: str, values: Mapping[str, object]) -> str:
    """Return the JSON that CloudFormation makes of a definition's text and its substitutions.

    Raises ConfigurationError when the values do not make JSON or YAML of it, or replace each other
    without end.
    """
    text = _replaced(text, values)
    definition = json.dumps(parse(text), ensure_ascii=False, indent=2)
    return json.dumps(parse(_replaced(definition, values)), ensure_ascii=False, indent=2)


def _replaced(text: str, values: Mapping[str, object]) -> str:
    """Replace tokens until none is left, as Apache Commons' ``replaceEachRepeatedly`` does."""
    for _ in range(len(values) + 1):
        found = TOKEN.sub(lambda match: str(values.get(match[1], match[0])), text)
        if found == text:
            return text
        text = found
    raise ConfigurationError("the definition's substitutions replace each other without end")
