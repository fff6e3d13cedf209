"""The laptop's AWS: the stack of template.yaml, up and working, from the first to the last line."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from landrun.sanitize import printable
from landrun_ops.actions.docker import Docker
from landrun_ops.actions.invoke import invoke, patient_config, reconcile_event
from landrun_ops.local.access import AccessKey
from landrun_ops.local.adapters import adapted
from landrun_ops.local.deploy import deploy
from landrun_ops.local.dispatcher import Dispatcher
from landrun_ops.local.errors import LocalAwsError
from landrun_ops.local.functions import Functions, LocalFunction, Report
from landrun_ops.local.identities import Identities, enforced
from landrun_ops.local.invocations import Asynchronous, answered
from landrun_ops.local.schedules import Clock, payload
from landrun_ops.local.server import serve
from landrun_ops.local.settings import REGION, STACK
from landrun_ops.local.signals import stopping
from landrun_ops.local.stack import ScheduleSettings, Stack
from landrun_ops.local.state import default_state_dir, held, read, write
from landrun_ops.local.switches import schedule_is_on, show, source_is_on
from landrun_ops.local.template import translate

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sqs import SQSClient

TICKING_FUNCTION: Final = "ScheduleFunction"
RECONCILING_FUNCTION: Final = "ReconcileFunction"


def report_to_stderr(line: str) -> None:
    """Show ``line`` to people."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


@dataclass(frozen=True)
class LocalAws:
    """AWS on a laptop, with the stack in it. Made by :meth:`up`.

    Attributes
    ----------
    endpoint_url
        Where it answers, such as ``http://127.0.0.1:4566``.
    access_key
        The key that requests to it are signed with.
    outputs
        The stack's outputs.
    not_here
        Resources of the template that the laptop does without, each with the reason.
    logs
        The folder of the functions' logs, one file each.
    schedules
        The template's schedules.
    """

    endpoint_url: str
    access_key: AccessKey
    outputs: Mapping[str, str]
    not_here: Mapping[str, str]
    logs: str
    schedules: Sequence[ScheduleSettings]

    @classmethod
    @contextlib.contextmanager
    def up(
        cls,
        project: Path,
        *,
        port: int = 0,
        listen: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
        state_dir: Path | None = None,
        report: Report = report_to_stderr,
        docker: Docker | None = None,
        enforce_iam: bool = False,
    ) -> Iterator[LocalAws]:
        """Bring up the stack of ``project``/template.yaml and take it down at the end.

        On the main thread SIGTERM ends the block, unless it is handled already, and closing is not
        interrupted: nothing is left behind.

        Parameters
        ----------
        project
            The folder of template.yaml.
        port
            Where to answer on 127.0.0.1; 0 is a free port.
        listen
            Names of hosts by which containers and other machines reach it; with any, it answers on
            every address of this machine.
        parameters
            The template's parameters, where not their defaults.
        state_dir
            Where other processes find the environment, and logs go; ``.landrun/local`` by default.
        report
            Takes the lines that people should see: failures of functions, crashes.
        docker
            Runs Processing jobs in their image; None for subprocesses.
        enforce_iam
            Whether functions, machines and jobs may do only what their roles allow.

        Raises
        ------
        LocalAwsError
            One of its kinds, when the port is in use, the template broken, or another is up.
        """
        project = project.resolve()
        state_dir = (state_dir or default_state_dir(project)).resolve()
        with stopping() as turn_off_signals, contextlib.ExitStack() as closing:
            closing.enter_context(held(state_dir))
            try:
                aws = cls._start(
                    closing,
                    project,
                    port=port,
                    listen=listen,
                    parameters=parameters or {},
                    state_dir=state_dir,
                    report=report,
                    docker=docker,
                    enforce_iam=enforce_iam,
                )
                write(state_dir, {"environment": aws.environment(), **asdict(aws)})
                yield aws
            finally:
                turn_off_signals()

    @classmethod
    def attach(cls, state_dir: Path) -> LocalAws:
        """Return the one that another process holds up with this state folder.

        Raises
        ------
        NotUpError
            When none is up there.
        """
        content = read(state_dir)
        schedules = [ScheduleSettings(**schedule) for schedule in content["schedules"]]
        return cls(
            content["endpoint_url"],
            AccessKey(**content["access_key"]),
            content["outputs"],
            content["not_here"],
            content["logs"],
            schedules,
        )

    @classmethod
    def _start(
        cls,
        closing: contextlib.ExitStack,
        project: Path,
        *,
        port: int,
        listen: Sequence[str],
        parameters: Mapping[str, str],
        state_dir: Path,
        report: Report,
        docker: Docker | None,
        enforce_iam: bool,
    ) -> LocalAws:
        translated = translate(project / "template.yaml", parameters)
        key = AccessKey.random()
        endpoint_url = closing.enter_context(serve(port, key, listen=listen))
        # Late: with it comes moto, which takes seconds; wrong templates are told before.
        from landrun_ops.local.engine import install  # noqa: PLC0415

        closing.enter_context(adapted(endpoint_url))
        roles = closing.enter_context(enforced(report)) if enforce_iam else None
        program = project / "src" / "processing"
        engine = install(
            program=program, work_dir=state_dir, access_key=key, docker=docker, roles=roles
        )
        closing.callback(engine.close)
        session = _session(key)
        stack = deploy(translated, parameters, session, endpoint_url)
        show(stack)
        identities = Identities(stack, session, endpoint_url, roles) if roles else None
        logs = _empty(state_dir / "logs")
        functions = Functions(
            LocalFunction(
                one,
                access={
                    **key.environment(endpoint_url),
                    **(identities.keys[one.name] if identities else {}),
                },
                log=logs / f"{one.logical_id}.log",
                report=report,
            )
            for one in stack.functions
        )
        sqs = session.client("sqs", endpoint_url=endpoint_url)
        as_function = identities.sqs if identities else None
        closing.enter_context(_at_work(stack, functions, sqs, report, as_function))
        return cls(endpoint_url, key, stack.outputs, stack.not_here, str(logs), stack.schedules)

    def environment(self) -> dict[str, str]:
        """Return what SDKs and CLIs need to find it, the stack, and its outputs: ``LANDRUN_…``."""
        outputs = {f"LANDRUN_{_upper_snake(key)}": self.outputs[key] for key in self.outputs}
        return {
            **self.access_key.environment(self.endpoint_url),
            "LANDRUN_STACK": STACK,
            **outputs,
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of ``service``."""
        return _client(_session(self.access_key), service, self.endpoint_url)

    def tick(self, scheduled_time: datetime | None = None) -> dict[str, Any]:
        """Invoke the ScheduleFunction with Scheduler's payload and return its result.

        Works while the schedule is disabled, too.

        Parameters
        ----------
        scheduled_time
            Aware; cut to whole seconds. Now by default.

        Raises
        ------
        FunctionError
            When the function fails.
        LocalAwsError
            When the template has no schedule of it.
        """
        name = self.outputs.get(TICKING_FUNCTION, "")
        schedule = next((one for one in self.schedules if one.function == name), None)
        if schedule is None:
            raise LocalAwsError(f"the template has no schedule that invokes {TICKING_FUNCTION}")
        event = payload(schedule, scheduled_time or datetime.now(UTC))
        return invoke(self.client("lambda"), TICKING_FUNCTION, name, event)

    def reconcile(self, grace_seconds: float | None = None) -> dict[str, Any]:
        """Invoke the ReconcileFunction by hand and return what it mended, by kind.

        Parameters
        ----------
        grace_seconds
            What is younger is left alone; the function's own by default.

        Raises
        ------
        FunctionError
            When the function fails.
        LocalAwsError
            When the template has none.
        """
        name = self.outputs.get(RECONCILING_FUNCTION)
        if name is None:
            raise LocalAwsError(f"the template has no output {RECONCILING_FUNCTION}")
        event = reconcile_event(grace_seconds)
        return invoke(self.client("lambda"), RECONCILING_FUNCTION, name, event)


@contextlib.contextmanager
def _at_work(
    stack: Stack,
    functions: Functions,
    sqs: SQSClient,
    report: Report,
    as_function: Callable[[str], SQSClient] | None,
) -> Iterator[None]:
    """Let queues, schedules and Invoke reach the functions; at the end leave no process."""
    asynchronous = Asynchronous(functions, stack.asynchronous, sqs, report, as_function)
    clock = Clock(stack.schedules, asynchronous, is_on=schedule_is_on)
    dispatcher = Dispatcher(
        stack.sources,
        functions,
        asynchronous,
        sqs,
        report=report,
        as_function=as_function,
        is_on=source_is_on,
    )
    with answered(functions, asynchronous):
        try:
            functions.warm()
            dispatcher.start()
            clock.start()
            yield
        finally:
            for part in (clock, dispatcher, asynchronous):
                part.stop()
            functions.close()
            for part in (clock, dispatcher, asynchronous):
                part.wait()


def _session(key: AccessKey) -> boto3.Session:
    import boto3  # noqa: PLC0415  (late: takes a third of a second)

    return boto3.Session(key.id, key.secret, region_name=REGION)


def _client(session: boto3.Session, service: str, endpoint_url: str) -> Any:
    return session.client(service, endpoint_url=endpoint_url, config=patient_config())  # type: ignore[call-overload]


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _upper_snake(name: str) -> str:
    """``LandingQueueUrl`` to ``LANDING_QUEUE_URL``."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name).upper()[1:]
