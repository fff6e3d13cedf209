"""Each file's encoding is right, or the file is rejected by a reason that names the likely ones."""

from __future__ import annotations

import random

import pytest

from messages.encodings import UnclearError, encoding_of, is_one_byte
from messages.streams import in_utf8

from .languages import ENCODINGS, TEXTS, messages

CASES = [(e, language) for e, languages in ENCODINGS.items() for language in languages]


def read(data, encoding):
    return b"".join(in_utf8([data], encoding)).decode()


def found(data):
    try:
        return encoding_of(data)
    except UnclearError as error:
        assert "--encoding" in str(error)  # noqa: PT017 - the file may be clear as well
        return None


@pytest.mark.parametrize("count", [6, 60])
@pytest.mark.parametrize(("encoding", "language"), CASES)
def test_files_of_a_few_messages_are_read_in_their_encoding(encoding, language, count):
    data = messages(language, count).encode(encoding, "ignore")

    assert read(data, encoding_of(data)) == data.decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "language"), [case for case in CASES if not case[0].startswith("utf")]
)
def test_a_message_or_two_are_read_right_or_not_at_all(encoding, language):
    texts = [text.encode(encoding, "ignore") for text in TEXTS[language]]
    words = [word for text in texts for word in text.split() if not word.isascii()]
    pairs = [b"id,text\n1," + one + b"\n2," + two + b"\n" for one in texts for two in texts]
    for data in (*texts, *pairs, *(b"id,text\n1,ok\n2," + word for word in words)):
        if not data.isascii() and not is_utf8(data):
            name = found(data)
            assert name is None or read(data, name) == data.decode(encoding), data


def is_utf8(data):
    return "\ufffd" not in data.decode(errors="replace")


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
def test_the_bytes_show_the_encoding(sample, encoding):
    assert encoding_of(sample) == encoding


def test_one_odd_line_among_many_json_lines_is_damage():
    one = b'{"text": "ok"}\n' * 100 + b'{"text": "caf\xe9"}\n'

    assert encoding_of(one, is_json=True) == "utf-8"
    assert encoding_of(b'{"text": "caf\xe9"}\n' * 3, is_json=True) == "cp1252"


@pytest.mark.parametrize(
    ("text", "encoding"), [("naïve là", "cp1252"), ("1,Dobře\n2,Šlo by to", "cp1250")]
)
def test_a_reason_names_the_likely_encodings(text, encoding):
    with pytest.raises(UnclearError, match=r"cp1252.*cp1250|cp1250.*cp1252"):
        encoding_of(text.encode(encoding))


def test_noise_is_text_in_no_encoding():
    assert found(random.Random(1).randbytes(5000)) is None


@pytest.mark.parametrize(
    ("text", "encoding"), [("Größe", "cp1252"), ("你好", "gb18030"), ("naïve", "cp1250")]
)
def test_the_encoding_that_is_asked_for_is_taken_unless_a_file_is_plainly_utf_8(text, encoding):
    assert encoding_of(text.encode(encoding, "replace"), asked=encoding) == encoding
    assert encoding_of((text * 20).encode(), asked=encoding) == "utf-8"
    for other in ("utf-8-sig", "utf-16-le", "utf-32-be", "gb18030"):
        data = ("\ufeff" * (other != "utf-8-sig") + text).encode(other)
        assert encoding_of(data, asked="koi8_r") == other


def test_a_single_line_that_decides_is_looked_at():
    plain = "".join(f"{n},Grüße\n" for n in range(3000))

    assert found(plain.encode("cp1250")) == "cp1252"  # as cp1250 reads it
    assert found((plain + "1,Sürgősen kellene\n").encode("cp1250")) != "cp1252"


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis", "big5", "euc_kr", "cp1252"])
def test_a_line_that_its_encoding_cannot_mean_is_lost_alone(encoding):
    odd = b"\x81" if encoding == "cp1252" else b"\xff"
    lines = b"".join(in_utf8([b"one\n" + odd + b"\nthree\n"], encoding)).split(b"\n")

    assert [lines[0], lines[2]] == [b"one", b"three"]
    assert not is_utf8(lines[1])


def test_only_encodings_of_a_byte_a_character_can_be_cut_at_newlines():
    assert all(map(is_one_byte, ["utf-8", "utf-8-sig", "cp1252", "koi8_r", "mac_roman"]))
    assert not any(map(is_one_byte, ["utf-16-le", "utf-32-be", "gb18030", "shift_jis", "cp037"]))
