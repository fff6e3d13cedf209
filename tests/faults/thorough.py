"""Faults at each call in turn; ``FAULTS=thorough`` tries what changes nothing, too.

A death before a call and a death after the call before it leave the same AWS behind; so do two
attempts that interleave there. A read of an index changes nothing. The ordinary suite spares these
repetitions.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from .faulty import Call, Fault, afterwards, killed_after, killed_before, meanwhile, response_lost
from .world import World

THOROUGH = os.environ.get("FAULTS") == "thorough"

DEATHS: tuple[Any, ...] = (killed_before, response_lost)
BETWEEN: tuple[Any, ...] = (meanwhile,)
if THOROUGH:
    DEATHS += (killed_after,)
    BETWEEN += (afterwards,)


def counts(call: Call) -> bool:
    """Whether a call is worth a fault of its own."""
    return THOROUGH or call.operation != "query"


def at_each_call(
    opened: Callable[[], AbstractContextManager[World]],
    fault: Callable[[World], Fault],
    function: str | None = None,
    *,
    fitting: Callable[[Call], bool] = counts,
    first: int = 0,
    step: int = 1,
) -> Iterator[World]:
    """Give Worlds with a fault at call ``first``, the next one …, until a call is not reached.

    Each must come to rest with nothing wrong, as those of the fixtures. Only the calls of
    ``function`` and those ``fitting`` are counted; ``step - 1`` calls go by unhurt from one World
    to the next, none if thorough.
    """
    for at in itertools.count(first, 1 if THOROUGH else step):
        with opened() as world:
            hit = fault(world)
            world.faults.at(at, hit, function, fitting=fitting)
            yield world
            assert world.settle() == []
            if hit.name not in world.faults.injected:
                assert at > first, "no call was ever hit"
                return
