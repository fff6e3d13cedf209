"""One host of a Processing job: its folders, its configuration, what runs on it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landrun_ops.local.container import Container, ProcessContainer, command_line, rewrite
from landrun_ops.local.docker_container import DockerContainer, Spec
from landrun_ops.local.processing_files import inside
from landrun_ops.local.processing_logs import LogStream
from landrun_ops.local.spark_process import is_spark, submit

if TYPE_CHECKING:
    from landrun_ops.local.processing_job import Laptop, Order

# Of this process's environment, what a program needs to run at all; the rest a container
# would not see either.
_INHERITED = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME")


@dataclass
class Host:
    """One instance of a job: its name, its folder, its log."""

    name: str
    folder: Path
    log: LogStream
    log_file: Path
    container: Container | None = None

    @property
    def opt_ml(self) -> Path:
        """What ``/opt/ml`` stands for."""
        return self.folder / "opt" / "ml"


def lay_out(order: Order, host: Host, names: list[str], laptop: Laptop) -> None:
    """Make a host's folders, and SageMaker's two files in ``config``; ``names`` are all hosts'."""
    for folder in ("config", "output", "processing"):
        (host.opt_ml / folder).mkdir(parents=True)
    for output in order.outputs:
        inside(host.opt_ml, output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
    cluster = order.request["ProcessingResources"]["ClusterConfig"]
    resources = {
        "current_host": host.name,
        "hosts": names,
        "current_instance_type": cluster.get("InstanceType"),
        "network_interface_name": "lo",
    }
    job = {"ProcessingJobArn": order.arn, **order.request}
    for name, content in (("processingjobconfig", job), ("resourceconfig", resources)):
        path = host.opt_ml / "config" / f"{name}.json"
        path.write_text(json.dumps(_localised(content, host, laptop), indent=2), encoding="utf-8")


def _localised(value: Any, host: Host, laptop: Laptop) -> Any:
    if laptop.docker is not None:
        return value
    if isinstance(value, Mapping):
        return {key: _localised(member, host, laptop) for key, member in value.items()}
    if isinstance(value, list):
        return [_localised(member, host, laptop) for member in value]
    if isinstance(value, str):
        return rewrite(value, opt_ml=host.opt_ml, program=laptop.program)
    return value


def container_of(order: Order, host: Host, laptop: Laptop) -> Container:
    """Give what runs the job's command on a host: a container of its image, or a subprocess."""
    if laptop.docker is not None:
        spec = Spec.of(order.request, host.name, laptop.access())
        return DockerContainer(spec, host.opt_ml, host.log_file, laptop.docker)
    image = order.request["AppSpecification"]
    words = [*image["ContainerEntrypoint"], *image.get("ContainerArguments", ())]
    command = command_line(words, python=laptop.python, opt_ml=host.opt_ml, program=laptop.program)
    environment = _environment(order, host, laptop)
    if is_spark(command):
        command = submit(
            command,
            host=host.name,
            python=laptop.python,
            program=laptop.program,
            environment=environment,
        )
    return ProcessContainer(command, environment, host.folder, host.log_file)


def _environment(order: Order, host: Host, laptop: Laptop) -> dict[str, str]:
    own = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    path = os.pathsep.join([str(Path(laptop.python).parent), os.environ.get("PATH", os.defpath)])
    asked = _localised(order.request.get("Environment") or {}, host, laptop)
    return {
        **own,
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **laptop.access(),
        **asked,
        "LANDRUN_OPT_ML": str(host.opt_ml),
    }
