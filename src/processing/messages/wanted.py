"""What is said of the files by arguments, the same ones for both engines."""

from __future__ import annotations

import argparse
import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field

from messages.columns import OPTIONS


@dataclass(frozen=True)
class Wanted:
    """How files are to be read where they do not say so themselves.

    Parameters
    ----------
    columns
        Output column -> the name of the input's, or several names with commas between them, of
        which the first that a file has counts.
    encoding
        For files that are not plainly in UTF-8, UTF-16 or UTF-32.
    header
        Whether the first record of CSV and TSV files names the columns.
    names
        The columns' names where it does not.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    for role, option in OPTIONS.items():
        what = f"column that is {role}, or several: the first that a file has"
        parser.add_argument(option, dest=role, metavar="NAME[,NAME]", help=what)
    parser.add_argument(
        "--encoding", type=_encoding, metavar="NAME", help="of files that are not UTF-8 or UTF-16"
    )
    parser.add_argument(
        "--no-header", action="store_true", help="CSV and TSV files begin with their first row"
    )
    parser.add_argument(
        "--columns", type=_names, metavar="A,B", help="names of the columns of files without header"
    )


def of_arguments(given: argparse.Namespace) -> Wanted:
    """Gather what was given."""
    columns = {role: name for role in OPTIONS if (name := getattr(given, role)) is not None}
    names = given.columns or ()
    return Wanted(columns, given.encoding, not given.no_header and not names, names)


def _encoding(name: str) -> str:
    try:
        b"".decode(name)  # says of codecs that are not text, as base64, that they are none
        return codecs.lookup(name).name
    except LookupError:
        raise argparse.ArgumentTypeError(
            f"{name!r} is no encoding: give a name as gb18030, big5, shift_jis, euc_kr, cp1251"
        ) from None


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} has a name that is empty or comes twice")
    return names
