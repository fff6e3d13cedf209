"""What is masked in a message, and what is left as it is, in the languages that people write."""

# ruff: noqa: RUF001 - letters that look alike are the point
from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.cleaning import clean
from messages.masking import mask
from messages.numbers import plain


def cleaned(text, region=None):
    return clean(pl.Series([text], dtype=pl.String), region).to_list()[0]


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("mail bob.o'brien+x@mail.example.co.uk.", "mail <EMAIL>."),
        ("<bob@example.com>, (jörg@example.de)", "<<EMAIL>>, (<EMAIL>)"),
        ("a@b, x @ y.com", "a@b, x @ <URL>"),
        ("bob@www.example.com", "<EMAIL>"),
        ("bob<b>@</b>example.com", "<EMAIL>"),
        ("write to Bob@Example.COM.Thanks", "write to <EMAIL>.Thanks"),
        ("请联系我邮箱是abc@qq.com谢谢大家", "请联系我邮箱是<EMAIL>谢谢大家"),
        ("邮箱：user.name@163.com，谢谢", "邮箱：<EMAIL>，谢谢"),
        ("加我QQ邮箱12345678@qq.com。", "加我QQ邮箱<EMAIL>。"),
        ("連絡先はtaro@example.co.jpです", "連絡先は<EMAIL>です"),
        ("메일은 kim@naver.com으로 보내세요", "메일은 <EMAIL>으로 보내세요"),
        ("อีเมลsomchai@example.in.thนะครับ", "อีเมล<EMAIL>นะครับ"),
        ("بريدي ali@example.com، شكرا", "بريدي <EMAIL>، شكرا"),
        ("मेरा ईमेल ravi@example.in है।", "मेरा ईमेल <EMAIL> है।"),
        ("пишите на иван@пример.рф, или ivan@mail.ru!", "пишите на <EMAIL>, или <EMAIL>!"),
        ("e-postam çağrı@örnek.com.tr'dir", "e-postam <EMAIL>'dir"),
        ("用户@例子.中国", "<EMAIL>"),
        ("邮件发到bob@例子.中国即可", "邮件发到<EMAIL>即可"),
        ("bob@xn--fiqs8s.xn--fiqs8s", "<EMAIL>"),
        ("ｂｏｂ＠ｅｘａｍｐｌｅ．ｃｏｍ と（ａｎａ＠example.jp）", "<EMAIL> と（<EMAIL>）"),
        ("see https://a.example/x?u=bob@example.com&p=07911123456).", "see <URL>)."),
        ("HTTP://EXAMPLE.COM or www.example.org/a. ok example.com!", "<URL> or <URL>. ok <URL>!"),
        ("见 https://penguin.ooo，然后继续", "见 <URL>，然后继续"),
        ("请看https://penguin.ooo/a?b=1然后继续", "请看<URL>然后继续"),
        ("链接：http://t.cn/RxyZ。好的", "链接：<URL>。好的"),
        ("https://a.example/x、https://b.example/yを見て", "<URL>、<URL>を見て"),
        ("사이트 https://shop.example.kr/1에서 샀어요", "사이트 <URL>에서 샀어요"),
        ("ดูที่https://shop.example.th/aครับ", "ดูที่<URL>ครับ"),
        ("انظر https://example.com/a، ثم", "انظر <URL>، ثم"),
        ("siehe https://de.wikipedia.org/wiki/Größe.", "siehe <URL>."),
        ("https://ru.wikipedia.org/wiki/Размер, да", "<URL>, да"),
        ("http://例子.中国/a，好", "<URL>，好"),
        ("http://localhost:8080/x und http://10.0.0.1/", "<URL> und <URL>"),
        ("ftp://a.example/b tg://resolve?domain=bob", "<URL> <URL>"),
        ("experiencehttp://www.example.com/a", "experience<URL>"),
        ("去taobao.com买", "去<URL>买"),
        ("bit.ly/3xYz, wa.me/4915112345678 und t.me/bob_1!", "<URL>, <URL> und <URL>!"),
        ("auf kleinanzeigen.de oder socket.io", "auf <URL> oder <URL>"),
        ("amazon.co.jp, www.ebay.it, ozon.ru, müller-shop.ch", "<URL>, <URL>, <URL>, <URL>"),
        ("на сайт.рф, allegro.pl? hepsiburada.com.tr'de", "на <URL>, <URL>? <URL>'de"),
        ("EXAMPLE.DE youtu.be/dQw4w9WgXcQ shop24.store", "<URL> <URL> <URL>"),
        ("ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｃｏｍ／ａ を見る", "<URL> を見る"),
        ("ｗｗｗ．ｅｘａｍｐｌｅ．ｊｐ！", "<URL>！"),
    ],
)
def test_email_addresses_and_urls_are_masked_and_nothing_around_them(raw, masked):
    assert cleaned(raw) == masked


STAY = [
    # An at sign that is no address
    *("不是很好@裤腿太小.码数", "质量@一般.不推荐", "@张三：你好.谢谢", "さいずは@えむ.です"),
    *("see you@7pm.ok", "5 pieces @2.50 each, 5@10.am", "ask @bob about it", "root@localhost"),
    *("lunch@noon.then we talk", "приду@вечером.потом решим", "gracias@todos.adios"),
    "حسنا@غدا.شكرا",
    # Words around a full stop that are no host
    *("foo.community, e.g.this, v1.2.3", "ok.it is fine, thanks.so much, sold.to me"),
    *("Danke.Das war gut. Fine.Me too.", "weighs 2.5.kg, 5.mm, 10.de", "etc...in the end"),
    *("notes.md and script.py", "and/or, 24/7, km/h", "好的.谢谢", "хорошо.спасибо"),
    # Long digits that are no card: no Luhn, no issuer, a part of something longer, an IMEI
    *("order 4111111111111112 sent", "order 1234567812345670 sent", "order 0000000000000000 sent"),
    *("order 41111111111111110000000 sent", "order 356938035643809 sent"),
    # An IBAN with a wrong digit, or within a word
    *("IBAN DE89 3704 0044 0532 0130 01", "IBAN XDE89370400440532013000"),
    # Times, amounts, coordinates
    *("on 2026-11-22 10:32 and 01.02.2026 at 10:30", "2026-11-22T10:00:00Z 20261122103000"),
    *("id 5.7E+17 at 1700000000", "1 234 567,89 € or 1.234.567,89", "10.0.0.12 costs 1,234,567.89"),
    *("-77.034040723966", "38.889931, -77.009003", "bei 52,5200066, 13,4049540"),
    *("at +77.034040723966", "sizes 10 12 14 16, 100x200x300"),
    # Articles, orders, invoices
    *("order 5551234567 of item 12345678", "#0845281007 and ORD-2026-0845281007"),
    *("text WIN to 87121", "UPC 0190074442", "invoice 0123456789", "facture 0123456789"),
    "EAN: 4006381333931, ISBN 978-3-16-148410-0 and 0-306-40615-2",
    *("Invoice no. 0123456789, part no. 0445110183", "order #0123456789 and ref: 0201234567"),
    *("Bestellnummer: 0123456789", "Rechnung Nr. 0123456789", "pedido n. 0123456789"),
    *("номер заказа: 0123456789", "sipariş 05321234567", "订单号：13812345678"),
    *("快递单号0123456789", "注文番号0123456789", "주문번호 0123456789"),
    *("رقم الطلب: 0123456789", "คำสั่งซื้อ 0123456789", "USt-Id DE0123456789"),
    *("tracking RB012345678CN and 1Z0123456789012345", "Amazon 302-1234567-1234567"),
    "550e8400-e29b-41d4-a716-446655440000 3fa0123456789c",
]


@pytest.mark.parametrize("text", STAY)
def test_what_only_looks_like_something_to_mask_stays(text):
    assert cleaned(text) == text


CARDS = [
    *("4111111111111111", "4111 1111 1111 1111", "4111.1111.1111.1111"),
    *("4111 - 1111 - 1111 - 1111", "5500-0000-0000-0004", "5500–0000–0000–0004"),
    *(
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "３５３０１１１３３３３０００００",
    ),
    *("４１１１ １１１１ １１１１ １１１１", "٤١١١١١١١١١١١١١١١", "४१११ ११११ ११११ ११११"),
    "④①①①①①①①①①①①①①①①",
]


@pytest.mark.parametrize("number", CARDS)
def test_card_numbers_are_masked(number):
    assert cleaned(f"pay {number}, exp 12/27 cvv 123") == "pay <CARD>, exp 12/27 cvv 123"
    assert cleaned(f"卡号{number}，谢谢") == "卡号<CARD>，谢谢"


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("DE89 3704 0044 0532 0130 00", "<IBAN>"),
        ("DE89370400440532013000 BIC COBADEFFXXX", "<IBAN> BIC COBADEFFXXX"),
        ("GB29NWBK60161331926819", "<IBAN>"),
        ("GB29 NWBK 6016 1331 9268 19", "<IBAN>"),
        ("FR14 2004 1010 0505 0001 3M02 606", "<IBAN>"),
        ("NL91 ABNA 0417 1643 00, 2026", "<IBAN>, 2026"),
        ("BE68-5390-0754-7034", "<IBAN>"),
        ("de89370400440532013000", "<IBAN>"),
        ("账号TR330006100519786457841326。", "账号<IBAN>。"),
        ("ＤＥ８９３７０４００４４０５３２０１３０００", "<IBAN>"),
    ],
)
def test_an_iban_has_a_token_of_its_own(raw, masked):
    assert cleaned(f"IBAN {raw}") == f"IBAN {masked}"


PHONES = [
    # Great Britain and international
    *("+44 7911 123456", "0044 20 7946 0958", "011 44 20 7946 0958", "08452810075"),
    *("(020) 7946 0958", "447801259231"),
    # North America
    *("+1 (555) 010-4477", "+1.555.010.4477", "(555) 010-4477", "555-010-4477"),
    *("555–010–4477", "1-800-555-0100"),
    # Germany, France
    *("+49 (170) 5551234", "+4917012345678", "030/1234567", "+33 (0)6 12 34 56 78"),
    *("06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78"),
    # India, China
    *("98765 43210", "13800138000", "138-0013-8000", "138 0013 8000"),
    # Russia, Turkey
    *("8 (916) 123-45-67", "8-916-123-45-67", "89161234567", "+7 916 123-45-67"),
    *("(495) 123-45-67", "0532 123 45 67", "532 123 45 67"),
    # Japan, Korea, Thailand, Brazil, Indonesia
    *("090-1234-5678", "010-1234-5678", "081-234-5678", "(11) 91234-5678", "0812-3456-7890"),
    # Digits of other scripts
    *("０９０－１２３４－５６７８", "０３（１２３４）５６７８", "٠٥٠١٢٣٤٥٦٧", "۰۹۱۲۳۴۵۶۷۸۹"),
    *("०९८७६५४३२१०", "๐๘๑-๒๓๔-๕๖๗๘"),
]


@pytest.mark.parametrize("number", PHONES)
def test_phone_numbers_are_masked(number):
    assert cleaned(f"so {number}, or write") == "so <PHONE>, or write"
    assert cleaned(f"我的{number}，谢谢") == "我的<PHONE>，谢谢"


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("call me at 5551234567", "call me at <PHONE>"),
        ("whatsapp 555-0104 10 am", "whatsapp <PHONE> 10 am"),
        ("Tel.: 612 345 678", "Tel.: <PHONE>"),
        ("mi móvil es 612345678", "mi móvil es <PHONE>"),
        ("teléfono: 612 34 56 78", "teléfono: <PHONE>"),
        ("appelle au 612345678", "appelle au <PHONE>"),
        ("ruf mich an: 1701234567", "ruf mich an: <PHONE>"),
        ("мой тел 9161234567", "мой тел <PHONE>"),
        ("звоните 84951234567", "звоните <PHONE>"),
        ("cep telefonum 5321234567", "cep telefonum <PHONE>"),
        ("رقم الجوال ٥٠١٢٣٤٥٦٧", "رقم الجوال <PHONE>"),
        ("मेरा मोबाइल ९८७६५४३२१० है", "मेरा मोबाइल <PHONE> है"),
        ("电话021-12345678，微信同号", "电话<PHONE>，微信同号"),
        ("請打電話2345-6789", "請打電話<PHONE>"),
        ("電話は5012345678です", "電話は<PHONE>です"),
        ("전화번호 1012345678로", "전화번호 <PHONE>로"),
        ("โทร812345678ค่ะ", "โทร<PHONE>ค่ะ"),
        ("zadzwoń 601 234 567", "zadzwoń <PHONE>"),
        ("call 08452810075over18's", "call <PHONE>over18's"),
        ("my order is late, call 5551234567", "my order is late, call <PHONE>"),
        ("call 5551234 or 5559876", "call <PHONE> or <PHONE>"),
        ("电话 5551234、5559876", "电话 <PHONE>、<PHONE>"),
        ("тел 5551234 или 5559876; заказ 5550000", "тел <PHONE> или <PHONE>; заказ 5550000"),
        ("about the item 07911 123456", "about the item <PHONE>"),
        ("TsCs087147403231Winawk! Help08718728876", "TsCs<PHONE>Winawk! Help<PHONE>"),
        ("订单有问题请打电话13800138000", "订单有问题请打电话<PHONE>"),
        # Numbers next to each other
        ("07880867867/07880867867", "<PHONE>/<PHONE>"),
        ("+44 7911 123456 2026", "<PHONE> 2026"),
        ("+1 555 010 4477 555-010-4478", "<PHONE> <PHONE>"),
        ("06 12 34 56 78 06 11 22 33 44", "<PHONE> <PHONE>"),
        ("08712400602.2stop, 08714740323 1Win", "<PHONE>.2stop, <PHONE> 1Win"),
        ("030 1234567 22.11.2026", "<PHONE> 22.11.2026"),
        ("12 4111 1111 1111 1111 123 99", "12 <CARD> 123 99"),
        ("bob@example.com\u0338 a", "<EMAIL> a"),  # a mark behind a token
    ],
)
def test_bare_digits_after_a_word_for_it_and_numbers_beside_others_are_masked(raw, masked):
    assert cleaned(raw) == masked


@pytest.mark.parametrize(
    ("region", "number"),
    [
        ("IN", "9876543210"),
        ("ES", "612345678"),
        ("PL", "601 234 567"),
        ("US", "2125550123"),
        ("DK", "20 12 34 56"),
        ("HK", "9123 4567"),
        ("MX", "55 1234 5678"),
        ("RU", "9161234567"),
        ("TR", "٥٣٢١٢٣٤٥٦٧"),
    ],
)
def test_a_region_adds_its_own_ways_to_write_a_number(region, number):
    assert cleaned(f"so {number}, ok") == f"so {number}, ok"
    assert cleaned(f"so {number}, ok", region) == "so <PHONE>, ok"
    assert cleaned(f"order {number}, ok", region) == f"order {number}, ok"


def test_in_named_columns_bare_digits_are_phone_numbers():
    values = pl.Series(["5551234567", "bob@example.com", "Order 5551234567", None, "42"])

    expected = ["<PHONE>", "<EMAIL>", "Order 5551234567", None, "42"]
    assert mask(values, cued=True).to_list() == expected


_PIECES = """
0 1 2 4 44 5 6 7 8 9 00 07 020 555 123 4567 +49 170 4111 99999 12345 7946 0958 138 0013 916 12 34
+ ( ) - . / # A é 2026-11-22 AB- 1e5 call TEXT tel DE89 3704 NWBK 电话 订单 bob @ a.de example.com
www. https:// /x : , ， 。 是 中国"""
TEXTS = st.lists(
    st.sampled_from([*_PIECES.split(), " ", "  ", " - ", "order ", "8 ("]), max_size=14
).map("".join)
WIDE = {c: chr(c + 0xFEE0) for c in b"0123456789abcdeorxABDKW@.+()/-:"}


@given(TEXTS)
def test_other_forms_of_characters_are_masked_where_ascii_is(text):
    wide = "１" + text.translate(WIDE)
    assert plain(mask(pl.Series([wide])).item()) == plain(mask(pl.Series(["1" + text])).item())


@given(TEXTS | st.text(), st.sampled_from([None, "DE", "US", "CN"]))
def test_cleaned_texts_are_in_nfc_and_hold_nothing_new_but_tokens(text, region):
    result = cleaned(text, region)

    assert unicodedata.is_normalized("NFC", result)
    assert set(result) <= set(unicodedata.normalize("NFC", text)) | set(" <>EMAILURLCARDIBANPHONE")
