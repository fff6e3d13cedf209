"""Event sources and schedules as Lambda and Scheduler show them, with their switches.

The laptop polls queues and fires schedules itself, as moto's own ways of doing so fall short. Here
moto is told of them, so that whoever asks Lambda or Scheduler sees them; and whoever turns one off
there has turned it off. Nothing else that is changed there is heeded.
"""

from __future__ import annotations

from typing import Any

from landrun_ops.local.settings import ACCOUNT, REGION
from landrun_ops.local.stack import QueueSource, ScheduleSettings, Stack


def show(stack: Stack) -> None:
    """Tell moto of a stack's event sources and schedules."""
    for source in stack.sources:
        if not source.raw:
            _show_source(source)
    groups = {_place(one)[0] for one in stack.schedules if not one.classic}
    scheduler = _scheduler()
    for group in sorted(groups - scheduler.schedule_groups.keys()):
        scheduler.create_schedule_group(name=group, tags=[])
    for schedule in stack.schedules:
        if not schedule.classic:
            _show_schedule(schedule)


def source_is_on(source: QueueSource) -> bool:
    """Whether a queue is to feed its function."""
    found = [
        one
        for one in list(_functions()._event_source_mappings.values())
        if (one.event_source_arn, one.function_name) == (source.queue_arn, source.function)
    ]
    return source.raw or any(one.enabled for one in found)


def schedule_is_on(schedule: ScheduleSettings) -> bool:
    """Whether a schedule is to fire."""
    if schedule.classic:
        return schedule.enabled
    group, name = _place(schedule)
    schedules = _scheduler().schedule_groups[group].schedules
    return name in schedules and schedules[name].state == "ENABLED"


def _show_source(source: QueueSource) -> None:
    from moto.awslambda.models import EventSourceMapping  # noqa: PLC0415  (late: takes seconds)

    functions = _functions()
    mapping = EventSourceMapping(
        {
            "RegionName": REGION,
            "AccountId": ACCOUNT,
            "FunctionName": source.function,
            "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{source.function}",
            "EventSourceArn": source.queue_arn,
            "BatchSize": source.batch_size,
            "MaximumBatchingWindowInSeconds": int(source.window),
            "FunctionResponseTypes": ["ReportBatchItemFailures"] if source.partial else [],
        }
    )
    # Not by moto's own create_event_source_mapping: that would have moto feed the function as well.
    functions._event_source_mappings[mapping.uuid] = mapping


def _show_schedule(schedule: ScheduleSettings) -> None:
    group, name = _place(schedule)
    _scheduler().create_schedule(
        description="",
        end_date=None,
        flexible_time_window={"Mode": "OFF"},
        group_name=group,
        kms_key_arn=None,
        name=name,
        schedule_expression=schedule.expression,
        schedule_expression_timezone=schedule.timezone,
        start_date=None,
        state="ENABLED" if schedule.enabled else "DISABLED",
        target={
            "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{schedule.function}",
            "RoleArn": schedule.role,
            "Input": schedule.input or "",
        },
        action_after_completion=None,
    )


def _place(schedule: ScheduleSettings) -> tuple[str, str]:
    """Give the group and the name of a schedule."""
    group, _, name = schedule.arn.rpartition(":schedule/")[2].partition("/")
    return group, name


def _functions() -> Any:
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415  (late: takes seconds)

    return lambda_backends[ACCOUNT][REGION]


def _scheduler() -> Any:
    from moto.scheduler.models import scheduler_backends  # noqa: PLC0415  (late: takes seconds)

    return scheduler_backends[ACCOUNT][REGION]
