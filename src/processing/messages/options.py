"""The job's arguments, and the errors that end it."""

from __future__ import annotations

import argparse
import codecs
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import polars as pl

COLUMN_OPTIONS = {
    "text": "--text-column",
    "sender": "--sender-column",
    "message_id": "--id-column",
    "sent_at": "--time-column",
}
BY_MESSAGE, BY_SENDER_AND_TEXT = "message", "sender-text"
"""Which columns make two rows one message; see `messages.columns.Columns.distinction`."""


class JobError(Exception):
    """The job cannot be done; the message is for the person who has to act on it."""


class UsageError(Exception):
    """The arguments are invalid."""


@dataclass(frozen=True)
class Reading:
    """How to read files that do not say it themselves.

    ``columns`` has, by output column, the name of the input's, or several names with commas between
    them, of which the first that a file has counts. ``encoding`` is that of files that are not
    plainly in UTF-8, UTF-16 or UTF-32. ``names`` are those of the columns where there is no
    ``header``.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The job's options for duplicates, cleaning and masking."""

    duplicates: str = BY_MESSAGE
    cleaner: str | None = None
    region: str | None = None
    mask_columns: tuple[str, ...] = ()

    def missing(self, columns: Iterable[str]) -> dict[str, list[str]]:
        """Return, for the summary, the columns to mask that the output does not have."""
        missing = sorted(set(self.mask_columns).difference(columns))
        return {"mask_columns_missing": missing} if missing else {}


@dataclass(frozen=True)
class Options:
    """The options of a job.

    ``input`` is the folder with the messages or, ``on_spark``, with the run's manifest. ``workers``
    and ``memory`` (MiB for all of them) are what the machine has by default. ``opt_ml`` is the root
    of SageMaker's files.
    """

    input: Path
    output: Path
    reading: Reading = field(default_factory=Reading)
    rules: Rules = field(default_factory=Rules)
    max_rejected: float = 1.0
    on_spark: bool = False
    workers: int | None = None
    memory: int | None = None
    opt_ml: Path = Path("/opt/ml")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse(arguments: Sequence[str], opt_ml: Path, description: str = "") -> Options:
    """Parse arguments; empty ones, which splitting a template's string may leave, are ignored.

    Raises UsageError when they are invalid.
    """
    given = _parser(description).parse_args([a for a in arguments if a.strip()])
    names = given.columns or ()
    columns = {role: name for role in COLUMN_OPTIONS if (name := getattr(given, role)) is not None}
    return Options(
        input=given.input or given.manifests,
        output=given.output,
        reading=Reading(columns, given.encoding, not given.no_header and not names, names),
        rules=Rules(given.duplicates, given.cleaner, given.region, given.mask_columns),
        max_rejected=given.max_rejected,
        on_spark=given.manifests is not None,
        workers=given.workers,
        memory=given.memory_mb,
        opt_ml=opt_ml,
    )


def _parser(description: str) -> argparse.ArgumentParser:
    parser = _Parser(description=description, allow_abbrev=False)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", type=Path, help="folder with the messages")
    source.add_argument("--manifests", type=Path, help="on Spark: folder with the run's manifest")
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    for role, option in COLUMN_OPTIONS.items():
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
    parser.add_argument(
        "--mask-columns",
        type=_names,
        default=(),
        metavar="NAME[,NAME]",
        help="columns of the output that are masked beside the text",
    )
    parser.add_argument(
        "--region", type=_region, metavar="XX", help="also mask this country's phone numbers"
    )
    parser.add_argument(
        "--duplicates",
        choices=(BY_MESSAGE, BY_SENDER_AND_TEXT),
        default=BY_MESSAGE,
        help="what rows of one message agree in: sender, time and text (default), or sender-text",
    )
    parser.add_argument("--cleaner", metavar="MODULE:FUNCTION", help="what cleans texts instead")
    parser.add_argument(
        "--max-rejected",
        type=_share,
        default=1.0,
        metavar="SHARE",
        help="fail where a larger share of the rows, or all of them, is rejected (default: all)",
    )
    parser.add_argument("--workers", type=_positive, help="processes (default: one per core)")
    parser.add_argument("--memory-mb", type=_positive, help="memory to stay in (default: all)")
    return parser


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


def _region(text: str) -> str:
    import phonenumbers  # noqa: PLC0415 - takes 50 ms, for this option alone

    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a country in two letters, such as DE")
    return text.upper()


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to 1, such as 0.05")
    return share


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


def load_cleaner(name: str) -> Callable[[pl.Series], pl.Series]:
    """Import a function by ``module:function``; JobError if there is none."""
    module, _, function = name.partition(":")
    try:
        found: Callable[[pl.Series], pl.Series] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise JobError(
            f"--cleaner {name}: {error}; write module:function, and put the module into the image"
            " or beside preprocess.py"
        ) from error
    return found
