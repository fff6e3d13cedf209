"""One host of a Processing job: its folders, its configuration, what runs on it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from landrun_ops.actions.docker import Docker
from landrun_ops.local.processing_job.container import Container, command_line, rewrite
from landrun_ops.local.processing_job.docker_container import DockerContainer
from landrun_ops.local.processing_job.files import Put, inside
from landrun_ops.local.processing_job.logs import LogStream
from landrun_ops.local.processing_job.spark import is_spark, submit

# Of this process's environment, what a program needs to run at all; a container sees no more.
_INHERITED: Final = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME")


@dataclass(frozen=True)
class Laptop:
    """What stands for SageMaker's machines.

    ``program`` stands for ``/opt/program``; jobs leave their logs in ``work_dir/jobs/<job>/``;
    ``python`` is the interpreter; ``client("s3")`` is a boto3 client, and ``access`` the
    environment by which a script's own finds AWS; ``grace`` are the seconds between SIGTERM and
    SIGKILL; ``docker`` runs jobs in their image, without it they are subprocesses.
    """

    program: Path
    work_dir: Path
    python: str
    client: Callable[[str], Any]
    put: Put
    access: Callable[[], Mapping[str, str]]
    grace: float = 5.0
    docker: Docker | None = None


class Host:
    """One instance of a job; ``folder`` is the job's, in which this one has a folder and a log."""

    def __init__(self, name: str, folder: Path, request: Mapping[str, Any], laptop: Laptop) -> None:
        self.name = name
        self.folder = folder / name
        self.opt_ml = self.folder / "opt" / "ml"
        self.container: Container | None = None
        self._log_file = folder / f"{name}.log"
        self._request = request
        self._laptop = laptop
        stream = f"{request['ProcessingJobName']}/{name}-{int(time.time())}"
        self.log = LogStream(laptop.client("logs"), stream, self._log_file)

    def lay_out(self, arn: str, names: Sequence[str], outputs: Sequence[Mapping[str, Any]]) -> None:
        """Make the folders, and SageMaker's two files in ``config``; ``names`` are all hosts'."""
        for folder in ("config", "output", "processing"):
            (self.opt_ml / folder).mkdir(parents=True)
        for output in outputs:
            path = output["S3Output"]["LocalPath"]
            inside(self.opt_ml, path).mkdir(parents=True, exist_ok=True)
        cluster = self._request["ProcessingResources"]["ClusterConfig"]
        resources = {
            "current_host": self.name,
            "hosts": names,
            "current_instance_type": cluster.get("InstanceType"),
            "network_interface_name": "lo",
        }
        job = {"ProcessingJobArn": arn, **self._request}
        for name, content in (("processingjobconfig", job), ("resourceconfig", resources)):
            text = json.dumps(self._localised(content), indent=2)
            (self.opt_ml / "config" / f"{name}.json").write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start the job's command. Raises ContainerStartError when that is not possible."""
        self.container = self._container()
        self.container.start()

    def _container(self) -> Container:
        laptop, image = self._laptop, self._request["AppSpecification"]
        if laptop.docker is not None:
            return DockerContainer(
                self._request,
                self.name,
                laptop.access(),
                opt_ml=self.opt_ml,
                log=self._log_file,
                grace=laptop.grace,
                docker=laptop.docker,
            )
        words = [*image["ContainerEntrypoint"], *image.get("ContainerArguments", ())]
        command = command_line(
            words, python=laptop.python, opt_ml=self.opt_ml, program=laptop.program
        )
        environment = self._environment()
        if is_spark(command):
            command = submit(
                command,
                host=self.name,
                python=laptop.python,
                program=laptop.program,
                environment=environment,
            )
        return Container(command, environment, self.folder, self._log_file, laptop.grace)

    def _environment(self) -> dict[str, str]:
        own = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        bin_folder = str(Path(self._laptop.python).parent)
        return {
            **own,
            "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self._laptop.access(),
            **self._localised(self._request.get("Environment") or {}),
            "LANDRUN_OPT_ML": str(self.opt_ml),
        }

    def _localised(self, value: Any) -> Any:
        if self._laptop.docker is not None:
            return value
        if isinstance(value, Mapping):
            return {key: self._localised(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self._localised(member) for member in value]
        if isinstance(value, str):
            return rewrite(value, opt_ml=self.opt_ml, program=self._laptop.program)
        return value
