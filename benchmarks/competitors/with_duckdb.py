"""DuckDB: one SQL statement."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from rules import BLOCKS, COLUMNS, ENTITIES, MASKS, SPACES, TAGS


def main(source: Path, target: Path) -> None:
    """Do the job."""
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{target}/spilled'")
    connection.execute(f"""
        COPY (
            SELECT min(message_id) AS message_id, sender, sent_at, text,
                arg_min(lang, message_id) AS lang
            FROM (SELECT * REPLACE ({_clean("text")} AS text) FROM {_scan(source)})
            WHERE text <> ''
            GROUP BY sender, sent_at, text
        ) TO '{target}/part.parquet' (FORMAT parquet, COMPRESSION zstd)
    """)


def _scan(source: Path) -> str:
    names = ", ".join(f"{name}: 'VARCHAR'" for name in COLUMNS)
    if source.suffix == ".parquet":
        return f"read_parquet('{source}')"
    if source.suffix == ".csv":
        return f"read_csv('{source}', all_varchar = true, header = true)"
    return (
        f"read_json('{source}', format = 'newline_delimited', ignore_errors = true,"
        f" columns = {{{names}}})"
    )


def _clean(text: str) -> str:
    text = _replaced(_replaced(text, BLOCKS, " "), TAGS, "")
    for entity, character in ENTITIES.items():
        text = f"replace({text}, '{entity}', '{character}')"
    text = f"trim({_replaced(f'nfc_normalize({text})', SPACES, ' ')})"
    for pattern, token in MASKS.items():
        text = _replaced(text, pattern, token)
    return text


def _replaced(text: str, pattern: str, token: str) -> str:
    return f"regexp_replace({text}, '{pattern}', '{token}', 'g')"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
