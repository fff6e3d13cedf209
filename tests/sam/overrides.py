"""`sam deploy --parameter-overrides`: awkward values, by the SAM CLI's own parser.

It takes the backslash from ``\\"``, ``\\'`` and ``\\ ``, which JSON needs there; so inside a text
these are written ``\\u0022``, ``\\u0027`` and ``\\u005c``, as docs/bring-your-own.md says.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from landrun_ops.local.template import read

from .steps import Failure, Steps
from .tools import ROOT, VENV, WORK, run

WORDS = [
    *("--config", '{"a": 1}', "a b", "it's", "x=1,y=2", "$HOME ${ImageUri} ${JobArguments}"),
    *("back\\slash \\ \\n", "ünïcödé", "\U0001f600", " ", "[]", "{}"),
]
PARSE = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
given = json.load(sys.stdin)
print(json.dumps([CfnParameterOverridesType().convert(one, None, None) for one in given]))
"""


def spelled(value: object) -> str:
    """Spell JSON as docs/bring-your-own.md has it for the SAM CLI."""
    text = json.dumps(value)
    for mark, escape in (("\\\\", "\\u005c"), ('\\"', "\\u0022"), ("'", "\\u0027")):
        text = text.replace(mark, escape)
    return text


def parameter_overrides(steps: Steps) -> None:
    """Hold what the CLI makes of overrides against what they mean.

    Raises
    ------
    Failure
        When one arrives otherwise, or the template refuses it.
    """
    variables = {f"W{index}": word for index, word in enumerate(WORDS)}
    wanted = {"JobArguments": WORDS, "JobEntrypoint": ["sh", *WORDS], "JobEnvironment": variables}
    texts = {name: spelled(value) for name, value in wanted.items()}
    file = WORK / "overrides.yaml"
    file.write_text("".join(f"{name}: '{text}'\n" for name, text in texts.items()), "utf-8")
    ways = [[f"{name}='{text}'" for name, text in texts.items()], [f"file://{file}"]]
    joined = [" ".join(ways[0])]
    script = WORK / "parse.py"
    script.write_text(PARSE, "utf-8")
    said = run([VENV / "bin/python", script], input=json.dumps([*ways, joined]))
    patterns = {name: one.get("AllowedPattern", "") for name, one in _parameters().items()}
    for parsed in json.loads(said):
        for name, value in wanted.items():
            if json.loads(parsed[name]) != value:
                raise Failure(f"{name} arrives as {parsed[name]}")
            if not re.fullmatch(patterns[name], parsed[name]):
                raise Failure(f"the template refuses {name}: {parsed[name]}")
    steps.say(f"   {len(WORDS)} awkward words in {len(wanted)} parameters, {len(ways) + 1} ways")


def _parameters() -> dict[str, dict[str, str]]:
    parameters: dict[str, dict[str, str]] = read(Path(ROOT) / "template.yaml")["Parameters"]
    return parameters
