"""Messages of buyers and sellers in many languages, as far as tests of encodings need them."""

# ruff: noqa: RUF001 - they are what people write

from __future__ import annotations

TEXTS = {
    "zh-Hans": (
        "你好，这件外套还在吗？我想要黑色的，大号。",
        "商品已经收到，质量很好，谢谢老板！",
        "请问什么时候可以发货？我急着用。",
        "这个价格可以便宜一点吗？我要买两件。",
        "包裹在路上坏了，我要求退款。",
        "好的，明天下午我在家，请直接送过来。",
    ),
    "zh-Hant": (
        "你好，請問這件外套還有嗎？我想要黑色的。",
        "商品已經收到，品質很好，謝謝老闆！",
        "請問什麼時候可以出貨？我很急。",
        "這個價格可以便宜一點嗎？我要買兩件。",
        "包裹在路上壞了，我要求退款。",
        "好的，明天下午我在家，請直接送過來。",
    ),
    "ja": (
        "こんにちは、この商品はまだありますか？",
        "本日届きました。とても丁寧な梱包でした。ありがとうございます。",
        "発送はいつ頃になりますでしょうか。",
        "少し値下げしていただけませんか？",
        "サイズが合わないので返品したいです。",
        "明日の午後は家にいますので、よろしくお願いします。",
    ),
    "ko": (
        "안녕하세요, 이 상품 아직 있나요?",
        "오늘 잘 받았습니다. 감사합니다!",
        "배송은 언제쯤 되나요? 급하게 필요해서요.",
        "조금만 깎아 주시면 바로 구매하겠습니다.",
        "사이즈가 맞지 않아서 환불하고 싶어요.",
        "네, 내일 오후에는 집에 있습니다.",
    ),
    "ru": (
        "Здравствуйте, это пальто ещё продаётся?",
        "Посылка пришла сегодня, всё отлично, спасибо!",
        "Когда вы сможете отправить заказ? Мне нужно срочно.",
        "Можно немного дешевле? Я возьму две штуки.",
        "Товар пришёл повреждённым, прошу вернуть деньги.",
        "Хорошо, завтра после обеда я буду дома.",
    ),
    "pl": (
        "Dzień dobry, czy ten płaszcz jest jeszcze dostępny?",
        "Paczka dotarła dzisiaj, wszystko w porządku, dziękuję!",
        "Kiedy może Pani wysłać zamówienie? Potrzebuję pilnie.",
        "Czy można trochę taniej? Wezmę dwie sztuki.",
        "Towar przyszedł uszkodzony, proszę o zwrot pieniędzy.",
        "Dobrze, jutro po południu będę w domu.",
    ),
    "cs": (
        "Dobrý den, je ten kabát ještě k dispozici?",
        "Balík dnes dorazil, všechno je v pořádku, děkuji!",
        "Kdy můžete objednávku odeslat? Potřebuji ji rychle.",
        "Šlo by to trochu levněji? Vezmu si dva kusy.",
        "Zboží přišlo poškozené, žádám o vrácení peněz.",
        "Dobře, zítra odpoledne budu doma.",
    ),
    "hu": (
        "Jó napot, megvan még ez a kabát?",
        "A csomag ma megérkezett, minden rendben, köszönöm!",
        "Mikor tudja elküldeni a rendelést? Sürgősen kellene.",
        "Lehetne egy kicsit olcsóbb? Kettőt vennék belőle.",
        "Az áru sérülten érkezett, kérem vissza a pénzt.",
        "Rendben, holnap délután otthon leszek, várom önöket.",
    ),
    "el": (
        "Καλησπέρα, είναι ακόμα διαθέσιμο αυτό το παλτό;",
        "Το δέμα έφτασε σήμερα, όλα τέλεια, ευχαριστώ πολύ!",
        "Πότε μπορείτε να στείλετε την παραγγελία;",
        "Μπορείτε να το δώσετε λίγο φθηνότερα;",
        "Το προϊόν ήρθε χαλασμένο, θέλω τα χρήματά μου πίσω.",
        "Εντάξει, αύριο το απόγευμα θα είμαι σπίτι.",
    ),
    "he": (
        "שלום, האם המעיל הזה עדיין זמין?",
        "החבילה הגיעה היום, הכל מצוין, תודה רבה!",
        "מתי תוכלו לשלוח את ההזמנה? זה דחוף לי.",
        "אפשר קצת יותר זול? אני אקח שתי יחידות.",
        "המוצר הגיע שבור, אני מבקש החזר כספי.",
        "בסדר, מחר אחר הצהריים אהיה בבית.",
    ),
    "fr": (
        "Bonjour, le manteau est-il encore disponible ? Je suis très intéressée.",
        "Colis reçu ce matin, tout est parfait, merci à vous !",
        "Quand pourrez-vous expédier la commande ? C'est pressé.",
        "Où êtes-vous situé ? Je préfère venir le chercher.",
        "L'article est arrivé abîmé, ça ne va pas du tout.",
        "D'accord, je serai là demain après-midi, bien sûr.",
    ),
    "de": (
        "Guten Tag, ist der Mantel noch verfügbar? Größe 42 wäre schön.",
        "Das Päckchen ist heute angekommen, alles in Ordnung, danke!",
        "Wann können Sie verschicken? Ich bräuchte es dringend.",
        "Ginge es etwas günstiger? Ich würde zwei nehmen.",
        "Die Ware kam beschädigt an, ich möchte mein Geld zurück.",
        "Schöne Grüße aus Köln, ich bin morgen übrigens zu Hause.",
    ),
    "es": (
        "Buenos días, ¿todavía está disponible el abrigo?",
        "El paquete llegó esta mañana, todo perfecto, ¡gracias!",
        "¿Cuándo podrían enviarlo? Lo necesito rápido, por favor.",
        "¿Podría bajar un poco el precio? Compraría dos.",
        "El artículo llegó dañado, quiero la devolución.",
        "Está bien, mañana por la tarde estaré en casa, señor.",
    ),
    "pt": (
        "Olá, bom dia! O casaco ainda está disponível?",
        "A encomenda chegou hoje de manhã, está ótima, não há problema!",
        "Quando é que vocês podem enviar? Não posso esperar.",
        "Dá para baixar o preço? Então levo dois, se for possível.",
        "O produto chegou com defeito, quero a devolução.",
        "Está bem, amanhã à tarde estarei em casa, até lá.",
    ),
    "sv": (
        "Hej, finns den här jackan kvar? Jag är väldigt intresserad.",
        "Paketet kom fram idag, allt är jättebra, tack så mycket!",
        "När kan ni skicka den? Jag behöver den före fredag.",
        "Går det att få den lite billigare? Då köper jag två.",
        "Varan var trasig när den kom, jag vill få pengarna åter.",
        "Okej, jag är hemma i morgon på eftermiddagen, hälsningar Åsa.",
    ),
    "it": (
        "Buongiorno, il cappotto è ancora disponibile? Perché mi piace.",
        "Il pacco è arrivato oggi, è tutto perfetto, grazie!",
        "Quando potrà spedirlo? Ne avrei bisogno al più presto.",
        "È possibile avere uno sconto? Così ne prendo due.",
        "La merce è arrivata rovinata, voglio il rimborso perché non va.",
        "Va bene, domani sarò a casa, c'è anche mia moglie lunedì.",
    ),
    "tr": (
        "Merhaba, bu ürün hâlâ satılık mı? Çok beğendim.",
        "Paket bugün geldi, her şey çok güzel, teşekkür ederim!",
        "Siparişi ne zaman gönderebilirsiniz? Acil lazım.",
        "Biraz indirim yapabilir misiniz? İki tane alacağım.",
        "Ürün kırık geldi, paramı geri istiyorum.",
        "Tamam, yarın öğleden sonra evde olacağım.",
    ),
}  # fmt: skip
ENCODINGS = {
    "gb18030": ["zh-Hans"], "big5": ["zh-Hant"], "shift_jis": ["ja"], "euc_jp": ["ja"],
    "euc_kr": ["ko"], "koi8_r": ["ru"], "cp1251": ["ru"], "cp866": ["ru"], "iso8859_5": ["ru"],
    "cp1250": ["pl", "cs", "hu"], "iso8859_2": ["pl", "cs", "hu"], "cp1253": ["el"],
    "cp1255": ["he"], "cp1254": ["tr"], "cp1252": ["fr", "de", "es", "pt", "sv", "it"],
    "mac_roman": ["fr", "de", "es", "pt", "sv", "it"], "utf_32": ["zh-Hans", "ru", "fr"],
    "cp850": ["fr", "de", "es"], "utf_16_le": ["zh-Hans", "ru", "fr"], "mac_cyrillic": ["ru"],
}  # fmt: skip


def messages(language: str, count: int) -> str:
    """Give a CSV file of so many messages."""
    texts = TEXTS[language]
    rows = (f'{n},user{n % 7},"{texts[n % len(texts)]}"\n' for n in range(count))
    return "id,from,text\n" + "".join(rows)
