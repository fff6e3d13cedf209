"""Detects legacy encodings by excluding those in which the text would be implausible.

The text is decoded in each common encoding. Implausible text (half a character, a control, two
alphabets in one word, a capital within a word, a sign among letters, unused characters) excludes an
encoding. If the remaining encodings give the same text, it is known. Otherwise the detector
(chardet) decides if it finds the same text in each third of the lines. If it does not, the file is
rejected, and the reason names the remaining encodings.
"""

# ruff: noqa: RUF001 - signs that look alike matter here

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise

import chardet

from messages.encodings import UnclearError, decoded

# How many bytes of lines with non-ASCII characters are examined.
_TELLING = 8 * 1024
# If several give the same text, the first is named.
USUAL = (
    "cp1252", "iso8859_15", "cp1250", "iso8859_2", "cp1254", "cp1257", "cp1251", "koi8_r", "koi8_u",
    "iso8859_5", "cp866", "mac_cyrillic", "cp1253", "iso8859_7", "cp1255", "cp1256", "cp874",
    "mac_roman", "cp850", "cp437", "gb18030", "cp950", "big5hkscs", "cp932", "euc_jp", "cp949",
)  # fmt: skip
# These need no detector if they are the only ones left.
_WINDOWS = re.compile("cp125")
# Letters of an encoding that none of its languages uses.
_UNUSED = {"cp1257": set("ßæøåóńśźłćż")}
_SHOWN = 4
# With fewer lines, or fewer letters of other scripts, a third says too little.
_LINES = 6


def detected(lines: Sequence[bytes]) -> str:
    """Return the encoding of lines that are not UTF-8; UnclearError if it is unclear."""
    chosen = _some(lines)
    data = b"\n".join(chosen)
    likely: dict[str, str] = {}
    for encoding in USUAL:
        text = decoded(data, encoding)
        if text is None or _UNUSED.get(encoding, set()) & set(text):
            continue
        if is_likely(text):
            likely.setdefault(text, encoding)
    if marked := [text for text in likely if _is_marked(text)]:
        likely = {text: likely[text] for text in marked}
    found = _only(likely) or _detected(chosen, likely)
    if found is None or not _is_in_a_language(*found):
        raise UnclearError(_unclear(list(likely.values()), data))
    return found[1]


def _only(likely: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the only likely text and its encoding, if it needs no detector."""
    for text, encoding in likely.items() if len(likely) == 1 else ():
        if _WINDOWS.match(encoding) and not _OTHER_THAN_LATIN.search(text):
            return text, encoding
    return None


def _is_in_a_language(text: str, encoding: str) -> bool:
    """Return whether the text has letters of one language, which the detector ignores."""
    letters = set(text)
    if encoding == "cp1257":  # Baltic: otherwise it is Albanian in cp1252
        return bool(letters & set("šŠžŽ"))
    # Polish or Slovak letters beside Czech ones: it is Czech in ISO 8859-2.
    mixed = letters & set("ąĄľĽ") and letters & set("ěĚřŘůŮ")
    return encoding != "cp1250" or not mixed


def _is_marked(text: str) -> bool:
    """Recognise English and the like: only ASCII letters, and typographic quotes."""
    quotes = text.count("“")
    if quotes != text.count("”") or any(c.isalpha() and not c.isascii() for c in text):
        return False
    apostrophes = _APOSTROPHE.findall(text)
    return all(apostrophes) and (quotes > 0 or len(apostrophes) > 0)


def _some(lines: Sequence[bytes]) -> list[bytes]:
    """Choose lines from the whole sample, and those with bytes that others lack."""
    mixed = [line[:_TELLING] for line in lines]
    random.Random(0).shuffle(mixed)  # noqa: S311 - the same ones each time
    chosen, seen, size = [], set[int](), 0
    for line in mixed:
        if size < _TELLING or not seen.issuperset(line):
            chosen.append(line)
            seen.update(line)
            size += len(line)
    return chosen


def _detected(lines: Sequence[bytes], likely: Mapping[str, str]) -> tuple[str, str] | None:
    """Ask the detector about all lines and, if several encodings remain, about each third."""
    thirds = (lines[::3], lines[1::3], lines[2::3]) if len(likely) > 1 else ()
    letters = sum(len(_OTHER_THAN_LATIN.findall(text)) for text in likely)
    if not likely or (len(lines) if thirds else letters or _LINES) < _LINES:
        return None
    texts = set()
    for some in (lines, *thirds):
        name = chardet.detect(b"\n".join(some))["encoding"]
        texts.add(decoded(b"\n".join(lines), name) if name else None)
    return next(((t, likely[t]) for t in likely if texts == {t}), None)


def _unclear(likely: Sequence[str], data: bytes) -> str:
    if not likely:
        names = [found["encoding"] for found in chardet.detect_all(data)]
        likely = [name for name in names if name and decoded(data, name) is not None]
    if not likely:
        return "it is text in no encoding that is known; if it is text, name it with --encoding"
    shown = " or ".join(likely[:_SHOWN])
    return f"its encoding is unclear, likely {shown}; name the right one with --encoding"


_LATIN, _EAST_ASIAN = "A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff", "\u3041-\ud7a3\uf900-\uffdc"
_CYRILLIC, _GREEK, _HEBREW = "\u0400-\u052f", "\u0370-\u03ff", "\u0591-\u05f4"
_ARABIC, _THAI = "\u0600-\u06ff", "\u0e00-\u0e7f"
_ALPHABETS = [re.compile(f"[{a}]+") for a in (_CYRILLIC, _GREEK, _HEBREW, _ARABIC, _THAI)]
_OTHER_THAN_LATIN = re.compile(f"[{_CYRILLIC}{_GREEK}{_HEBREW}{_ARABIC}{_THAI}{_EAST_ASIAN}]")
_HAN, _KANA = re.compile("[\u3400-\u9fff\uf900-\ufaff]"), re.compile("[\u3041-\u30ff]")
_HANGUL, _HALF_KANA = re.compile("[\uac00-\ud7a3]"), re.compile("[\uff61-\uff9f]")
_EAST_ASIAN_RUN = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]+")
_LETTER = f"[^\\W\\d_{_EAST_ASIAN}]"
_MARKS = "\u0591-\u05c7\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_VOWELS = "aeiouyæøœAEIOUYÆØŒ"
_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile(f"(?:(?![A-Za-z])[{_LATIN}]){{3}}")
# Signs that no language has within a word, unlike an apostrophe, a hyphen or a dot.
_AMID = re.compile(rf"(?<={_LETTER})[^\w\s\x00-\x7f’‘´·\u00ad‑–—…](?={_LETTER})")
_ACCENT_AMID = re.compile("[A-Za-z][¸¨¯˜˙˚˝˛ˇ˘][A-Za-z]")
_BEHIND = re.compile(
    rf"(?<={_LETTER})[‚„§¶¸¬¨¯±¤¦¥£¢‡†‰ˆ˜˙˚˝˛ˇ˘≠≤≥∞∂∑∏∫◊¿¡]|(?<=[A-Za-z])[{_MARKS}]"
)
_APOSTROPHE = re.compile(r"[A-Za-z]’(?=[A-Za-z])((?:s|t|re|ve|ll|m|d)\b)?")
_BESIDE_NUMBER = re.compile(
    rf"(?<!\w){_LETTER}(?= ?\d)|(?<=\d){_LETTER}(?!\w)|(?<=\d ){_LETTER}(?!\w)"
)
# The commonest characters of Chinese, in both ways of writing: a third of any text.
_COMMON = frozenset(
    "的一是不了在人有我他这這中大来來上个個国國到说說们們为為子和你地出道也时時年得就那要下以生会會自着去之过過家"
    "学學对對可她里裡后後小么麼心多天而能好都然没沒日于於起还還发發成事只作当當想看文无無开開手用主行方又如前所"
    "本见見经經头頭面公同已老从從动動两兩长長知样樣现現分将將外但身些与與高意进進把法此实實回吗嗎吧呢请請谢謝买"
    "買卖賣货貨钱錢件收到"
)
_ODD_SHARE, _COMMON_SHARE = 0.02, 0.1


def is_likely(text: str) -> bool:
    """Return whether a text is plausible, and not a misread one."""
    if any(_is_unwritten(c) for c in set(text)) or _ACCENT_AMID.search(text):
        return False
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    odd = sum(map(_is_odd, words)) + len(_AMID.findall(text)) + len(_BEHIND.findall(text))
    odd += sum(not found.isascii() for found in _BESIDE_NUMBER.findall(text))
    if odd > _ODD_SHARE * len(words):
        return False
    return _has_words(text) and _is_east_asian_at_all(text)


def _is_unwritten(character: str) -> bool:
    kind = unicodedata.category(character)
    drawn = "\u2500" <= character <= "\u259f"
    return drawn or (kind in {"Cc", "Cn", "Co", "Cs"} and character not in "\t\r\n\v\f")


def _is_odd(word: str) -> bool:
    """Return whether a word mixes two alphabets, has digits, or a capital after a small letter."""
    if _EAST_ASIAN_RUN.search(word):
        return False
    alphabets = sum(1 for letters in _ALPHABETS if letters.search(word))
    latin = re.search(f"[{_LATIN}]", word) is not None
    capital = any(a.islower() and b.isupper() for a, b in pairwise(word))
    lone = unicodedata.normalize("NFD", word)[0] if latin and len(word) == 1 else "a"
    odd_letters = _ACCENTS.search(word) is not None or any(c.isnumeric() for c in word)
    return alphabets + latin > 1 or capital or odd_letters or lone not in _VOWELS


def _has_words(text: str) -> bool:
    """Return whether letters of non-Latin alphabets form words."""
    found = [letters.findall(text) for letters in _ALPHABETS]
    return all(sum(map(len, words)) >= 2 * len(words) for words in found)


def _is_east_asian_at_all(text: str) -> bool:
    """Return whether Chinese, Japanese and Korean characters are plausible for these languages."""
    han, kana, hangul, half = (s.findall(text) for s in (_HAN, _KANA, _HANGUL, _HALF_KANA))
    count = len(han) + len(kana) + len(hangul)
    if not count:
        return not half
    if len(_EAST_ASIAN_RUN.findall(text)) * 1.5 > count or len(half) * 20 > count:
        return False
    if hangul:
        return len(hangul) > 10 * (len(han) + len(kana))
    if kana:
        return len(kana) * 4 > count
    return sum(c in _COMMON for c in han) > _COMMON_SHARE * len(han)
