"""Cleaning of message texts: a Polars column in, a Polars column out.

Each step changes only the rows that need it. Tags are removed before tokens such as ``<EMAIL>`` are
inserted. Texts are stored in Unicode's NFC form, which keeps superscripts, for example.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial
from html.entities import html5

import polars as pl

from messages.masking import change, mask
from messages.options import Rules, load_cleaner

_BLOCKS = (
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer"
    "|form|h[1-6]|head|header|hr|html|li|main|nav|ol|option|p|pre|section|select|table|tbody|td"
    "|textarea|tfoot|th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|b|base|bdi|bdo|big|button|caption|cite|code|col|colgroup|data|del|details|dfn"
    "|em|embed|font|i|iframe|img|input|ins|kbd|label|legend|link|map|mark|marquee|meta|meter"
    "|noscript|o:p|object|param|picture|q|rp|rt|ruby|s|samp|small|source|span|strike|strong|sub"
    "|summary|sup|svg|time|tt|u|var|video|audio|canvas|wbr"
)
# Attributes have a value or are among HTML's own bare ones: "a <b and c> d" is no tag.
_ATTRIBUTES = (
    r"""(?:[ \t\r\n]+[A-Za-z_:@][A-Za-z0-9_:.-]*[ \t\r\n]*=[ \t\r\n]*"""
    r"""(?:"[^"]*"|'[^']*'|[^ \t\r\n"'<>]+)"""
    r"""|[ \t\r\n]+(?:nowrap|hidden|disabled|checked|selected|required|readonly|noshade|controls"""
    r"""|autoplay|loop|muted|async|defer))*[ \t\r\n]*/?"""
)
_UNSHOWN = r"(?is)<(?:script|style)(?:[ \t\r\n][^<>]*)?>.*?</(?:script|style)[ \t\r\n]*>|<!--.*?-->"
_BLOCK_TAG = rf"(?i)</?(?:{_BLOCKS}){_ATTRIBUTES}>|<!doctype[^<>]*>"
_INLINE_TAG = rf"(?i)</?(?:{_INLINE}|script|style){_ATTRIBUTES}>"

_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"

# Controls and invisible marks: soft hyphen, zero width space, direction, word joiner, BOM.
_CONTROLS = (
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2069\ufeff]"
)
_ODD_SPACES = (
    "\t\n\u000b\f\r\u001c-\u001f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
)
_LOOSE_SPACES = f" *[{_ODD_SPACES}][ {_ODD_SPACES}]*|  +"


def clean(text: pl.Series, region: str | None = None) -> pl.Series:
    """Clean and mask strings; null stays null, and other results may be empty.

    Removes tags, entities, control characters and redundant white space, and replaces personal data
    by ``<EMAIL> <PHONE> <URL> <CARD> <IBAN>``. ``region`` is a country such as ``DE``; its phone
    numbers are found in every form.
    """
    return mask(_squeezed(_normal(_decoded(_untagged(text)))), region)


def cleaner(rules: Rules) -> Callable[[pl.Series], pl.Series]:
    """Return the function that cleans texts: `clean`, or the one that ``--cleaner`` names."""
    if rules.cleaner is None:
        return partial(clean, region=rules.region)
    replacement = load_cleaner(rules.cleaner)

    def cleaned(text: pl.Series) -> pl.Series:
        result = replacement(text)
        if not isinstance(result, pl.Series) or len(result) != len(text):
            raise ValueError(f"--cleaner {rules.cleaner} must return one text for each it is given")
        return result.cast(pl.String)

    return cleaned


def _untagged(text: pl.Series) -> pl.Series:
    def strip(rows: pl.Series) -> pl.Series:
        rows = rows.str.replace_all(_UNSHOWN, " ").str.replace_all(_BLOCK_TAG, " ")
        return rows.str.replace_all(_INLINE_TAG, "")

    return change(text, text.str.contains("<", literal=True), strip)


def _decoded(text: pl.Series) -> pl.Series:
    """Resolve entities that have their semicolon: ``laptop&notbook`` stays unchanged."""

    def resolve(rows: pl.Series) -> pl.Series:
        return pl.Series([re.sub(_ENTITY, _character, row) for row in rows], dtype=pl.String)

    return change(text, text.str.contains(_ENTITY), resolve)


def _character(match: re.Match[str]) -> str:
    entity = match[0]
    if entity[1] == "#":
        return html.unescape(entity)
    return html5.get(entity[1:], entity)


def _normal(text: pl.Series) -> pl.Series:
    def normal(rows: pl.Series) -> pl.Series:
        return rows.str.replace_all(_CONTROLS, "").str.normalize("NFC")

    return change(text, text.str.contains(r"[^ -~\t\n\r]"), normal)


def _squeezed(text: pl.Series) -> pl.Series:
    return change(
        text,
        text.str.contains(f"  |[{_ODD_SPACES}]")
        | text.str.starts_with(" ")
        | text.str.ends_with(" "),
        lambda rows: rows.str.replace_all(_LOOSE_SPACES, " ").str.strip_chars(" "),
    )
