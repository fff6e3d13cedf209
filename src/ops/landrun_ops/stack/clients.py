"""The AWS clients of the operator's commands, with time-outs that suit a person who waits.

A call that gets no answer is repeated once, which a warning says, and fails after `CONNECT_SECONDS`
or `READ_SECONDS` each time: within 30 seconds in all. A call that AWS refuses for now, because it
throttles or has an error of its own, is sent up to `ATTEMPTS` times, with 15 seconds of waiting at
most.
"""

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.parsers import ResponseParserError

from landrun.adapters.clients import NOT_AWS, translated
from landrun.errors import ConfigurationError, ServiceError

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 4
READ_SECONDS = 10
SILENT_ATTEMPTS = 2
"""How often a call without an answer is sent."""

ATTEMPTS = 5
"""How often a call is sent that AWS throttles or answers with a server error."""

TRANSFER = Config(connect_timeout=60, read_timeout=60)
"""For a client that uploads files: a slow line may take no data for a while (urllib3 counts that
as connecting)."""

ALWAYS_SENT = {
    "Query": ("Count", "ScannedCount"),
    "BatchGetItem": ("Responses",),
    "ListObjectsV2": ("IsTruncated",),
    "ListObjectVersions": ("IsTruncated",),
    "GetQueueAttributes": ("Attributes",),
    "GetAuthorizationToken": ("authorizationData",),
}
"""Fields that these operations always return, although botocore's models do not require them."""


class Clients:
    """Makes each service's client once; safe to be called by several threads.

    ``profile`` and ``region`` are the AWS CLI's, by default its environment's; ``environment`` is
    that of the laptop's AWS, instead of the process's own. Raises ServiceError or
    ConfigurationError when the AWS CLI's configuration names no such profile, or cannot be read.
    """

    def __init__(
        self,
        *,
        profile: str = "",
        region: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        laptop = environment or {}
        self._endpoint = laptop.get("AWS_ENDPOINT_URL")
        self._clients: dict[tuple[str, Config | None], Any] = {}
        self._lock = threading.Lock()  # a session must not make two clients at once
        with translated("boto3"):
            self._session: Any = boto3.Session(
                aws_access_key_id=laptop.get("AWS_ACCESS_KEY_ID"),
                aws_secret_access_key=laptop.get("AWS_SECRET_ACCESS_KEY"),
                region_name=laptop.get("AWS_DEFAULT_REGION") or region or None,
                profile_name=profile or None,
                botocore_session=_base(),
            )

    def __call__(self, service: str, config: Config | None = None) -> Any:
        """Return the client of a service, with settings that differ where a config is given."""
        with self._lock:
            if (service, config) not in self._clients:
                self._clients[service, config] = self._make(service, config)
            return self._clients[service, config]

    def _make(self, service: str, config: Config | None) -> Any:
        try:
            with translated(f"boto3 client {service}"):
                return self._session.client(service, endpoint_url=self._endpoint, config=config)
        except (ServiceError, OSError) as error:
            if isinstance(error, ServiceError) and error.code != NOT_AWS:
                raise
            raise ConfigurationError(
                f"cannot make a client of {service}: {error.__cause__ or error}; check"
                " AWS_ENDPOINT_URL and the AWS CLI's configuration, such as what"
                " credential_process prints"
            ) from error


def _base() -> Any:
    """Return a session whose settings hold for clients that botocore makes itself, too."""
    session: Any = botocore.session.get_session()
    session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
    )
    session.register("needs-retry", _give_up)
    session.register("after-call", _refuse_foreign_answer)
    return session


def _give_up(operation: Any, attempts: int, caught_exception: Exception | None, **_: Any) -> None:
    """Raise the error that prevented an answer, instead of botocore's further attempts."""
    if caught_exception is None:
        return
    if attempts >= SILENT_ATTEMPTS:
        raise caught_exception
    _log.warning("landrun: AWS did not answer %s, asking again", operation.name)


def _refuse_foreign_answer(
    http_response: Any, parsed: dict[str, Any], model: Any, **_: Any
) -> None:
    """Raise for a success that AWS did not send; botocore reads any text as an empty answer.

    Raises ResponseParserError when a body is not the expected JSON object, or the answer lacks
    fields that AWS always sends.
    """
    output = model.output_shape
    if http_response.status_code >= 300 or model.has_streaming_output or not output:  # noqa: PLR2004
        return
    if "json" in model.service_model.resolved_protocol and not _is_object(http_response.content):
        raise ResponseParserError("the body is not a JSON object")
    missing = {*output.required_members, *ALWAYS_SENT.get(model.name, ())} - {*parsed}
    if missing:
        raise ResponseParserError(f"the answer has no {', '.join(sorted(missing))}")


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
