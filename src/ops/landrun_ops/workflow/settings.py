"""A workflow's settings from a file and from ``name=value`` words."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from landrun.errors import ConfigurationError


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings from a TOML or JSON file; names are those of `WorkflowConfig`.

    Raises ConfigurationError when the file cannot be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        settings = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML (or, named .json, JSON): {error}") from error
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{path} must hold one JSON object of settings by name")
    return settings


def with_words(settings: dict[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """Merge ``name=value`` words into settings; ``name.key=value`` sets one key of a table.

    A value that begins with ``[`` or ``{`` is JSON, any other is text. Raises ConfigurationError
    when a word has no ``=``, or its JSON cannot be read.

    >>> with_words({}, ["instance_count=2", "environment.LANG=de"])
    {'instance_count': '2', 'environment': {'LANG': 'de'}}
    """
    merged = dict(settings)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"{word!r} is not a setting: write name=value")
        try:
            value = json.loads(text) if text.startswith(("[", "{")) else text
        except ValueError as error:
            raise ConfigurationError(f"{word!r}: {error}") from error
        name, dot, key = name.partition(".")
        table = merged.get(name)
        merged[name] = (table if isinstance(table, dict) else {}) | {key: value} if dot else value
    return merged
