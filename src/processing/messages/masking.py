"""Masking: a Polars column in, a Polars column with tokens in place of personal data out.

Other forms of ASCII letters and digits, such as full-width ones, are found in a copy with plain
forms, which has each character at the same position; the text itself is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate, repeat

import polars as pl

from messages.numbers import CANDIDATE, Span, find_numbers, plain, put, words
from messages.options import Rules
from messages.values import OVERFLOW

EMAIL, URL = "<EMAIL>", "<URL>"
# Letters, marks and digits of scripts with spaces between words: only these continue an address.
# Not so Han, kana and Thai, and Hangul, whose particles follow an address without a space.
_LETTER = (
    "A-Za-z_\u00c0-\u024f\u0300-\u0373\u0376-\u052f\u0531-\u0587\u05d0-\u05ea\u0620-\u0669"
    "\u066e-\u06d3\u06d5-\u06ff\u0900-\u0963\u0966-\u0df3\u10a0-\u10ff\u1e00-\u1fff"
)
_WORD = f"0-9{_LETTER}"
# The last label of an address: in "see you@7.pm" a time is none.
_NAME = f"(?:[0-9]{{0,2}}[{_LETTER}-][{_WORD}-]*|[0-9]{{3,}}[{_WORD}-]*)"
_ANY_LABEL = r"[\p{L}\p{M}\p{N}-]+"
_LABEL = f"[{_WORD}-]+"
_SCHEME = "(?i-u:https?|s?ftps?|wss?|file|tg|whatsapp|viber|line|weixin|intent|market)"
_REST = rf"[{_WORD}@/?#&=+%$~:;,.!'*()\[\]{{}}|-]*[{_WORD}@/#&=+%$-]"
_MORE = rf"(?::[0-9]{{1,5}})?(?:[/?#]{_REST}|/)?"
HOST = "\\.[A-Za-z]|\\.\u0440\u0444"
# Forms of letters and digits that are not ASCII's, and signs or spaces between digits that are not.
_ODD = (
    r"[[\p{Nd}\p{No}]&&[^0-9]]|[\uff08\uff09\uff0b\uff0d-\uff19\uff20-\uff5e]"
    r"|[0-9)][ .-]?"
    r"[\u00a0\u00ad\u2000-\u2015\u202a-\u202f\u2060\u2212\u3000\ufe63\ufeff]+[ (]?[0-9]"
)


def _url() -> str:
    return f"{_SCHEME}://{_REST}"


@cache
def _foreign_url() -> str:
    latin, foreign = _top_domains()
    ending = rf"(?:{_any_case(latin)}|{foreign})"
    return rf"{_SCHEME}://(?:{_ANY_LABEL}\.)+{ending}{_MORE}"


@cache
def _email() -> str:
    latin, foreign = _top_domains()
    local = rf"[{_WORD}][{_WORD}.%+$#~-]*(?:'[{_WORD}.%+$#~-]+)*"
    return (
        rf"{local}@(?:(?:{_LABEL}\.)*{_NAME}\.{_any_case(latin)}|(?:{_ANY_LABEL}\.)+(?:{foreign}))"
    )


@cache
def _foreign_email() -> str:
    _, foreign = _top_domains()
    return rf"[\p{{L}}\p{{M}}\p{{N}}]+@(?:{_ANY_LABEL}\.)+(?:{foreign})"


@cache
def _host() -> str:
    latin, _ = _top_domains()
    countries = {name for name in latin if len(name) == 2}  # noqa: PLR2004
    second = rf"(?:com?|org|net|edu|gov|gob|ac)\.(?:{'|'.join(sorted(countries))})"
    named = "[A-Za-z\u00c0-\u024f][A-Za-z0-9\u00c0-\u024f-]+|[0-9][A-Za-z0-9-]*[A-Za-z]"
    bare = (
        rf"{_LABEL}\.(?:{_cased(words('host'))}|{second})(?-u:\b)|{_LABEL}\.\u0440\u0444"
        rf"|(?:{named})\.(?:{_cased(countries.difference(words('not_host')))})(?-u:\b)"
    )
    return (
        rf"[Ww]{{3}}\.{_LABEL}(?:\.{_LABEL})+{_MORE}"
        rf"|(?:{_LABEL}\.)+{_any_case(latin)}(?::[0-9]{{1,5}})?/[A-Za-z0-9_@+%~=&-](?:{_REST})?"
        rf"|(?:{_LABEL}\.)*(?:{bare}){_MORE}"
    )


# In order: a necessary sign, the pattern, and the token. URLs with a scheme come
# first, as they may hold addresses; other hosts after addresses, as those hold hosts.
_STEPS = (
    ("://", _url, URL),
    ("://", _foreign_url, URL),
    ("@", _email, EMAIL),
    ("@", _foreign_email, EMAIL),
    (HOST, _host, URL),
)


@cache
def _top_domains() -> tuple[list[str], str]:
    """Read the top-level domains from the Public Suffix List: ASCII's, and a pattern of others."""
    text = (files("publicsuffixlist") / "public_suffix_list.dat").read_text("utf-8")
    official = text.partition("===BEGIN PRIVATE DOMAINS===")[0].splitlines()
    top = {line.rpartition(".")[2] for line in official if line[:2] not in ("", "//")}
    latin = {name for name in top if name.isascii()}
    return sorted(latin), "|".join(sorted(top - latin))


def _any_case(names: Sequence[str]) -> str:
    return rf"(?i-u:{'|'.join(names)}|xn--[a-z0-9-]+)(?-u:\b)"


def _cased(names: Iterable[str]) -> str:
    """Match lower and upper case, but no capital alone: it begins a sentence."""
    lower = sorted(names)
    return "|".join([*lower, *map(str.upper, lower)])


def mask(text: pl.Series, region: str | None = None, *, cued: bool = False) -> pl.Series:
    """Replace URLs, e-mail addresses, card, account and phone numbers by tokens.

    ``region`` and ``cued`` are those of `messages.numbers.find_numbers`.
    """

    def numbers(row: str) -> list[Span]:
        return find_numbers(row, region, cued=cued)

    def odd(rows: pl.Series) -> pl.Series:
        return change(rows, rows.str.contains(_ODD), lambda r: _masked_in_place(r, numbers))

    text = change(text, text.str.len_bytes() > text.str.len_chars(), odd)
    for sign, pattern, token in _STEPS:
        signed = text.str.contains(sign)
        text = replace(text, signed, pattern(), token) if signed.any() else text
    text = change(text, text.str.contains(CANDIDATE), lambda r: _put(r, map(numbers, r)))
    # In NFC these two are one character: the mark behind a token has lost what it was on.
    return replace(text, text.str.contains(">\u0338", literal=True), ">\u0338", ">")


def mask_text(text: str) -> str:
    """Mask one text."""
    return str(mask(pl.Series([text])).item())


def masked_schema(schema: Mapping[str, pl.DataType], rules: Rules) -> dict[str, pl.DataType]:
    """Return the schema with the columns of ``--mask-columns`` as text."""
    return {**schema, **dict.fromkeys(_masked_columns(schema, rules), pl.String())}


def with_masks(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Mask the columns of ``--mask-columns`` in a part that has the types of `masked_schema`."""
    names = _masked_columns(frame.columns, rules)
    masked = [mask(frame[n], rules.region, cued=True).alias(n) for n in names]
    return frame.with_columns(masked)


def _masked_columns(columns: Iterable[str], rules: Rules) -> list[str]:
    """Return the columns to mask; if one is missing, the overflow column as well."""
    present = list(columns)
    wanted = {*rules.mask_columns, *([OVERFLOW] if rules.missing(present) else [])}
    return [name for name in present if name in wanted]


def _masked_in_place(text: pl.Series, numbers: Callable[[str], list[Span]]) -> pl.Series:
    """Search the plain forms of texts, and mask at the same positions in the texts."""
    forms = _strings(map(plain, text))
    for sign, pattern, token in _STEPS:
        if not forms.str.contains(sign).any() or not forms.str.contains(pattern()).any():
            continue
        parts = forms.str.replace_all(pattern(), "\0${0}\0").str.split("\0")
        spans = [list(_spans(row, token)) for row in parts]
        text, forms = _put(text, spans), _put(forms, spans)
    return _put(text, map(numbers, forms))


def _spans(parts: Sequence[str], token: str) -> Iterator[Span]:
    """Return the positions of every second part."""
    ends = list(accumulate(map(len, parts)))
    yield from zip(ends[:-1:2], ends[1::2], repeat(token))


def _put(text: pl.Series, spans: Iterable[Sequence[Span]]) -> pl.Series:
    return _strings(put(row, found) for row, found in zip(text, spans, strict=True))


def _strings(rows: Iterable[str]) -> pl.Series:
    return pl.Series(list(rows), dtype=pl.String)


def replace(text: pl.Series, where: pl.Series, pattern: str, by: str) -> pl.Series:
    """Replace what a pattern finds in the rows where ``where`` is true."""
    return change(text, where, lambda rows: rows.str.replace_all(pattern, by))


def change(text: pl.Series, where: pl.Series, how: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Change the rows where ``where`` is true, and leave the others untouched."""
    rows = where.arg_true()
    if len(rows) == 0:
        return text
    if len(rows) == len(text):
        return how(text)
    before = text.gather(rows)
    after = how(before)
    return text if after is before else text.clone().scatter(rows, after)
