"""What is told of files from their bytes, and how they are cut."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from messages import csvrows
from messages.columns import ColumnNotFoundError, find_columns, name_header, spilled
from messages.csvrows import CsvRecords
from messages.encodings import encoding_of
from messages.lines import Reject
from messages.streams import Blocks, in_utf8, line_batches, range_blocks


def lines_of(path: Path, start: int, end: int) -> list[bytes]:
    return [line for batch in line_batches(range_blocks(path, start, end)) for line in batch]


def records(text: str) -> list[tuple[int, list[str] | Reject]]:
    return list(CsvRecords(text.split("\n")))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("id,from,sent_at,text", "text,from,id,sent_at"),
        ("Message ID,Author,Created At,Message", "Message,Author,Message ID,Created At"),
        ("Label,SMS", "SMS,,,"),
        ("messageId,userName,TIMESTAMP,messageText", "messageText,userName,messageId,TIMESTAMP"),
        ("content,body,text", "text,,,"),
        # Public data sets: Twitter's archive, support and airline tweets, Sentiment140, Reddit,
        # YouTube's comments, Yelp, Amazon (two), Google Play, IMDb, hotels, Jigsaw, the CFPB.
        ("created_at,id_str,full_text,user_id_str", "full_text,user_id_str,id_str,created_at"),
        ("tweet_id,author_id,inbound,created_at,text", "text,author_id,tweet_id,created_at"),
        ("tweet_id,airline,name,text,tweet_created", "text,,tweet_id,tweet_created"),
        ("target,ids,date,flag,user,tweet", "tweet,user,ids,date"),
        ("author,body,created_utc,id,score", "body,author,id,created_utc"),
        ("COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS", "CONTENT,AUTHOR,COMMENT_ID,DATE"),
        ("review_id,user_id,stars,text,date", "text,user_id,review_id,date"),
        ("reviewerID,asin,reviewText,unixReviewTime", "reviewText,reviewerID,,unixReviewTime"),
        (
            "customer_id,review_id,review_body,review_date",
            "review_body,customer_id,review_id,review_date",
        ),
        ("reviewId,userName,content,at", "content,userName,reviewId,at"),
        ("review,sentiment", "review,,,"),
        (
            "name,reviews.date,reviews.text,reviews.username",
            "reviews.text,reviews.username,,reviews.date",
        ),
        ("id,comment_text,toxic", "comment_text,,id,"),
        (
            "Date received,Consumer complaint narrative,Complaint ID",
            "Consumer complaint narrative,,Complaint ID,Date received",
        ),
    ],
)
def test_columns_are_found_by_their_usual_names(names: str, chosen: str) -> None:
    found = find_columns(names.split(","))

    roles = (found.text, found.sender, found.message_id, found.sent_at)
    assert [name or "" for name in roles] == chosen.split(",")


def test_the_name_that_holds_more_texts_wins() -> None:
    assert find_columns(["text", "body"], weights={"text": 1, "body": 9}).text == "body"


def test_arguments_come_before_usual_names_and_take_their_column() -> None:
    found = find_columns(["text", "From"], {"text": "FROM"})

    assert (found.text, found.sender) == ("From", None)


def test_of_several_names_the_first_that_is_there_is_taken() -> None:
    assert find_columns(["b", "text", "a"], {"text": "a, b"}).text == "a"
    assert find_columns(["B", "text"], {"text": "a,b"}).text == "B"
    assert find_columns(["a", "a,b"], {"text": "a,b"}).text == "a,b"
    with pytest.raises(ColumnNotFoundError, match="no column 'c,d'"):
        find_columns(["a", "text"], {"text": "c,d"})


def test_a_missing_text_column_names_the_others_and_the_remedy() -> None:
    with pytest.raises(ColumnNotFoundError, match=r"it has 'v1', 'v2'; .*--text-column"):
        find_columns(["v1", "v2"])
    with pytest.raises(ColumnNotFoundError, match=r"no column 'who' .--sender-column.*'text'"):
        find_columns(["text"], {"sender": "who"})


def test_a_header_with_many_long_names_is_cut_short() -> None:
    with pytest.raises(ColumnNotFoundError) as caught:
        find_columns([f"{i}" * 200 for i in range(100, 200)])

    assert "and 80 more" in str(caught.value)
    assert len(str(caught.value)) < 1024


def test_unnamed_fields_behind_the_text_are_its_rest() -> None:
    assert name_header(["v1", "", "v1"]) == ("v1", "column_2", "v1_2")
    assert spilled(["v1", "v2", "", "", ""], 1) == 3
    assert spilled(["text", "", "time"], 0) == 0


@pytest.mark.parametrize(
    ("sample", "encoding"),
    [
        (b"plain", "utf-8"),
        (b"", "utf-8"),
        ("naïve".encode(), "utf-8"),
        ("naïve".encode("utf-8-sig"), "utf-8-sig"),
        ("Grüße".encode("cp1252"), "cp1252"),
        (b"only \xa35 each", "cp1252"),
        ("“5 €”".encode("cp1252"), "cp1252"),
        ("naïve".encode("utf-16"), "utf-16-le"),
        ("id,text\n1,naïve".encode("utf-16-be"), "utf-16-be"),
        ("id,text\n1,naïve".encode("utf-16-le"), "utf-16-le"),
        ("naïve café über à".encode() + b" \xe9", "utf-8"),
        (b"ascii\n" * 50 + b"but for a broken byte \xff", "utf-8"),
        ("a naïve café, über und über, cut in a lettér".encode()[:-2], "utf-8"),
    ],
)
def test_the_encoding_is_told_by_the_bytes(sample: bytes, encoding: str) -> None:
    assert encoding_of(sample) == encoding


def test_one_odd_line_among_many_json_lines_is_damage() -> None:
    one = b'{"text": "ok"}\n' * 100 + b'{"text": "caf\xe9"}\n'

    assert encoding_of(one, is_json=True) == "utf-8"
    assert encoding_of(b'{"text": "caf\xe9"}\n' * 3, is_json=True) == "cp1252"


@given(st.binary(max_size=200), st.integers(1, 50))
def test_ranges_of_a_file_give_each_of_its_lines_once(data: bytes, step: int) -> None:
    path = Path(tempfile.gettempdir()) / f"ranges-{os.getpid()}"
    path.write_bytes(data)
    try:
        whole = lines_of(path, 0, len(data))
        cut = [
            line
            for i in range(0, len(data), step)
            for line in lines_of(path, i, min(len(data), i + step))
        ]
    finally:
        path.unlink()

    assert cut == whole == data.removesuffix(b"\n").split(b"\n") * bool(data)


@given(st.lists(st.binary(max_size=30)))
def test_lines_are_the_same_however_the_bytes_come(blocks: list[bytes]) -> None:
    whole = b"".join(blocks)
    cut = [line for batch in line_batches(iter(blocks)) for line in batch]

    assert cut == (whole.removesuffix(b"\n").split(b"\n") if whole else [])


@given(st.text(), st.sampled_from(["utf-16-le", "utf-16-be"]), st.integers(1, 7))
def test_utf_16_survives_being_read_in_pieces(text: str, encoding: str, size: int) -> None:
    data = ("\ufeff" + text).encode(encoding)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]

    assert b"".join(in_utf8(pieces, encoding)).decode() == text


def test_half_a_unit_of_utf_16_is_not_silently_dropped() -> None:
    odd = "a\nb".encode("utf-16-le") + b"\x41"
    assert b"".join(in_utf8([odd], "utf-16-le")) == b"a\nb\xed\xb2\x80"
    assert b"\xed" in b"".join(in_utf8([b"\x00\xd8a\x00"], "utf-16-le"))


def test_an_endless_line_is_cut_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messages.streams.MAX_LINE", 10)
    monkeypatch.setattr("messages.streams.BATCH_BYTES", 4)
    cut = [line for batch in line_batches(b"x" * 4 for _ in range(999)) for line in batch]

    assert cut == [b"x" * 11]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_cut_off_file_gives_what_it_has_and_says_so(tmp_path: Path, compression: str) -> None:
    data = b"".join(b"line %d\n" % i for i in range(100_000))
    packed = gzip.compress(data) if compression == "gzip" else zstandard.compress(data)
    path = tmp_path / "cut"
    path.write_bytes(packed[: len(packed) * 3 // 4])
    blocks = Blocks(path, compression)
    read = [line for batch in line_batches(blocks, blocks) for line in batch]

    assert len(read) > 1000
    assert read == data.split(b"\n")[: len(read)]
    assert blocks.damage
    assert blocks.damage.startswith(f"damaged {compression} data: ")


def test_several_gzip_members_and_zstd_frames_are_one_file(tmp_path: Path) -> None:
    for compression, pack in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        path = tmp_path / compression
        path.write_bytes(pack(b"a\n") + pack(b"b\n"))
        blocks = Blocks(path, compression)
        assert (b"".join(blocks), blocks.damage) == (b"a\nb\n", None)


def test_bombs_come_in_small_blocks(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(bomb, closefd=False) as writer:
        for _ in range(128):
            writer.write(bytes(1024 * 1024))
    for compression, packed in (("zstd", bomb.getvalue()), ("gzip", gzip.compress(bytes(2**26)))):
        path = tmp_path / compression
        path.write_bytes(packed)
        assert max(len(block) for block in Blocks(path, compression)) <= 64 * 1024 * 1024


def test_csv_fields_hold_commas_quotes_and_newlines() -> None:
    assert records('a,"b, ""c""\nd",e\n\nf,g,5" h') == [
        (0, ["a", 'b, "c"\nd', "e"]),
        (3, ["f", "g", '5" h']),
    ]


def test_a_quote_that_never_closes_costs_one_line() -> None:
    rows = records('1,a\n2,"b\n3,c\n4,d')

    assert [r if isinstance(r, list) else r.reason for _, r in rows] == [
        ["1", "a"],
        "a quote opens here and never closes",
        ["3", "c"],
        ["4", "d"],
    ]
    assert [position for position, _ in rows] == [0, 1, 2, 3]


def test_a_record_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvrows, "MAX_LINE", 40)
    rows = records('1,"a\n' + "x\n" * 100 + "2,b")

    assert isinstance(rows[0][1], Reject)
    assert rows[-1] == (101, ["2", "b"])
    assert len(rows) == 102


def test_hostile_quotes_take_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvrows, "MAX_RESUMES", 5)
    text = "\n".join(['a"b,"c'] * 20_000)
    rows = records(text)

    assert [type(r) for _, r in rows] == [Reject] * 6


@given(st.text(alphabet='a,"\n\r', max_size=60))
def test_csv_never_raises_and_positions_rise(text: str) -> None:
    positions = [position for position, _ in records(text)]

    assert positions == sorted(set(positions))
