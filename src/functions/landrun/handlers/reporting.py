"""What the handlers log and count of runs, of ignored objects and of messages that fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger

from landrun.adapters.dead_letters import DeadLetters
from landrun.errors import Refused
from landrun.observability import count, count_by
from landrun.services.start_run import StartedRun


def report_started(logger: Logger, run: StartedRun, **details: Any) -> None:
    """Count and log a run that this invocation or an earlier one has started."""
    count("DuplicateDeliveries" if run.duplicate else "RunsStarted")
    if run.mismatch:
        count("InputMismatches")
    logger.info(
        "run exists, delivered again" if run.duplicate else "run started",
        run=run.name,
        execution_arn=run.execution_arn,
        objects=run.objects,
        **details,
    )


def report_ignored(logger: Logger, reason: str, **details: Any) -> None:
    """Count and log an object that starts no run."""
    count_by("LandingsIgnored", "Reason", reason)
    logger.info("landing ignored", reason=reason, **details)


@contextmanager
def message_errors(body: str, dead_letters: DeadLetters, logger: Logger) -> Iterator[None]:
    """Handle what the processing of one message raises.

    A `Refused` message goes to the dead-letter queue with its reason and counts as processed, for
    no retry can help it. Every other error is logged and raised: SQS delivers the message again.
    """
    try:
        yield
    except Refused as refusal:
        dead_letters.put(body, str(refusal))
        count("MessagesRefused")
        logger.error("message refused", reason=str(refusal))
    except Exception:
        count("MessagesFailed")
        logger.exception("message failed, SQS delivers it again")
        raise
