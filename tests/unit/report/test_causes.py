"""Which failures are taken to be of one kind."""

from __future__ import annotations

import time

import pytest

from landrun_ops.web.causes import alike, cause
from records import record


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not used: incoming/a.csv: too short", "not used: in/2026/b.csv: too short"),
        ("stopped at its time limit of 3,600 seconds", "stopped at its time limit of 90 seconds"),
        ("column 'sender' not found", "column 'from whom' not found"),
        ("request id: 27D9F0F0F9BEE62A", "request id: CE7341B52F96EDF0"),
        ("job landrun-55ea21e7b46057f4 failed", "job landrun-064da23dccf757b7 failed"),
        ("role arn:aws:iam::1:role/a may not", "role arn:aws:iam::2:role/b may not"),
    ],
)
def test_failures_that_differ_by_names_and_numbers_are_alike(one: str, other: str) -> None:
    assert alike(one) == alike(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not readable as Parquet", "not readable as CSV"),
        ("it can't be read, so don't", "it can't be found, so don't"),
        ("exit code one", "exit code two"),
    ],
)
def test_failures_that_differ_by_a_word_are_not(one: str, other: str) -> None:
    assert alike(one) != alike(other)


def test_telling_causes_apart_takes_no_longer_for_hostile_texts() -> None:
    began = time.process_time()

    for text in ("/." * 200, "'" * 400, "a/" * 200, "1," * 200, '"' * 399, "0x" * 200, "-" * 400):
        for _ in range(20):
            alike(text)

    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"status": "SUCCEEDED", "exit_message": "all is well"}, None),
        ({"status": "RUNNING", "cause": "not yet"}, None),
        ({"status": "FAILED", "exit_message": "too short", "cause": "{}"}, "too short"),
        ({"status": "FAILED", "cause": '{"FailureReason": "exit code: 1"}'}, "exit code: 1"),
        ({"status": "FAILED", "cause": "plain words\nin two lines"}, "plain words in two lines"),
        ({"status": "FAILED", "cause": "{no JSON"}, "{no JSON"),
        ({"status": "FAILED", "error": "States.Runtime"}, "States.Runtime"),
        ({"status": "FAILED"}, "no reason was given"),
        ({"status": "TIMED_OUT", "error": "T"}, "the execution ran into its time limit"),
        ({"status": "ABORTED"}, "the execution was stopped"),
    ],
)
def test_a_cause_is_in_the_words_nearest_to_the_reason(row: dict[str, str], said: str) -> None:
    assert cause(record({"name": "a", **row})) == said
