"""A copy of a stretch reads as the whole file does, at the same positions."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster import fetching, store
from messages.streams import range_blocks

CONTENT = st.lists(st.binary(max_size=12), max_size=12).map(b"\n".join)


def copy(path, start, end, target):
    with target.open("r+b") as file:
        file.seek(start)
        file.write(Path(path).read_bytes()[start:end])


@pytest.fixture(scope="module", autouse=True)
def _files_for_objects():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "size", lambda path: Path(path).stat().st_size)
        patch.setattr(store, "copy", copy)
        patch.setattr(fetching, "_LINE", 2)
        yield


@given(CONTENT, st.integers(1, 20))
@example(b"a long first line\nb", 4)
@settings(deadline=None)
def test_every_line_is_read_by_the_one_stretch_that_it_begins_in(tmp_path_factory, content, step):
    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole"
    whole.write_bytes(content)
    for start in range(0, len(content), step):
        end = min(len(content), start + step)
        part = fetching.hole(str(whole), folder, start)
        fetching.lines(str(whole), part, start, end)
        assert list(range_blocks(part, start, end)) == list(range_blocks(whole, start, end))


def test_what_identifies_a_file_is_all_there_where_its_beginning_is_plain(tmp_path):
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"a" * fetching.NEAR + "ü".encode())
    part = fetching.hole(str(whole), tmp_path, 1)

    fetching.beginning(str(whole), part)

    assert part.read_bytes() == whole.read_bytes()
