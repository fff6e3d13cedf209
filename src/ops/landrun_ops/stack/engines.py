"""What a stack's parameters say of its Processing jobs, and each engine's default job.

src/stacks/processing.yaml says the same, and a test holds that it does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from landrun.errors import ConfigurationError

INPUT = "/opt/ml/processing/input/messages"
OUTPUT = "/opt/ml/processing/output/processed"


@dataclass(frozen=True, slots=True)
class Engine:
    """What a job's container is called with, and what lies in the folder of its input.

    Attributes
    ----------
    entrypoint, arguments : tuple of str
        The container's command line.
    input_data_type : str
        SageMaker's S3DataType: ``ManifestFile`` for the objects that the manifest names,
        ``S3Prefix`` for the manifest itself.
    """

    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    input_data_type: Literal["ManifestFile", "S3Prefix"]


ENGINES = {
    "script": Engine(
        ("python3", "/opt/program/preprocess.py"),
        ("--input", INPUT, "--output", OUTPUT),
        "ManifestFile",
    ),
    "spark": Engine(
        ("smspark-submit", "/opt/program/preprocess.py"),
        ("--manifests", INPUT, "--output", OUTPUT),
        "S3Prefix",
    ),
}
"""By the value of the parameter ``Engine``."""


def engine(parameters: Mapping[str, str]) -> Engine:
    """Give what a stack's jobs are called with, its parameters ``Job…`` taken into account.

    Raises
    ------
    ConfigurationError
        When one of them is not the JSON that it begins like.
    """
    own = ENGINES[parameters.get("Engine") or "script"]
    return Engine(
        words("JobEntrypoint", parameters.get("JobEntrypoint", "")) or own.entrypoint,
        words("JobArguments", parameters.get("JobArguments", "")) or own.arguments,
        own.input_data_type,
    )


def words(name: str, value: str) -> tuple[str, ...]:
    r"""Read the parameter ``JobEntrypoint`` or ``JobArguments``: words, or a JSON list.

    Raises
    ------
    ConfigurationError
        When it begins like a JSON list and is none of texts.

    Examples
    --------
    >>> words("JobArguments", "--lang de"), words("JobArguments", '["a b"]')
    (('--lang', 'de'), ('a b',))
    """
    if value.startswith("["):
        return tuple(_texts(name, value, list))
    return tuple(value.split(" ")) if value else ()


def variables(value: str) -> dict[str, str]:
    """Read the parameter ``JobEnvironment``: ``NAME=value`` with commas between, or a JSON object.

    Raises
    ------
    ConfigurationError
        When it begins like a JSON object and is none of texts.

    Examples
    --------
    >>> variables("A=1,B=x y"), variables('{"A": "1,2"}')
    ({'A': '1', 'B': 'x y'}, {'A': '1,2'})
    """
    if value.startswith("{"):
        found: dict[str, str] = _texts("JobEnvironment", value, dict)
        return found
    pairs = (pair.partition("=") for pair in value.split(",") if pair)
    return {name: text for name, _, text in pairs}


def _texts(name: str, value: str, kind: type) -> Any:
    try:
        found = json.loads(value)
    except ValueError as error:
        raise ConfigurationError(f"{name} is not JSON: {error}") from error
    inside = found.values() if isinstance(found, dict) else found
    if not isinstance(found, kind) or not all(isinstance(text, str) for text in inside):
        what = "list" if kind is list else "object"
        raise ConfigurationError(f"{name} is not a JSON {what} of texts")
    return found


def distribution(parameters: Mapping[str, str]) -> Literal["FullyReplicated", "ShardedByS3Key"]:
    """Say how a stack's jobs share their input: several instances of the script each take some."""
    shared = (parameters.get("Engine") or "script") == "script"
    several = int(parameters.get("InstanceCount") or 1) > 1
    return "ShardedByS3Key" if shared and several else "FullyReplicated"
