"""What is known of files from their bytes, and how they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import host, streams
from messages.columns import ColumnNotFoundError, find_columns, name_header, spilled
from messages.streams import in_utf8, line_batches, range_blocks


# Most are public data sets: tweets of three kinds, Sentiment140, Yelp, Amazon, hotels, the CFPB.
@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("id,from,sent_at,text", "text,from,id,sent_at"),
        ("Message ID,Author,Created At,Message", "Message,Author,Message ID,Created At"),
        ("messageId,userName,TIMESTAMP,messageText", "messageText,userName,messageId,TIMESTAMP"),
        ("created_at,id_str,full_text,user_id_str", "full_text,user_id_str,id_str,created_at"),
        ("tweet_id,airline,name,text,tweet_created", "text,,tweet_id,tweet_created"),
        ("target,ids,date,flag,user,tweet", "tweet,user,ids,date"),
        ("review_id,user_id,stars,text,date", "text,user_id,review_id,date"),
        ("customer_id,review_id,review_body,day", "review_body,customer_id,review_id,"),
        ("name,reviews.date,reviews.text", "reviews.text,,,reviews.date"),
        ("Date received,Complaint ID,body", "body,,Complaint ID,Date received"),
    ],
)
def test_columns_are_found_by_their_usual_names(names, chosen):
    found = find_columns(names.split(","))

    roles = (found.text, found.sender, found.message_id, found.sent_at)
    assert [name or "" for name in roles] == chosen.split(",")


@pytest.mark.parametrize(
    ("names", "asked", "text"),
    [
        ("text,From", "FROM", "From"),
        ("b,text,a", "a, b", "a"),
        ("B,text", "a,b", "B"),
    ],
)
def test_arguments_come_before_usual_names_and_the_first_that_is_there_is_taken(names, asked, text):
    found = find_columns(names.split(","), {"text": asked})

    assert (found.text, found.sender) == (text, None)


def test_a_whole_name_comes_before_its_parts_and_the_column_with_more_texts_before_others():
    assert find_columns(["a", "a,b"], {"text": "a,b"}).text == "a,b"
    assert find_columns(["text", "body"], weights={"text": 1, "body": 9}).text == "body"


@pytest.mark.parametrize(
    ("names", "asked", "said"),
    [
        (["v1", "v2"], {}, r"it has 'v1', 'v2'; .*--text-column"),
        (["text"], {"sender": "who"}, r"no column 'who' .--sender-column.*'text'"),
        (["a", "text"], {"text": "c,d"}, "no column 'c,d'"),
        ([f"{i}" * 200 for i in range(100, 200)], {}, "and 80 more"),
    ],
)
def test_a_missing_column_names_the_others_and_the_remedy_in_short(names, asked, said):
    with pytest.raises(ColumnNotFoundError, match=said) as caught:
        find_columns(names, asked)
    assert len(str(caught.value)) < 1024


def test_unnamed_fields_behind_the_text_are_its_rest():
    assert name_header(["v1", "", "v1"]) == ("v1", "column_2", "v1_2")
    assert spilled(["v1", "v2", "", "", ""], 1) == 3
    assert spilled(["text", "", "time"], 0) == 0


def lines_of(path, start, end):
    return [line for batch in line_batches(range_blocks(path, start, end)) for line in batch]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_ranges_of_a_file_give_each_of_its_lines_once(tmp_path_factory, data, step):
    path = tmp_path_factory.getbasetemp() / "ranges"
    path.write_bytes(data)
    starts = range(0, len(data), step)
    cut = [line for i in starts for line in lines_of(path, i, min(len(data), i + step))]

    whole = lines_of(path, 0, len(data))
    assert cut == whole == data.removesuffix(b"\n").split(b"\n") * bool(data)


@given(st.text(), st.sampled_from(["utf-16-le", "utf-16-be"]), st.integers(1, 7))
def test_utf_16_survives_being_read_in_pieces(text, encoding, size):
    data = ("\ufeff" + text).encode(encoding)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]

    assert b"".join(in_utf8(pieces, encoding)).decode() == text


def test_half_a_unit_of_utf_16_is_not_silently_dropped():
    odd = "a\nb".encode("utf-16-le") + b"\x41"
    assert b"".join(in_utf8([odd], "utf-16-le")) == b"a\nb\xed\xb2\x80"
    assert b"\xed" in b"".join(in_utf8([b"\x00\xd8a\x00"], "utf-16-le"))


def test_an_endless_line_is_cut_and_not_held(monkeypatch):
    monkeypatch.setattr(streams, "MAX_LINE", 10)
    monkeypatch.setattr(streams, "BATCH_BYTES", 4)
    cut = [line for batch in line_batches(b"x" * 4 for _ in range(999)) for line in batch]

    assert cut == [b"x" * 11]


def test_the_limit_of_memory_is_that_of_the_container(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text("104857600\n")
    monkeypatch.setattr(host, "_LIMITS", [limit])

    assert host.memory_mb() == 100


def test_scratch_is_on_sagemakers_volume_if_there_is_one(tmp_path):
    with host.scratch_folder(tmp_path) as scratch:
        assert tmp_path not in scratch.parents
    (tmp_path / "processing").mkdir()
    with host.scratch_folder(tmp_path) as scratch:
        assert scratch.parent == tmp_path / "processing"
