"""Clients that fail on purpose: every call of a function may be hit by a fault.

Faults sit above botocore, so that its own retries blur nothing. What can happen to a call:

- `throttled()`, `denied()`, `unreachable()`: it fails, and was never made;
- `response_lost()`: it was made, and the caller never hears of it;
- `killed_before()`, `killed_after()`: the process is gone, `Killed` is raised through the handler,
  and nothing that the dead process still tries (a ``finally``) reaches AWS;
- `meanwhile(action)`, `afterwards(action)`: something else happens to the World just before it, or
  just after; with another invocation as the action, two attempts interleave at exactly that call.

>>> faults.when("s3", "put_object", throttled(), nth=2)
>>> faults.at(3, killed_after())     # the fourth call from now on, whatever it is
"""

import itertools
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from .direct import with_calls


class Killed(BaseException):
    """The process was killed: no handler may catch it, as none survives SIGKILL."""


@dataclass(eq=False)
class Process:
    """One execution environment of a function; once dead it reaches nothing.

    ``module`` is the handler that it has imported, ``world`` the World that it serves.
    """

    function: str
    world: Any
    module: Any = None
    invocation: int = 0
    busy: bool = False
    dead: bool = False


@dataclass(frozen=True)
class Call:
    """One call of an AWS API; ``operation`` as boto3 spells the method: ``put_object``."""

    process: Process
    service: str
    api: str
    arguments: dict[str, Any]

    @property
    def operation(self):
        return xform_name(self.api)


Action = Callable[[Call], object]


@dataclass(frozen=True)
class Fault:
    """What happens before a call, which is not made when that raises, and after it.

    ``bool`` stands for nothing.
    """

    name: str
    before: Action = bool
    after: Action = bool


def refused(code, name="refused"):
    def act(call):
        raise ClientError({"Error": {"Code": code, "Message": "injected"}}, call.api)

    return Fault(name, before=act)


def throttled():
    return refused("ThrottlingException", "throttled")


def denied():
    """Refuse a call by the code of S3, the only service whose code makes a difference."""
    return refused("AccessDenied", "denied")


def _raising(error):
    def act(call):
        raise error(endpoint_url=f"{call.service}:443")

    return act


def unreachable():
    return Fault("unreachable", before=_raising(EndpointConnectionError))


def response_lost():
    return Fault("response lost", after=_raising(ReadTimeoutError))


def _die(call):
    call.process.dead = True
    raise Killed(f"{call.process.function} at {call.service}:{call.operation}")


def killed_before():
    return Fault("killed before", before=_die)


def killed_after():
    return Fault("killed after", after=_die)


def _elsewhere(action, call):
    """Do something to the World in another thread: the call's own may run an event loop."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(action, call.process.world).result()


def meanwhile(action):
    return Fault("meanwhile", before=partial(_elsewhere, action))


def afterwards(action):
    return Fault("afterwards", after=partial(_elsewhere, action))


class Faults:
    """Which call is hit by what; ``counts`` has the calls by (service, operation).

    ``injected`` has the faults by name. A rule says for a call which fault hits it, or None.
    """

    def __init__(self):
        self.counts, self.injected = Counter(), Counter()
        self._rules = []

    def add(self, rule):
        self._rules.append(rule)

    def heal(self):
        self._rules.clear()

    def at(self, index, fault, function=None, *, fitting=bool):
        """Hit the call of that index, from 0 for the next one; of one function if it is named."""
        seen = itertools.count()

        def rule(call):
            if function not in (None, call.process.function) or not fitting(call):
                return None
            return fault if next(seen) == index else None

        self.add(rule)

    def when(self, service, operation, fault, *, nth=1, fitting=bool):
        """Hit the nth call of that operation from now on."""

        def named(call):
            return (call.service, call.operation) == (service, operation) and fitting(call)

        self.at(nth - 1, fault, fitting=named)

    def ask(self, call):
        """Say what happens to a call, and count it."""
        self.counts[call.service, call.operation] += 1
        hits = [fault for rule in self._rules if (fault := rule(call))]
        self.injected.update(fault.name for fault in hits[:1])
        return hits[0] if hits else Fault("none")


def faulty(client, service, process):
    """Copy a client for a process, whose calls go through the faults of its World."""
    real = client._make_api_call

    def make_call(api, arguments):
        if process.dead:
            raise Killed(f"{process.function} is dead")
        call = Call(process, service, api, arguments)
        fault = process.world.faults.ask(call)
        fault.before(call)
        try:
            return process.world.make(call, real)
        finally:
            fault.after(call)

    return with_calls(client, make_call)


THOROUGH = os.environ.get("FAULTS") == "thorough"
"""Whether each call has its fault; the ordinary suite has a few of them."""

DEATHS = (killed_before, response_lost)


def counts(call):
    """Whether a call is worth a fault of its own: not queries, which go by in long rows."""
    return call.operation != "query"


def at_each_call(opened, fault, function=None, *, fitting=counts, first=0, step=2):
    """Give Worlds with a fault at call ``first``, the next one …, until a call is not reached.

    Each must come to rest with nothing wrong, as those of the fixtures. Only the calls of
    ``function`` and those ``fitting`` are counted; ``step - 1`` calls go by unhurt from one World
    to the next, none if thorough. A death after a call and a death before the next one leave the
    same AWS behind; so do two attempts that interleave there.
    """
    for at in itertools.count(first, 1 if THOROUGH else step):
        with opened() as world:
            world.faults.at(at, fault, function, fitting=fitting)
            yield world
            assert world.settle() == []
            if fault.name not in world.faults.injected:
                assert at > first, "no call was ever hit"
                return
