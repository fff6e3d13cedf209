"""How thorough the cases are: ``FAULTS=thorough`` tries what changes nothing, too.

A death before a call and a death after the call before it leave the same AWS behind; so do two
attempts that interleave there. A read of an index changes nothing. The ordinary suite spares these
repetitions; the thorough one takes several times as long.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .faulty import (
    Call,
    Fault,
    afterwards,
    killed_after,
    killed_before,
    meanwhile,
    response_lost,
)

THOROUGH = os.environ.get("FAULTS") == "thorough"

DEATHS: tuple[Callable[[], Fault], ...] = (killed_before, response_lost)
BETWEEN: tuple[Callable[[Callable[[], Any]], Fault], ...] = (meanwhile,)
if THOROUGH:
    DEATHS += (killed_after,)
    BETWEEN += (afterwards,)


def counts(call: Call) -> bool:
    """Whether a call is worth a fault of its own."""
    return THOROUGH or call.operation != "query"
