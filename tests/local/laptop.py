"""The laptop's AWS in a process of its own, and what a test can do to it while it is up."""

import contextlib
import functools
import multiprocessing
import os
import re
import signal
import sys
import uuid
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

from landrun_ops import __main__
from landrun_ops.local import LocalAws, LocalAwsError
from laptop_stack import eventually
from local.commands import SECONDS


@functools.cache
def forks():
    """The context of processes that are forked from one that has imported `forkserver_preload`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["local.forkserver_preload"])
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(Path(__file__).parents[1])}):
        forkserver.ensure_running()
    return context


def typed(env, *arguments, cwd, out, err):
    """Type a command of landrun, and return its process; ``out`` and ``err`` are its files."""
    out.touch()
    process = forks().Process(target=_type, args=(env, arguments, cwd, (out, err)))
    process.start()
    return process


@contextlib.contextmanager
def staying(env, folder, *arguments, cwd, ready="(.+)\n"):
    """A command that stays, and what the pattern finds in its output; ended as by Ctrl-C.

    What it writes is in ``stdout.txt`` and ``stderr.txt`` of the folder.
    """
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    process = typed(env, *arguments, cwd=cwd, out=out, err=err)

    def said():
        assert process.is_alive(), err.read_text()
        return re.findall(ready, out.read_text())

    try:
        yield process, eventually(said)[0]
    finally:
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGINT)
            process.join(SECONDS)
            assert process.exitcode == 0


def _type(env, arguments, cwd, files):
    os.setsid()
    for stream, file in zip((sys.stdout, sys.stderr), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    signal.signal(signal.SIGINT, signal.default_int_handler)  # multiprocessing ignores it
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv[1:] = arguments
    __main__.main()


def processing_job(command):
    """A request for a job that runs a command of the shell."""
    return {
        "ProcessingJobName": f"job-{uuid.uuid4().hex}",
        "RoleArn": "arn:aws:iam::123456789012:role/any",
        "AppSpecification": {
            "ImageUri": "any",
            "ContainerEntrypoint": ["/bin/sh", "-c", command],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
    }


class Laptop:
    """``LocalAws.up`` in a process of its own; ``said`` is what it wrote to stderr.

    An execution's waits before retries are ``pace`` as long as on AWS, and queues answer long polls
    at once: nobody tests seconds.
    """

    def __init__(self, project, state_dir, parameters, port=0, *, pace=0.05, default_port=None):
        self.state_dir = state_dir
        self.errors = state_dir.with_name(f"{state_dir.name}.stderr")
        self.errors.parent.mkdir(parents=True, exist_ok=True)
        self._connection, theirs = forks().Pipe()
        how = {"port": port, "parameters": dict(parameters), "state_dir": state_dir}
        given = (theirs, self.errors, pace, default_port, project, how)
        self.process = forks().Process(target=_up, args=given)
        self.process.start()
        theirs.close()
        self.is_up = self._is_ready()

    def _is_ready(self):
        """Wait until it is up, or has ended before."""
        try:
            self._connection.recv()
        except (EOFError, ConnectionResetError):
            return False
        return True

    @property
    def said(self):
        return self.errors.read_text(encoding="utf-8")

    @property
    def aws(self):
        assert self.is_up, self.said
        return LocalAws.attach(self.state_dir)

    def ask_to_stop(self, by=signal.SIGTERM):
        if self.process.is_alive():
            os.kill(self.process.pid or 0, by)

    def stop(self, by=signal.SIGTERM):
        self.ask_to_stop(by)
        self.process.join(40)
        self._connection.close()
        return self.process.exitcode

    @contextlib.contextmanager
    def quota(self, most):
        """No more than so many Processing instances at once."""
        self._allow(most)
        try:
            yield
        finally:
            self._allow(None)

    def _allow(self, instances):
        self._connection.send(instances)
        self._connection.recv()


def _up(connection, errors, pace, default_port, project, how):
    """Be up until a signal comes, with the quotas that are told meanwhile."""
    from moto.sqs.models import SQSBackend  # noqa: PLC0415

    from landrun_ops.local import engine, server  # noqa: PLC0415  (only in its own process)
    from landrun_ops.local.moto_patches import tasks  # noqa: PLC0415
    from landrun_ops.local.patches import Patches  # noqa: PLC0415

    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    engines = []

    def keep(install, **given):
        engines.append(install(**given))
        return engines[-1]

    patches = Patches()
    patches.set(server, "PORT", default_port or server.PORT)
    patches.wrap(engine, "install", keep)
    patches.wrap(tasks, "wait", lambda wait, env, seconds: wait(env, seconds * pace))
    patches.wrap(SQSBackend, "receive_message", _receive_at_once)
    for name in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
        signal.signal(name, signal.default_int_handler)
    try:
        with LocalAws.up(project, **how):
            connection.send("ready")
            while True:
                if connection.poll(0.2):  # a signal that comes just before a wait is not seen
                    engines[-1].jobs.quota = connection.recv()
                    connection.send("done")
    except LocalAwsError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, EOFError):
        pass


def _receive_at_once(receive, backend, queue, most, _, *more, **named):
    return receive(backend, queue, most, 0, *more, **named)
