"""Faults at each call in turn; ``FAULTS=thorough`` tries what changes nothing, too.

A death before a call and a death after the call before it leave the same AWS behind; so do two
attempts that interleave there. A read of an index changes nothing. The ordinary suite spares these
repetitions, and every second call.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

from .faulty import afterwards, killed_after, killed_before, meanwhile, response_lost

THOROUGH = os.environ.get("FAULTS") == "thorough"

DEATHS: tuple[Any, ...] = (killed_before, response_lost)
BETWEEN: tuple[Any, ...] = (meanwhile,)
if THOROUGH:
    DEATHS += (killed_after,)
    BETWEEN += (afterwards,)


def counts(call):
    """Whether a call is worth a fault of its own."""
    return THOROUGH or call.operation != "query"


def at_each_call(opened, fault, function=None, *, fitting=counts, first=0, step=2):
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
