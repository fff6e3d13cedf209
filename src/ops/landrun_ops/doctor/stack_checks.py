"""The checks of a stack, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from landrun_ops.doctor import (
    account,
    concurrency,
    events,
    executions,
    functions,
    image,
    job,
    notifications,
    permissions,
    schedules,
    state_machine,
    this_machine,
    waiting,
)
from landrun_ops.doctor.checks import Check
from landrun_ops.doctor.customer_state_machine import judge_end, judge_fields, judge_job_name
from landrun_ops.doctor.required_permissions import FUNCTIONS
from landrun_ops.doctor.state_machine import given_definition as _given


def _own_machine(parameters: Mapping[str, str]) -> bool:
    """Return True if the stack creates its state machine."""
    return not parameters.get("StateMachineArn")


def _given_machine(parameters: Mapping[str, str]) -> bool:
    """Return True if the stack runs a state machine that existed before."""
    return bool(parameters.get("StateMachineArn"))


_LANDING_POLICY = partial(events.queue_policy, about=events.LANDING)
_STATUS_POLICY = partial(events.queue_policy, about=events.STATUS)
_LANDING_SOURCE = partial(
    functions.event_source, function="ObjectCreatedFunction", queue="LandingQueueArn"
)
_STATUS_SOURCE = partial(
    functions.event_source, function="ExecutionStatusFunction", queue="StatusQueueArn"
)

PROXY = Check("this machine", "proxy", this_machine.proxy)
CHECKS = (
    Check("account", "credentials", account.credentials),
    Check("account", "clock", account.clock),
    Check("stack", "deployment", account.deployment),
    Check("events", "buckets", events.buckets),
    Check("events", "EventBridge", events.notifications),
    Check("events", "landing rule", partial(events.rule, about=events.LANDING)),
    Check("events", "status rule", partial(events.rule, about=events.STATUS)),
    Check("events", "landing queue", _LANDING_POLICY, laptop="accepts messages from anybody"),
    Check("events", "status queue", _STATUS_POLICY, laptop="accepts messages from anybody"),
    Check("functions", "functions", functions.functions),
    Check("functions", "landing source", _LANDING_SOURCE),
    Check("functions", "status source", _STATUS_SOURCE),
    Check("schedules", "tick", schedules.tick),
    Check(
        *("schedules", "last tick", schedules.last_tick, schedules.ticks_wanted),
        laptop="keeps no metrics of its functions",
    ),
    Check("schedules", "reconcile", schedules.reconcile),
    Check("state machine", "machine", state_machine.machine),
    Check("state machine", "definition", state_machine.definition, _own_machine),
    Check("state machine", "definition", partial(_given, judge=judge_fields), _given_machine),
    Check("state machine", "input message", state_machine.input_message, _given_machine),
    Check("state machine", "job name", partial(_given, judge=judge_job_name), _given_machine),
    Check("state machine", "end", partial(_given, judge=judge_end), _given_machine),
    Check("state machine", "prefixes", state_machine.prefixes, state_machine.passes_uris),
    Check("state machine", "executions", executions.running, _own_machine),
    Check("permissions", "state machine", permissions.state_machine),
    Check("permissions", "jobs", permissions.jobs),
    *(
        Check(
            "permissions", name.removesuffix("Function"), partial(permissions.function, name=name)
        )
        for name in FUNCTIONS
    ),
    Check("permissions", "schedules", permissions.schedules),
    Check("the job", "image", image.image, _own_machine, laptop="runs jobs as processes"),
    Check("the job", "quota", job.quota, _own_machine, laptop="has no quotas"),
    Check("the job", "instances", job.instances, _own_machine),
    Check("the job", "concurrency", concurrency.concurrency, _own_machine),
    Check("the job", "key", job.key, lambda parameters: bool(job.keys(parameters))),
    Check("the job", "network", job.network, lambda given: bool(given.get("SubnetIds"))),
    Check("notifications", "subscribers", notifications.subscribers, laptop="sends no mail"),
    Check("notifications", "alarms", notifications.alarms, laptop="has no alarms"),
    Check("waiting", "landings", waiting.landings),
    Check("waiting", "dead letters", waiting.dead_letters),
)


def checks_of(parameters: Mapping[str, str]) -> list[Check]:
    """Return the checks that apply to a stack with these parameters."""
    return [check for check in CHECKS if check.when(parameters)]
