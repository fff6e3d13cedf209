"""How messages are cleaned and compared, as the job's arguments say."""

from __future__ import annotations

import importlib
from collections.abc import Callable
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
