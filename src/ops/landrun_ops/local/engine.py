"""All patches of moto's Step Functions and SageMaker, put in and taken out as one."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import boto3
from botocore.config import Config
from moto.s3.exceptions import S3ClientError
from moto.settings import moto_server_port
from moto.stepfunctions.parser.utils import TMP_THREADS

from landrun_ops.actions.docker import Docker
from landrun_ops.local import definition_substitutions, event_delivery
from landrun_ops.local.access import AccessKey
from landrun_ops.local.moto_patches import (
    logs,
    s3,
    sagemaker,
    status_events,
    step_functions,
    task_tokens,
    tasks,
)
from landrun_ops.local.moto_patches.iam import Iam, NotAllowedError
from landrun_ops.local.moto_patches.iam_needs import KEY_HEADER, needs
from landrun_ops.local.moto_patches.sagemaker import ProcessingJobs
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job.files import Put, TransferError
from landrun_ops.local.processing_job.job import Laptop, Order, Outcome, run
from landrun_ops.local.roles import SAGEMAKER, STATES, Roles

_CLOSING_SECONDS: Final = 15.0
_one_at_a_time = threading.Lock()

Access = Callable[[], Mapping[str, str]]
"""Gives the environment by which a program finds the laptop's AWS and signs its requests."""


class Engine:
    """What runs state machines and jobs while it is installed; ``jobs.quota`` is their quota."""

    def __init__(self, jobs: ProcessingJobs, patches: Patches) -> None:
        self.jobs = jobs
        self.is_open = True
        self._patches = patches

    def close(self) -> None:
        """Stop executions and jobs, wait for their threads and processes, restore moto.

        No status events are sent for executions that end so. A second call does nothing.
        """
        if not self.is_open:
            return
        self.is_open = False
        for execution in step_functions.running_executions():
            step_functions.request_stop(execution)
        self.jobs.close(_CLOSING_SECONDS)
        deadline = time.monotonic() + _CLOSING_SECONDS
        for thread in TMP_THREADS:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        # moto keeps every thread for ever.
        TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
        self._patches.undo()


def install(
    *,
    program: Path,
    work_dir: Path,
    access_key: AccessKey,
    docker: Docker | None = None,
    roles: Roles | None = None,
) -> Engine:
    """Patch moto, in this process, before its server takes requests.

    The engine is to be closed while the server still answers; the server's port is read from
    ``MOTO_PORT``, as moto's own engine does. See `Laptop` for the folders.

    Parameters
    ----------
    access_key
        Signs what machines and jobs ask of the laptop's AWS, where they do not sign as their roles.
    docker
        Runs jobs in their image; None for subprocesses.
    roles
        With them, machines and jobs do what their own roles allow; None allows everything.
    """

    def access() -> Mapping[str, str]:
        return access_key.environment(f"http://127.0.0.1:{moto_server_port()}")

    laptop = Laptop(
        program.resolve(),
        work_dir.resolve(),
        sys.executable,
        partial(_client, access),
        _putter(),
        access,
        docker=docker,
    )

    @cache
    def keys(arn: str) -> Mapping[str, str]:
        return roles.keys(arn, STATES) if roles else {}

    def client_of(service: str, arn: str) -> Any:
        return _client(lambda: {**access(), **keys(arn)}, service)

    jobs = ProcessingJobs(partial(_run_as, roles, laptop=laptop))
    patches = Patches()
    engine = Engine(jobs, patches)
    for module in (event_delivery, definition_substitutions):
        module.adapt(patches)
    for service in (step_functions, task_tokens, logs):
        service.patch(patches)
    status_events.patch(patches, lambda: engine.is_open)
    sagemaker.patch(patches, jobs)
    tasks.patch(patches, jobs, client_of, roles.iam if roles else None)
    return engine


def _run_as(roles: Roles | None, order: Order, laptop: Laptop) -> Outcome:
    """Run a job; with ``roles``, its files, logs and script are signed for by its own role."""
    if roles is None:
        return run(order, laptop)
    role = order.request["RoleArn"]
    try:
        keys = roles.keys(role, SAGEMAKER)
    except NotAllowedError as error:
        return Outcome("Failed", f"ClientError: {error}")

    def access() -> Mapping[str, str]:
        return {**laptop.access(), **keys}

    put = _putter(roles.iam, role)
    return run(order, replace(laptop, client=partial(_client, access), put=put, access=access))


def _putter(iam: Iam | None = None, role: str = "") -> Put:
    """Give what puts outputs of jobs; with ``iam``, only if the job's role may."""

    def put(bucket: str, key: str, body: bytes, key_arn: str) -> None:
        arn, headers = f"arn:aws:s3:::{bucket}/{key}", {KEY_HEADER: key_arn}
        try:
            if iam is not None:
                for need in needs(SimpleNamespace(headers=headers), "s3:PutObject", arn):
                    iam.demand(role, need)
            s3.put(bucket, key, body, key_arn)
        except (NotAllowedError, S3ClientError) as error:
            raise TransferError(str(error)) from error

    return put


def _client(access: Access, service: str) -> Any:
    """Return the boto3 client of the laptop's AWS for a service, made when first asked for."""
    with _one_at_a_time:
        return _made(service, frozenset(access().items()))


@cache
def _made(service: str, access: frozenset[tuple[str, str]]) -> Any:
    found = dict(access)
    keys = (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
    session: Any = boto3.Session(*keys, found.get("AWS_SESSION_TOKEN"), found["AWS_REGION"])
    config = Config(retries={"total_max_attempts": 2}, max_pool_connections=32)
    return session.client(service, endpoint_url=found["AWS_ENDPOINT_URL"], config=config)
