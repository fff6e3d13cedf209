"""The parameters of a deployment in samconfig.toml: read, and changed without touching the rest."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from landrun.errors import ConfigurationError

_TOKEN: Final = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*")+')
"""One ``Name=value`` of parameter_overrides; a value with blanks is quoted."""

_STRING: Final = re.compile(r'(\s*parameter_overrides\s*=\s*)"((?:[^"\\]|\\.)*)"(?!")(.*)')
_LIST: Final = re.compile(r"\s*parameter_overrides\s*=\s*\[")
_OPTION: Final = re.compile(r"\s*parameter_overrides\s*=")


@dataclass(frozen=True, slots=True)
class SamConfig:
    """The settings of ``sam deploy`` in one environment of samconfig.toml.

    Attributes
    ----------
    path : Path
        The file.
    environment : str
        What ``sam deploy --config-env`` has for it.
    """

    path: Path
    environment: str = "default"

    @property
    def stack_name(self) -> str:
        """The stack that it deploys; empty if it does not say."""
        return str(self._setting("stack_name"))

    @property
    def region(self) -> str:
        """The region that it deploys to; empty if it does not say."""
        return str(self._setting("region"))

    def overrides(self) -> dict[str, str]:
        """Return the parameters that it overrides."""
        return _parsed(self._setting("parameter_overrides"))

    def _setting(self, name: str) -> Any:
        settings = self._read().get(self.environment, {})
        for command in ("deploy", "global"):
            found = settings.get(command, {}).get("parameters", {})
            if name in found:
                return found[name]
        return ""

    def _read(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error}") from error

    def write(self, parameters: Mapping[str, str]) -> None:
        """Set parameters; comments and all other settings stay as they are.

        Raises
        ------
        ConfigurationError
            When the file cannot be read, or writes its overrides in a form that is not understood.
        """
        before = self._read()
        with self.path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        changed = _changed(text, self.environment, parameters)
        wanted = {**self.overrides(), **parameters}
        if not _is_intended(before, changed, self.environment, wanted):
            raise ConfigurationError(
                f"parameter_overrides of [{self.environment}.deploy.parameters] in {self.path} is"
                f" written in a form that is not understood: set {joined(parameters)} by hand"
            )
        with self.path.open("w", encoding="utf-8", newline="") as file:
            file.write(changed)


def _is_intended(
    before: dict[str, Any], changed: str, environment: str, overrides: Mapping[str, str]
) -> bool:
    """Return whether a changed text has these overrides, and everything else as before."""
    try:
        after = tomllib.loads(changed)
        found = _parsed(after[environment]["deploy"]["parameters"].pop("parameter_overrides"))
    except (ValueError, KeyError):
        return False
    deploy = before.setdefault(environment, {}).setdefault("deploy", {})
    deploy.setdefault("parameters", {}).pop("parameter_overrides", None)
    return found == overrides and after == before


def joined(parameters: Mapping[str, str]) -> str:
    """Spell parameters as ``sam deploy --parameter-overrides`` takes them.

    >>> joined({"A": "1", "B": "x y"})
    'A=1 B="x y"'
    """
    return " ".join(f"{name}={_quoted(value)}" for name, value in parameters.items())


def _quoted(value: str) -> str:
    plain = value and not re.search(r"[\s\"'\\]", value)
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parsed(overrides: Any) -> dict[str, str]:
    """Parse overrides: one string, or a list of them."""
    texts = overrides if isinstance(overrides, list) else [overrides]
    tokens = [token for text in texts for token in _TOKEN.findall(str(text))]
    pairs = (token.partition("=") for token in tokens)
    return {name: _unquoted(value) for name, _, value in pairs}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value


def _changed(text: str, environment: str, parameters: Mapping[str, str]) -> str:
    """Replace, add or create the one line of the overrides."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    header = f"[{environment}.deploy.parameters]"
    own = f"parameter_overrides = {json.dumps(joined(parameters), ensure_ascii=False)}"
    starts = [number for number, line in enumerate(lines) if line.split("#")[0].strip() == header]
    if not starts:
        lines += ["", header, own]
        return end.join(lines) + end
    start, stop = starts[0] + 1, len(lines)
    for number in range(start, len(lines)):
        if lines[number].startswith("["):
            stop = number
            break
    for number in range(start, stop):
        if _OPTION.match(lines[number]):
            last = next(
                (n for n in range(number, stop) if _is_whole(lines[number : n + 1])), number
            )
            option = _changed_option("\n".join(lines[number : last + 1]), parameters)
            lines[number : last + 1] = option.split("\n")
            return end.join(lines) + end
    while stop > start and not lines[stop - 1].strip():
        stop -= 1
    lines.insert(stop, own)
    return end.join(lines) + end


def _is_whole(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except ValueError:
        return False
    return True


def _changed_option(text: str, parameters: Mapping[str, str]) -> str:
    """Change one string or a list of strings; other forms stay, and `SamConfig.write` refuses."""
    if _LIST.match(text):
        return _changed_list(text, parameters)
    found = _STRING.fullmatch(text)
    if not found or "ParameterKey=" in text:
        return text
    start, value, rest = found.groups()
    tokens = _TOKEN.findall(tomllib.loads(f'value = "{value}"')["value"])
    kept = [token for token in tokens if token.partition("=")[0] not in parameters]
    overrides = " ".join([*kept, joined(parameters)])
    return f"{start}{json.dumps(overrides, ensure_ascii=False)}{rest}"


def _changed_list(text: str, parameters: Mapping[str, str]) -> str:
    before, after = ("\n    ", "") if "\n" in text else ("", " ")
    for name, value in parameters.items():
        entry = json.dumps(joined({name: value}), ensure_ascii=False)
        present = re.search(rf'"{name}=(?:[^"\\]|\\.)*"', text)
        if present:
            text = text[: present.start()] + entry + text[present.end() :]
        else:
            text = text.replace("[", f"[{before}{entry},{after}", 1)
    return text
