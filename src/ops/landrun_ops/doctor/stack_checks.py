"""The checks of a stack, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from landrun_ops.doctor import (
    account,
    concurrency,
    events,
    functions,
    image,
    job,
    notifications,
    permissions,
    schedules,
    state_machine,
    waiting,
)
from landrun_ops.doctor.checks import Check


def checks_of(parameters: Mapping[str, str]) -> list[Check]:
    """Return the checks that apply to a stack with these parameters."""
    every = (
        account.credentials,
        account.clock,
        account.deployment,
        *events.CHECKS,
        *functions.CHECKS,
        *schedules.CHECKS,
        *state_machine.CHECKS,
        *permissions.CHECKS,
        image.image,
        job.quota,
        job.instances,
        concurrency.concurrency,
        job.key,
        job.network,
        notifications.subscribers,
        notifications.alarms,
        waiting.landings,
        waiting.dead_letters,
    )
    return [check for check in every if check.when(parameters)]
