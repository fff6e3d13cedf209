"""What moto lacks for Step Functions and SageMaker Processing, put in and taken out as one.

Each adapter has a file of its own and a test that fails when moto grows the feature; deleting an
adapter is deleting its file, its test and its line in ``install``.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.core.config import default_user_config
from moto.settings import moto_server_port
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from landrun_ops.actions.docker import Docker
from landrun_ops.local import (
    definition_substitutions,
    event_delivery,
    execution_context,
    execution_history,
    execution_list,
    execution_redrive,
    execution_start,
    execution_stop,
    machine_clients,
    machine_role,
    processing_sync,
    retry_wait,
    sagemaker_jobs,
    sending_task,
    status_events,
    task_tokens,
)
from landrun_ops.local.access import AccessKey
from landrun_ops.local.iam import NotAllowedError
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job import Laptop, Order, Outcome, run
from landrun_ops.local.roles import SAGEMAKER, STATES, Roles
from landrun_ops.local.sagemaker_jobs import ProcessingJobs
from landrun_ops.local.status_events import Publisher

_CLOSING = 15.0
_one_per_process = threading.Lock()

Access = Callable[[], Mapping[str, str]]
"""Gives the environment by which a program finds the laptop's AWS and signs its requests."""


class EngineInstalledError(RuntimeError):
    """There is an engine in this process already: moto's classes are patched once."""


class Engine:
    """The installed adapters.

    Attributes
    ----------
    quota
        Most Processing instances of one type at once, then CreateProcessingJob answers
        ResourceLimitExceeded; None (the default) for no limit, 0 to refuse all.
    """

    def __init__(self, jobs: ProcessingJobs, patches: Patches, publisher: Publisher) -> None:
        self._jobs = jobs
        self._patches = patches
        self._publisher = publisher
        self._closed = False

    @property
    def quota(self) -> int | None:
        """See the class."""
        return self._jobs.quota

    @quota.setter
    def quota(self, most: int | None) -> None:
        self._jobs.quota = most

    def close(self) -> None:
        """Stop executions and jobs, wait for their threads and processes, restore moto.

        No status events are sent for executions that end so. A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._publisher.close()
        for execution in _running_executions():
            execution_stop.request_stop(execution)
        self._jobs.close(_CLOSING)
        _join_executions(_CLOSING)
        self._patches.undo()
        _one_per_process.release()


def install(
    *,
    program: Path,
    work_dir: Path,
    access_key: AccessKey,
    python: str = sys.executable,
    docker: Docker | None = None,
    roles: Roles | None = None,
) -> Engine:
    """Put the adapters into moto, in this process, before its server takes requests.

    Parameters
    ----------
    program
        Folder that stands for ``/opt/program``: the user's Processing scripts.
    work_dir
        Jobs leave their logs in ``work_dir/jobs/<job>/``.
    access_key
        Signs what machines and jobs ask of the laptop's AWS, where they do not sign as their roles.
    python
        Interpreter of the scripts.
    docker
        Runs jobs in their image; None for subprocesses.
    roles
        With them, machines and jobs do what their own roles allow; None allows everything.

    Returns
    -------
    Engine
        To be closed while the server still answers. The server's port is read from
        ``MOTO_PORT``, as moto's own engine does, when a job starts.

    Raises
    ------
    EngineInstalledError
        When there is one in this process.
    """
    if not _one_per_process.acquire(blocking=False):
        raise EngineInstalledError("an engine is installed in this process; close it first")
    access = partial(_access, access_key)
    laptop = Laptop(
        program=program.resolve(),
        work_dir=work_dir.resolve(),
        python=python,
        client=_Clients(access),
        access=access,
        docker=docker,
    )
    run_job = partial(_run_as, roles) if roles else run
    jobs = ProcessingJobs(partial(run_job, laptop=laptop))
    publisher, patches = Publisher(), Patches()
    patches.item(default_user_config, "stepfunctions", {"execute_state_machine": True})
    event_delivery.adapt(patches)
    for adapter in (
        execution_start,
        execution_stop,
        execution_list,
        execution_history,
        definition_substitutions,
        task_tokens,
    ):
        adapter.adapt(patches)
    execution_context.adapt(patches)
    execution_redrive.adapt(patches)  # before status_events, which guards what runs executions
    retry_wait.adapt(patches)
    status_events.adapt(patches, publisher)
    sagemaker_jobs.adapt(patches, jobs)
    processing_sync.adapt(patches, jobs)
    machine_clients.adapt(patches, access_key)
    sending_task.adapt(patches, _senders(access, roles))
    if roles:
        machine_role.adapt(patches, jobs, roles.iam)
    return Engine(jobs, patches, publisher)


def _run_as(roles: Roles, order: Order, laptop: Laptop) -> Outcome:
    """Run a job whose files, logs and script are signed for by the job's own role."""
    try:
        keys = roles.keys(order.request["RoleArn"], SAGEMAKER)
    except NotAllowedError as error:
        return Outcome("Failed", f"ClientError: {error}")

    def access() -> Mapping[str, str]:
        return {**laptop.access(), **keys}

    return run(order, replace(laptop, client=_Clients(access), access=access))


def _senders(access: Access, roles: Roles | None) -> sending_task.ClientOf:
    """Give what gives SQS clients for machines: with ``roles``, signed by each one's own role."""
    everybody = _Clients(access)

    @cache
    def of_role(arn: str) -> _Clients:
        keys = roles.keys(arn, STATES) if roles else {}
        return _Clients(lambda: {**access(), **keys})

    return lambda arn: (of_role(arn) if roles else everybody)("sqs")


class _Clients:
    """boto3 clients of the laptop's AWS, one per service, made when first asked for."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = _client(service, self._access())
            return self._made[service]


def _client(service: str, access: Mapping[str, str]) -> Any:
    session: Any = boto3.session.Session()
    return session.client(
        service,
        endpoint_url=access["AWS_ENDPOINT_URL"],
        region_name=access["AWS_REGION"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=access.get("AWS_SESSION_TOKEN"),
        config=Config(retries={"total_max_attempts": 2}, max_pool_connections=32),
    )


def _access(key: AccessKey) -> Mapping[str, str]:
    """Say where the laptop's AWS is now; ``Access`` with its key."""
    return key.environment(f"http://127.0.0.1:{moto_server_port()}")


def _running_executions() -> list[Any]:
    backends = [
        backend
        for account in list(stepfunctions_parser_backends.values())
        for backend in list(account.values())
    ]
    machines = [machine for backend in backends for machine in list(backend.state_machines)]
    executions = [execution for machine in machines for execution in list(machine.executions)]
    return [execution for execution in executions if execution.stop_date is None]


def _join_executions(seconds: float) -> None:
    """Wait for the engine's threads, and forget them: moto keeps every one for ever."""
    deadline = time.monotonic() + seconds
    for thread in TMP_THREADS:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))
    TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]
