"""Clients whose calls reach moto without a request: a tenth of the time of those of botocore.

DynamoDB and Step Functions are asked through moto's own response classes, S3 through its backend.
The rest, and what botocore knows of an API, comes from the client that it stands for.
"""

from __future__ import annotations

import io
import json
from datetime import UTC
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends
from moto.stepfunctions.responses import StepFunctionResponse

from landrun_ops.local.patches import Patches

from .stack import ACCOUNT, REGION, client

USER = "x-amz-meta-"
"""How the names of a user's metadata begin."""

RESPONSES: dict[str, type[BaseResponse]] = {
    "dynamodb": DynamoHandler,
    "stepfunctions": StepFunctionResponse,
}


class DirectClient:
    """A client of a service in `RESPONSES`."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._botocore = client(service)

    def __getattr__(self, name: str) -> Any:
        api = self.meta.method_to_api_mapping.get(name)
        return self._operation(name, api) if api else getattr(self._botocore, name)

    @property
    def meta(self) -> Any:
        return self._botocore.meta

    def _operation(self, name: str, api: str) -> Any:
        def call(**arguments: Any) -> Any:
            response: Any = RESPONSES[self._service]()
            response.current_account, response.region = ACCOUNT, REGION
            response.automated_parameter_parsing = True
            response.params = response.body = arguments
            response.uri_match = {}
            try:
                result = getattr(response, name)().result
            except JsonRESTError as error:
                raise _client_error(error, api) from error
            return {key: value for key, value in result.items() if value is not None}

        return call


def _client_error(error: JsonRESTError, api: str) -> ClientError:
    """Read an answer of moto's as botocore does."""
    said = json.loads(error.description)
    code = said.pop("__type").rpartition("#")[2]
    message = said.get("message", said.get("Message", ""))
    return ClientError(said | {"Error": {"Code": code, "Message": message}}, api)


class DirectS3(DirectClient):
    """A client of S3 as far as landrun's functions use it."""

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803  (as boto3 spells it)
        Key: str,  # noqa: N803
        Body: bytes | str,  # noqa: N803
        Metadata: dict[str, str] | None = None,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        s3 = s3_backends[ACCOUNT]["aws"]
        if IfNoneMatch and s3.get_object(Bucket, Key):
            raise _s3_error("PreconditionFailed", "PutObject")
        body = Body if isinstance(Body, bytes) else Body.encode()
        stored = s3.put_object(Bucket, Key, body)
        stored.set_metadata({f"{USER}{name}": text for name, text in (Metadata or {}).items()})
        return {"VersionId": stored.version_id}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        stored = s3_backends[ACCOUNT]["aws"].get_object(Bucket, Key)
        if stored is None:
            raise _s3_error("NoSuchKey", "GetObject")
        metadata = {
            name.removeprefix(USER): text
            for name, text in stored.metadata.items()
            if name.startswith(USER)
        }
        return {"Body": io.BytesIO(stored.value), "Metadata": metadata}

    def list_objects_v2(
        self,
        *,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        MaxKeys: int = 1000,  # noqa: N803
        **begin: str,
    ) -> dict[str, Any]:
        s3 = s3_backends[ACCOUNT]["aws"]
        token, after = begin.get("ContinuationToken"), begin.get("StartAfter")
        bucket = s3.get_bucket(Bucket)
        keys, more, token = s3.list_objects_v2(bucket, Prefix, None, token, after, MaxKeys)
        answer = {"Contents": [_listed(key) for key in keys]}
        return answer | ({"NextContinuationToken": token} if more else {})


def _listed(key: Any) -> dict[str, Any]:
    modified = key.last_modified.replace(microsecond=0, tzinfo=UTC)
    return {"Key": key.name, "Size": key.size, "LastModified": modified}


def _s3_error(code: str, api: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, api)


@lru_cache
def direct_client(service: str) -> Any:
    """Give the process's client of a service."""
    if service == "s3":
        return DirectS3(service)
    return DirectClient(service) if service in RESPONSES else client(service)


def shorten_queries(patches: Patches) -> None:
    """Let moto's queries look at fitting items only: it sorts the whole table otherwise.

    With 10,000 items that takes 50 ms a query, whatever it finds.
    """
    patches.set(Table, "query", _query)


_whole_query = Table.query


def _query(self: Any, *given: Any, **named: Any) -> Any:
    conditions = named.get("hash_key_conditions") or ()

    def fitting() -> list[Any]:
        found = (item for item in self.items.values() if item and _has(item, conditions))
        return sorted(found, key=lambda item: item.hash_key)

    if conditions and not self.range_key_attr:
        self.all_items = fitting
    try:
        return _whole_query(self, *given, **named)
    finally:
        vars(self).pop("all_items", None)


def _has(item: Any, conditions: Any) -> bool:
    return all(name in item.attrs and item.attrs[name] == value for name, value in conditions)
