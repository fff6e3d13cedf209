"""What can go wrong: every error is a `LandrunError`; no retry helps those that are `Refused`."""

from typing import Any

from landrun.sanitize import one_line

MESSAGE_LIMIT = 4000
"""Characters of an error's message, which may quote what AWS or an event says."""


class LandrunError(Exception):
    """The root of all errors that landrun raises itself.

    The message says what is wrong, and the remedy. It ends in logs and on terminals, so it is kept
    on one line and unprintable characters are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, MESSAGE_LIMIT))


class ConfigurationError(LandrunError):
    """A setting is missing or wrong; the message names it and the remedy."""


class Refused(LandrunError):
    """A message that no retry can help: it goes to the dead-letter queue with its reason."""


class InvalidEvent(Refused):
    """Not the event that the function is for."""


class InvalidKey(Refused):
    """An object key that no container could read as a file."""


class InvalidName(Refused, ValueError):
    """A run name that Step Functions or SageMaker would refuse; no value for a model either."""


class InvalidInput(Refused):
    """An input that no execution input can name: too long, or several objects as one URI."""


class InvalidManifest(LandrunError):
    """An object in a manifest's place that is none."""


class OtherEvent(LandrunError):
    """An event of S3 that is not *Object Created*, such as a deletion: ignored and counted.

    Its ``reason`` is a short label of the event, for logs and metrics.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an Object Created event: {reason}")
        self.reason = reason


class InvalidS3Uri(LandrunError):
    """Not of the form ``s3://bucket/key``."""


class AlreadyStarted(LandrunError):
    """An execution of that name exists already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"an execution named {name} exists already")
        self.name = name


class NotificationPending(LandrunError):
    """A run's failure must be notified before a later status may overwrite its record."""


class SlotNotReleased(LandrunError):
    """The concurrency slot of an execution that ended has to be kept for now.

    Its Processing job is still stopping, or the execution has been redriven since.
    """


class ReconcileFailed(LandrunError):
    """At least one step of reconcile failed; the next reconcile repeats it."""


class ServiceError(LandrunError):
    """An AWS service refused a call, such as ``states:StartExecution``, or could not be reached.

    ``code`` is the service's error code, or the name of botocore's error when there was no answer;
    ``answer`` is the whole answer, for errors that carry more than a code.
    """

    def __init__(
        self, operation: str, code: str, message: str, answer: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.answer = answer or {}
        self.operation = operation
        self.code = code
