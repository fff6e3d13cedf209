"""Conditional writes that are one step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models.table import Table
from moto.s3.responses import S3Response

from landrun_ops.local import atomic_writes
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import REGION


@pytest.fixture
def adapted() -> Iterator[None]:
    patches = Patches()
    atomic_writes.adapt(patches)
    yield
    patches.undo()


def both_succeed(
    monkeypatch: pytest.MonkeyPatch, owner: Any, looks: str, write: Callable[[], bool]
) -> bool:
    """Whether two writes succeed, of which the second comes when the first has looked."""
    look, looked, go_on = getattr(owner, looks), threading.Event(), threading.Event()
    results: list[bool] = []
    first, second = (threading.Thread(target=lambda: results.append(write())) for _ in range(2))

    def slowly(*arguments: Any, **more: Any) -> Any:
        seen = look(*arguments, **more)
        if threading.current_thread() is first:
            looked.set()
            go_on.wait(10)
        return seen

    monkeypatch.setattr(owner, looks, slowly)
    first.start()
    assert looked.wait(10)
    second.start()
    second.join(0.5)  # at most: the one that has to wait is still there then
    go_on.set()
    first.join()
    second.join()
    assert any(results)
    return all(results)


def claim() -> bool:
    try:
        boto3.client("dynamodb").put_item(
            TableName="t", Item={"id": {"S": "a"}}, ConditionExpression="attribute_not_exists(id)"
        )
    except ClientError:
        return False
    return True


def commit() -> bool:
    try:
        boto3.client("s3").put_object(Bucket="bucket", Key="k", Body=b"", IfNoneMatch="*")
    except ClientError:
        return False
    return True


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("dynamodb").create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield


def test_two_conditional_puts_of_an_item_may_both_succeed(moto: None, monkeypatch: Any) -> None:
    assert both_succeed(monkeypatch, Table, "get_item", claim)


def test_with_the_adapter_one_conditional_put_of_an_item_succeeds(
    moto: None, adapted: None, monkeypatch: Any
) -> None:
    assert not both_succeed(monkeypatch, Table, "get_item", claim)


def test_two_conditional_puts_of_an_object_may_both_succeed(moto: None, monkeypatch: Any) -> None:
    assert both_succeed(monkeypatch, S3Response, "_get_checksum", commit)


def test_with_the_adapter_one_conditional_put_of_an_object_succeeds(
    moto: None, adapted: None, monkeypatch: Any
) -> None:
    assert not both_succeed(monkeypatch, S3Response, "_get_checksum", commit)
