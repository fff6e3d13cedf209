"""Everything that is looked at, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from landrun_ops.doctor import (
    account,
    concurrency,
    customer_resources,
    deployment,
    functions,
    images,
    instances,
    landing,
    machine,
    queues,
    quotas,
    roles,
    schedules,
    waiting,
)
from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check


def of_stack(sight: Sight, now: datetime, rendered: Callable[[], str]) -> list[Check]:
    """Give the checks of a stack.

    Parameters
    ----------
    now : datetime
        The present, aware.
    rendered : Callable
        Gives the state machine's definition as rendered.
    """
    return [
        *account.checks(sight),
        *deployment.checks(sight),
        *landing.checks(sight),
        *functions.checks(sight),
        *schedules.checks(sight, now),
        *machine.checks(sight, rendered),
        *waiting.checks(sight),
        *concurrency.checks(sight, now),
        *roles.checks(sight),
        *images.checks(sight),
        *quotas.checks(sight),
        *instances.checks(sight),
        *customer_resources.checks(sight),
        *queues.checks(sight, now),
    ]
