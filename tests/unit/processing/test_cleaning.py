"""What cleaning does to a text."""

# ruff: noqa: RUF001 - letters that look alike are the point
from __future__ import annotations

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import cleaning
from messages.cleaning import clean


def cleaned(text: str) -> str:
    return clean(pl.Series([text], dtype=pl.String)).to_list()[0]


@pytest.mark.parametrize(
    ("raw", "clear"),
    [
        ("<p>Hi <b>th</b>ere</p><br/>you", "Hi there you"),
        ('<a href="http://x.com/?a=1">click</a> <IMG SRC=x.png>here', "click here"),
        ("<script>alert('x')</script>ok<!-- note -->", "ok"),
        ("I <3 it, a<b and c>d, 1 < 2 > 0", "I <3 it, a<b and c>d, 1 < 2 > 0"),
        ("<bob says> hi", "<bob says> hi"),
        ("Tom &amp; Jerry &lt;#&gt; &pound;5 &#8364;5 &#x20AC;5", "Tom & Jerry <#> £5 €5 €5"),
        ("&amp;lt;", "&lt;"),
        ("&lt;b&gt;kept as written&lt;/b&gt;", "<b>kept as written</b>"),
        ("cafe\u0301 u\u0308ber", "café über"),
        ("a\x00b\x07c\u200bd\ufeff\u202e \x85 e", "abcd e"),
        ("  many\t\n\r\n spaces\u00a0\u3000here ", "many spaces here"),
        ("👩\u200d🔧 stays", "👩\u200d🔧 stays"),
        (" \t\n<br>&nbsp;", ""),
    ],
)
def test_text_becomes(raw: str, clear: str) -> None:
    assert cleaned(raw) == clear


@pytest.mark.parametrize("raw", ["laptop&notbook", "AT&ampers", "a &notit; b", "T&C's", "x&copy=1"])
def test_an_entity_without_semicolon_or_name_of_its_own_stays(raw: str) -> None:
    assert cleaned(raw) == raw


def test_rows_do_not_touch_each_other_and_null_stays_null() -> None:
    texts = ["plain", None, "<b>x</b>", "", "a@example.com", "é  è"]

    assert clean(pl.Series(texts)).to_list() == ["plain", None, "x", "", "<EMAIL>", "é è"]
    assert clean(pl.Series([], dtype=pl.String)).len() == 0


HOSTILE = st.text(
    alphabet=st.sampled_from("<>&;#x0149 -+()./@abcom:\\\"'\n\u00a0Ａ\u0301\u200b\x00"), max_size=60
)


@given(st.lists(st.one_of(st.none(), st.text(), HOSTILE), max_size=20))
def test_cleaning_never_raises_and_leaves_no_spare_space(texts: list[str | None]) -> None:
    result = clean(pl.Series(texts, dtype=pl.String)).to_list()

    assert len(result) == len(texts)
    for before, after in zip(texts, result, strict=True):
        assert (before is None) == (after is None)
        if after is not None:
            assert after == after.strip(" ")
            assert not set(after) & set("\x00\n\t\u00a0\u200b")
            assert "  " not in after


@given(st.lists(HOSTILE, min_size=1, max_size=10))
def test_a_row_is_cleaned_the_same_alone_and_among_others(texts: list[str]) -> None:
    assert clean(pl.Series(texts)).to_list() == [cleaned(text) for text in texts]


_UNTOUCHED = st.text(
    alphabet=st.sampled_from("<>&;#xamp0149 -+()./@:www.com:\n\u00a0é\x7f"), max_size=30
)


@settings(max_examples=1000)
@given(st.one_of(st.text(max_size=30), HOSTILE, _UNTOUCHED))
def test_a_row_that_is_left_out_from_the_start_is_one_that_no_step_changes(text: str) -> None:
    row = pl.Series([text])
    touched = row.str.contains(cleaning._ANYTHING).item()
    assert touched or cleaning._cleaned(row).item() == text


_ENTITIES = ["&lt;", "&gt;", "&amp;", "&quot;", "&#39;", "&nbsp;", "&eacute;", "&#x26;", "&nosuch;"]


@settings(max_examples=500)
@given(st.lists(st.sampled_from([*_ENTITIES, "&", "&am", "p;", "l", "t;", "#39;", " ", "é"])))
def test_entities_are_resolved_once_and_each_by_itself(pieces: list[str]) -> None:
    text = "".join(pieces)
    one_by_one = re.sub(cleaning._ENTITY, cleaning._character, text)
    assert cleaning._decoded(pl.Series(["a", text])).to_list() == ["a", one_by_one]


def _settled() -> list[str]:
    every = pl.Series([chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000])
    return every.filter(~every.str.contains(cleaning._UNSETTLED)).to_list()


def test_settled_characters_are_normal_and_none_joins_the_one_before_it() -> None:
    settled = _settled()
    joining = {second for c in range(0x110000) if (second := _second(chr(c)))}
    jamo = {chr(c) for c in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}

    assert pl.Series(settled).str.normalize("NFC").to_list() == settled
    assert not any(unicodedata.combining(character) for character in settled)
    assert not {*settled} & (joining | jamo)


def _second(character: str) -> str | None:
    """Give what a character is made of beside a first one, if it is made of two."""
    parts = unicodedata.decomposition(character).split()
    made = len(parts) == 2 and not parts[0].startswith("<")
    return chr(int(parts[1], 16)) if made else None


@given(st.text(alphabet=st.sampled_from(_settled()), max_size=60))
def test_a_text_of_settled_characters_is_normal(text: str) -> None:
    assert pl.Series([text]).str.normalize("NFC").item() == text
