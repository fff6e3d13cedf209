"""Many executions that were, and their manifests: as Step Functions and S3 list them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from benchmarks.standins import S3, response

PAGE = 1000
"""Most executions, and most objects, of one answer."""


class PastExecutions:
    """Lists and describes executions; those that started last come first.

    Parameters
    ----------
    arn
        The state machine's.
    execution
        Gives ListExecutions' entry of a number, without its ARNs.
    numbers
        Which there are, in the order of their start.
    """

    def __init__(
        self, arn: str, execution: Callable[[int], dict[str, Any]], numbers: range
    ) -> None:
        self._arn = arn
        self._execution = execution
        self._numbers = numbers[::-1]
        self.calls: Counter[str] = Counter()

    def __call__(self, operation: str, call: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        self.calls[operation] += 1
        if operation == "ListExecutions":
            return self._listed(call)
        if operation == "GetExecutionHistory":
            return {"events": []}
        raise NotImplementedError(operation)

    def arn(self, name: str) -> str:
        """Spell an execution's ARN."""
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"

    def _listed(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Give a page; with a filter, those that run are the newest."""
        first, status = int(call.get("nextToken", "0")), call.get("statusFilter")
        page = [self._entry(number) for number in self._numbers[first : first + PAGE]]
        wanted = [one for one in page if status in (None, one["status"])]
        whole = len(page) == len(wanted) and first + PAGE < len(self._numbers)
        return {"executions": wanted} | ({"nextToken": str(first + PAGE)} if whole else {})

    def _entry(self, number: int) -> dict[str, Any]:
        one = self._execution(number)
        return one | {"stateMachineArn": self._arn, "executionArn": self.arn(one["name"])}


class PastManifests(S3):
    """Objects, and a manifest for each of many names, none of which can be read.

    Parameters
    ----------
    names
        The runs.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._keys = sorted(f"manifests/{name}.json" for name in names)

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer one request."""
        asked = parse_qs(urlsplit(request.url).query)
        if asked.get("prefix") != ["manifests/"]:
            return super().__call__(request)
        self.calls["ListObjectsV2"] += 1
        [after] = asked.get("continuation-token") or asked.get("start-after") or [""]
        first = bisect_right(self._keys, after)
        keys = self._keys[first : first + PAGE]
        more = first + PAGE < len(self._keys)
        contents = "".join(
            f"<Contents><Key>{key}</Key><Size>95</Size>"
            "<LastModified>2026-11-20T08:00:00.000Z</LastModified></Contents>"
            for key in keys
        )
        token = f"<NextContinuationToken>{keys[-1]}</NextContinuationToken>" if more else ""
        said = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}"
        return response(request, 200, f"<ListBucketResult>{said}</ListBucketResult>")
