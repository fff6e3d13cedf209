"""What the tests of commands share: an environment that names nothing, and moto's AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

NAMES = ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL", "LANDRUN_STACK", "LANDRUN_STATE_DIR")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@lru_cache
def _client(service: str, *_: Any) -> Any:
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


@pytest.fixture
def aws() -> Iterator[Callable[..., Any]]:
    """``aws("s3")`` is a client of an empty account."""
    with mock_aws():
        yield _client
