"""Doors that fail on purpose: a boto3 client whose every call may be hit by a fault.

Faults sit above botocore, so that its own retries (which clients of a `World` have none of) blur
nothing. What can happen to a call:

- `throttled()`, `denied()`, `unreachable()`, `refused(code)`: it fails, and was never made;
- `response_lost()`: it was made, and the caller never hears of it;
- `slow(clock, seconds)`: the clock goes on while it is made;
- `killed_before()`, `killed_after()`: the process is gone, `Killed` is raised through the handler,
  and nothing that the dead process still tries (a ``finally``) reaches AWS;
- `meanwhile(action)`, `afterwards(action)`: something else happens just before, or just after it;
  with another invocation as the action, two attempts interleave at exactly that call.

>>> faults = Faults()
>>> faults.when("s3", "put_object", throttled(), nth=2)
>>> faults.at(3, killed_after())     # the fourth call from now on, whatever it is
>>> faults.heal()
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError


class Killed(BaseException):
    """The process was killed: no handler may catch it, as none survives SIGKILL."""


_processes = itertools.count(1)


@dataclass(eq=False)
class Process:
    """One execution environment of a function; once dead it reaches nothing."""

    function: str
    number: int = field(default_factory=lambda: next(_processes))
    invocation: int = 0
    busy: bool = False
    dead: bool = False


@dataclass(frozen=True)
class Call:
    """One call of an AWS API; ``operation`` as boto3 spells the method: ``put_object``."""

    process: Process
    service: str
    operation: str
    arguments: dict[str, Any]
    api: str = ""


Action = Callable[[Call], None]


@dataclass(frozen=True)
class Fault:
    """What happens before a call, which is not made when that raises, and after it."""

    name: str
    before: Action | None = None
    after: Action | None = None


THROTTLING = {
    "s3": "SlowDown",
    "sns": "Throttled",
    "sqs": "RequestThrottled",
    "dynamodb": "ThrottlingException",
}
DENIED = {"s3": "AccessDenied", "sns": "AuthorizationError", "sqs": "AccessDenied"}


def client_error(call: Call, code: str, message: str = "injected") -> ClientError:
    """Spell a service's refusal as botocore does."""
    return ClientError({"Error": {"Code": code, "Message": message}}, call.api or call.operation)


def _raising(make: Callable[[Call], BaseException]) -> Action:
    def act(call: Call) -> None:
        raise make(call)

    return act


def refused(code: str) -> Fault:
    """The service refuses with that code; nothing happened."""
    return Fault(code, before=_raising(lambda call: client_error(call, code)))


def throttled() -> Fault:
    """The service asks to come again, with its own code for it."""

    def error(call: Call) -> ClientError:
        return client_error(call, THROTTLING.get(call.service, "ThrottlingException"), "Rate")

    return Fault("throttled", before=_raising(error))


def denied() -> Fault:
    """The role may not; as while a policy is being rolled out."""

    def error(call: Call) -> ClientError:
        return client_error(call, DENIED.get(call.service, "AccessDeniedException"))

    return Fault("denied", before=_raising(error))


def unreachable() -> Fault:
    """No connection; nothing happened."""
    return Fault(
        "unreachable",
        before=_raising(lambda call: EndpointConnectionError(endpoint_url=f"{call.service}:443")),
    )


def response_lost() -> Fault:
    """The call was made, its answer never came."""
    return Fault(
        "response lost",
        after=_raising(lambda call: ReadTimeoutError(endpoint_url=f"{call.service}:443")),
    )


def slow(clock: Any, seconds: float) -> Fault:
    """The call takes that long."""
    return Fault("slow", before=lambda _: clock.advance(seconds))


def _die(call: Call) -> None:
    call.process.dead = True
    raise Killed(f"{call.process.function} at {call.service}:{call.operation}")


def killed_before() -> Fault:
    """The process dies; the call was never made."""
    return Fault("killed before", before=_die)


def killed_after() -> Fault:
    """The process dies; the call was made."""
    return Fault("killed after", after=_die)


def meanwhile(action: Callable[[], Any]) -> Fault:
    """Something else happens just before the call."""
    return Fault("meanwhile", before=lambda _: action() and None)


def afterwards(action: Callable[[], Any]) -> Fault:
    """Something else happens just after the call, before its caller goes on."""
    return Fault("afterwards", after=lambda _: action() and None)


Rule = Callable[[Call], Fault | None]


class Faults:
    """Which call is hit by what; and every call that was asked for.

    Attributes
    ----------
    calls : list of Call
        All calls, in order, while ``recording``.
    counts : Counter
        Calls by (service, operation), always.
    injected : Counter
        Faults by name.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.injected: Counter[str] = Counter()
        self.recording = True
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """Ask a callable of one's own for each call: it gives a fault or None."""
        self._rules.append(rule)

    def when(
        self,
        service: str,
        operation: str,
        fault: Fault,
        *,
        nth: int = 1,
        times: int = 1,
        fitting: Callable[[Call], bool] = lambda _: True,
    ) -> None:
        """Hit the nth call of that operation from now on, and ``times`` - 1 more after it."""
        seen = itertools.count(1)

        def rule(call: Call) -> Fault | None:
            if (call.service, call.operation) != (service, operation) or not fitting(call):
                return None
            return fault if nth <= next(seen) < nth + times else None

        self.add(rule)

    def at(
        self,
        index: int,
        fault: Fault,
        function: str | None = None,
        *,
        fitting: Callable[[Call], bool] = lambda _: True,
    ) -> None:
        """Hit the call of that index, from 0 for the next one; of one function if it is named."""
        seen = itertools.count()

        def rule(call: Call) -> Fault | None:
            if function not in (None, call.process.function) or not fitting(call):
                return None
            return fault if next(seen) == index else None

        self.add(rule)

    def always(self, fault: Fault, service: str, operation: str | None = None) -> None:
        """Hit every call of a service, or of one operation, until healed: an outage."""

        def rule(call: Call) -> Fault | None:
            fits = call.service == service and operation in (None, call.operation)
            return fault if fits else None

        self.add(rule)

    def randomly(
        self,
        probability: float,
        faults: Sequence[Fault],
        random: Random,
        *,
        fitting: Callable[[Call], bool] = lambda _: True,
    ) -> None:
        """Hit each call with that probability, by one of the faults."""

        def rule(call: Call) -> Fault | None:
            return (
                random.choice(faults) if fitting(call) and random.random() < probability else None
            )

        self.add(rule)

    def heal(self) -> None:
        """No faults from now on."""
        self._rules.clear()

    def ask(self, call: Call) -> Fault | None:
        """Say what happens to a call, and remember it."""
        self.counts[call.service, call.operation] += 1
        if self.recording:
            self.calls.append(call)
        hits = [fault for rule in self._rules if (fault := rule(call))]
        if not hits:
            return None
        self.injected[hits[0].name] += 1
        return hits[0]

    def of(self, service: str, operation: str) -> list[Call]:
        """Give the recorded calls of one operation."""
        return [c for c in self.calls if (c.service, c.operation) == (service, operation)]


Observer = Callable[[Call, Any], None]
Maker = Callable[[Call, Callable[..., Any]], Any]


class Faulty:
    """A boto3 client behind faults.

    Parameters
    ----------
    client
        The real one.
    service : str
        As boto3 names it.
    faults : Faults
        Asked for each call.
    process : Process
        Who calls; dead processes reach nothing.
    observers : iterable of callable
        Told of each call that was made, with its answer, before its caller hears of it.
    make : callable
        Makes a call of the real client's method.
    """

    def __init__(
        self,
        client: Any,
        service: str,
        faults: Faults,
        process: Process,
        observers: Iterable[Observer] = (),
        make: Maker = lambda call, real: real(**call.arguments),
    ) -> None:
        self._client = client
        self._service = service
        self._faults = faults
        self._process = process
        self._observers = tuple(observers)
        self._make = make

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        api = self._client.meta.method_to_api_mapping.get(name)
        if api is None:
            return real

        def call(**arguments: Any) -> Any:
            return self._call(real, Call(self._process, self._service, name, arguments, api))

        self.__dict__[name] = call
        return call

    def get_paginator(self, operation: str) -> Any:
        """Give botocore's paginator, each page of which comes through here."""
        paginator = self._client.get_paginator(operation)
        paginator._method = getattr(self, operation)
        return paginator

    def _call(self, real: Callable[..., Any], call: Call) -> Any:
        if self._process.dead:
            raise Killed(f"{self._process.function} is dead")
        fault = self._faults.ask(call)
        if fault and fault.before:
            fault.before(call)
        try:
            answer = self._make(call, real)
        except ClientError:
            if fault and fault.after:
                fault.after(call)
            raise
        for observer in self._observers:
            observer(call, answer)
        if fault and fault.after:
            fault.after(call)
        return answer
