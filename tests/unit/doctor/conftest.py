"""AWS's responses for the checks: examples of its API references, one file each.

boto3's own clients return them, which check the calls against their models.
"""

import copy
import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from landrun_ops.doctor.aws_reader import AwsReader
from landrun_ops.stack.stack import Stack

ANSWERS = Path(__file__).parent / "answers"
REGION = "eu-central-1"
NOW = datetime(2026, 11, 22, 10, 0, 20, tzinfo=UTC)


def answer(name):
    """Read a response such as that of ``events.DescribeRule``."""
    return dict(json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8")))


[STACK] = answer("cloudformation.DescribeStacks")["Stacks"]
PARAMETERS = {one["ParameterKey"]: one["ParameterValue"] for one in STACK["Parameters"]}
OUTPUTS = {one["OutputKey"]: one["OutputValue"] for one in STACK["Outputs"]}
SESSION = boto3.session.Session("key", "secret", region_name=REGION)
REPLIES = {}
"""Fields that AWS returns in this test instead of the files' ones, by operation."""


@lru_cache
def client(service, *_):
    """Make boto3's own client, which gets the files' responses and asks no network."""
    made = SESSION.client(service)
    made.meta.events.register("before-call.*.*", _reply)
    return made


def _reply(model, params, **_):
    name = f"{model.service_model.service_name}.{model.name}"
    reply = REPLIES.get(name, {})
    reply = reply(str(params["body"])) if callable(reply) else copy.deepcopy(reply)
    if "Error" in reply:
        return SimpleNamespace(status_code=400), reply
    file = name.removesuffix("ForExecution")
    well = answer(file) if (ANSWERS / f"{file}.json").exists() else {}
    return SimpleNamespace(status_code=200), well | reply


@pytest.fixture(autouse=True)
def _aws_is_well(monkeypatch):
    REPLIES.clear()
    monkeypatch.setattr(AwsReader, "fetch", lambda *_: b'{"architecture": "amd64"}')


def reader(replies=None, parameters=None, outputs=None, **changes):
    """Read a stack with other parameters, outputs and attributes, where AWS returns replies."""
    REPLIES.update(replies or {})
    changes = {"status": STACK["StackStatus"], **changes}
    outputs, parameters = OUTPUTS | (outputs or {}), PARAMETERS | (parameters or {})
    return AwsReader(Stack("landrun", REGION, outputs, parameters, client, **changes), NOW)


def error(code):
    """Return the response of a call that AWS refuses."""
    return {"Error": {"Code": code, "Message": "no"}}
