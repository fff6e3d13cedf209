"""What a job's command comes to: as a subprocess, as Spark's, in Docker."""

import io
import sys
import tarfile
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from docker.errors import NotFound

from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.local.processing_job.container import (
    ContainerStartError,
    Subprocess,
    rewrite,
)
from landrun_ops.local.processing_job.docker_container import LABEL, DockerContainer, connect
from landrun_ops.local.processing_job.files import TransferError
from landrun_ops.local.processing_job.spark import is_spark, submit

OPT_ML, PROGRAM = Path("/t/ml"), Path("/p")
FILE = "file://"


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/opt/ml/a:/opt/ml/b", "/t/ml/a:/t/ml/b"),
        (f"{FILE}/opt/ml/a", f"{FILE}/t/ml/a"),
        ("cat '/opt/ml/a' > /opt/ml/b", "cat '/t/ml/a' > /t/ml/b"),
        ("/opt/program/x.py", "/p/x.py"),
        ("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x"),
        ("/opt/mlflow/x", "/opt/mlflow/x"),
    ],
)
def test_only_paths_under_the_two_folders_are_rewritten(text, rewritten):
    assert rewrite(text, OPT_ML, PROGRAM) == rewritten


@pytest.mark.parametrize(
    ("begin", "grace", "code"),
    [("echo ready", 20, 128 + 15), ("trap '' TERM; echo ready", 0.1, 137)],
)
def test_stopped_script_gets_sigterm_and_after_the_grace_sigkill(tmp_path, begin, grace, code):
    command = ["sh", "-c", f"{begin}; exec sleep 60"]
    container = Subprocess(command, {}, tmp_path, tmp_path / "log", grace)
    container.start()
    while not (tmp_path / "log").read_text():
        assert container.wait(0.01) is None
    container.stop()
    assert container.wait(0) == code


def test_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContainerStartError, match="/no/such"):
        Subprocess(["/no/such"], {}, tmp_path, tmp_path / "log", 0).start()


# What stands for smspark-submit

WORDS = ["smspark-submit", "/p/preprocess.py", "--output", "/o"]


def program(path, says):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


def submitted(words, folder, python, host="algo-1", java="17.0.15"):
    if java:
        program(folder / f"bin{java}" / "java", f'openjdk version "{java}" 2025-04-15')
    path = f"{folder}/bin{java}:/usr/bin:/bin" if java else str(folder / "empty")
    return submit(words, host, python, folder / "a/b", {"PATH": path})


def test_the_script_is_run_by_python_without_the_clusters_options(tmp_path):
    assert is_spark(WORDS)
    assert not is_spark(["python3", WORDS[0]])
    python = program(tmp_path / "python", "True")
    assert submitted(WORDS, tmp_path, python, java="1.8.0_412") == [python, *WORDS[1:]]
    options = ["-v", "--spark-event-logs-s3-uri", "s3://b/logs", "--py-files=/x"]
    own = program(tmp_path / ".venv-spark/bin/python", "True")
    words = submitted([WORDS[0], *options, "/p/mine.py", "--py-files", "y"], tmp_path, python)
    assert words == [own, "/p/mine.py", "--py-files", "y"]
    other = submitted(WORDS, tmp_path, sys.executable, host="algo-2")
    assert "preprocess.py" not in " ".join(other)


@pytest.mark.parametrize(
    ("java", "spark", "why"),
    [
        ("17", "False", r"tests/spark/install\.sh"),
        ("21.0.2", "True", r"Java 21 at .*openjdk-17"),
        ("", "True", r"no Java.*openjdk-17"),
    ],
)
def test_what_spark_lacks_is_named_with_the_remedy(tmp_path, java, spark, why):
    with pytest.raises(ContainerStartError, match=why):
        submitted(WORDS, tmp_path, program(tmp_path / "python", spark), java=java)


# In Docker

REQUEST = {
    "ProcessingJobName": "landrun-1-abc",
    "AppSpecification": {
        "ImageUri": "mine:1",
        "ContainerEntrypoint": ["python3", "/opt/program/x.py"],
        "ContainerArguments": ["--input", "/opt/ml/processing/in; rm -rf /"],
    },
    "Environment": {"MODE": "a b", "AWS_REGION": "mine"},
    "ProcessingInputs": [{"S3Input": {"LocalPath": "/opt/ml/processing/in/"}}],
    "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"LocalPath": "/opt/ml/processing/out"}}]},
}


def container(folder, client, **changes):
    """A host of a job in Docker, with a stand-in for Docker's client."""
    (folder / "ml").mkdir()
    client.containers.create.return_value.logs.return_value = [b"hello\n"]
    access = {"AWS_REGION": "here", "AWS_ENDPOINT_URL": "u"}
    files = {"owner": folder, "opt_ml": folder / "ml", "log": folder / "log"}
    return DockerContainer(REQUEST | changes, "algo-1", access, **files, grace=1, client=client)


@pytest.mark.parametrize("isolated", [False, True])
def test_a_container_is_created_as_the_request_says_and_sagemaker_does(tmp_path, isolated):
    network, client = {"EnableNetworkIsolation": isolated}, MagicMock()
    container(tmp_path, client, NetworkConfig=network).start()
    [image], options = client.containers.create.call_args
    application = REQUEST["AppSpecification"]
    assert image == "mine:1"
    assert options["entrypoint"] == application["ContainerEntrypoint"]
    assert options["command"] == application["ContainerArguments"]
    assert options["network_mode"] == ("none" if isolated else "host")
    assert options["environment"] == {"AWS_REGION": "mine", "AWS_ENDPOINT_URL": "u", "MODE": "a b"}
    # what SageMaker mounts is a volume that hides the image's own, and bears the job's name
    hiding = {"NoCopy": True, "Labels": {LABEL: "landrun-1-abc"}}
    assert [(one["Target"], one["Type"], one["VolumeOptions"]) for one in options["mounts"]] == [
        (f"/opt/ml/{folder}", "volume", hiding)
        for folder in ("config", "processing/in", "output", "processing/out")
    ]


def test_a_container_that_cannot_be_started_says_why_in_dockers_words(tmp_path):
    client = MagicMock()
    starting = container(tmp_path, client)
    client.containers.create.side_effect = NotFound("No such thing")
    with pytest.raises(ContainerStartError, match="cannot run mine:1: No such thing"):
        starting.start()
    starting.discard()


def test_without_docker_that_is_said(monkeypatch):
    with pytest.raises(DockerError, match="install Docker"):
        Docker("no-such-docker")("version")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(DockerError, match="install Docker"):
        connect("mine:1", "make image")


def archived(*members):
    """What a container gives back for every folder: names, types and contents."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "/etc/shadow"
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_files_come_back_and_links_and_devices_do_not_or_it_is_said_why(tmp_path):
    client = MagicMock()
    ended = container(tmp_path, client)
    ended.start()
    get_archive = client.containers.create.return_value.get_archive
    others = [("out/b", kind, b"") for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE)]
    outputs = archived(("out/deep/a.txt", tarfile.REGTYPE, b"hello"), *others)
    get_archive.return_value = ([outputs], None)
    ended.collect()
    found = [path for path in (tmp_path / "ml/processing/out").rglob("*") if path.is_file()]
    assert [(path.name, path.read_bytes()) for path in found] == [("a.txt", b"hello")]
    get_archive.return_value = ([archived(("out/../../x", tarfile.REGTYPE, b""))], None)
    with pytest.raises(TransferError, match="leaves its folder"):
        ended.collect()
    get_archive.side_effect = NotFound("No such thing")
    with pytest.raises(TransferError, match="No such thing"):
        ended.collect()
