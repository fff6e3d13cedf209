"""The laptop's AWS: brings up the stack of template.yaml, and takes it down."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from landrun.sanitize import printable
from landrun_ops.actions.invoke import invoke, patient_config
from landrun_ops.local.access import AccessKey
from landrun_ops.local.deploy import Stack, deploy
from landrun_ops.local.event_sources import Poller
from landrun_ops.local.lambda_runtime import Lambda, LocalFunction, Report
from landrun_ops.local.schedules import Clock, payload
from landrun_ops.local.server import serve
from landrun_ops.local.settings import REGION, STACK
from landrun_ops.local.state import Processes, default_state_dir, held, read, write
from landrun_ops.local.template import translate

if TYPE_CHECKING:
    from docker import DockerClient

    from landrun_ops.local.roles import Roles

LOG_FILE: Final = "aws.log"


def report_to_stderr(line: str) -> None:
    """Write ``line`` to stderr."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


@dataclass(frozen=True)
class LocalAws:
    """AWS on a laptop, with the stack in it. Made by :meth:`up`.

    Requests to ``endpoint_url`` are signed with ``access_key``; ``outputs`` are the stack's, and
    ``logs`` is the folder of the functions' logs, one file each.
    """

    endpoint_url: str
    access_key: AccessKey
    outputs: Mapping[str, str]
    logs: str

    @classmethod
    @contextlib.contextmanager
    def up(
        cls,
        project: Path,
        *,
        port: int | None = 0,
        listen: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
        state_dir: Path | None = None,
        report: Report = report_to_stderr,
        docker: DockerClient | None = None,
        enforce_iam: bool = False,
    ) -> Iterator[LocalAws]:
        """Bring up the stack of ``project``/template.yaml and take it down at the end.

        It answers on ``port`` of 127.0.0.1; 0 is a free one, None is 7741 or the next free one.
        With ``listen``, names of hosts, containers and other machines reach it by these, too.
        Other processes find its environment in ``state_dir``, ``.landrun/local`` by default.
        ``report`` takes the lines that people should see. ``docker`` runs Processing jobs in their
        image; by default they are subprocesses. Raises LocalAwsError when the port is in use, the
        template is invalid, or another one is up.
        """
        project = project.resolve()
        state_dir = (state_dir or default_state_dir(project)).resolve()
        given = parameters or {}
        with contextlib.ExitStack() as closing:
            for line in closing.enter_context(held(state_dir)):
                report(line)
            closing.enter_context(_logged(state_dir / LOG_FILE, report))
            translated = translate(project / "template.yaml", given)
            key = AccessKey.random()
            endpoint_url = closing.enter_context(serve(port, key, report, listen=listen))
            # Late: with them comes moto, which takes seconds; wrong templates are reported before.
            from landrun_ops.local.engine import install  # noqa: PLC0415
            from landrun_ops.local.roles import enforced  # noqa: PLC0415

            if docker is not None:
                from landrun_ops.local.processing_job import docker_container  # noqa: PLC0415

                docker_container.remove_leftovers(docker, state_dir)
            roles = closing.enter_context(enforced(report)) if enforce_iam else None
            engine = install(
                program=project / "src" / "processing",
                work_dir=state_dir,
                access=key.environment(endpoint_url),
                docker=docker,
                roles=roles,
            )
            closing.callback(engine.close)
            stack = deploy(translated, given, _clients(key.environment(endpoint_url)))
            logs = state_dir / "logs"
            shutil.rmtree(logs, ignore_errors=True)
            logs.mkdir()
            aws = cls(endpoint_url, key, stack.outputs, str(logs))
            closing.enter_context(_at_work(aws, stack, roles, Processes(state_dir), report))
            write(state_dir, {"environment": aws.environment(), **asdict(aws)})
            yield aws

    @classmethod
    def attach(cls, state_dir: Path) -> LocalAws:
        """Return the one that another process has up in this state folder.

        Raises NotUpError when there is none.
        """
        content = read(state_dir)
        key = AccessKey(**content["access_key"])
        return cls(content["endpoint_url"], key, content["outputs"], content["logs"])

    def environment(self) -> dict[str, str]:
        """Return the variables by which SDKs find it, and the stack's outputs as ``LANDRUN_…``."""
        environment = self.access_key.environment(self.endpoint_url)
        for name, value in {"Stack": STACK, **self.outputs}.items():
            environment["LANDRUN" + re.sub("([A-Z])", r"_\1", name).upper()] = value
        return environment

    def client(self, service: str) -> Any:
        """Return a boto3 client of ``service``."""
        environment = self.access_key.environment(self.endpoint_url)
        return _clients(environment)(service, config=patient_config())

    def tick(self, scheduled_time: datetime | None = None) -> dict[str, Any]:
        """Invoke ScheduleFunction as its schedule does; raises FunctionError when it fails."""
        name, scheduler = self.outputs["ScheduleFunction"], self.client("scheduler")
        group, schedule = self.outputs["ScheduleArn"].split("/")[-2:]
        found = scheduler.get_schedule(GroupName=group, Name=schedule)
        text, time = found["Target"].get("Input", ""), scheduled_time or datetime.now(UTC)
        event = payload(found["Arn"], text, time)
        return invoke(self.client("lambda"), "ScheduleFunction", name, event)


@contextlib.contextmanager
def _at_work(
    aws: LocalAws, stack: Stack, roles: Roles | None, processes: Processes, report: Report
) -> Iterator[None]:
    """Let queues, schedules and Invoke reach the functions; end all processes afterwards."""
    access = aws.access_key.environment(aws.endpoint_url)
    sqs, logs = _clients(access)("sqs"), Path(aws.logs)
    functions, signed = [], {}
    for one in stack.functions:
        name, role = one.configuration["FunctionName"], one.configuration["Role"]
        keys = {**access, **(roles.keys(role, "lambda.amazonaws.com") if roles else {})}
        signed[name] = _clients(keys)("sqs") if roles else sqs
        functions.append(
            LocalFunction(one, access=keys, logs=logs, report=report, processes=processes)
        )
    runtime = Lambda(functions, stack.asynchronous, signed.__getitem__, report)
    threads: list[Clock | Poller] = [
        Clock(runtime.invoke_async, report),
        *(Poller(one, runtime, sqs, signed[one.function_name], report) for one in stack.sources),
    ]
    with runtime.answering():
        try:
            # What only a schedule invokes starts with its first invocation.
            for source in stack.sources:
                runtime.functions[source.function_name].warm()
            for thread in threads:
                thread.start()
            yield
        finally:
            for thread in threads:
                thread.stop()
            runtime.stop()
            for thread in threads:
                if thread.is_alive():
                    thread.join()


@contextlib.contextmanager
def _logged(path: Path, report: Report) -> Iterator[None]:
    """Send all logging to a file, and landrun's own errors to ``report`` as well."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reason = f": {record.exc_info[1]!r}" if record.exc_info else ""
            report(f"{record.getMessage()}{reason} (see {path})")

    file, lines = logging.FileHandler(path, mode="w", encoding="utf-8"), Lines(logging.ERROR)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    with contextlib.ExitStack() as closing:
        closing.callback(file.close)
        for name, handler in (("", file), ("landrun_ops", lines)):
            logging.getLogger(name).addHandler(handler)
            closing.callback(logging.getLogger(name).removeHandler, handler)
        yield


def _clients(environment: Mapping[str, str]) -> Callable[..., Any]:
    """Return the factory of boto3 clients that sign and connect as an environment says."""
    import boto3  # noqa: PLC0415  (late: takes a third of a second)

    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        environment.get("AWS_SESSION_TOKEN"),
        region_name=REGION,
    )
    return partial(session.client, endpoint_url=environment["AWS_ENDPOINT_URL"])
