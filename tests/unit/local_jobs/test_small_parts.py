"""Error names, outputs, waits and patches."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from landrun_ops.local.access import AccessKey
from landrun_ops.local.engine import EngineInstalledError, install
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_sync import as_output, error_name
from landrun_ops.local.retry_wait import wait

KEY = AccessKey("LKIA0000000000000000", "secret")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("ResourceInUse", "SageMaker.ResourceInUseException"),
        ("ConflictException", "SageMaker.ConflictException"),
        ("ValidationException", "SageMaker.AmazonSageMakerException"),
        ("ThrottlingException", "SageMaker.AmazonSageMakerException"),
    ],
)
def test_errors_have_the_java_sdks_names(code: str, name: str) -> None:
    assert error_name(code) == name


def test_times_of_an_output_are_epoch_milliseconds() -> None:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    there = moment.astimezone(timezone(timedelta(hours=2)))
    value = {"a": moment, "b": [there, {"c": moment.replace(tzinfo=None)}], "d": "x", "e": 1}
    millis = int(moment.timestamp() * 1000)
    assert as_output(value) == {"a": millis, "b": [millis, {"c": millis}], "d": "x", "e": 1}


def test_wait_lasts_as_long_as_asked() -> None:
    started = time.monotonic()
    wait(SimpleNamespace(is_running=lambda: True), 0.15)
    assert time.monotonic() - started >= 0.15


def test_wait_ends_with_the_execution() -> None:
    ended = threading.Event()
    threading.Timer(0.05, ended.set).start()
    started = time.monotonic()
    wait(SimpleNamespace(is_running=lambda: not ended.is_set()), 60)
    assert time.monotonic() - started < 30


def test_patches_are_taken_back_also_from_what_was_inherited() -> None:
    class Base:
        a = 1

    class Derived(Base):
        b = 2

    mapping = {"c": 3}
    patches = Patches()
    patches.set(Derived, "a", 10)
    patches.set(Derived, "b", 20)
    patches.set(Derived, "b", 21)
    patches.item(mapping, "c", 30)
    assert (Derived.a, Derived.b, mapping) == (10, 21, {"c": 30})
    patches.undo()
    Base.a = 4
    assert (Derived.a, Derived.b, mapping) == (4, 2, {"c": 3})


def test_second_engine_in_a_process_is_refused_until_the_first_is_closed(tmp_path) -> None:
    try:
        first = install(program=tmp_path, work_dir=tmp_path, access_key=KEY)
    except EngineInstalledError:
        pytest.skip("the laptop's AWS of another test is up in this process")
    try:
        with pytest.raises(EngineInstalledError, match="close it first"):
            install(program=tmp_path, work_dir=tmp_path, access_key=KEY)
    finally:
        first.close()
    first.close()
    install(program=tmp_path, work_dir=tmp_path, access_key=KEY).close()
