"""Texts from outside move no cursor, begin no line, make no link; and none is too much to read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landrun.errors import ConfigurationError, InvalidEvent, ServiceError
from landrun.sanitize import (
    defanged,
    json_object,
    nested_deeper,
    one_line,
    plain_json,
    printable,
    shown,
    whole,
)

anything = st.text(st.characters(exclude_categories=()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | anything,
    lambda inner: st.lists(inner) | st.dictionaries(anything, inner),
    max_leaves=10,
)


@given(anything)
def test_whatever_is_shown_is_printable_and_what_was_printable_is_unchanged(text):
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


@given(anything, st.integers(2, 50))
def test_a_line_is_one_and_never_longer_than_asked_for(text, limit):
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit
    assert line.endswith("…") or line == printable(text)


@pytest.mark.parametrize(
    "value",
    [10**5000, "x" * 10**6, ["\x1b[2J"], {"a": "\n"}, None, "\ud800"],
    ids=["digits", "long", "escape", "break", "none", "half"],
)
def test_any_value_can_be_shown_in_an_error(value):
    assert shown(value).isprintable()
    assert len(shown(value)) <= 120


def test_a_value_that_python_cannot_spell_is_named_by_its_type():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "a list too long to show"
    assert shown(10**5000) == "a int too long to show"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("see https://evil.example/a?b=c", "see https[:]//evil.example/a?b=c"),
        ("HTTPS://EVIL.example", "HTTPS[:]//EVIL.example"),
        ("WWW.evil.example", "WWW[.]evil.example"),
        ("<a href=x>", "\\x3ca href=x\\x3e"),
        ("<https://evil.example|here>", "\\x3chttps[:]//evil.example|here\\x3e"),
        ("s3://bucket/incoming/a.jsonl landed", "s3://bucket/incoming/a.jsonl landed"),
        ("arn:aws:states:us-east-1:1:execution:m:n", "arn:aws:states:us-east-1:1:execution:m:n"),
    ],
)
def test_a_mail_makes_no_link_and_no_tag_of_a_text_but_s3_uris_stay(text, safe):
    assert defanged(text) == safe


@given(json_values)
def test_plain_json_is_the_value_again_in_printable_characters(value):
    text = plain_json(value)
    assert text.isprintable()
    assert json.loads(text) == json.loads(json.dumps(value))


def test_plain_json_leaves_every_script_readable_and_its_own_line_breaks():
    assert plain_json({"key": "日本 é 😀"}) == '{"key":"日本 é 😀"}'
    assert plain_json({"a": "\x7f\n"}, indent=2) == '{\n  "a": "\\u007f\\n"\n}'


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "1",
        "nonsense",
        "[" * 10**6,
        '{"a":' * 10**5,
        '{"a":' + "9" * 5000 + "}",
        b"\xff",
    ],
)
def test_what_is_no_json_object_or_too_much_of_one_is_an_empty_one(text):
    assert json_object(text) == {}


def test_nesting_is_told_without_following_it_to_its_end():
    deep: dict = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert nested_deeper(deep, 30)
    assert not nested_deeper({"a": [{"b": 1}]}, 3)
    assert nested_deeper({"a": [{"b": 1}]}, 2)


@given(anything)
def test_a_whole_text_can_be_written_down(text):
    whole(text).encode()


@pytest.mark.parametrize(
    "error",
    [
        InvalidEvent("the key is\n\x1b[2J\u202e"),
        ConfigurationError("a\r\nb"),
        ServiceError("s3:PutObject", "Code\n", "level: ERROR\n" * 10_000),
    ],
)
def test_an_error_is_one_line_whatever_it_is_about(error):
    assert str(error).isprintable()
    assert len(str(error)) <= 4000
