"""What holds for every command: an example in its help, one line per error, a quick start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from landrun.errors import ConfigurationError
from landrun_ops import cli
from landrun_ops.cli import console, local
from landrun_ops.cli.target import project_folder


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from _commands(command.get_command(context, name), (*path, name))


COMMANDS = sorted(_commands(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--help"]) == 0
    example = capsys.readouterr().out.partition("Example: ")[2]
    assert " ".join(("landrun", *command)) in " ".join(example.split())


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        ("show", "landrun show [OPTIONS] RUN"),
        ("rerun", "landrun rerun [OPTIONS] [RUN…]"),
        ("start", "landrun start [OPTIONS] URI…"),
        ("stop", "landrun stop [OPTIONS] RUN…"),
        ("redrive", "landrun redrive [OPTIONS]"),
        ("demo", "landrun demo [OPTIONS] [INPUT]"),
        ("workflow execute", "landrun workflow execute [OPTIONS] INPUT OUTPUT"),
    ],
)
def test_a_usage_line_names_what_to_type(
    words: str, usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.run([*words.split(), "--help"])
    assert capsys.readouterr().out.splitlines()[0] == f"Usage: {usage}"


GROUPS = {(), ("local",), ("workflow",)}
NOT_ON_A_STACK = {("adopt",), ("demo",), ("image",), ("workflow", "render"), *GROUPS}


@pytest.mark.parametrize("command", [one for one in COMMANDS if one not in GROUPS], ids=" ".join)
def test_every_command_writes_json_and_says_which_stack_it_is_about(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.run([*command, "--help"])
    said = capsys.readouterr().out
    assert "--json" in said
    if command not in NOT_ON_A_STACK and command[0] != "local":
        assert all(option in said for option in ("--stack", "--profile", "--region"))


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("landrun re", {"redrive", "rerun", "reconcile", "report"}),
        ("landrun workflow e", {"execute"}),
        ("landrun runs --st", {"--stack", "--status", "--state-dir"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    words: str,
    completed: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (("LANDRUN_COMPLETE", "complete_bash"), ("COMP", "")):
        monkeypatch.setenv(f"_{name}", value)
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit):
        cli.run([])
    assert set(capsys.readouterr().out.split()) == completed


def test_every_group_is_walked_through() -> None:
    assert {("demo",), ("runs",), ("local", "up"), ("workflow", "render")} <= set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command 'nonsense'; see: landrun --help"),
        (["runs", "--limit", "0"], "see: landrun runs --help"),
        (["runs", "--nonsense"], "No such option"),
        (["local"], "Missing command; see: landrun local --help"),
        (["local", "up", "--parameter", "Name"], "write --parameter Name=Value"),
        (["local", "tick", "--time", "yesterday"], "is not an ISO 8601 time"),
        (["demo", "--project", "/nowhere"], "has no template.yaml"),
        (["demo", "/nowhere.csv"], "does not exist"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy_and_exit_code_2(
    arguments: list[str],
    words: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(root)
    assert cli.run(arguments) == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert line.startswith("landrun: ")
    assert words in line
    assert said.out == ""


@pytest.fixture(params=["full", "closed"])
def broken(request: pytest.FixtureRequest) -> Iterator[tuple[int, int, int]]:
    """A file that cannot be written; the exit code and the lines of complaint that follow."""
    if request.param == "full":
        if not Path("/dev/full").exists():
            pytest.skip("only Linux has /dev/full")
        file, code, lines = os.open("/dev/full", os.O_WRONLY), 2, 1
    else:
        reader, file = os.pipe()
        os.close(reader)
        code, lines = 141, 0
    yield file, code, lines
    os.close(file)


def test_an_output_that_cannot_be_written_ends_the_command_quietly(
    root: Path, broken: tuple[int, int, int]
) -> None:
    file, code, lines = broken
    command = [sys.executable, "-m", "landrun_ops", "runs", "--help"]
    done = subprocess.run(
        command, cwd=root, stdout=file, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (code, lines), done.stderr


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0
    assert "Usage: landrun" in capsys.readouterr().out


def test_the_version_is_the_project_s(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    version = capsys.readouterr().out.split()[1]
    assert f'version = "{version}"' in (root / "pyproject.toml").read_text(encoding="utf-8")


def test_help_imports_nothing_that_is_slow() -> None:
    script = (
        "import sys; from landrun_ops import cli; cli.run(['local', 'up', '--help']);"
        "slow = {'boto3', 'moto', 'polars', 'sagemaker', 'samtranslator'};"
        "sys.exit(' '.join(slow & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_project_is_found_from_any_folder_inside_it(root: Path) -> None:
    assert project_folder(None, root / "src/functions") == root


def test_no_project_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--project"):
        project_folder(None, tmp_path)


def test_a_parameter_s_value_may_hold_equals_signs() -> None:
    assert local.parsed_parameters(["A=b=c", "D="]) == {"A": "b=c", "D": ""}


def test_a_time_with_an_offset_is_put_into_utc() -> None:
    due = datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert local.parsed_time("2026-11-22T03:00:00+01:00") == due
    assert local.parsed_time("2026-11-22T02:00:00") == due


def test_an_error_with_line_breaks_is_still_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.complain("first\n  second")
    assert capsys.readouterr().err == "landrun: first second\n"
