"""Recognises files in formats that the job does not read, and names the remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

_GIVE = "give JSON Lines, CSV, TSV or Parquet, plain or as gzip, zstd or bz2"
_UNPACK = "unpack it and give the files within"
_SAVE = "save its sheet as CSV UTF-8"
_IMAGE = "an image; only text can be read"
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF; only text can be read"),
    (b"\x89PNG", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF8", _IMAGE),
    (b"RIFF", "a picture, a sound or a film; only text can be read"),
    (b"SQLite format 3\0", "an SQLite database; export its table as CSV"),
    (b"\xd0\xcf\x11\xe0", f"an old Excel workbook (xls) or Office document; {_SAVE}"),
    (b"ORC", f"an ORC file; {_GIVE}"),
    (b"Obj\x01", f"an Avro file; {_GIVE}"),
    (b"\x1f\x8b", "compressed twice; compress it once"),
    (b"\x28\xb5\x2f\xfd", "compressed twice; compress it once"),
    (b"\xfd7zXZ\0", f"xz-compressed; {_GIVE}"),
    (b"7z\xbc\xaf", f"a 7z archive; {_UNPACK}"),
    (b"Rar!", f"a RAR archive; {_UNPACK}"),
    (b"{\\rtf", "an RTF document; save it as plain text"),
)  # fmt: skip
_TAR = 257
_WORKBOOK = re.compile(rb"\[Content_Types\]\.xml|xl/|mimetypeapplication/vnd\.oasis")
# The beginning of most lines of a chat export.
_CHAT = re.compile(
    r"\W?\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? "
    r"\d{1,2}[:.]\d\d([:.]\d\d)?(\s?[AaPp]\.?[Mm]\.?)?\]?( -)? .+"
)
_LOG_SHARE, _LOG_LINES = 0.5, 50
_MAIL = re.compile(r"From \S+ .*\d\d:\d\d|(Return-Path|Received|Delivered-To|MIME-Version): ")
_MARKUP = re.compile(r"<(\?xml|!doctype|html)", re.IGNORECASE)


def of_bytes(sample: bytes) -> str | None:
    """Return the format of a file by its first bytes."""
    if sample[_TAR : _TAR + 5] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    if sample.startswith(b"PK\x03\x04"):
        is_workbook = _WORKBOOK.search(sample[:8192])
        return f"an Excel workbook (xlsx); {_SAVE}" if is_workbook else f"a zip archive; {_UNPACK}"
    return next((what for magic, what in MAGIC if sample.startswith(magic)), None)


def of_text(lines: Sequence[str]) -> str | None:
    """Return the format of a file by the beginning of its text."""
    begun = [line for line in lines if line.strip()][:_LOG_LINES]
    if not begun:
        return None
    if _MAIL.match(begun[0]):
        return f"e-mail as it is stored (mbox, eml); {_GIVE}"
    if _MARKUP.match(begun[0].lstrip()):
        return f"HTML or XML; {_GIVE}"
    if sum(map(bool, map(_CHAT.match, begun))) > _LOG_SHARE * len(begun):
        return "an exported chat (WhatsApp); give a CSV file with a column for each part"
    return None
