"""The job's image: how it is built and pushed, and the folders that its user is given in it."""

import base64
import json
import os
from pathlib import Path
from unittest.mock import MagicMock, call

import pytest

import mounts
from landrun.errors import ConfigurationError
from landrun_ops.actions.docker import DockerError
from landrun_ops.actions.image import DOCKERFILES, Repository, build, push, repository, spark_base
from landrun_ops.stack.stack import Stack

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/landrun"
DIGEST = f"{URI}@sha256:{'0' * 64}"


def deployed(**outputs):
    """A stack with these outputs, in an account whose ECR gives a password."""
    ecr, token = MagicMock(), base64.b64encode(b"AWS:pass:word").decode()
    given = {"authorizationData": [{"authorizationToken": token}]}
    ecr.get_authorization_token.return_value = given
    return Stack("mine", "us-east-1", outputs, {}, {"ecr": ecr}.__getitem__)


def test_a_stack_s_repository_is_its_output_with_a_password_of_ecr():
    found = repository(deployed(ImageRepositoryUri=URI))
    assert found == Repository(URI, "AWS", "pass:word")
    with pytest.raises(ConfigurationError, match="state machine of yours"):
        repository(deployed(LandingBucket="b"))


@pytest.mark.parametrize(
    ("engine", "platform", "arguments", "words"),
    [
        ("script", "linux/amd64", {"RUN_AS": "l"}, ["Dockerfile", "--build-arg", "RUN_AS=l"]),
        ("script", "linux/arm64", {"RUN_AS": ""}, ["Dockerfile", "--platform", "linux/arm64"]),
        ("spark", "", {"BASE_IMAGE": "b"}, ["Dockerfile.spark", "--build-arg", "BASE_IMAGE=b"]),
    ],
    ids=["this machine's platform", "another platform", "Spark's own Dockerfile"],
)
def test_an_image_is_built_without_attestations_and_with_what_is_not_the_default(
    monkeypatch, engine, platform, arguments, words
):
    monkeypatch.setattr("landrun_ops.actions.image.machine.machine", lambda: "x86_64")
    docker, [dockerfile, *more] = MagicMock(), words
    build(docker, Path("f"), "n", engine=engine, platform=platform, **arguments)
    given, named = docker.show.call_args
    assert given == ("build", "--tag", "n", "--file", f"f/{dockerfile}", *more, "f")
    assert named["environment"]["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"


def test_a_push_signs_in_by_stdin_and_returns_the_digest_or_says_that_there_is_none():
    docker = MagicMock(return_value=json.dumps(["other@sha256:1", DIGEST]))
    assert push(docker, "n", Repository(URI, "AWS", "secret"), "latest") == DIGEST
    assert call("tag", "n", f"{URI}:latest") in docker.mock_calls
    docker.show.assert_called_once_with("push", f"{URI}:latest")
    secrets = [one for one in docker.mock_calls if "secret" in str(one)]
    assert [one.kwargs for one in secrets] == [{"stdin": "secret"}]
    with pytest.raises(DockerError, match="digest"):
        push(MagicMock(return_value="null"), "n", Repository(URI, "AWS", "secret"), "latest")


def test_sparks_image_is_made_from_sagemakers_of_the_region():
    assert spark_base("eu-central-1") == (
        "906073651304.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312"
    )
    with pytest.raises(ConfigurationError, match="--base-image"):
        spark_base("moon-east-1")


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values())
def test_all_that_a_dockerfile_copies_is_let_into_the_build(root, dockerfile):
    folder = root / "src/processing"
    copied = [
        word
        for line in (folder / dockerfile).read_text("utf-8").splitlines()
        if line.startswith("COPY ")
        for word in line.split()[1:-1]
    ]
    let_in = (folder / ".dockerignore").read_text("utf-8").splitlines()

    assert copied
    for name in copied:
        assert (folder / name).exists()
        assert f"!{name}/*.py" in let_in or f"!{name}" in let_in


# The folders that a job writes to


def config(*local_paths):
    outputs = [{"S3Output": {"LocalPath": path}} for path in local_paths]
    return json.dumps({"ProcessingOutputConfig": {"Outputs": outputs}})


GIVEN = config("/opt/ml/processing/output/done", "/opt/ml/processing/report/")
OTHERS = ("/etc", "/opt/ml", "/opt/ml/config", "/opt/ml/processing/../../../etc", 7)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (GIVEN, ["output", "processing/output/done", "processing/report"]),
        *((config(path), ["output"]) for path in OTHERS),
        ("", ["output"]),
        ("null", ["output"]),
    ],
)
def test_outputs_of_the_job_and_the_exit_message_s_folder_are_given_and_no_other(
    tmp_path, text, given
):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/processingjobconfig.json").write_text(text)
    mounts.give(tmp_path, os.getuid())
    assert mounts.outputs(tmp_path) == [tmp_path / path for path in given]
    assert all((tmp_path / path).is_dir() for path in given)


def test_what_a_symbolic_link_leads_to_is_not_given(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="output"):
        mounts.give(tmp_path, os.getuid())
