"""The command line of each engine's Processing jobs; a test compares src/stacks/processing.yaml."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from landrun.errors import ConfigurationError

INPUT = "/opt/ml/processing/input/messages"
OUTPUT = "/opt/ml/processing/output/processed"

_WORDS = TypeAdapter(tuple[str, ...])


class Engine(NamedTuple):
    """The command line of a job's container, and how the container gets its input.

    SageMaker's S3DataType is ``ManifestFile`` for the objects that the manifest names, and
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


def job_arguments(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the container's arguments for a stack: JobArguments (words or JSON), or the default.

    Raises ConfigurationError when JobArguments begins like a JSON list, and is not one of strings.

    >>> job_arguments({"JobArguments": "--lang de"}), job_arguments({"JobArguments": '["a b"]'})
    (('--lang', 'de'), ('a b',))
    """
    value = parameters.get("JobArguments", "")
    if not value:
        return ENGINES[parameters.get("Engine") or "script"].arguments
    if not value.startswith("["):
        return tuple(value.split(" "))
    try:
        return _WORDS.validate_json(value)
    except ValidationError as error:
        raise ConfigurationError("JobArguments is not a JSON list of strings") from error
