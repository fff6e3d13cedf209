"""The state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from landrun_ops.local.errors import AlreadyUpError, NotUpError
from landrun_ops.local.state import held, read, read_environment, write


def test_what_is_written_while_held_can_be_read(tmp_path: Path) -> None:
    with held(tmp_path):
        write(tmp_path, {"environment": {"A": "1"}, "more": 2})
        assert read_environment(tmp_path) == {"A": "1"}
        assert read(tmp_path)["more"] == 2


def test_only_the_user_may_read_it_for_it_has_the_key(tmp_path: Path) -> None:
    (tmp_path / "env.json.new").touch(mode=0o644)  # of one that was killed while it wrote
    with held(tmp_path):
        write(tmp_path, {"environment": {}})
        assert (tmp_path / "env.json").stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_when_the_hold_ends(tmp_path: Path) -> None:
    with held(tmp_path):
        write(tmp_path, {"environment": {}})
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_left_that_is_gone_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, {"environment": {}})
    with pytest.raises(NotUpError):
        read(tmp_path)


def test_a_second_hold_is_refused(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(AlreadyUpError, match="already up in"), held(tmp_path):
        pass


def test_a_hold_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path):
            pass


def test_a_damaged_file_counts_as_nothing_up(tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / "env.json").write_text("[]")
        with pytest.raises(NotUpError):
            read(tmp_path)
