"""The engine's beginning and end."""

from __future__ import annotations

import os

import pytest

WAITS = {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 60, "End": True}}}


def test_close_leaves_no_thread_no_process_and_moto_as_it_was(tmp_path, laptop) -> None:
    # Given an engine with a job and an execution that run
    own = type(laptop)("engine", tmp_path)
    pids = own.bucket()
    text = (
        "import boto3, os, sys, time\n"
        "boto3.client('s3').put_object(Bucket=sys.argv[1], Key='pid', Body=str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    own.execute(own.machine_of(own.request(text, pids)))
    own.execute(own.machine(WAITS))
    pid = int(own.until(lambda: own.read(pids))["pid"])
    # When it is closed
    left = own.close()
    # Then nothing is left
    assert left == {"threads": [], "restored": True}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
