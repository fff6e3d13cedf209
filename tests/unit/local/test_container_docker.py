"""A host of a job in Docker: the command it comes to, and what may come back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from landrun_ops.actions.docker import Docker, DockerError
from landrun_ops.local.container import ContainerStartError
from landrun_ops.local.docker_container import LABEL, DockerContainer, Spec
from landrun_ops.local.processing_files import TransferError

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


def spec(**changes: object) -> Spec:
    return Spec.of(REQUEST | changes, "algo-1", {"AWS_REGION": "here", "AWS_ENDPOINT_URL": "u"})


def options(words: list[str], name: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == name]


def test_entrypoint_and_arguments_reach_docker_as_they_are() -> None:
    words = spec().create_words()
    assert options(words, "--entrypoint") == ["python3"]
    assert words[words.index("mine:1") :] == [
        "mine:1",
        "/opt/program/x.py",
        "--input",
        "/opt/ml/processing/in; rm -rf /",
    ]


def test_without_an_entrypoint_the_image_s_own_runs() -> None:
    words = spec(AppSpecification={"ImageUri": "mine:1"}).create_words()
    assert "--entrypoint" not in words
    assert words[-1] == "mine:1"


def test_what_sagemaker_mounts_is_a_volume_that_hides_the_image_s_own() -> None:
    mounts = options(spec().create_words(), "--mount")
    assert [mount.split(",")[1] for mount in mounts] == [
        "dst=/opt/ml/config",
        "dst=/opt/ml/processing/in",
        "dst=/opt/ml/output",
        "dst=/opt/ml/processing/out",
    ]
    assert all("volume-nocopy=true" in mount.split(",") for mount in mounts)


def test_its_volumes_bear_the_job_s_name_as_it_does_itself() -> None:
    words = spec().create_words()
    (label,) = options(words, "--label")
    mounts = options(words, "--mount")
    assert label.startswith(f"{LABEL}=")
    assert all(f"volume-label={label}" in mount.split(",") for mount in mounts)


def test_environment_is_the_job_s_over_the_laptop_s() -> None:
    given = options(spec().create_words(), "--env")
    assert given == ["AWS_REGION=mine", "AWS_ENDPOINT_URL=u", "MODE=a b"]


def test_keys_are_in_docker_s_environment_and_not_among_its_words() -> None:
    access = {"AWS_ACCESS_KEY_ID": "LKIA1", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_REGION": "here"}
    given = Spec.of(REQUEST, "algo-1", access)
    assert options(given.create_words(), "--env")[:2] == [*given.keys]
    assert given.keys == {"AWS_ACCESS_KEY_ID": "LKIA1", "AWS_SECRET_ACCESS_KEY": "hidden"}


def test_only_an_isolated_job_has_no_network() -> None:
    assert options(spec().create_words(), "--network") == ["host"]
    isolated = spec(NetworkConfig={"EnableNetworkIsolation": True})
    assert options(isolated.create_words(), "--network") == ["none"]


def test_an_image_that_is_not_here_is_not_looked_for_elsewhere() -> None:
    assert options(spec().create_words(), "--pull") == ["never"]


# With a stand-in for docker.


def stand_in(folder: Path, script: str) -> Docker:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Docker(str(program))


def container(folder: Path, script: str) -> DockerContainer:
    (folder / "ml" / "config").mkdir(parents=True)
    (folder / "ml" / "config" / "a.json").write_text("{}")
    return DockerContainer(spec(), folder / "ml", folder / "log", stand_in(folder, script))


def test_everything_copied_into_a_container_is_root_s(tmp_path: Path) -> None:
    starting = container(tmp_path, f'[ "$1" != cp ] || cat > {tmp_path}/in.tar')
    starting.start()
    assert starting.wait(10) == 0
    with tarfile.open(tmp_path / "in.tar") as archive:
        members = {member.name: member for member in archive}
    assert {"opt/ml/config", "opt/ml/config/a.json"} <= members.keys()
    owners = {(one.uid, one.gid, one.uname, one.gname) for one in members.values()}
    assert owners == {(0, 0, "root", "root")}
    assert members["opt/ml/config/a.json"].mode == 0o644


@pytest.mark.parametrize("step", ["create", "cp"])
def test_a_container_that_cannot_be_made_says_why_in_docker_s_words(
    tmp_path: Path, step: str
) -> None:
    script = (
        f'[ "$1" != {step} ] || {{ echo "Error response from daemon: No such image" >&2; exit 1; }}'
    )
    with pytest.raises(
        ContainerStartError, match=f"cannot run mine:1: docker {step}: No such image"
    ):
        container(tmp_path, script).start()


def test_without_docker_that_is_said() -> None:
    with pytest.raises(DockerError, match="install Docker"):
        Docker("no-such-docker")("version")


def written(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> str:
    """A stand-in that gives these back for every folder."""
    with tarfile.open(folder / "out.tar", "w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return f'[ "$1" != cp ] || cat {folder}/out.tar'


def link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def test_files_come_back_and_links_and_devices_do_not(tmp_path: Path) -> None:
    members = [
        (tarfile.TarInfo("out/deep/a.txt"), b"hello"),
        (link("out/shadow", "/etc/shadow", tarfile.SYMTYPE), b""),
        (link("out/hard", "/etc/shadow", tarfile.LNKTYPE), b""),
        (link("out/device", "", tarfile.CHRTYPE), b""),
    ]
    ended = container(tmp_path, written(tmp_path, *members))
    ended.collect()
    found = sorted(path for path in (tmp_path / "ml/processing/out").rglob("*") if path.is_file())
    assert [path.name for path in found] == ["a.txt"]
    assert found[0].read_bytes() == b"hello"


def test_a_file_that_would_leave_its_folder_does_not_come_back(tmp_path: Path) -> None:
    ended = container(tmp_path, written(tmp_path, (tarfile.TarInfo("out/../../x"), b"")))
    with pytest.raises(TransferError, match="leaves its folder"):
        ended.collect()


def test_a_container_that_is_gone_has_no_outputs(tmp_path: Path) -> None:
    ended = container(tmp_path, 'echo "Error: No such container" >&2; exit 1')
    with pytest.raises(TransferError, match="No such container"):
        ended.collect()
    ended.discard()
