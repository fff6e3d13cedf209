"""ListExecutions as Step Functions answers it.

moto sorts by start date, loses the next page when the execution it begins with has changed its
status meanwhile, gives no stop date of a time out, and knows no redrives.

"Results are sorted by time, with the most recent execution first. Running executions are sorted by
their startDate or redriveDate, and other executions are sorted by their stopDate": one that ends
between two pages may be on neither, there as here.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidToken, ValidationException
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

_PAGE, _LARGEST = 100, 1000  # "The default is 100 and the maximum allowed page size is 1000."
Place = tuple[str, str]
"""Where in the list an execution is: the ISO time that it is sorted by, and its ARN."""


def adapt(patches: Patches) -> None:
    """Sort, filter and page as Step Functions does."""

    def list_executions(self: Any) -> ActionResult:
        _check(self)
        machine = self.stepfunction_backend.describe_state_machine(
            self._get_param("stateMachineArn")
        )
        wanted = self._get_param("statusFilter")
        found = sorted(
            ((place(one), one) for one in list(machine.executions) if wanted in (None, one.status)),
            key=lambda placed: placed[0],
            reverse=True,
        )
        return ActionResult(_page(found, self._get_int_param("maxResults"), _after(self)))

    patches.set(StepFunctionResponse, "list_executions", list_executions)


def place(execution: Any) -> Place:
    """Say where an execution comes in the list; larger ones come first."""
    stopped: datetime | None = execution.stop_date
    moment = stopped or execution.redrive_date or execution.start_date
    return moment.isoformat(timespec="microseconds"), execution.execution_arn


def _check(response: Any) -> None:
    # "If you provide a state machine ARN in redriveFilter, the API returns a validation exception."
    if response._get_param("redriveFilter"):
        raise ValidationException("redriveFilter is for the executions of a Map Run only")
    if response._get_param("statusFilter") == "PENDING_REDRIVE":
        raise ValidationException("statusFilter PENDING_REDRIVE is for a Map Run only")
    if (response._get_int_param("maxResults") or 0) > _LARGEST:
        raise ValidationException(
            "1 validation error detected: Value at 'maxResults' failed to satisfy constraint: "
            f"Member must have value less than or equal to {_LARGEST}"
        )


def _page(found: list[tuple[Place, Any]], size: int | None, after: Place | None) -> dict[str, Any]:
    rest = [placed for placed in found if after is None or placed[0] < after]
    page = rest[: size or _PAGE]
    more = len(rest) > len(page)
    token = {"nextToken": _token(page[-1][0])} if more else {}
    return {"executions": [_item(one) for _, one in page], **token}


def _item(execution: Any) -> dict[str, Any]:
    dates = {"stopDate": execution.stop_date, "redriveDate": execution.redrive_date}
    return {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "redriveCount": execution.redrive_count,
        **{name: date for name, date in dates.items() if date},
    }


def _token(where: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(where).encode()).decode()


def _after(response: Any) -> Place | None:
    token = response._get_param("nextToken")
    if not token:
        return None
    try:
        time, arn = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidToken(f"'{token}'") from error
    return time, arn
