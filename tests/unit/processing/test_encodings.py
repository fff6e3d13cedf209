"""Each file's encoding is right, or the file is rejected by a reason that names the likely ones."""

# ruff: noqa: RUF001 - they are what people write
import random

import pytest

from messages.encodings import UnclearError, encoding_of, is_one_byte
from messages.streams import in_utf8

WRITTEN = {
    "gb18030 utf_16_le utf_32": "你好，这件外套还在吗？要大号。/商品收到，质量很好，谢谢老板！",
    "big5": "你好，請問這件外套還有嗎？我想要黑色的。/商品已經收到，品質很好，謝謝老闆！",
    "shift_jis euc_jp": "こんにちは、この商品はまだありますか？/届きました。丁寧な梱包でした。",
    "euc_kr": "안녕하세요, 이 상품 아직 있나요?/오늘 잘 받았습니다. 감사합니다!",
    "koi8_r cp1251 cp866 iso8859_5 mac_cyrillic": (
        "Это пальто ещё продаётся?/Когда вы отправите заказ?"
    ),
    "cp1250 iso8859_2": "Dzień dobry, czy płaszcz jest dostępny?/Kiedy może Pani wysłać paczkę?",
    "cp1253": "Καλησπέρα, είναι ακόμα διαθέσιμο αυτό το παλτό;/Το δέμα έφτασε σήμερα, όλα τέλεια!",
    "cp1255": "שלום, האם המעיל הזה עדיין זמין?/החבילה הגיעה היום, הכל מצוין, תודה רבה!",
    "cp1254": "Merhaba, bu ürün hâlâ satılık mı? Çok beğendim./Paket bugün geldi, teşekkür ederim!",
    "cp1252 mac_roman cp850": (
        "Où êtes-vous situé ? Je préfère venir./Colis reçu, parfait, merci à vous !"
    ),
    "cp1252 cp850": "Ist der Mantel noch verfügbar? Größe 42./Ich würde zwei günstiger nehmen.",
}
CASES = [(one, text.split("/")) for names, text in WRITTEN.items() for one in names.split()]


def read(data, encoding):
    return b"".join(in_utf8([data], encoding)).decode()


def found(data):
    try:
        return encoding_of(data)
    except UnclearError as error:
        assert "--encoding" in str(error)  # noqa: PT017 - the file may be clear as well
        return None


@pytest.mark.parametrize(("encoding", "texts"), CASES)
def test_files_of_a_few_messages_are_read_in_their_encoding(encoding, texts):
    lines = (f'{n},user{n},"{texts[n % len(texts)]}"\n' for n in range(6))
    data = ("id,from,text\n" + "".join(lines)).encode(encoding)

    assert read(data, encoding_of(data)) == data.decode(encoding)


@pytest.mark.parametrize(("encoding", "texts"), CASES)
def test_a_message_or_a_word_is_read_right_or_not_at_all(encoding, texts):
    words = [word for text in texts for word in text.split() if not word.isascii()]
    for text in (*texts, *(f"id,text\n1,ok\n2,{word}" for word in words)):
        data = text.encode(encoding)
        name = found(data)
        assert name is None or read(data, name) == text


@pytest.mark.parametrize(
    ("sample", "encoding"),
    [
        (b"", "utf-8"),
        ("naïve".encode(), "utf-8"),
        ("Grüße".encode("cp1252"), "cp1252"),
        (b"only \xa35 each", "cp1252"),
        ("“5 €”".encode("cp1252"), "cp1252"),
        ("naïve".encode("utf-16"), "utf-16-le"),
        (b"ascii\n" * 50 + b"but for a broken byte \xff", "utf-8"),
        ("a naïve café, über und über, cut in a lettér".encode()[:-2], "utf-8"),
        # Without its last line, this would be cp1252.
        (("1,Grüße\n" * 3000 + "1,Sürgősen\n").encode("cp1250"), None),
        (random.Random(1).randbytes(5000), None),
    ],
)
def test_the_bytes_show_the_encoding(sample, encoding):
    assert found(sample) == encoding


@pytest.mark.parametrize(
    ("text", "encoding"), [("naïve là", "cp1252"), ("1,Dobře\n2,Šlo by to", "cp1250")]
)
def test_a_reason_names_the_likely_encodings(text, encoding):
    with pytest.raises(UnclearError, match=r"cp1252.*cp1250|cp1250.*cp1252"):
        encoding_of(text.encode(encoding))


@pytest.mark.parametrize(("text", "encoding"), [("Größe", "cp1252"), ("你好", "gb18030")])
def test_the_encoding_that_is_asked_for_is_taken_unless_a_file_is_plainly_utf_8(text, encoding):
    assert encoding_of(text.encode(encoding), asked=encoding) == encoding
    assert encoding_of((text * 20).encode(), asked=encoding) == "utf-8"
    for other in ("utf-8-sig", "utf-16-le", "utf-32-be", "gb18030"):
        data = ("\ufeff" * (other != "utf-8-sig") + text).encode(other)
        assert encoding_of(data, asked="koi8_r") == other


@pytest.mark.parametrize(
    ("odd", "encoding"),
    [
        *((b"\xff", name) for name in ("gb18030", "shift_jis", "big5", "euc_kr")),
        *((b"\x81", "cp1252"), (b"\x00\xd8", "utf-16-le")),
    ],
)
def test_a_line_that_its_encoding_cannot_mean_is_lost_alone(odd, encoding):
    data = "one\n".encode(encoding) + odd + "\nthree\n".encode(encoding)
    first, lost, third, _ = b"".join(in_utf8([data], encoding)).split(b"\n")

    assert (first, third) == (b"one", b"three")
    assert "\ufffd" in lost.decode(errors="replace")


def test_only_encodings_of_a_byte_a_character_can_be_cut_at_newlines():
    assert all(map(is_one_byte, ["utf-8", "utf-8-sig", "cp1252", "koi8_r", "mac_roman"]))
    assert not any(map(is_one_byte, ["utf-16-le", "utf-32-be", "gb18030", "shift_jis", "cp037"]))
