"""What cleaning does to a text."""

# ruff: noqa: RUF001 - letters that look alike are the point
from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.cleaning import clean


def cleaned(text):
    return clean(pl.Series([text], dtype=pl.String)).item()


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
        ("laptop&notbook AT&ampers a &notit; T&C's x&copy=1", ...),
        ("cafe\u0301 u\u0308ber", "café über"),
        ("a\x00b\x07c\u200bd\ufeff\u202e \x85 e", "abcd e"),
        ("  many\t\n\r\n spaces\u00a0\u3000here ", "many spaces here"),
        ("👩\u200d🔧 stays", ...),
        ("10² km, 1½ h, x⁵, don´t, ™ №5 ℃ ㎏ ㍿ …", ...),
        ("很好，谢谢！真的？（是）；“好”：", ...),
        ("ﬁne Ａｂｃ １２ ｶﾀｶﾅ 2⁄3 ⅔ Ⅷ ①", ...),
        ("٣ أيام، ५ दिन, ๓ วัน, l’été – à 20 €", ...),
        (" \t\n<br>&nbsp;", ""),
    ],
)
def test_text_becomes(raw, clear):
    assert cleaned(raw) == (raw if clear is ... else clear)


def test_rows_do_not_touch_each_other_and_null_stays_null():
    texts = ["plain", None, "<b>x</b>", "", "a@example.com", "é  è"]

    assert clean(pl.Series(texts)).to_list() == ["plain", None, "x", "", "<EMAIL>", "é è"]
    assert clean(pl.Series([], dtype=pl.String)).len() == 0


HOSTILE = st.text(
    alphabet=st.sampled_from("<>&;#x0149 -+()./@abcom:\\\"'\n\u00a0Ａ\u0301\u200b\x00"), max_size=60
)


@given(st.lists(st.one_of(st.none(), st.text(max_size=20), HOSTILE), max_size=8))
def test_cleaning_leaves_no_spare_space_and_each_row_is_as_it_is_alone(texts):
    result = clean(pl.Series(texts, dtype=pl.String)).to_list()

    assert result == [None if text is None else cleaned(text) for text in texts]
    for text in filter(None, result):
        assert text == text.strip(" ")
        assert not set(text) & set("\x00\n\t\u00a0\u200b")
        assert "  " not in text
