"""What cleaning does to a text."""

# ruff: noqa: RUF001 - letters that look alike are the point
from __future__ import annotations

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import cleaning, masking
from messages.cleaning import clean, mask
from messages.masking import is_card, mask_numbers


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
        ("ﬁne Ａｂｃ ½ cafe\u0301", "fine Abc 1⁄2 café"),
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


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("mail bob.o'brien+x@mail.example.co.uk.", "mail <EMAIL>."),
        ("<bob@example.com>, (jörg@example.de)", "<<EMAIL>>, (<EMAIL>)"),
        ("a@b, x @ y.com", "a@b, x @ <URL>"),
        ("see https://a.example/x?u=bob@example.com&p=07911123456).", "see <URL>)."),
        ("HTTP://EXAMPLE.COM or www.example.org/a. ok example.com!", "<URL> or <URL>. ok <URL>!"),
        ("bob@www.example.com", "<EMAIL>"),
        ("foo.community, e.g.this, v1.2.3", "foo.community, e.g.this, v1.2.3"),
        ("bob<b>@</b>example.com", "<EMAIL>"),
        ("ｂｏｂ＠ｅｘａｍｐｌｅ．ｃｏｍ", "<EMAIL>"),
    ],
)
def test_addresses_are_masked(raw: str, masked: str) -> None:
    assert cleaned(raw) == masked


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
        "6011111111111117",
        "３５３０１１１３３３３０００００",
    ],
)
def test_card_numbers_are_masked(number: str) -> None:
    assert cleaned(f"pay {number}, exp 12/27 cvv 123") == "pay <CARD>, exp 12/27 cvv 123"


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111112",  # no Luhn
        "1234567812345670",  # Luhn, but no issuer's
        "41111111111111110000000",  # a part of something longer
        "0000000000000000",
    ],
)
def test_long_digits_of_other_kinds_are_no_cards(number: str) -> None:
    assert cleaned(f"order {number} sent") == f"order {number} sent"


def test_a_card_is_found_between_other_numbers() -> None:
    assert mask_numbers("12 4111 1111 1111 1111 123 99") == "12 <CARD> 123 99"
    assert is_card("4111111111111111")


@pytest.mark.parametrize(
    "number",
    [
        "+44 7911 123456",
        "+1 (555) 010-4477",
        "+4917012345678",
        "0044 20 7946 0958",
        "08452810075",
        "06 12 34 56 78",
        "030/1234567",
        "(020) 7946 0958",
        "(555) 010-4477",
        "555-010-4477",
        "1-800-555-0100",
        "447801259231",
        "98765 43210",
    ],
)
def test_phone_numbers_are_masked(number: str) -> None:
    assert cleaned(f"ring {number}, or write") == "ring <PHONE>, or write"


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-11-22 10:32 and 01.02.2026 at 10:30",
        "order 5551234567 of item 12345678",
        "id 5.7E+17 at 1700000000",
        "10.0.0.12 costs 1,234,567.89",
        "#0845281007 and ORD-2026-0845281007",
        "text WIN to 87121",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert cleaned(text) == text


def test_numbers_next_to_each_other_are_all_masked() -> None:
    assert mask_numbers("07880867867/07880867867") == "<PHONE>/<PHONE>"
    assert mask_numbers("+44 7911 123456 2026") == "<PHONE> 2026"
    assert mask_numbers("+1 555 010 4477 555-010-4478") == "<PHONE> <PHONE>"
    assert mask_numbers("call 08452810075over18's") == "call <PHONE>over18's"


def test_bare_digits_are_a_phone_number_after_a_word_for_it() -> None:
    assert mask_numbers("call me at 5551234567") == "call me at <PHONE>"
    assert mask_numbers("whatsapp 555-0104") == "whatsapp <PHONE>"


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

    assert pl.Series(settled).str.normalize("NFKC").to_list() == settled
    assert not any(unicodedata.combining(character) for character in settled)
    assert not {*settled} & (joining | jamo)


def _second(character: str) -> str | None:
    """Give what a character is made of beside a first one, if it is made of two."""
    parts = unicodedata.decomposition(character).split()
    made = len(parts) == 2 and not parts[0].startswith("<")
    return chr(int(parts[1], 16)) if made else None


@given(st.text(alphabet=st.sampled_from(_settled()), max_size=60))
def test_a_text_of_settled_characters_is_normal(text: str) -> None:
    assert pl.Series([text]).str.normalize("NFKC").item() == text


@given(st.from_regex(r"[0-9 +()/.-]{0,60}", fullmatch=True))
def test_masking_numbers_twice_is_masking_once(text: str) -> None:
    once = mask(pl.Series([text]))

    assert mask(once).to_list() == once.to_list() or "<PHONE>" in once.to_list()[0]


@given(st.text(alphabet="0123456789 +-/.()#ABCcalE\n", max_size=60) | st.text())
def test_trying_only_where_a_number_can_start_finds_every_number(text: str) -> None:
    assert masking._phones(text) == masking._PHONE_RUN.sub(masking._phone, text)


# fmt: off
_PIECES = [
    "0", "1", "2", "4", "44", "5", "6", "7", "8", "9", "00", "07", "020", "+", "(", ")", "-", ".",
    "/", "#", "A", "é", "555", "123", "4567", "+49", "170", "2026-11-22", "AB-", "1e5", "4111",
    "99999", "12345", "7946", "0958", "call", "TEXT", "tel",
]
# fmt: on


@settings(max_examples=2000)
@given(st.lists(st.sampled_from([*_PIECES, " ", "  ", " - "]), max_size=14).map("".join))
def test_rows_that_the_column_filter_passes_over_hold_nothing_to_mask(text: str) -> None:
    filtered = pl.Series([text]).str.contains(masking.NUMBERS).item()
    assert filtered or mask_numbers(text) == text


@settings(max_examples=2000)
@given(st.lists(st.sampled_from([*_PIECES, " ", "  ", " - "]), max_size=14).map("".join))
def test_digits_are_found_wherever_numbers_are(text: str) -> None:
    row = pl.Series([text])
    assert row.str.contains(masking.DIGITS).item() or not row.str.contains(masking.NUMBERS).item()


@pytest.mark.parametrize(
    "number",
    [
        "4111 1111 1111 1111", "+49 170 5551234", "0044 20 7946 0958", "020 7946 0958",
        "99999 12345", "447911123456", "(555) 123-4567", "555-123-4567", "call 555 1234",
        "whatsapp 5551234", "+44 7911 123456",
    ],
)  # fmt: skip
def test_each_form_of_number_passes_the_column_filter(number: str) -> None:
    assert mask(pl.Series([f"({number})"])).item() != f"({number})"


@pytest.mark.parametrize("other", ["2026-11-22", "2026-11-22 18:30", "25.90 42", "1234567 pieces"])
def test_dates_and_amounts_do_not_reach_the_row_by_row_functions(other: str) -> None:
    assert not pl.Series([other]).str.contains(masking.NUMBERS).item()
