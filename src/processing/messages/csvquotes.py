"""Where quotes stand in CSV: whether they are as RFC 4180 has them, and where a file may be cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from messages.lines import MAX_LINE
from messages.streams import BATCH_BYTES


def regular(outside: Sequence[bytes], delimiter: bytes) -> bool:
    """Tell whether each quote opens where a field begins or closes where it ends.

    ``outside`` is what stands outside of quotes, with none before the first piece and behind the
    last. Nothing between two quotes means that they stand for one, within a field.
    """
    before = {piece[-1:] for piece in outside[:-1]}
    behind = {piece[:1] for piece in outside[1:]}
    return before <= {b"", b"\n", delimiter} and behind <= {b"", b"\n", b"\r", delimiter}


def cuts(path: Path, delimiter: str, step: int) -> list[int]:
    """Find where a file may be cut: where records begin, at least ``step`` bytes apart.

    That is known where all quotes are regular; a file in which one is not is left whole.
    """
    found, at, inside, size = [0], 0, False, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(BATCH_BYTES):
            block += file.readline(MAX_LINE)
            pieces = block.split(b'"')
            # A quote on each side stands for those of the blocks beside this one.
            outside = [*([b""] if inside else []), *pieces[inside::2]]
            inside ^= len(pieces) % 2 == 0
            at += len(block)
            if not regular([*outside, b""] if inside else outside, delimiter.encode()):
                return [0]
            if any(part.count(b"\r") != part.count(b"\r\n") for part in outside):
                return [0]  # what a carriage return alone means depends on what is around it
            if not block.endswith(b"\n") and at < size:  # a line that is too long
                return [0]
            if not inside and found[-1] + step <= at < size:
                found.append(at)
    return [0] if inside else found
