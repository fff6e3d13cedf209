"""Start a run: write its manifest first, then start its execution, both under the run's name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from landrun.adapters.manifests import Manifest, Manifests
from landrun.adapters.step_functions import Executions
from landrun.errors import AlreadyStarted, InvalidInput, ServiceError
from landrun.models.run import (
    S3_URI_LIMIT,
    ExecutionInput,
    InputFormat,
    Trigger,
)
from landrun.models.s3_uri import S3Uri
from landrun.sanitize import json_object

_CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that this call or an earlier one has started, over so many objects."""

    name: str
    execution_arn: str
    objects: int

    duplicate: bool
    """True when an earlier call started it."""

    mismatch: bool = False
    """True when it was started with another input, as before a setting was changed."""


@dataclass(frozen=True)
class RunStarter:
    """Starts runs; a repeated call finds the run that exists.

    Outputs lie under ``output``, one folder for each run; `input_message` explains the format.
    """

    manifests: Manifests
    executions: Executions
    output: S3Uri
    input_format: InputFormat
    clock: Callable[[], datetime]

    def start(
        self,
        name: str,
        bucket: str,
        keys: Sequence[str],
        trigger: Trigger,
        prefix: S3Uri | None = None,
    ) -> StartedRun:
        """Write the run's manifest unless it exists, and start the run over the one that exists.

        Raises InvalidInput when the configured format of ``InputMessage`` cannot name these
        objects; ServiceError when AWS refuses a call; calling again is safe.

        The run ``name`` reads the objects ``keys`` of one bucket, which were listed under
        ``prefix`` if its trigger is a schedule.
        """
        planned = Manifest(self.manifests.uri(name), bucket, tuple(keys), False, prefix=prefix)
        input_message(planned, self.input_format)  # refused before anything is written
        manifest = self.manifests.write_once(name, bucket, keys, trigger, prefix=prefix)
        return self.start_from(manifest, name, trigger)

    def start_from(self, manifest: Manifest, name: str, trigger: Trigger) -> StartedRun:
        """Start the run over a manifest that exists.

        Raises InvalidInput or ServiceError as for `start`.
        """
        run = ExecutionInput(
            PreprocessingJobName=name,
            InputMessage=input_message(manifest, self.input_format),
            OutputProcessedMessage=f"{self.output}{name}/",
            Trigger=trigger,
        )
        objects, asked_at = len(manifest.keys), self.clock()
        try:
            started = self.executions.start(run)
        except AlreadyStarted:
            arn = self.executions.arn(name)
            mismatch = self._has_another_input(arn, run)
            return StartedRun(name, arn, objects, duplicate=True, mismatch=mismatch)
        ran_before = not manifest.written and started.started_at < asked_at - _CLOCK_SKEW
        return StartedRun(name, started.arn, objects, duplicate=ran_before)

    def _has_another_input(self, arn: str, run: ExecutionInput) -> bool:
        """Return True if the existing execution's input differs; False if that cannot be known.

        Triggers may differ, as an event's and that of its backfill do: equal names say that both
        stand for the same landing.
        """
        try:
            existing = self.executions.find(arn)
        except ServiceError:
            return False  # a comparison for the record must not fail a landing
        if existing is None or existing.get("input") is None:
            return False
        before, now = json_object(existing["input"]), run.to_dict()
        return any(before.get(field) != now[field] for field in now if field != "Trigger")


def input_message(manifest: Manifest, input_format: InputFormat) -> str:
    """Return what an execution's ``InputMessage`` says of the objects in a manifest.

    The format ``manifest`` names the manifest itself; ``uri`` names the one object in it, or the
    scheduled prefix under which its objects were listed, for state machines that read an S3Prefix.
    Raises InvalidInput when one URI cannot name the objects, or is longer than SageMaker accepts.
    """
    if input_format == "manifest":
        uri = manifest.uri
    elif manifest.prefix:
        uri = manifest.prefix
    elif len(manifest.keys) == 1:
        uri = S3Uri(manifest.bucket, manifest.keys[0])
    else:
        raise InvalidInput(
            f"InputMessageFormat=uri cannot name the {len(manifest.keys)} objects of"
            f" {manifest.uri}: start one run per object, or set InputMessageFormat=manifest for a"
            " state machine that reads a ManifestFile"
        )
    if len(str(uri)) > S3_URI_LIMIT:
        raise InvalidInput(
            f"the input's URI has {len(str(uri))} characters, more than the {S3_URI_LIMIT} that"
            f" SageMaker accepts: shorten the key of {uri}"
        )
    return str(uri)
