"""A workflow's settings from a file and from ``name=value`` words."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from landrun.errors import ConfigurationError

Settings = dict[str, Any]


def read_settings(path: Path) -> Settings:
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


def with_words(settings: Settings, words: Iterable[str]) -> Settings:
    """Lay ``name=value`` words over settings; ``name.key=value`` sets one key of a table.

    A value that begins with ``[`` or ``{`` is JSON, any other is text. Raises ConfigurationError
    when a word has no ``=``, or its JSON cannot be read.

    Examples
    --------
    >>> with_words({}, ["instance_count=2", "environment.LANG=de"])
    {'instance_count': '2', 'environment': {'LANG': 'de'}}
    """
    laid = dict(settings)
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"{word!r} is not a setting: write name=value")
        table, dot, key = name.partition(".")
        value = _value(word, text)
        laid[table] = {**_table(laid, table, word), key: value} if dot else value
    return laid


def _table(settings: Settings, name: str, word: str) -> dict[str, Any]:
    table = settings.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{word!r}: {name} is set to a value already, not to a table")
    return table


def _value(word: str, text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{word!r}: {error}") from error
