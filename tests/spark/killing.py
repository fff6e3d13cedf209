"""A cleaner that kills its process over one text; Spark's workers find it on their path."""

from __future__ import annotations

import os

import polars as pl


def clean(texts: pl.Series) -> pl.Series:
    return texts if "kill" not in texts else os.abort()
