"""Messages of buyers and sellers in many languages, as far as tests of encodings need them."""

# ruff: noqa: RUF001 - they are what people write

from __future__ import annotations

TEXTS = {
    "zh-Hans": (
        "你好，这件外套还在吗？我想要黑色的，大号。",
        "商品已经收到，质量很好，谢谢老板！",
        "请问什么时候可以发货？我急着用。",
        "这个价格可以便宜一点吗？我要买两件。",
    ),
    "zh-Hant": (
        "你好，請問這件外套還有嗎？我想要黑色的。",
        "商品已經收到，品質很好，謝謝老闆！",
        "請問什麼時候可以出貨？我很急。",
        "這個價格可以便宜一點嗎？我要買兩件。",
    ),
    "ja": (
        "こんにちは、この商品はまだありますか？",
        "本日届きました。とても丁寧な梱包でした。ありがとうございます。",
        "発送はいつ頃になりますでしょうか。",
        "少し値下げしていただけませんか？",
    ),
    "ko": (
        "안녕하세요, 이 상품 아직 있나요?",
        "오늘 잘 받았습니다. 감사합니다!",
        "배송은 언제쯤 되나요? 급하게 필요해서요.",
        "조금만 깎아 주시면 바로 구매하겠습니다.",
    ),
    "ru": (
        "Здравствуйте, это пальто ещё продаётся?",
        "Посылка пришла сегодня, всё отлично, спасибо!",
        "Когда вы сможете отправить заказ? Мне нужно срочно.",
        "Можно немного дешевле? Я возьму две штуки.",
    ),
    "pl": (
        "Dzień dobry, czy ten płaszcz jest jeszcze dostępny?",
        "Paczka dotarła dzisiaj, wszystko w porządku, dziękuję!",
        "Kiedy może Pani wysłać zamówienie? Potrzebuję pilnie.",
        "Czy można trochę taniej? Wezmę dwie sztuki.",
    ),
    "el": (
        "Καλησπέρα, είναι ακόμα διαθέσιμο αυτό το παλτό;",
        "Το δέμα έφτασε σήμερα, όλα τέλεια, ευχαριστώ πολύ!",
        "Πότε μπορείτε να στείλετε την παραγγελία;",
        "Μπορείτε να το δώσετε λίγο φθηνότερα;",
    ),
    "he": (
        "שלום, האם המעיל הזה עדיין זמין?",
        "החבילה הגיעה היום, הכל מצוין, תודה רבה!",
        "מתי תוכלו לשלוח את ההזמנה? זה דחוף לי.",
        "אפשר קצת יותר זול? אני אקח שתי יחידות.",
    ),
    "fr": (
        "Bonjour, le manteau est-il encore disponible ? Je suis très intéressée.",
        "Colis reçu ce matin, tout est parfait, merci à vous !",
        "Quand pourrez-vous expédier la commande ? C'est pressé.",
        "Où êtes-vous situé ? Je préfère venir le chercher.",
    ),
    "de": (
        "Guten Tag, ist der Mantel noch verfügbar? Größe 42 wäre schön.",
        "Das Päckchen ist heute angekommen, alles in Ordnung, danke!",
        "Wann können Sie verschicken? Ich bräuchte es dringend.",
        "Ginge es etwas günstiger? Ich würde zwei nehmen.",
    ),
    "tr": (
        "Merhaba, bu ürün hâlâ satılık mı? Çok beğendim.",
        "Paket bugün geldi, her şey çok güzel, teşekkür ederim!",
        "Siparişi ne zaman gönderebilirsiniz? Acil lazım.",
        "Biraz indirim yapabilir misiniz? İki tane alacağım.",
    ),
}  # fmt: skip
ENCODINGS = {
    "gb18030": ["zh-Hans"], "big5": ["zh-Hant"], "shift_jis": ["ja"], "euc_jp": ["ja"],
    "euc_kr": ["ko"], "koi8_r": ["ru"], "cp1251": ["ru"], "cp866": ["ru"], "iso8859_5": ["ru"],
    "cp1250": ["pl"], "iso8859_2": ["pl"], "cp1253": ["el"],
    "cp1255": ["he"], "cp1254": ["tr"], "cp1252": ["fr", "de"],
    "mac_roman": ["fr", "de"], "utf_32": ["zh-Hans", "ru", "fr"],
    "cp850": ["fr", "de"], "utf_16_le": ["zh-Hans", "ru", "fr"], "mac_cyrillic": ["ru"],
}  # fmt: skip


def messages(language, count):
    """Give a CSV file of so many messages."""
    texts = TEXTS[language]
    rows = (f'{n},user{n % 7},"{texts[n % len(texts)]}"\n' for n in range(count))
    return "id,from,text\n" + "".join(rows)
