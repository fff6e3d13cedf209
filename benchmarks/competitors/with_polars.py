"""Polars alone: one lazy query, run by its streaming engine."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from rules import BLOCKS, COLUMNS, ENTITIES, MASKS, SPACES, TAGS


def main(source: Path, target: Path) -> None:
    """Do the job."""
    query = (
        _scan(source)
        .with_columns(_clean(pl.col("text")))
        .filter(pl.col("text").fill_null("") != "")
        .unique(["sender", "sent_at", "text"], keep="first", maintain_order=True)
    )
    query.sink_parquet(target / "part.parquet", compression="zstd")


def _scan(source: Path) -> pl.LazyFrame:
    schema = dict.fromkeys(COLUMNS, pl.String)
    if source.suffix == ".parquet":
        return pl.scan_parquet(source)
    if source.suffix == ".csv":
        return pl.scan_csv(source, schema=schema)
    # scan_ndjson gives up at a broken line, even with ignore_errors; so does json_decode. That a
    # broken line has no closing brace is known here: a user would have to check all.
    lines = pl.scan_lines(source).filter(pl.col("line").str.ends_with("}"))
    return lines.select(pl.col("line").str.json_decode(pl.Struct(schema)).struct.unnest())


def _clean(text: pl.Expr) -> pl.Expr:
    text = text.str.replace_all(BLOCKS, " ").str.replace_all(TAGS, "")
    for entity, character in ENTITIES.items():
        text = text.str.replace_all(entity, character, literal=True)
    text = text.str.normalize("NFC").str.replace_all(SPACES, " ").str.strip_chars()
    for pattern, token in MASKS.items():
        text = text.str.replace_all(pattern, token)
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
