"""Cleaning of message texts: a Polars column in, a Polars column out.

Each step touches only the rows that need it. Tags go before tokens like ``<EMAIL>`` come, and
everything is in Unicode's NFKC form before it is masked, so that full-width digits do not escape.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.entities import html5

import polars as pl

from messages.masking import DIGITS, NUMBERS, mask_numbers
from messages.rules import CleanerError, Rules, load_cleaner

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

# Those that most messages have, which need no look at each row that has some.
_COMMON = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#39;": "'", "&nbsp;": "\u00a0"}

# Controls, and marks nobody sees: soft hyphen, zero width space, direction, joiners of words, BOM.
_CONTROLS = (
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2069\ufeff]"
)
_ODD_SPACES = (
    "\t\n\u000b\f\r\u001c-\u001f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
)
_SPACES = f"[ {_ODD_SPACES}]+"
_LOOSE_SPACES = f"  |[{_ODD_SPACES}]"

# Characters that NFKC leaves as they are, alone and beside each other: those of most messages.
_SETTLED = (
    "\u0000-\u007f\u00a1-\u00a7\u00a9\u00ab-\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131"
    "\u0134-\u013e\u0141-\u0148\u014a-\u017e"  # Latin
    "\u0391-\u03a1\u03a3-\u03ce\u0400-\u0482\u048a-\u052f"  # Greek, Cyrillic
    "\u200d\u2010\u2012-\u2016\u2018-\u2022\u20a9-\u20bf"  # joiner, dashes, quotes, currencies
    "\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"  # kana, Han, Hangul
    "\u2600-\u27bf\ufe0f\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001f9ff"  # emoji
)
_UNSETTLED = f"[^{_SETTLED}]"

_URL_REST = r"""[^ <>"]*[^ <>".,;:!?'(){}\[\]]"""
_SCHEME_URL = rf"(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp])://{_URL_REST}"
_WORD = r"""[^ !?*&|=/<>(){}\[\]\\,;:"'@"""
_EMAIL = rf"{_WORD}]+(?:'{_WORD}]+)*@(?:{_WORD}.]+\.)+{_WORD}.0-9_-]{{2,24}}"
_DOMAIN = (
    r"(?:[Ww][Ww][Ww]\.[A-Za-z0-9-]+|[A-Za-z0-9][A-Za-z0-9-]*)(?:\.[A-Za-z0-9-]+)*"
    r"\.(?:com|net|org|edu|gov|biz|co\.[a-z]{2}|COM|NET|ORG|EDU|GOV|BIZ|CO\.[A-Z]{2})(?-u:\b)"
)
_BARE_URL = rf"(?:[Ww][Ww][Ww]\.[A-Za-z0-9-]+\.{_URL_REST}|{_DOMAIN}(?:[/?#]{_URL_REST}|/)?)"
_BARE_HINT = r"[Ww][Ww][Ww]\.|\.(?:com|net|org|edu|gov|biz|co\.|COM|NET|ORG|EDU|GOV|BIZ|CO\.)"
# Where it is not found, no step has anything to do: it finds whatever one of them looks for.
_ANYTHING = f"[^ -~]|[<@]|://|  |^ | $|{_ENTITY}|{_BARE_HINT}|{DIGITS}"


def clean(text: pl.Series) -> pl.Series:
    """Clean and mask texts.

    Parameters
    ----------
    text
        Strings; null stays null.

    Returns
    -------
    pl.Series
        As many strings: without tags, entities, control characters and spare white space, in NFKC,
        personal numbers and addresses replaced by ``<EMAIL> <PHONE> <URL> <CARD>``. May be empty.
    """
    return _change(text, text.str.contains(_ANYTHING), _cleaned)


def cleaner(rules: Rules) -> Callable[[pl.Series], pl.Series]:
    """Return the function that cleans texts: `clean`, or the one that ``--cleaner`` names."""
    if rules.cleaner is None:
        return clean
    replacement = load_cleaner(rules.cleaner)

    def cleaned(text: pl.Series) -> pl.Series:
        result = replacement(text)
        if not isinstance(result, pl.Series) or len(result) != len(text):
            raise CleanerError(
                f"--cleaner {rules.cleaner} must return one text for each it is given"
            )
        return result.cast(pl.String)

    return cleaned


def _cleaned(text: pl.Series) -> pl.Series:
    return mask(_squeezed(_normal(_decoded(_untagged(text)))))


def mask(text: pl.Series) -> pl.Series:
    """Put tokens in place of URLs, e-mail addresses, card and phone numbers.

    URLs with a scheme first, as they may hold addresses; bare domains after addresses, as those
    hold domains; cards before phones, as those are shorter.
    """
    text = _replace(text, text.str.contains("://", literal=True), _SCHEME_URL, "<URL>")
    text = _replace(text, text.str.contains("@", literal=True), _EMAIL, "<EMAIL>")
    text = _replace(text, text.str.contains(_BARE_HINT), _BARE_URL, "<URL>")
    return _change(text, text.str.contains(DIGITS), _without_numbers)


def _without_numbers(text: pl.Series) -> pl.Series:
    return _each(text, text.str.contains(NUMBERS), mask_numbers)


def _untagged(text: pl.Series) -> pl.Series:
    def strip(rows: pl.Series) -> pl.Series:
        rows = rows.str.replace_all(_UNSHOWN, " ").str.replace_all(_BLOCK_TAG, " ")
        return rows.str.replace_all(_INLINE_TAG, "")

    return _change(text, text.str.contains("<", literal=True), strip)


def _decoded(text: pl.Series) -> pl.Series:
    """Resolve entities, with their semicolon only: ``laptop&notbook`` stays as it is."""
    return _change(text, text.str.contains(_ENTITY), _resolved)


def _resolved(text: pl.Series) -> pl.Series:
    entities = re.compile(_ENTITY)
    others = text.str.replace_many(dict.fromkeys(_COMMON, "")).str.contains(_ENTITY)
    resolved = text.str.replace_many(_COMMON)  # each once: what one leaves is part of no other
    exact = text.filter(others).map_elements(
        lambda row: entities.sub(_character, row), return_dtype=pl.String
    )
    return resolved.scatter(others.arg_true(), exact)


def _character(match: re.Match[str]) -> str:
    entity = match[0]
    if entity[1] == "#":
        return html.unescape(entity)
    return html5.get(entity[1:], entity)


def _normal(text: pl.Series) -> pl.Series:
    text = _replace(text, text.str.contains(_CONTROLS), _CONTROLS, "")
    unsettled = text.str.contains(_UNSETTLED)
    return _change(text, unsettled, lambda rows: rows.str.normalize("NFKC"))


def _squeezed(text: pl.Series) -> pl.Series:
    return _change(
        text,
        text.str.contains(_LOOSE_SPACES) | text.str.starts_with(" ") | text.str.ends_with(" "),
        lambda rows: rows.str.replace_all(_SPACES, " ").str.strip_chars(" "),
    )


def _replace(text: pl.Series, where: pl.Series, pattern: str, token: str) -> pl.Series:
    return _change(text, where, lambda rows: rows.str.replace_all(pattern, token))


def _each(text: pl.Series, where: pl.Series, change: Callable[[str], str]) -> pl.Series:
    return _change(
        text, where, lambda rows: pl.Series([change(row) for row in rows], dtype=pl.String)
    )


def _change(
    text: pl.Series, where: pl.Series, change: Callable[[pl.Series], pl.Series]
) -> pl.Series:
    """Change the rows where ``where`` is true, and leave the others untouched."""
    rows = where.arg_true()
    if len(rows) == 0:
        return text
    if len(rows) == len(text):
        return change(text)
    return text.scatter(rows, change(text.gather(rows)))
