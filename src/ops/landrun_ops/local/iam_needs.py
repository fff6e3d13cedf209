"""What a request to moto needs to be allowed: actions on resources, by AWS's own names.

Actions, resource types and condition keys are those of the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from landrun_ops.local.iam_keys import of_keys
from landrun_ops.local.policies import Context
from landrun_ops.local.settings import ACCOUNT, REGION

Parameters = Mapping[str, Any]

_TRANSACTED: Final = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}
"""The permission that each part of a transaction needs."""


@dataclass(frozen=True)
class Need:
    """One action on one resource that a role must allow, with what its conditions may ask."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


def needs(response: Any, action: str, resource: str) -> Iterator[Need]:
    """Give what a request needs, in the order in which AWS would refuse it.

    Parameters
    ----------
    response
        moto's response object of the request.
    action
        Such as ``dynamodb:PutItem``, as moto names it.
    resource
        What moto says that it is about; right for S3 and SQS.
    """
    for does, one in _calls(response, action, resource):
        yield Need(does, one)
        headers = response.headers if does == "s3:PutObject" else {}
        for use, key in of_keys(does, one, headers):
            yield Need(use, key)
    if action == "s3:GetObject":
        yield from _to_know_that_it_is_missing(resource)


def _calls(response: Any, action: str, resource: str) -> list[tuple[str, str]]:
    """Give the actions that a request comes to, each with what it is about."""
    about = _ABOUT.get(action.partition(":")[0])
    if not about:
        return [(action, resource)]
    parameters = _parameters(response)
    if "TransactItems" in parameters:
        return list(_in_transaction(parameters["TransactItems"]))
    return [(action, one) for one in about(parameters)]


def _in_transaction(items: Any) -> Iterator[tuple[str, str]]:
    """Give what a transaction does: there is no permission for transactions themselves.

    Amazon DynamoDB developer guide, "Using IAM with DynamoDB transactions".
    """
    for item in items:
        for does, given in item.items():
            for table in _tables(given):
                yield _TRANSACTED[does], table


def _parameters(response: Any) -> Parameters:
    """Read a request's parameters, of the JSON protocols or of the query protocol."""
    body = response.body
    if isinstance(body, Mapping):  # DynamoDB's has been read already
        return body
    if body and body[:1] in ("{", b"{"):
        return dict(json.loads(body))
    return {name: values[0] for name, values in response.querystring.items()}


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _tables(parameters: Parameters) -> list[str]:
    tables = parameters.get("RequestItems") or [parameters.get("TableName", "*")]
    index = parameters.get("IndexName")
    return [_arn("dynamodb", f"table/{t}" + (f"/index/{index}" if index else "")) for t in tables]


def _states(parameters: Parameters) -> list[str]:
    if "taskToken" in parameters:  # what may be answered is given by the machine that asks
        from landrun_ops.local.task_tokens import TOKENS  # noqa: PLC0415  (late: moto's engine)

        return [TOKENS.machine(str(parameters["taskToken"]))]
    return [str(parameters.get("executionArn") or parameters.get("stateMachineArn") or "*")]


def _logs(parameters: Parameters) -> list[str]:
    group, stream = parameters.get("logGroupName", "*"), parameters.get("logStreamName", "")
    return [_arn("logs", f"log-group:{group}:log-stream:{stream}")]


_ABOUT: Final[Mapping[str, Callable[[Parameters], list[str]]]] = {
    "dynamodb": _tables,
    "states": _states,
    "logs": _logs,
    "sns": lambda given: [str(given.get("TopicArn", "*"))],
    "sagemaker": lambda given: [
        _arn("sagemaker", f"processing-job/{given['ProcessingJobName']}".lower())
        if "ProcessingJobName" in given
        else "*"
    ],
}


def _to_know_that_it_is_missing(arn: str) -> Iterator[Need]:
    """Ask for ListBucket where the object does not exist: S3 says 403, not 404, to others.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    from moto.s3.models import s3_backends  # noqa: PLC0415  (late: takes seconds)

    bucket_name, _, key = arn.partition(":::")[2].partition("/")
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(bucket_name)
    if bucket is not None and key not in bucket.keys:
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket_name}")
