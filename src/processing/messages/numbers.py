"""Card, account and phone numbers, which need arithmetic or context and so run row by row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

CARD, IBAN, PHONE = "<CARD>", "<IBAN>", "<PHONE>"
Span = tuple[int, int, str]

# A text with fewer digits holds none of these numbers.
CANDIDATE = "[0-9](?:[ .()/+-]{0,3}[0-9]){5}"

_BETWEEN = re.compile(r"[\s.:#=\u2116\u00b0\u00ba\uff1a-]+")
_ENDS = frozenset(",;!?)]\uff0c\uff1b\uff01\uff1f\u3001\u3002\uff09\u060c\u061b\u061f\u0964")
# How many characters before digits are examined; the second, in scripts without spaces.
_REACH, _PIECE_REACH = 40, 12

_RUN, _GROUP = re.compile(r"[0-9](?:[ .()/+-]{0,3}[0-9]){6,}"), re.compile("[0-9]+")
_CARD_RUN = re.compile(r"[0-9](?:[ .-]{0,3}[0-9]){12,}")
_SINCE_DIGITS, _A_WORD = re.compile(r"[^0-9]*$"), re.compile(r"\w+")
# Right after these, digits are part of something else; not after a word: "Help0871…".
_GLUED = re.compile("(?:[A-Z0-9_][-_]?|[a-z][-_]|[0-9-][a-f]+|#)$")
_DATE = re.compile(
    "(?:19|20)[0-9]{2}[./-][01]?[0-9][./-][0-3]?[0-9](?![0-9])(?: [0-2]?[0-9](?=:))?"
    "|[0-3]?[0-9][./-][0-3]?[0-9][./-](?:19|20)[0-9]{2}(?![0-9])(?: [0-2]?[0-9](?=:))?"
)
# A digit of a number, and one where it may end: not of a date, nor of a next number with a zero,
# nor a digit by itself.
_N = "(?:[ .()/-]{0,3}[0-9])"
_M = rf"(?:[0-9]|[ .()/-]{{1,3}}(?!{_DATE.pattern}|0[1-9]{_N}{{7}}|[0-9](?![0-9]))[0-9])"
_NUMBER = re.compile(
    rf"""
    (?P<other> {_DATE.pattern.replace(" ", "[ ]")}
      | [1-9][0-9]{{0,2}}(?:\.[0-9]{{1,3}}){{3}}(?!\.?[0-9])                # addresses of machines
      | \+?(?:0|[1-9][0-9]{{0,2}})\.[0-9]{{11,}}(?![0-9])                   # decimals
      | (?<!\+)(?:0|[1-9][0-9]{{0,2}})\.[0-9]{{5,}}(?![0-9]) )
  | (?P<world> \+[ ]?\(?(?:1{_N}{{10}}|[2-9]{_N}{{6}}{_M}{{0,8}})(?![0-9]) )
  | (?P<phone> (?: 00(?:1{_N}{{10}}|[2-9]{_N}{{7}}{_M}{{0,7}})
          | 011(?=[ .-]){_N}{{6}}{_M}{{0,10}} | 0[1-9]{_N}{{7}}{_M}{{0,3}} )(?![0-9])
      | (?: (?:1[ .-]?\(?)?[2-9][0-9]{{2}}[ .)-]{{1,2}}[0-9]{{3}}[ .-]?[0-9]{{4}}      # America
          | (?<!-)(?:[78][ -]?\(?)?[2-9][0-9]{{2}}[ )-]{{1,2}}[0-9]{{3}}(?:[ -][0-9]{{2}}){{2}}
          | 8[ -]?\(?9[0-9]{{2}}[ )-]{{0,2}}[0-9]{{3}}[ -]?[0-9]{{4}} | 79[0-9]{{9}}   # Russia
          | 1[3-9][0-9][ -]?[0-9]{{4}}[ -]?[0-9]{{4}} | 861[3-9][0-9]{{9}}            # China
          | [6-9][0-9]{{4}}[ -][0-9]{{5}} | 91[6-9][0-9]{{9}}                         # India
          | [1-9][0-9]\)[ ]?9?[0-9]{{4}}[ -]?[0-9]{{4}} | [1-9][0-9][ ]9[0-9]{{4}}-[0-9]{{4}}
          | 44[ ]?[1-9][0-9]{{9}}                                                   # Britain
        )(?![0-9]|[.-][0-9]) )
  | (?P<bare> (?: [0-9]{{3,4}}[ -][0-9]{{4}} | [0-9]{{2,4}}[ -]?[0-9]{{3,4}}[ -]?[0-9]{{4}}
          | [0-9]{{7,12}} | (?<!-)[0-9]{{1,3}}(?:[ -][0-9]{{2,3}}){{2,4}} )(?![0-9]|[.-][0-9]) )
  | (?P<rest> [0-9]+ )
    """,
    re.VERBOSE,
)
_HEAD, _HEAD_REACH = re.compile("[A-Za-z]{2}(?<![A-Za-z0-9]..)[0-9]{2}"), 12
_IBAN = re.compile(
    rf"{_HEAD.pattern}"
    "(?:[A-Za-z0-9]{11,30}|(?:[ -][A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?)(?![A-Za-z0-9])"
)
_PART = re.compile("[A-Za-z0-9]+")

_WIDE, _WIDE_BY, _MINUS = range(0xFF01, 0xFF5F), 0xFEE0, 0x2212
CARD_DIGITS, IBAN_LENGTH, BARE_DIGITS = range(13, 20), range(15, 35), range(7, 13)

# Issuer prefixes and lengths: ISO/IEC 7812 ranges as the networks publish them.
_ISSUERS = re.compile(
    r"""
    4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})                                      # Visa
  | (?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}  # Mastercard
  | 3[47][0-9]{13}                                                          # American Express
  | (?:30[0-5]|3[689][0-9])[0-9]{11}                                        # Diners Club
  | (?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}                            # Discover
  | 35(?:2[89]|[3-8][0-9])[0-9]{12,15}                                      # JCB
  | 62[0-9]{14,17}                                                          # UnionPay
  | (?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}                   # Maestro
  | 220[0-4][0-9]{12}                                                       # Mir
    """,
    re.VERBOSE,
)


class _PlainForms(dict[int, str]):
    """The plain form of a character: ASCII for digits, wide characters and separators."""

    def __missing__(self, code: int) -> str:
        self[code] = _plain_form(code)
        return self[code]


def _plain_form(code: int) -> str:
    character = chr(code)
    if character.isdigit():
        return str(unicodedata.digit(character))
    if unicodedata.category(character) == "Pd" or code == _MINUS:
        return "-"
    if code in _WIDE and chr(code - _WIDE_BY) not in "!,;?":
        return chr(code - _WIDE_BY)
    return " " if code == 0 or unicodedata.category(character) in ("Zs", "Cf") else character


_PLAIN_FORMS = _PlainForms()


def plain(text: str) -> str:
    """Return the plain form of a text, character by character, so that positions stay the same.

    >>> plain("\uff14\uff11\u20101")
    '41-1'
    """
    return text if text.isascii() else text.translate(_PLAIN_FORMS)


def find_numbers(text: str, region: str | None = None, *, cued: bool = False) -> list[Span]:
    """Find card, account and phone numbers in a text of plain forms, in their order.

    ``region`` is a country such as ``DE``, whose phone numbers are found in every form. ``cued``
    means that the digits follow a word such as *phone*.

    >>> find_numbers("order 2026-11-22, call 555-123-4567")
    [(23, 35, '<PHONE>')]
    """
    spans: list[Span] = []
    place = 0
    while run := _RUN.search(text, place):
        place = run.end()
        if iban := _iban(text, run.start()):
            spans.append(iban)
            place = iban[1]
        elif not _DATE.fullmatch(run[0]):
            cards = list(_cards(text, run))
            spans += cards
            follows = bool(spans) and _follows(text[spans[-1][1] : run.start()], spans[-1][2])
            spans += _phones(_without(text, cards) if cards else text, run, cued=cued or follows)
    if region is not None:
        spans += _of_region(_without(text, spans), region)
    return [span for span in sorted(spans) if span[2]]


def _follows(between: str, token: str) -> bool:
    """Return whether a number is a phone number because the one before it is."""
    joining = between.lower().strip(" ,;/&|、，")  # noqa: RUF001
    return token == PHONE and (not joining or joining in words("joining"))


def put(text: str, spans: Iterable[Span]) -> str:
    """Replace ranges of a text by tokens."""
    pieces: list[str] = []
    copied = 0
    for start, end, token in spans:
        pieces += (text[copied:start], token)
        copied = end
    return "".join([*pieces, text[copied:]])


def _without(text: str, spans: Sequence[Span]) -> str:
    """Blank out the numbers that are already found."""
    return put(text, [(start, end, "\0" * (end - start)) for start, end, _ in sorted(spans)])


def _of_region(text: str, region: str) -> Iterator[Span]:
    import phonenumbers  # noqa: PLC0415 - takes 50 ms, for this option alone

    for match in phonenumbers.PhoneNumberMatcher(text, region):
        before = text[max(0, match.start - _REACH) : match.start]
        if not _has_label(before.lower()) and not _GLUED.search(before):
            yield match.start, match.end, PHONE


def _iban(text: str, digits: int) -> Span | None:
    """Find the IBAN that contains the digits; with a wrong check digit its token is empty."""
    head = _HEAD.search(text, max(0, digits - _HEAD_REACH), digits + 2)
    match = head and _IBAN.match(text, head.start())
    if not match or match.end() < digits:
        return None
    parts = list(_PART.finditer(text, match.start(), match.end()))
    last = _longest(parts, 0, _is_iban, IBAN_LENGTH)
    if last is not None:
        return match.start(), parts[last].end(), IBAN
    mostly_digits = sum(map(str.isdigit, match[0])) >= len(match[0]) // 2
    return (match.start(), match.end(), "") if mostly_digits else None


def _is_iban(number: str) -> bool:
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def is_card(digits: str) -> bool:
    """Return whether digits are a card number: known prefix, length, and Luhn check digit."""
    return _ISSUERS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    numbers = [int(d) for d in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])) % 10 == 0


def _longest(
    groups: Sequence[re.Match[str]], first: int, fits: Callable[[str], bool], lengths: range
) -> int | None:
    """Return the last group of the longest valid number that begins at group ``first``."""
    number, last = "", None
    for index in range(first, len(groups)):
        number += groups[index][0]
        if len(number) >= lengths.stop:
            break
        if len(number) in lengths and fits(number):
            last = index
    return last


def _cards(text: str, run: re.Match[str]) -> Iterator[Span]:
    """Find the cards in a run of digits; each starts and ends where a group of digits does."""
    for part in _CARD_RUN.finditer(text, run.start(), run.end()):
        groups = list(_GROUP.finditer(text, part.start(), part.end()))
        first = 0
        while first < len(groups):
            likely = groups[first][0][0] in "23456"
            last = _longest(groups, first, is_card, CARD_DIGITS) if likely else None
            if last is not None:
                yield groups[first].start(), groups[last].end(), CARD
                first = last
            first += 1


def _phones(text: str, run: re.Match[str], *, cued: bool) -> Iterator[Span]:
    """Find the phone numbers in a run of digits, by the words before it where they have no plus."""
    before = text[max(0, run.start() - _REACH) : run.start()]
    free: int | None = None
    place = max(0, run.start() - 3)
    while match := _NUMBER.search(text, place, run.end()):
        place = match.end()
        if match.lastgroup in ("other", "rest"):
            continue
        if match.lastgroup == "world":
            yield match.start(), place, PHONE
            continue
        if free is None:
            cued = cued or _has_cue(before.lower())
            free = _free(text, run, before, cued=cued)
        if match.lastgroup == "bare" and not (cued and _digits(match) in BARE_DIGITS):
            place = match.end() - len(match[0].lstrip("0123456789"))
        elif place > free:
            bracket = text[match.start() - 1 : match.start()] == "(" and ")" in match[0]
            yield match.start() - bracket, place, PHONE


def _free(text: str, run: re.Match[str], before: str, *, cued: bool) -> int:
    """Return where a number of something else ends, by the word or sign before it."""
    if _has_label(before.lower()) or (not cued and _GLUED.search(before)):
        space = text.find(" ", run.start(), run.end())
        return run.end() if space < 0 else space
    return run.start()


def _digits(match: re.Match[str]) -> int:
    return sum(map(str.isdigit, match[0]))


def _has_cue(before: str) -> bool:
    said = _SINCE_DIGITS.findall(before)[0]
    cues, whole = words("phone"), words("phone_whole")
    return any(word.startswith(cues) or word in whole for word in _A_WORD.findall(said)) or _is_in(
        said, "phone_pieces"
    )


def _has_label(before: str) -> bool:
    behind = _BETWEEN.split(before)
    while behind and (not behind[-1] or behind[-1] in words("between")):
        behind.pop()
    word = behind[-1].lstrip("([\"'") if behind else ""
    if not word or word[-1] in _ENDS:
        return False
    said = word[-_PIECE_REACH:]
    named = _is_in(said, "thing_pieces") and not _is_in(said, "phone_pieces")
    return named or word.startswith(words("thing")) or word in words("thing_whole")


def _is_in(text: str, pieces: str) -> bool:
    return any(piece in text for piece in words(pieces))


@cache
def words(name: str) -> tuple[str, ...]:
    """Return a list of ``words.toml``."""
    return tuple(_lists()[name].split())


@cache
def _lists() -> dict[str, str]:
    import tomllib  # noqa: PLC0415 - most runs need no list before their first number

    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
