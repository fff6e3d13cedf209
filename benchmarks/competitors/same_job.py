"""The same job as preprocess.py, written with other libraries as their users would.

.venv-bench/bin/python benchmarks/competitors/same_job.py polars|duckdb|pandas INPUT OUTPUT
.venv-bench/bin/python benchmarks/competitors/same_job.py fingerprint OUTPUT

Reads one file of `benchmarks.generate` and writes Parquet (zstd) into a folder: rows cleaned and
masked, without empty ones, duplicates (the first by id is kept) and broken lines. The expressions
are the same in every engine, and on these messages they give the rows of preprocess.py, which knows
many more forms of numbers, tags and entities: the other engines have less to do.
"""

import sys
from pathlib import Path

COLUMNS = ("message_id", "sender", "sent_at", "text", "lang")
BLOCKS, TAGS, SPACES = r"</?(?:p|br|div|li)[^<>]*>", r"<[^<>]+>", r"\s+"
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": " ", "&amp;": "&"}
"""The order matters: the ampersand comes last, so that nothing is resolved twice."""

MASKS = {
    r'https?://[^ <>"]+': "<URL>",
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}": "<EMAIL>",
    r"[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}": "<CARD>",
    r"\+[0-9][0-9 -]{7,}[0-9]|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}": "<PHONE>",
}


def with_polars(source: Path, target: Path) -> None:
    """One lazy query, run by the streaming engine."""
    import polars as pl

    schema = dict.fromkeys(COLUMNS, pl.String)
    if source.suffix == ".parquet":
        table = pl.scan_parquet(source)
    elif source.suffix == ".csv":
        table = pl.scan_csv(source, schema=schema)
    else:
        # scan_ndjson gives up at a broken line, even with ignore_errors; so does json_decode. That
        # a broken line has no closing brace is known here: a user would have to check all.
        lines = pl.scan_lines(source).filter(pl.col("line").str.ends_with("}"))
        table = lines.select(pl.col("line").str.json_decode(pl.Struct(schema)).struct.unnest())
    text = pl.col("text").str.replace_all(BLOCKS, " ").str.replace_all(TAGS, "")
    for entity, character in ENTITIES.items():
        text = text.str.replace_all(entity, character, literal=True)
    text = text.str.normalize("NFC").str.replace_all(SPACES, " ").str.strip_chars()
    for pattern, token in MASKS.items():
        text = text.str.replace_all(pattern, token)
    table = table.with_columns(text).filter(pl.col("text").fill_null("") != "")
    table = table.unique(["sender", "sent_at", "text"], keep="first", maintain_order=True)
    table.sink_parquet(target / "part.parquet", compression="zstd")


def with_pandas(source: Path, target: Path) -> None:
    """The file as one table in memory, vectorised string methods."""
    import orjson
    import pandas as pd

    if source.suffix == ".parquet":
        table = pd.read_parquet(source)
    elif source.suffix == ".csv":
        table = pd.read_csv(source, dtype=str, keep_default_na=False, engine="pyarrow")
    else:
        rows = []
        with source.open("rb") as lines:
            for line in lines:
                try:  # read_json(lines=True) gives up at the first broken line
                    rows.append(orjson.loads(line))
                except orjson.JSONDecodeError:
                    continue
        table = pd.DataFrame(rows)
    text = table["text"].str.replace(BLOCKS, " ", regex=True).str.replace(TAGS, "", regex=True)
    for entity, character in ENTITIES.items():
        text = text.str.replace(entity, character, regex=False)
    text = text.str.normalize("NFC").str.replace(SPACES, " ", regex=True).str.strip()
    for pattern, token in MASKS.items():
        text = text.str.replace(pattern, token, regex=True)
    table["text"] = text
    table = table[table["text"].fillna("") != ""]
    table = table.drop_duplicates(["sender", "sent_at", "text"], keep="first")
    table[list(COLUMNS)].to_parquet(target / "part.parquet", compression="zstd", index=False)


def with_duckdb(source: Path, target: Path) -> None:
    """One SQL statement."""
    import duckdb

    names = ", ".join(f"{name}: 'VARCHAR'" for name in COLUMNS)
    table = {
        ".parquet": f"read_parquet('{source}')",
        ".csv": f"read_csv('{source}', all_varchar = true, header = true)",
        ".jsonl": f"read_json('{source}', format = 'newline_delimited', ignore_errors = true,"
        f" columns = {{{names}}})",
    }[source.suffix]
    text = f"regexp_replace(regexp_replace(text, '{BLOCKS}', ' ', 'g'), '{TAGS}', '', 'g')"
    for entity, character in ENTITIES.items():
        text = f"replace({text}, '{entity}', '{character}')"
    text = f"trim(regexp_replace(nfc_normalize({text}), '{SPACES}', ' ', 'g'))"
    for pattern, token in MASKS.items():
        text = f"regexp_replace({text}, '{pattern}', '{token}', 'g')"
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{target}/spilled'")
    connection.execute(f"""
        COPY (
            SELECT min(message_id) AS message_id, sender, sent_at, text,
                arg_min(lang, message_id) AS lang
            FROM (SELECT * REPLACE ({text} AS text) FROM {table})
            WHERE text <> ''
            GROUP BY sender, sent_at, text
        ) TO '{target}/part.parquet' (FORMAT parquet, COMPRESSION zstd)
    """)


def fingerprint(folder: Path) -> None:
    """Print the number of rows, and a hash that does not depend on their order."""
    import duckdb

    row = "concat_ws(chr(31), " + ", ".join(f"coalesce({c}, chr(0))" for c in COLUMNS) + ")"
    query = f"SELECT count(*), bit_xor(md5_number({row})) FROM '{folder}/**/*.parquet'"
    print(*duckdb.sql(query).fetchall())


WAYS = {
    "polars": with_polars,
    "pandas": with_pandas,
    "duckdb": with_duckdb,
    "fingerprint": fingerprint,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](*map(Path, sys.argv[2:]))
