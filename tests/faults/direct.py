"""Clients whose calls of DynamoDB reach moto without a request, which takes most of their time."""

import json
from functools import lru_cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.responses import DynamoHandler

from template.physical import ACCOUNT, REGION

from .stack import client


def with_calls(real, make_call):
    """Copy a client of botocore whose calls are made by ``make_call(operation, arguments)``."""
    copied = object.__new__(type(real))
    vars(copied).update(vars(real), _make_api_call=make_call)
    return copied


@lru_cache
def direct_client(service):
    real = client(service)
    return with_calls(real, _through_dynamodb) if service == "dynamodb" else real


def _through_dynamodb(api, asked):
    """Ask moto's own response class."""
    response: Any = DynamoHandler()
    response.current_account, response.region = ACCOUNT, REGION
    response.automated_parameter_parsing = True
    response.params = response.body = {**asked}
    response.uri_match = {}
    try:
        result = getattr(response, xform_name(api))().result
    except JsonRESTError as error:
        said = json.loads(error.description)
        code = said.pop("__type").rpartition("#")[2]
        reason = {"Code": code, "Message": said.get("message", said.get("Message", ""))}
        raise ClientError({**said, "Error": reason}, api) from error
    return {key: value for key, value in result.items() if value is not None}
