"""The libraries by which CloudFormation fills in a definition, as Spark happens to have them.

`DefinitionProcessor` of aws-cloudformation-resource-providers-stepfunctions replaces tokens with
Apache Commons, parses YAML with Jackson and SnakeYAML, and replaces once more. The laptop does it
in Python (`landrun_ops.workflow.definition_file`); here both must come to the same.
"""

import json
from pathlib import Path

import pytest
from pyspark.java_gateway import launch_gateway

from landrun_ops.workflow.definition_file import TOKEN, filled_in

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "src/statemachine/processing.asl.yaml").read_text(encoding="ascii")
WORDS = [
    *('{"a": 1}', "a b", "it's", "$HOME $$", "${ImageUri}", "${JobArguments}", "b\\c \\n", "*"),
    *("- # : & ! {} []", "\xa0\ufeffé", "\U0001f600", " "),
]


@pytest.fixture(scope="module")
def java():
    gateway = launch_gateway()
    yield gateway
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(30)


def as_cloudformation(java, text, values):
    names, contents = (java.new_array(java.jvm.java.lang.String, len(values)) for _ in range(2))
    for index, (name, value) in enumerate(values.items()):
        names[index], contents[index] = f"${{{name}}}", value

    def replaced(given):
        utils = java.jvm.org.apache.commons.lang3.StringUtils
        return str(utils.replaceEachRepeatedly(given, names, contents))

    jackson = java.jvm.com.fasterxml.jackson
    plain = jackson.databind.ObjectMapper().writerWithDefaultPrettyPrinter()
    read = jackson.databind.ObjectMapper(jackson.dataformat.yaml.YAMLFactory())
    return json.loads(replaced(plain.writeValueAsString(read.readTree(replaced(text)))))


def arguments(*, escaped):
    values = dict.fromkeys(TOKEN.findall(TEXT), "{}")
    words = json.dumps(WORDS, ensure_ascii=escaped)
    return values | {"landrun_JobArguments": words, "landrun_Environment": "# Environment"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (TEXT, arguments(escaped=True)),
        (TEXT, arguments(escaped=False)),
        # An escaped token is replaced all the same; so values may not contain one.
        ("k: ${a}", {"a": r'"\u0024{b}"', "b": "x"}),
    ],
)
def test_the_laptop_makes_the_same_of_a_definition(java, text, values):
    assert as_cloudformation(java, text, values) == json.loads(filled_in(text, values))
