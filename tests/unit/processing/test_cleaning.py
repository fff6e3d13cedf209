"""What cleaning removes from a text, what it masks, and what it leaves as people write it."""

# ruff: noqa: RUF001 - letters that look alike are the point
import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages.cleaning import clean
from messages.masking import mask
from messages.numbers import plain


def cleaned(*texts, region=None):
    return clean(pl.Series(texts, dtype=pl.String), region).to_list()


CLEAR = {
    "<p>Hi <b>th</b>ere</p><br/>you": "Hi there you",
    '<a href="http://x.com/?a=1">click</a> <IMG SRC=x.png>here': "click here",
    "<script>alert('x')</script>ok<!-- note -->": "ok",
    "Tom &amp; Jerry &lt;#&gt; &pound;5 &#8364;5 &#x20AC;5": "Tom & Jerry <#> £5 €5 €5",
    "&lt;b&gt;kept as written&lt;/b&gt;": "<b>kept as written</b>",
    "cafe\u0301 u\u0308ber": "café über",
    "a\x00b\x07c\u200bd\ufeff\u202e \x85 e": "abcd e",
    "  many\t\n\r\n spaces\u00a0\u3000here ": "many spaces here",
    " \t\n<br>&nbsp;": "",
}
STAY = [
    # No tags, no entities, and signs that Unicode's other normal forms would change
    *("I <3 it, a<b and c>d, 1 < 2 > 0", "<bob says> hi", "👩\u200d🔧 stays"),
    "laptop&notbook AT&ampers a &notit; T&C's x&copy=1",
    "10² km, 1½ h, x⁵, don´t, ™ №5 ℃ ㎏ ㍿ …",
    *("很好，谢谢！真的？（是）；“好”：", "ﬁne Ａｂｃ １２ ｶﾀｶﾅ 2⁄3 ⅔ Ⅷ ①"),
    # An at sign that is no address
    *("see you@7pm.ok", "不是很好@裤腿太小.码数", "ask @bob about it", "root@localhost"),
    # Words around a full stop that are no host
    *("foo.community, e.g.this, v1.2.3", "ok.it is fine, thanks.so much, sold.to me"),
    *("notes.md and script.py", "and/or, 24/7, km/h", "好的.谢谢"),
    # Long digits that are no card: no Luhn, no issuer, a part of something longer
    *(
        "order 4111111111111112 sent",
        "order 1234567812345670 sent",
        "41111111111111110000000",
    ),
    # An IBAN with a wrong digit, or within a word
    *("IBAN DE89 3704 0044 0532 0130 01", "IBAN XDE89370400440532013000"),
    # Times, amounts, coordinates
    *("on 2026-11-22 10:32 and 01.02.2026 at 10:30", "2026-11-22T10:00:00Z 20261122103000"),
    *("id 5.7E+17 at 1700000000", "1 234 567,89 € or 1.234.567,89", "10.0.0.12 costs 1,234,567.89"),
    *("38.889931, -77.034040723966", "bei 52,5200066, 13,4049540"),
    # Articles, orders, invoices
    *("order 5551234567 of item 12345678", "#0845281007 and ORD-2026-0845281007"),
    *("text WIN to 87121", "UPC 0190074442", "facture 0123456789", "part no. 0445110183"),
    "EAN: 4006381333931, ISBN 978-3-16-148410-0 and 0-306-40615-2",
    *("Bestellnummer: 0123456789", "Rechnung Nr. 0123456789", "pedido n. 0123456789"),
    *("номер заказа: 0123456789", "sipariş 05321234567", "订单号：13812345678"),
    *("رقم الطلب: 0123456789", "คำสั่งซื้อ 0123456789", "USt-Id DE0123456789"),
    "550e8400-e29b-41d4-a716-446655440000 3fa0123456789c",
]
CARDS = [
    *("4111111111111111", "4111 1111 1111 1111"),
    *("4111.1111.1111.1111", "4111 - 1111 - 1111 - 1111"),
    *("5500–0000–0000–0004", "378282246310005", "3782 822463 10005", "6011111111111117"),
    *("３５３０１１１３３３３０００００", "٤١١١١١١١١١١١١١١١", "④①①①①①①①①①①①①①①①"),
]
PHONES = [
    # Great Britain and international, North America
    *("+44 7911 123456", "0044 20 7946 0958", "011 44 20 7946 0958", "(020) 7946 0958"),
    *("08452810075", "447801259231", "+1 (555) 010-4477", "+1.555.010.4477", "(555) 010-4477"),
    *("555–010–4477", "1-800-555-0100"),
    # Germany, France, India, China
    *("+49 (170) 5551234", "030/1234567", "+33 (0)6 12 34 56 78", "06.12.34.56.78"),
    *("98765 43210", "13800138000", "138-0013-8000"),
    # Russia, Turkey, Japan, Korea, Thailand, Brazil, Indonesia
    *("8 (916) 123-45-67", "89161234567", "(495) 123-45-67", "532 123 45 67", "090-1234-5678"),
    *("081-234-5678", "(11) 91234-5678", "0812-3456-7890"),
    # Digits of other scripts
    *("０３（１２３４）５６７８", "۰۹۱۲۳۴۵۶۷۸۹", "०९८७६५४३२१०", "๐๘๑-๒๓๔-๕๖๗๘"),
]
# What is between brackets is masked, without them.
MASKED = {
    "<EMAIL>": [
        *("mail [bob.o'brien+x@mail.example.co.uk].", "<[bob@example.com]>, ([jörg@example.de])"),
        *("[bob@www.example.com]", "[bob<b>@</b>example.com]", "to [Bob@Example.COM].Thanks"),
        *("我邮箱是[abc@qq.com]谢谢大家", "邮箱：[a.b@163.com]，"),
        "連絡先は[taro@example.co.jp]です",
        *("ईमेल [ravi@example.in] है।", "на [иван@пример.рф], или [ivan@mail.ru]!"),
        *("[çağrı@örnek.com.tr]'dir", "发到[bob@例子.中国]即可", "[bob@xn--fiqs8s.xn--fiqs8s]"),
        *("[ｂｏｂ＠ｅｘａｍｐｌｅ．ｃｏｍ] と", "[用户@例子.中国]", "[bob@example.com\u0338] a"),
    ],
    "<URL>": [
        *("a@b, x @ [y.com]", "see [https://a.example/x?u=bob@example.com&p=07911123456])."),
        "[HTTP://EXAMPLE.COM] or [www.example.org/a]. ok [example.com]!",
        *("请看[https://penguin.ooo/a?b=1]然后继续", "链接：[http://t.cn/RxyZ]。好的"),
        *("[https://a.example/x]、[https://b.example/y]を見て", "[https://shop.example.kr/1]에서"),
        *("[http://例子.中国/a]，好", "[http://localhost:8080/x] und [http://10.0.0.1/]"),
        *("[ftp://a.example/b] [tg://resolve?domain=bob]", "experience[http://www.example.com/a]"),
        *("去[taobao.com]买", "[bit.ly/3xYz], [wa.me/4915112345678] und [t.me/bob_1]!"),
        *("auf [kleinanzeigen.de] oder [socket.io]", "[amazon.co.jp], [müller-shop.ch]"),
        *("на [сайт.рф], [hepsiburada.com.tr]'de", "[EXAMPLE.DE] [shop24.store]"),
        *("[ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｃｏｍ／ａ] を", "[ｗｗｗ．ｅｘａｍｐｌｅ．ｊｐ]！"),
    ],
    "<CARD>": [
        *(f"pay [{number}], exp 12/27 cvv 123" for number in CARDS),
        *(f"卡号[{number}]，谢谢" for number in CARDS),
        "12 [4111 1111 1111 1111] 123 99",
    ],
    "<IBAN>": [
        *("IBAN [DE89 3704 0044 0532 0130 00]", "[DE89370400440532013000] BIC COBADEFFXXX"),
        *("[NL91 ABNA 0417 1643 00], 2026", "[BE68-5390-0754-7034]", "[de89370400440532013000]"),
        *("账号[TR330006100519786457841326]。", "[ＤＥ８９３７０４００４４０５３２０１３０００]"),
    ],
    "<PHONE>": [
        *(f"so [{number}], or write" for number in PHONES),
        *(f"我的[{number}]，谢谢" for number in PHONES),
        # Bare digits after a word for it
        *("call me at [5551234567]", "Tel.: [612 345 678]"),
        *("mi móvil es [612345678]", "appelle au [612345678]", "ruf mich an: [1701234567]"),
        *("мой тел [9161234567]", "cep telefonum [5321234567]", "رقم الجوال [٥٠١٢٣٤٥٦٧]"),
        *("मेरा मोबाइल [९८७६५४३२१०] है", "电话[021-12345678]，微信同号", "電話は[5012345678]です"),
        *("my order is late, call [5551234567]", "订单有问题请打电话[13800138000]"),
        *("call [5551234] or [5559876]", "电话 [5551234]、[5559876]"),
        *("about the item [07911 123456]", "TsCs[087147403231]Winawk! Help[08718728876]"),
        # Numbers next to each other
        *("[07880867867]/[07880867867]", "[+44 7911 123456] 2026", "[030 1234567] 22.11.2026"),
        *("[+1 555 010 4477] [555-010-4478]", "[06 12 34 56 78] [06 11 22 33 44]"),
        "[08712400602].2stop, [08714740323] 1Win",
    ],
}
REGIONS = {"IN": "9876543210", "ES": "612345678", "DK": "20 12 34 56", "TR": "٥٣٢١٢٣٤٥٦٧"}


def test_tags_entities_controls_and_spare_spaces_are_removed():
    assert cleaned(*CLEAR) == list(CLEAR.values())


@pytest.mark.parametrize("token", MASKED)
def test_personal_data_is_masked_and_nothing_around_it(token):
    texts = [re.sub(r"[][]", "", text) for text in MASKED[token]]

    assert cleaned(*texts) == [re.sub(r"\[.*?\]", token, text) for text in MASKED[token]]


def test_what_only_looks_like_something_to_remove_or_to_mask_stays():
    assert cleaned(*STAY) == STAY


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_adds_its_own_ways_to_write_a_number(region):
    number = REGIONS[region]
    texts = [f"so {number}, ok", f"order {number}, ok"]

    assert cleaned(*texts) == texts
    assert cleaned(*texts, region=region) == ["so <PHONE>, ok", texts[1]]


_PIECES = """
0 1 2 4 44 5 6 7 8 9 00 07 020 555 123 4567 +49 170 4111 99999 12345 7946 0958 138 0013 916 12 34
+ ( ) - . / # A é 2026-11-22 AB- 1e5 call TEXT tel DE89 3704 NWBK 电话 订单 bob @ a.de example.com
www. https:// /x : , ， 。 是 中国"""
DATA = st.lists(
    st.sampled_from([*_PIECES.split(), " ", "  ", " - ", "order ", "8 ("]), max_size=14
).map("".join)
MARKUP = st.text("<>&;#x0149 -+()./@abcom:\\\"'\n\u00a0Ａ\u0301\u200b\x00", max_size=60)
WIDE = {c: chr(c + 0xFEE0) for c in b"0123456789abcdeorxABDKW@.+()/-:"}


@settings(max_examples=60)
@given(DATA)
def test_other_forms_of_characters_are_masked_where_ascii_is(text):
    wide = "１" + text.translate(WIDE)
    assert plain(mask(pl.Series([wide])).item()) == plain(mask(pl.Series(["1" + text])).item())


@settings(max_examples=60)
@given(
    st.lists(st.none() | st.text(max_size=20) | MARKUP | DATA, max_size=8),
    st.sampled_from([None, "DE", "US", "CN"]),
)
def test_each_row_is_as_it_is_alone_in_nfc_without_spare_spaces_or_anything_new(texts, region):
    result = cleaned(*texts, region=region)

    assert result == [None if text is None else cleaned(text, region=region)[0] for text in texts]
    for text, clear in zip(texts, result, strict=True):
        if text is not None:
            assert unicodedata.is_normalized("NFC", clear)
            assert clear == clear.strip(" ")
            assert not re.search("[\x00\n\t\u00a0\u200b]|  ", clear)
            known = set(unicodedata.normalize("NFC", text)) | set(" <>EMAILURLCARDIBANPHONE")
            assert "&" in text or set(clear) <= known
