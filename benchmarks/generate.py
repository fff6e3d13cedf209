"""Generates messages for the benchmarks: any size, reproducible, in three formats.

Every text is its own but for one row in 20, which repeats the sender, time and text of an earlier
row under an id of its own. One row in 50 is empty once cleaned; one line of JSON in 1,000 is
broken. Other texts hold tags, entities, spare white space, full-width digits, URLs, addresses,
phone and card numbers, each in a few per cent of rows. What is masked has one form each, so that
the plain expressions of `benchmarks/competitors/same_job.py` find it too.
"""

import random
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import polars as pl

CHUNK = 100_000
SENDERS, PHRASES = 200_000, 20_000
ROW_BYTES = {".jsonl": 289, ".csv": 234, ".parquet": 289}
"""Bytes of a row; of Parquet, which takes a fifth of it, those that the row has as JSON."""

_WORDS = """
    is the bike still for sale, can you send it to my street tomorrow morning please, thanks price
    would be fine offer lower delivery pickup weekend condition of lamp table winter coat shipping
    included payment by transfer got your message never arrived refund, works great, box damaged
    size xl only few left seen at 18:30 paid 25.90 on 2026-11-22 o'clock 50% & co
""".split()  # noqa: SIM905 - to be read
_FOREIGN = "Größe café naïve für über schön 訊息 你好 спасибо ありがとう 😀 🚲 £20".split()  # noqa: SIM905
"""In one phrase of eight, so in about a third of all texts."""

_SPECIAL = {
    "<p>see <b>bold</b> words<br/>there</p>": 30,
    "fish &amp; chips &lt;three&gt; &quot;now&quot;": 30,
    "two  spaces \t and a tab ": 60,
    "\uff11\uff12 full-width digits": 5,
    "see https://shop.example.org/item/{}?x=1&y=2": 40,
    "write to bob.{}@mail.example.org": 30,
    "call +49 170 55512{} today": 25,
    "call (555) 123-45{} today": 15,
    "card 4111 1111 1111 1111 please": 5,
}
"""What some rows hold, and in how many of 1,000; {} is two digits that differ from row to row."""

EMPTY, BROKEN = " <br/> &nbsp;\t", b'{"message_id": "m-", "text": "cut'


def write(path: Path, megabytes: float) -> None:
    """Write a file of about this many megabytes; Parquet gets as many rows as JSONL would."""
    rows = max(1000, int(megabytes * 1e6 / ROW_BYTES[path.suffix]))
    chunks = (_chunk(start, min(rows, start + CHUNK)) for start in range(0, rows, CHUNK))
    if path.suffix == ".parquet":
        pl.concat(chunks).write_parquet(path, row_group_size=CHUNK)
        return
    with path.open("wb") as file:
        for number, chunk in enumerate(chunks):
            if path.suffix == ".csv":
                chunk.write_csv(file, include_header=number == 0)
                continue
            for start in range(0, chunk.height, 1000):
                chunk[start : start + 1000].write_ndjson(file)
                file.write(BROKEN + b"\n")


def _chunk(start: int, end: int) -> pl.DataFrame:
    """Make rows; each depends on its number alone."""
    row = pl.int_range(start, end, dtype=pl.Int64, eager=True)
    earlier = row - 13 - 20 * (_mixed(row, 3) % 5000)
    content = earlier.zip_with((row % 20 == 7) & (earlier >= 0), row)  # noqa: PLR2004
    second = (content % 60).cast(pl.String).str.zfill(2)
    columns = {
        "message_id": "m-" + row.cast(pl.String).str.zfill(10),
        "sender": "user_" + (_mixed(content, 1) % SENDERS).cast(pl.String),
        "sent_at": "2026-11-22T10:00:" + second + "Z",
        "text": _text(content),
        "lang": _pick(["de", "en", "fr"], content, 2),
    }
    return pl.DataFrame(columns)


def _text(content: pl.Series) -> pl.Series:
    chance = random.Random(1)
    words = [_WORDS + _FOREIGN if number % 8 == 0 else _WORDS for number in range(PHRASES)]
    phrases = pl.Series([" ".join(chance.choices(w, k=chance.randint(4, 16))) for w in words])
    first, second, third = (_pick(phrases, content, seed) for seed in (5, 6, 7))
    codes = pl.Series(["".join(letters) for letters in product(ascii_lowercase, repeat=3)])
    own = codes.gather(content % len(codes)) + codes.gather(content // len(codes))
    text = first + " " + _special(content) + second + " " + own + " " + third
    empty = pl.Series([EMPTY]).new_from_index(0, len(text))
    return empty.zip_with(content % 50 == 3, text)  # noqa: PLR2004


def _special(content: pl.Series) -> pl.Series:
    wanted = [text for text, share in _SPECIAL.items() for _ in range(share)]
    chosen = _pick(wanted + [""] * (1000 - len(wanted)), content, 8)
    digits = (_mixed(content, 9) % 90 + 10).cast(pl.String)
    filled = pl.select(pl.lit(chosen).str.replace("{}", pl.lit(digits), literal=True)).to_series()
    return (filled + " ").zip_with(filled != "", filled)


def _pick(pool: list[str] | pl.Series, content: pl.Series, seed: int) -> pl.Series:
    values = pl.Series(pool)
    return values.gather(_mixed(content, seed) % len(values))


def _mixed(numbers: pl.Series, seed: int) -> pl.Series:
    """Scramble numbers in a reproducible way (Knuth's multiplier)."""
    return ((numbers + seed * 1_000_003) % 2_147_483_647) * 2_654_435_761 % 2_147_483_647
