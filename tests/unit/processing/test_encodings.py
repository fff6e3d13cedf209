"""Each file's encoding is right, or the file is rejected by a reason that names the likely ones."""

from __future__ import annotations

import random

import pytest

from messages.encodings import UnclearError, encoding_of, is_one_byte
from messages.streams import in_utf8

from .languages import ENCODINGS, TEXTS, messages

CASES = [(e, language) for e, languages in ENCODINGS.items() for language in languages]
BUSINESS = [case for case in CASES if not case[0].startswith("utf")]


def read(data: bytes, encoding: str) -> str:
    return b"".join(in_utf8([data], encoding)).decode()


def told(data: bytes) -> str | None:
    try:
        return encoding_of(data)
    except UnclearError as error:
        assert "--encoding" in str(error)  # noqa: PT017 - the file may be clear as well
        return None


@pytest.mark.parametrize("count", [6, 60, 600])
@pytest.mark.parametrize(("encoding", "language"), CASES)
def test_files_of_a_few_messages_are_read_in_their_encoding(
    encoding: str, language: str, count: int
) -> None:
    text = messages(language, count)
    data = text.encode(encoding, "ignore")

    found = told(data)

    assert found is not None
    assert read(data, found) == data.decode(encoding)


@pytest.mark.parametrize(("encoding", "language"), BUSINESS)
def test_a_message_or_two_are_read_right_or_not_at_all(encoding: str, language: str) -> None:
    texts = [text.encode(encoding, "ignore") for text in TEXTS[language]]
    words = [word for text in texts for word in text.split() if not word.isascii()]
    pairs = [b"id,text\n1," + one + b"\n2," + two + b"\n" for one in texts for two in texts]
    for data in (*texts, *pairs, *(b"id,text\n1,ok\n2," + word for word in words)):
        if data.isascii() or encoding_like_utf8(data):
            continue
        found = told(data)
        assert found is None or read(data, found) == data.decode(encoding), data


def encoding_like_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("seed", range(4))
def test_messages_in_two_languages_of_one_encoding_are_read_right_or_not_at_all(seed: int) -> None:
    drawn = random.Random(seed)
    for encoding in ("cp1252", "cp1250", "mac_roman", "iso8859_2"):
        texts = [text for language in ENCODINGS[encoding] for text in TEXTS[language]]
        text = "id,text\n" + "".join(f'{n},"{drawn.choice(texts)}"\n' for n in range(12))
        found = told(text.encode(encoding, "ignore"))
        data = text.encode(encoding, "ignore")
        assert found is None or read(data, found) == data.decode(encoding)


@pytest.mark.parametrize(
    ("text", "likely"),
    [("naïve là", ["cp1252", "cp1250"]), ("1,Dobře\n2,Šlo by to", ["cp1252", "cp1250"])],
)
def test_a_reason_names_the_likely_encodings(text: str, likely: list[str]) -> None:
    encoding = "cp1250" if "ř" in text else "cp1252"
    with pytest.raises(UnclearError) as caught:
        encoding_of(text.encode(encoding))

    assert all(name in str(caught.value) for name in likely)


def test_noise_is_text_in_no_encoding() -> None:
    assert told(random.Random(1).randbytes(5000)) is None


@pytest.mark.parametrize(
    ("text", "encoding"), [("Größe", "cp1252"), ("你好", "gb18030"), ("naïve", "cp1250")]
)
def test_the_encoding_that_is_asked_for_is_taken_unless_a_file_is_plainly_utf_8(
    text: str, encoding: str
) -> None:
    assert encoding_of(text.encode(encoding, "replace"), asked=encoding) == encoding
    assert encoding_of((text * 20).encode(), asked=encoding) == "utf-8"
    for other in ("utf-8-sig", "utf-16-le", "utf-32-be", "gb18030"):
        data = ("\ufeff" * (other != "utf-8-sig") + text).encode(other)
        assert encoding_of(data, asked="koi8_r") == other


def test_a_single_line_that_tells_is_looked_at() -> None:
    plain = "".join(f"{n},Grüße\n" for n in range(3000))

    assert told(plain.encode("cp1250")) == "cp1252"  # as cp1250 reads it
    assert told((plain + "1,Sürgősen kellene\n").encode("cp1250")) != "cp1252"


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis", "big5", "euc_kr", "cp1252"])
def test_a_line_that_its_encoding_cannot_mean_is_lost_alone(encoding: str) -> None:
    odd = b"\x81" if encoding == "cp1252" else b"\xff"
    lines = b"".join(in_utf8([b"one\n" + odd + b"\nthree\n"], encoding)).split(b"\n")

    assert [lines[0], lines[2]] == [b"one", b"three"]
    with pytest.raises(UnicodeDecodeError):
        lines[1].decode()


def test_only_encodings_of_a_byte_a_character_can_be_cut_at_newlines() -> None:
    assert all(map(is_one_byte, ["utf-8", "utf-8-sig", "cp1252", "koi8_r", "mac_roman"]))
    assert not any(map(is_one_byte, ["utf-16-le", "utf-32-be", "gb18030", "shift_jis", "cp037"]))
