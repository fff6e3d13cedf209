"""pandas: the file as one table in memory, vectorised string methods."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
import pandas as pd
from rules import BLOCKS, COLUMNS, ENTITIES, MASKS, SPACES, TAGS


def main(source: Path, target: Path) -> None:
    """Do the job."""
    table = _read(source)
    table["text"] = _clean(table["text"])
    table = table[table["text"].fillna("") != ""]
    table = table.drop_duplicates(["sender", "sent_at", "text"], keep="first")
    table[list(COLUMNS)].to_parquet(target / "part.parquet", compression="zstd", index=False)


def _read(source: Path) -> pd.DataFrame:
    if source.suffix == ".parquet":
        return pd.read_parquet(source)
    if source.suffix == ".csv":
        return pd.read_csv(source, dtype=str, keep_default_na=False, engine="pyarrow")
    rows = []
    with source.open("rb") as lines:
        for line in lines:
            try:  # read_json(lines=True) gives up at the first broken line
                rows.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                continue
    return pd.DataFrame(rows)


def _clean(text: pd.Series) -> pd.Series:
    text = text.str.replace(BLOCKS, " ", regex=True).str.replace(TAGS, "", regex=True)
    for entity, character in ENTITIES.items():
        text = text.str.replace(entity, character, regex=False)
    text = text.str.normalize("NFC").str.replace(SPACES, " ", regex=True).str.strip()
    for pattern, token in MASKS.items():
        text = text.str.replace(pattern, token, regex=True)
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
