"""Untrusted texts move no cursor, begin no line, make no link; and none is too much to read."""

import json
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landrun import sanitize

DEEP = reduce(lambda inner, _: [inner], range(100_000), [])
TOO_MUCH = ["[" * 10**6, '{"a":' * 10**5, '{"a":' + "9" * 5000 + "}"]


@settings(max_examples=50)
@given(st.text(st.characters(exclude_categories=())), st.integers(2, 50))
def test_any_text_is_shown_as_one_printable_line_and_is_itself_in_plain_json(text, limit):
    line, escaped = sanitize.one_line(text, limit), sanitize.printable(text)
    assert escaped.isprintable()
    assert escaped == text or not text.isprintable()
    assert line.isprintable()
    assert len(line) <= limit
    assert line.endswith("…") or line == escaped
    plain = sanitize.plain_json({text: [text]})
    assert plain.isprintable()
    assert json.loads(plain) == {text: [text]}
    sanitize.whole(text).encode()


def test_every_script_stays_readable():
    assert sanitize.printable("a\nb\x1b[31mé😀\u202e") == r"a\nb\x1b[31mé😀\u202e"
    assert sanitize.plain_json({"key": "日本 é 😀"}) == '{"key":"日本 é 😀"}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "\n", "\x1b[2J": None}, r"{'a': '\n', '\x1b[2J': None}"),
        ("x" * 10**6, f"'{'x' * 118}…"),
        (10**5000, "a int too long to show"),
        (DEEP, "a list too long to show"),
    ],
    ids=["escapes", "long", "digits", "deep"],
)
def test_any_value_is_shown_in_a_short_line(value, text):
    assert sanitize.shown(value) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("see HTTPS://evil.example/a?b=c", "see HTTPS[:]//evil.example/a?b=c"),
        ("WWW.evil.example", "WWW[.]evil.example"),
        ("<https://evil.example|here>", "\\x3chttps[:]//evil.example|here\\x3e"),
        ("s3://bucket/incoming/a.jsonl landed", "s3://bucket/incoming/a.jsonl landed"),
    ],
)
def test_a_mail_finds_no_link_and_no_tag_in_a_text_but_s3_uris_stay(text, safe):
    assert sanitize.defanged(text) == safe


@pytest.mark.parametrize("text", [None, "", "[]", "1", "nonsense", b"\xff", *TOO_MUCH])
def test_json_that_is_not_an_object_or_too_much_of_one_is_an_empty_one(text):
    assert sanitize.json_object(text) == {}
