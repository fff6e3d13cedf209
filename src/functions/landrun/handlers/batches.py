"""What both handlers behind a queue do with a batch: Powertools' partial failures, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from landrun.deadletters import DeadLetters
from landrun.errors import Refused
from landrun.telemetry import Telemetry


def process_batch(
    event: dict[str, Any],
    context: Any,
    process: Callable[[str], None],
    dead_letters: DeadLetters,
    telemetry: Telemetry,
) -> dict[str, Any]:
    """Process each message of a batch; answer with those that must come again.

    Parameters
    ----------
    event : dict
        SQS's event as Lambda gets it.
    context : LambdaContext
        Lambda's context.
    process : callable
        Takes a message's body. `Refused` sends the message to the dead-letter queue with its
        reason; whatever else it raises fails this message alone, and SQS brings it again.

    Returns
    -------
    dict
        ``{"batchItemFailures": [{"itemIdentifier": message id}, …]}``
    """

    def one(record: SQSRecord) -> None:
        try:
            process(record.body)
        except Refused as refusal:
            dead_letters.put(record.body, str(refusal))
            telemetry.count("MessagesRefused")
            telemetry.logger.error("message refused", extra={"reason": str(refusal)})
        except Exception:
            telemetry.count("MessagesFailed")
            telemetry.logger.exception("message failed, it comes again")
            raise
        finally:
            telemetry.logger.remove_keys(["run"])

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    with telemetry.invocation(context):
        return dict(process_partial_response(event, one, processor, context))
