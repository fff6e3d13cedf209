"""How messages are cleaned and compared, as the job's arguments say."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

BY_MESSAGE, BY_SENDER_AND_TEXT = "message", "sender-text"
DUPLICATES = (BY_MESSAGE, BY_SENDER_AND_TEXT)
"""What two rows have to agree in to be one message: see `messages.columns.Columns.distinction`."""


class CleanerError(ValueError):
    """``--cleaner`` names no function, or one that returns another number of texts."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The arguments of a job that say what becomes of a message.

    Attributes
    ----------
    duplicates : str
        One of `DUPLICATES`.
    cleaner : str or None
        ``module:function`` that cleans texts in place of `messages.cleaning.clean`.
    region : str or None
        A country, as ``DE``, whose phone numbers count however they are written.
    mask_columns : tuple of str
        Columns of the output that are masked beside the text.
    """

    duplicates: str = BY_MESSAGE
    cleaner: str | None = None
    region: str | None = None
    mask_columns: tuple[str, ...] = ()

    def missing(self, columns: Iterable[str]) -> dict[str, list[str]]:
        """Tell, for the summary, which columns to mask the output does not have."""
        missing = sorted(set(self.mask_columns).difference(columns))
        return {"mask_columns_missing": missing} if missing else {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--mask-columns",
        type=_column_names,
        default=(),
        metavar="NAME[,NAME]",
        help="columns of the output that are masked beside the text",
    )
    parser.add_argument(
        "--region", type=_region, metavar="XX", help="also mask this country's phone numbers"
    )
    parser.add_argument(
        "--duplicates",
        choices=DUPLICATES,
        default=BY_MESSAGE,
        help="what rows of one message agree in: sender, time and text (default), or sender-text",
    )
    parser.add_argument("--cleaner", metavar="MODULE:FUNCTION", help="what cleans texts instead")


def of_arguments(given: argparse.Namespace) -> Rules:
    """Gather what was given."""
    return Rules(given.duplicates, given.cleaner, given.region, given.mask_columns)


def _column_names(text: str) -> tuple[str, ...]:
    """Read the value of ``--mask-columns``."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _region(text: str) -> str:
    """Read the value of ``--region``."""
    import phonenumbers  # noqa: PLC0415 - takes 50 ms, for this option alone

    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a country in two letters, such as DE")
    return text.upper()


def load_cleaner(name: str) -> Callable[[pl.Series], pl.Series]:
    """Import a function by ``module:function``.

    Raises
    ------
    CleanerError
        When there is no such module or function.
    """
    module, _, function = name.partition(":")
    try:
        found: Callable[[pl.Series], pl.Series] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise CleanerError(
            f"--cleaner {name}: {error}; write module:function, and put the module into the image"
            " or beside preprocess.py"
        ) from error
    return found
