"""Installs and removes all patches of moto."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from moto import backends
from moto.s3.exceptions import S3ClientError
from moto.stepfunctions.parser.utils import TMP_THREADS

from landrun_ops.local.moto_patches import (
    cloudformation,
    dynamodb,
    events,
    iam,
    logs,
    s3,
    sagemaker,
    sqs,
    step_functions,
    task_tokens,
    tasks,
)
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job.files import TransferError
from landrun_ops.local.processing_job.job import Laptop, Order, Outcome, run
from landrun_ops.local.roles import SAGEMAKER, STATES, Roles

if TYPE_CHECKING:
    from docker import DockerClient

_CLOSING_SECONDS: Final = 15.0
_one_at_a_time = threading.Lock()


class Engine:
    """The installed patches, and the jobs that run in them; ``jobs.quota`` is SageMaker's quota."""

    def __init__(self, jobs: sagemaker.ProcessingJobs, patches: Patches) -> None:
        self.jobs = jobs
        self.is_open = True
        self._patches = patches

    def close(self) -> None:
        """Stop executions and jobs, wait for their threads and processes, restore moto.

        Executions that are stopped here publish no status events.
        """
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
    access: Mapping[str, str],
    docker: DockerClient | None = None,
    roles: Roles | None = None,
) -> Engine:
    """Patch moto in this process; close the engine while moto's server still answers.

    ``access`` is the environment by which state machines and jobs find the laptop's AWS and sign
    their requests; with ``roles``, they sign as their own roles. The other arguments are those of
    `Laptop`.
    """
    laptop = Laptop(
        program=program.resolve(),
        work_dir=work_dir.resolve(),
        python=sys.executable,
        client=partial(_client, access),
        put=partial(_put, None),
        access=access,
        docker=docker,
    )

    @cache
    def keys(arn: str) -> Mapping[str, str]:
        return roles.keys(arn, STATES) if roles else {}

    def client_of(service: str, arn: str) -> Any:
        return _client({**access, **keys(arn)}, service)

    jobs = sagemaker.ProcessingJobs(partial(_run, laptop, roles))
    patches = Patches()
    engine = Engine(jobs, patches)
    # moto lists its own folder for each request: a third of what a request takes.
    services = tuple(backends.list_of_moto_modules())
    patches.set(backends, "list_of_moto_modules", lambda: services)
    for service in (cloudformation, dynamodb, events, logs, s3, task_tokens):
        service.patch(patches)
    sqs.patch(patches, access["AWS_ENDPOINT_URL"])
    iam.patch_simulator(patches)
    step_functions.patch(patches, lambda: engine.is_open)
    sagemaker.patch(patches, jobs)
    tasks.patch(patches, jobs, client_of, roles.iam if roles else None)
    return engine


def _run(laptop: Laptop, roles: Roles | None, order: Order) -> Outcome:
    """Run a job; with ``roles``, its files, logs and script are signed for by its own role."""
    if roles is None:
        return run(order, laptop)
    role = order.request["RoleArn"]
    try:
        access = {**laptop.access, **roles.keys(role, SAGEMAKER)}
    except iam.NotAllowedError as error:
        return Outcome("Failed", f"ClientError: {error}")
    put = partial(_put, partial(roles.iam.demand, role))
    return run(order, replace(laptop, client=partial(_client, access), put=put, access=access))


def _put(
    demand: Callable[[iam.Need], None] | None, bucket: str, key: str, body: bytes, key_arn: str
) -> None:
    """Put an output of a job, encrypted under a KMS key, if its role may."""
    request, arn = (
        SimpleNamespace(headers={iam.KEY_HEADER: key_arn}),
        f"arn:aws:s3:::{bucket}/{key}",
    )
    try:
        if demand is not None:
            for need in iam.needs(request, "s3:PutObject", arn):
                demand(need)
        s3.put(bucket, key, body, key_arn)
    except iam.NotAllowedError as error:
        raise TransferError(f"AccessDenied: {error}") from error
    except S3ClientError as error:
        raise TransferError(str(error)) from error


def _client(access: Mapping[str, str], service: str) -> Any:
    """Return the boto3 client of the laptop's AWS for a service, made when first asked for."""
    with _one_at_a_time:
        return _made(service, frozenset(access.items()))


@cache
def _made(service: str, access: frozenset[tuple[str, str]]) -> Any:
    found = dict(access)
    keys = (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
    session: Any = boto3.Session(*keys, found.get("AWS_SESSION_TOKEN"), found["AWS_REGION"])
    config = Config(retries={"total_max_attempts": 2}, max_pool_connections=32)
    return session.client(service, endpoint_url=found["AWS_ENDPOINT_URL"], config=config)
