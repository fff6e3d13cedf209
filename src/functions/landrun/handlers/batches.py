"""What both handlers behind a queue do with a batch: each message fails, or is refused, alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from landrun.adapters.dead_letters import DeadLetters
from landrun.errors import InvalidEvent, Refused
from landrun.observability import Telemetry

BATCH_SIZE = 10
"""Messages of one batch, as template.yaml has it: all of them overlap."""

Mapper = Callable[[Callable[[Any], bool], list[Any]], Iterable[bool]]


def overlapping(act: Callable[[Any], bool], given: list[Any]) -> list[bool]:
    """Map with all calls at the same time, the order kept: a batch takes as long as its slowest.

    Threads will do, for what a message takes is waiting for AWS.
    """
    if len(given) == 1:
        return [act(given[0])]
    return list(_threads().map(act, given))


@lru_cache
def _threads() -> ThreadPoolExecutor:
    """Give the process's threads; they are kept, for starting ten takes as long as a landing."""
    return ThreadPoolExecutor(BATCH_SIZE)


def in_order(act: Callable[[Any], bool], given: list[Any]) -> list[bool]:
    """Map one call after the other."""
    return [act(one) for one in given]


def process_batch(
    event: dict[str, Any],
    context: Any,
    process: Callable[[str], None],
    dead_letters: DeadLetters,
    telemetry: Telemetry,
    *,
    mapper: Mapper = in_order,
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
    mapper : callable
        Maps over messages: `in_order` or, where nothing ties messages together, `overlapping`.

    Returns
    -------
    dict
        ``{"batchItemFailures": [{"itemIdentifier": message id}, …]}``

    Raises
    ------
    InvalidEvent
        When the event is no batch of a queue: then somebody else calls the function.
    """

    def take(body: str) -> None:
        try:
            process(body)
        except Refused as refusal:
            dead_letters.put(body, str(refusal))
            telemetry.count("MessagesRefused")
            telemetry.logger.error("message refused", extra={"reason": str(refusal)})

    def done(record: dict[str, Any]) -> bool:
        with telemetry.message():
            try:
                take(record["body"])
            except Exception:
                telemetry.count("MessagesFailed")
                telemetry.logger.exception("message failed, it comes again")
                return False
        return True

    records = _records(event)
    with telemetry.invocation(context):
        results = list(mapper(done, records))
    again = [record for record, well in zip(records, results, strict=True) if not well]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in again]}


def _records(event: dict[str, Any]) -> list[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or not isinstance(records, list):
        raise InvalidEvent("expected Records, a batch of an SQS queue: let the queue call this")
    return records
