"""How files are cut into lines and records, and which of their columns is which."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from messages import csvrows
from messages.columns import find_columns
from messages.csvrows import CsvRecords, cuts
from messages.streams import in_utf8, line_batches, range_blocks


# Most are public data sets: tweets, Yelp, hotels, the CFPB.
@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("messageId,userName,TIMESTAMP,Message Text", "Message Text,userName,messageId,TIMESTAMP"),
        ("created_at,id_str,full_text,user_id_str", "full_text,user_id_str,id_str,created_at"),
        ("tweet_id,airline,name,text,tweet_created", "text,,tweet_id,tweet_created"),
        ("review_id,user_id,stars,text,date", "text,user_id,review_id,date"),
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
        (["text", "From"], "FROM", "From"),
        (["b", "text", "a"], "a, b", "a"),
        (["B", "text"], "a,b", "B"),
        (["a", "a,b"], "a,b", "a,b"),
    ],
)
def test_arguments_come_before_usual_names_and_the_first_that_is_there_is_taken(names, asked, text):
    found = find_columns(names, {"text": asked})

    assert (found.text, found.sender) == (text, None)


def in_lines(blocks):
    return [line for batch in line_batches(blocks) for line in batch]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_ranges_of_a_file_give_each_of_its_lines_once(tmp_path_factory, data, step):
    path = tmp_path_factory.getbasetemp() / "ranges"
    path.write_bytes(data)
    ranges = [(at, min(len(data), at + step)) for at in range(0, len(data), step)]

    cut = [line for start, end in ranges for line in in_lines(range_blocks(path, start, end))]
    assert cut == data.removesuffix(b"\n").split(b"\n") * bool(data)


FIELDS = ("", "a", "é", '""', '"a"', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', '"""a"', '"\n\n"')
ODD = ('a"b', '"a"b', '"a', 'a"', "\r", "\0", "\ufeff", "x\x01", '"', "\udc80", " ", ",", "\n", "")


def lines_of(fields, breaks):
    record = st.lists(st.sampled_from(fields), min_size=1, max_size=3).map(",".join)
    line = st.tuples(record, st.sampled_from(breaks)).map("".join)
    return st.lists(line, max_size=8).map("".join)


REGULAR = lines_of(FIELDS, ("\n", "\r\n"))
ANY = lines_of((*FIELDS, *ODD), ("\n", "\n", "\r\n", "\n\n", "\r", ","))


def records_in_parts(path, starts):
    """All records with their lines, read from each start to the next."""
    found, before = [], 0
    for start, end in zip(starts, [*starts[1:], path.stat().st_size], strict=True):
        data = in_utf8(range_blocks(path, start, end), "utf-8" if start else "utf-8-sig")
        records = CsvRecords(map(csvrows.text, in_lines(data)))
        found += [(before + at, getattr(one, "reason", one)) for at, one in records]
        before += records.position
    return found


CUTTABLE = "0,zero\n" * 50 + '1,"a, ""b""\n\nc"\n'


@example(CUTTABLE, 20, "utf-8")
@example('"\n\n",\r,\n"a"\n', 4, "utf-8")
@example('1,5" wide\n2,"b\n3"\n', 4, "utf-8")
@example('1,"open\n2,b\n', 4, "utf-8")
@settings(max_examples=60)
@given(REGULAR | ANY, st.integers(4, 60), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_parts_of_a_csv_file_are_what_the_whole_file_is(tmp_path_factory, text, step, encoding):
    path = tmp_path_factory.getbasetemp() / "parts.csv"
    path.write_bytes(f"id,text\n{text}".encode(encoding, "surrogateescape"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvrows, "BATCH_BYTES", 7)
        starts = cuts(path, ",", step)

    assert records_in_parts(path, starts) == records_in_parts(path, [0])
    if text == CUTTABLE:
        assert len(starts) > 5


def test_only_its_line_is_lost_to_a_quote_that_never_closes():
    lines = ['1,"a, ""b""', 'c"', "", '2,5" x', '3,"b', "4,c", "5,d"]

    assert [(at, getattr(one, "reason", one)) for at, one in CsvRecords(lines)] == [
        (0, ["1", 'a, "b"\nc']),
        (3, ["2", '5" x']),
        (4, "a quote opens here and never closes"),
        (5, ["4", "c"]),
        (6, ["5", "d"]),
    ]


def test_quotes_that_open_on_each_line_are_given_up_at_once_after_many():
    """Otherwise each line would be read again for each one before it."""
    assert len(list(CsvRecords(['a"b,"c'] * 200))) == csvrows.MAX_RESUMES + 1
