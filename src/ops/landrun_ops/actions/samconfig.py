"""The parameters of a deployment in samconfig.toml: read, and changed without touching the rest."""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landrun.errors import ConfigurationError


class SamConfig:
    """The settings of ``sam deploy`` in one environment (``--config-env``) of samconfig.toml.

    Raises ConfigurationError when the file cannot be read.
    """

    def __init__(self, path: Path, environment: str = "default") -> None:
        self.path, self.environment = path, environment
        try:
            self._text = path.read_text(encoding="utf-8")
            self._settings = tomllib.loads(self._text)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error

    def setting(self, name: str) -> Any:
        """Return a setting of ``sam deploy``, its own or a global one; empty if there is none."""
        settings = self._settings.get(self.environment, {})
        for command in ("deploy", "global"):
            found = settings.get(command, {}).get("parameters", {})
            if name in found:
                return found[name]
        return ""

    def overrides(self) -> dict[str, str]:
        """Return the parameters that it overrides, which are in one string or in a list of them.

        Raises ConfigurationError when they are written in another form.
        """
        found = self.setting("parameter_overrides")
        text = " ".join(map(str, found)) if isinstance(found, list) else str(found)
        try:
            pairs = [word.partition("=") for word in shlex.split(text)]
        except ValueError as error:
            raise ConfigurationError(f"parameter_overrides in {self.path}: {error}") from error
        if any(not equals or name == "ParameterKey" for name, equals, _ in pairs):
            raise ConfigurationError(f"write parameter_overrides in {self.path} as Name=value")
        return {name: value for name, _, value in pairs}

    def write(self, parameters: Mapping[str, str]) -> None:
        """Set parameters in the line of the overrides; all other lines stay as they are.

        Raises ConfigurationError when the overrides are more than one line.
        """
        overrides = joined({**self.overrides(), **parameters})
        line = f"parameter_overrides = {json.dumps(overrides, ensure_ascii=False)}"
        header = f"[{self.environment}.deploy.parameters]"
        text = self._text if header in self._text else f"{self._text}\n{header}\n"
        before, _, after = text.partition(header)
        section, bracket, rest = after.partition("\n[")
        section, replaced = re.subn("(?m)^parameter_overrides.*$", lambda _: line, section)
        section = section if replaced else f"\n{line}{section}"
        changed = f"{before}{header}{section}{bracket}{rest}"
        try:
            tomllib.loads(changed)
        except ValueError as error:
            raise ConfigurationError(
                f"the parameter_overrides in {self.path} are not on one line: set {overrides}"
            ) from error
        self.path.write_text(changed, encoding="utf-8")


def joined(parameters: Mapping[str, str]) -> str:
    """Spell parameters as ``sam deploy --parameter-overrides`` takes them.

    >>> joined({"A": "1", "B": "x y"})
    'A=1 B="x y"'
    """
    return " ".join(f"{name}={_quoted(value)}" for name, value in parameters.items())


def _quoted(value: str) -> str:
    plain = value and not re.search(r"[\s\"'\\]", value)
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
