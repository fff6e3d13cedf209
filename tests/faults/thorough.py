"""Faults at each call in turn: a few of them in the ordinary suite, all with ``FAULTS=thorough``.

A death after a call and a death before the next one leave the same AWS behind; so do two attempts
that interleave there. Queries, of which a function makes many in a row, are spared.
"""

import itertools
import os

from .faulty import killed_before, response_lost

THOROUGH = os.environ.get("FAULTS") == "thorough"
DEATHS = (killed_before, response_lost)


def counts(call):
    """Whether a call is worth a fault of its own."""
    return call.operation != "query"


def at_each_call(opened, fault, function=None, *, fitting=counts, first=0, step=2):
    """Give Worlds with a fault at call ``first``, the next one …, until a call is not reached.

    Each must come to rest with nothing wrong, as those of the fixtures. Only the calls of
    ``function`` and those ``fitting`` are counted; ``step - 1`` calls go by unhurt from one World
    to the next, none if thorough.
    """
    for at in itertools.count(first, 1 if THOROUGH else step):
        with opened() as world:
            world.faults.at(at, fault, function, fitting=fitting)
            yield world
            assert world.settle() == []
            if fault.name not in world.faults.injected:
                assert at > first, "no call was ever hit"
                return
