"""GetExecutionHistory's ``reverseOrder``, ``maxResults`` and ``nextToken``, which moto ignores."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

_PAGE = 100  # "The default is 100 and the maximum allowed page size is 1000."


def adapt(patches: Patches) -> None:
    """Order and page what moto gives whole."""
    whole = StepFunctionResponse.get_execution_history

    def get_execution_history(self: Any) -> ActionResult:
        answer: Any = whole(self).result
        events = list(answer["events"])
        if self._get_param("reverseOrder"):
            events.reverse()
        start = int(self._get_param("nextToken") or 0)
        end = start + (self._get_int_param("maxResults") or _PAGE)
        token = {"nextToken": str(end)} if end < len(events) else {}
        return ActionResult({"events": events[start:end], **token})

    patches.set(StepFunctionResponse, "get_execution_history", get_execution_history)
