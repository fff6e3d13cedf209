"""Clients whose calls reach moto without a request, which takes most of a call's time otherwise.

DynamoDB is asked through moto's own response class, S3 through its backend. The rest comes from the
client that it stands for.
"""

import json
from datetime import UTC
from functools import lru_cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends

from template.physical import ACCOUNT, REGION

from .stack import client


def with_calls(real, make_call):
    """Copy a client of botocore whose calls are made by ``make_call(operation, arguments)``."""
    copied = object.__new__(type(real))
    vars(copied).update(vars(real), _make_api_call=make_call)
    return copied


@lru_cache
def direct_client(service):
    answer = ANSWERS.get(service)
    return with_calls(client(service), answer) if answer else client(service)


def _through_dynamodb(api, asked):
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
        raise _error(code, api, said.get("message", said.get("Message", "")), said) from error
    return {key: value for key, value in result.items() if value is not None}


def _error(code, api, message="", more=()):
    return ClientError({**dict(more), "Error": {"Code": code, "Message": message}}, api)


def _through_s3(api, asked):
    if api not in S3:
        return client("s3")._make_api_call(api, asked)
    return S3[api](s3_backends[ACCOUNT]["aws"], asked)


def _put_object(s3, asked):
    bucket, key, body = asked["Bucket"], asked["Key"], asked["Body"]
    if "IfNoneMatch" in asked and s3.get_object(bucket, key):
        raise _error("PreconditionFailed", "PutObject")
    stored = s3.put_object(bucket, key, body if isinstance(body, bytes) else body.encode())
    metadata = asked.get("Metadata", {}).items()
    stored.set_metadata({f"x-amz-meta-{name}": text for name, text in metadata})
    return {"VersionId": stored.version_id}


def _list_objects_v2(s3, asked):
    after = asked.get("ContinuationToken") or asked.get("StartAfter") or ""
    stored = s3.get_bucket(asked["Bucket"]).keys
    keys = sorted(key for key in list(stored) if key.startswith(asked["Prefix"]) and key > after)
    page = keys[: asked.get("MaxKeys", 1000)]
    listed = [
        {
            "Key": key,
            "Size": stored[key].size,
            "LastModified": stored[key].last_modified.replace(microsecond=0, tzinfo=UTC),
        }
        for key in page
    ]
    return {"Contents": listed} | ({"NextContinuationToken": page[-1]} if keys[len(page) :] else {})


S3 = {"PutObject": _put_object, "ListObjectsV2": _list_objects_v2}
"""The calls of S3 that landrun's functions make most often."""

ANSWERS = {
    "dynamodb": _through_dynamodb,
    "s3": _through_s3,
}
