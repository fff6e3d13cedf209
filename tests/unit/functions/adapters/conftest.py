"""moto's AWS for adapters. Each client is made once: that takes longer than all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import boto3
import pytest
from moto import mock_aws


@pytest.fixture(scope="session")
def client() -> Callable[[str], Any]:
    return lru_cache(boto3.Session("testing", "testing", region_name="us-east-1").client)


@pytest.fixture
def aws(client: Callable[[str], Any]) -> Iterator[Callable[[str], Any]]:
    """``aws("s3")`` is the client of an S3 that is empty at the beginning of each test."""
    with mock_aws():
        yield client
