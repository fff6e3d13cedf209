"""What a Processing job may run on, and how the default job of each engine is called.

src/stacks/processing.yaml says the same, and a test holds that it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

INPUT = "/opt/ml/processing/input/messages"
OUTPUT = "/opt/ml/processing/output/processed"


@dataclass(frozen=True, slots=True)
class Engine:
    """What a job's container is called with, and what lies in the folder of its input.

    Attributes
    ----------
    entrypoint, arguments : str
        Words with one space between them.
    input_data_type : str
        SageMaker's S3DataType: ``ManifestFile`` for the objects that the manifest names,
        ``S3Prefix`` for the manifest itself.
    """

    entrypoint: str
    arguments: str
    input_data_type: Literal["ManifestFile", "S3Prefix"]


ENGINES = {
    "script": Engine(
        "python3 /opt/program/preprocess.py", f"--input {INPUT} --output {OUTPUT}", "ManifestFile"
    ),
    "spark": Engine(
        "smspark-submit /opt/program/spark_preprocess.py",
        f"--manifests {INPUT} --output {OUTPUT}",
        "S3Prefix",
    ),
}
"""By the value of the parameter ``Engine``."""


def engine(parameters: Mapping[str, str]) -> Engine:
    """Give what a stack's jobs are called with, its parameters ``Job…`` taken into account."""
    own = ENGINES[parameters.get("Engine") or "script"]
    return Engine(
        parameters.get("JobEntrypoint") or own.entrypoint,
        parameters.get("JobArguments") or own.arguments,
        own.input_data_type,
    )


def distribution(parameters: Mapping[str, str]) -> Literal["FullyReplicated", "ShardedByS3Key"]:
    """Say how a stack's jobs share their input: several instances of the script each take some."""
    shared = (parameters.get("Engine") or "script") == "script"
    several = int(parameters.get("InstanceCount") or 1) > 1
    return "ShardedByS3Key" if shared and several else "FullyReplicated"
