"""Card, account and phone numbers, which need arithmetic or context and so run row by row."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

CARD, IBAN, PHONE = "<CARD>", "<IBAN>", "<PHONE>"
Span = tuple[int, int, str]

# Rows without it hold none of these numbers: one alternative per kind of writing, each at most as
# strict as its pattern below. A date alone does not match, nor does an amount.
CANDIDATE = (
    r"[0-9]{3}[ .-]?[0-9]{4}"
    r"|[0-9](?:[ .-]{0,3}[0-9]){12}"
    r"|(?:\+ ?\(?[1-9]|(?:^|[^0-9])00[1-9])(?:[ .()/-]{0,3}[0-9]){4}"
    r"|(?:^|[^0-9])0[1-9](?:[ .()/-]{0,3}[0-9]){7}"
    r"|(?:^|[^0-9-])[0-9]{1,3}(?:[ )-]{1,2}[0-9]{2,3}){2}"
)

_BETWEEN = re.compile(r"[\s.:#=\u2116\u00b0\u00ba\uff1a-]+")
_ENDS = frozenset(",;!?)]\uff0c\uff1b\uff01\uff1f\u3001\u3002\uff09\u060c\u061b\u061f\u0964")
# How many characters before digits are looked at, and how many where words have no spaces.
_REACH, _PIECE_REACH = 40, 12

_RUN = re.compile(r"[0-9](?:[ .()/+-]{0,3}[0-9]){6,}")
_GROUP = re.compile(r"[0-9]+")
_PLUS = re.compile(r"\+ ?\(?$")
_SINCE_DIGITS, _A_WORD = re.compile(r"[^0-9]*$"), re.compile(r"\w+")
# Behind a letter or a sign like these, digits are a part of something else.
_GLUED = re.compile(r"(?:[A-Za-z0-9_][-_]?|#)$")
# Kept: dates, addresses of machines, decimals.
_DATE = re.compile(
    "(?:19|20)[0-9]{2}[./-][01]?[0-9][./-][0-3]?[0-9](?![0-9])(?: [0-2]?[0-9](?=:))?"
    "|[0-3]?[0-9][./-][0-3]?[0-9][./-](?:19|20)[0-9]{2}(?![0-9])(?: [0-2]?[0-9](?=:))?"
)
_OTHER = re.compile(
    rf"{_DATE.pattern}"
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])"
    r"|(?:0|[1-9][0-9]{0,2})\.(?:[0-9]{11,}|0[0-9]{4,}|(?<!\+...)(?<!\+..)[0-9]{5,})(?![0-9])"
)
# How phone numbers are written in some countries, and little else.
_NATIONAL = re.compile(
    r"""
    (?: (?:1[ .-]?\(?)?[2-9][0-9]{2}[ .)-]{1,2}[0-9]{3}[ .-]?[0-9]{4}           # North America
      | (?<!-)(?:[78][ -]?\(?)?[2-9][0-9]{2}[ )-]{1,2}[0-9]{3}(?:[ -][0-9]{2}){2}  # Russia, Turkey
      | 8[ -]?\(?9[0-9]{2}[ )-]{0,2}[0-9]{3}[ -]?[0-9]{4} | 79[0-9]{9}            # Russia
      | 1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4} | 861[3-9][0-9]{9}                  # China
      | [6-9][0-9]{4}[ -][0-9]{5} | 91[6-9][0-9]{9}                               # India
      | [1-9][0-9]\)[ ]?9?[0-9]{4}[ -]?[0-9]{4} | [1-9][0-9][ ]9[0-9]{4}-[0-9]{4}  # Brazil
      | 44[ ]?[1-9][0-9]{9}                                                       # Britain
    )(?![0-9]|[.-][0-9])
    """,
    re.VERBOSE,
)
# How any may be written behind a word for it.
_CUED = re.compile(
    "(?:[0-9]{3,4}[ -][0-9]{4}|[0-9]{2,4}[ -]?[0-9]{3,4}[ -]?[0-9]{4}|[0-9]{7,12}"
    "|(?<!-)[0-9]{1,3}(?:[ -][0-9]{2,3}){2,4})(?![0-9]|[.-][0-9])"
)
_HEAD, _HEAD_REACH = re.compile("[A-Za-z]{2}(?<![A-Za-z0-9]..)[0-9]{2}"), 12
_IBAN = re.compile(
    rf"{_HEAD.pattern}"
    "(?:[A-Za-z0-9]{11,30}|(?:[ -][A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?)(?![A-Za-z0-9])"
)
_PART = re.compile("[A-Za-z0-9]+")

_WIDE, _WIDE_BY, _MINUS = range(0xFF01, 0xFF5F), 0xFEE0, 0x2212
CARD_DIGITS, IBAN_LENGTH = range(13, 20), range(15, 35)
WORLD_DIGITS, AMERICAN_DIGITS = range(7, 16), range(11, 12)
NATIONAL_DIGITS, CUED_DIGITS = range(9, 13), range(7, 13)

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
    """A character's plain form: ASCII's for digits, wide characters, and what parts digits."""

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
    """Write a text in plain forms, character by character, so that places in it stay the same.

    >>> plain("\uff14\uff11\u20101")
    '41-1'
    """
    return text if text.isascii() else text.translate(_PLAIN_FORMS)


def find_numbers(text: str, region: str | None = None, *, cued: bool = False) -> list[Span]:
    """Find card, account and phone numbers in a text of plain forms.

    Parameters
    ----------
    text
        Any.
    region
        A country, as ``DE``, whose phone numbers count however they are written.
    cued
        Whether digits are a phone number's as they are after a word for it.

    Returns
    -------
    list
        Where each starts and ends, and its token, in their order.

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
            spans += _Run(text, run, cued=cued).numbers()
    if region is not None:
        spans += _of_region(_without(text, spans), region)
    return [span for span in sorted(spans) if span[2]]


def put(text: str, spans: Iterable[Span]) -> str:
    """Put tokens in place of stretches of a text."""
    pieces: list[str] = []
    copied = 0
    for start, end, token in spans:
        pieces += (text[copied:start], token)
        copied = end
    return "".join([*pieces, text[copied:]])


def _without(text: str, spans: Sequence[Span]) -> str:
    """Black out what was found already."""
    return put(text, [(start, end, "\0" * (end - start)) for start, end, _ in sorted(spans)])


def _of_region(text: str, region: str) -> Iterator[Span]:
    import phonenumbers  # noqa: PLC0415 - takes 50 ms, for this option alone

    for match in phonenumbers.PhoneNumberMatcher(text, region):
        before = text[max(0, match.start - _REACH) : match.start].lower()
        if not _has_label(before) and not _GLUED.search(before):
            yield match.start, match.end, PHONE


def _iban(text: str, digits: int) -> Span | None:
    """Find the account number that digits are in; with a wrong check digit its token is empty."""
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
    """Say whether digits are a card number: known prefix, its length, and the Luhn check digit."""
    return _ISSUERS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    numbers = [int(d) for d in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])) % 10 == 0


def _longest(
    groups: Sequence[re.Match[str]], first: int, fits: Callable[[str], bool], lengths: range
) -> int | None:
    """Find the last of the groups that, from ``first`` on, are the longest number that fits."""
    number, last = "", None
    for index in range(first, len(groups)):
        number += groups[index][0]
        if len(number) >= lengths.stop:
            break
        if len(number) in lengths and fits(number):
            last = index
    return last


class _Run:
    """Groups of digits with at most three signs between them.

    A number starts and ends where a group does.
    """

    def __init__(self, text: str, run: re.Match[str], *, cued: bool) -> None:
        self.text, self.start, self.cued = text, run.start(), cued
        self.groups = list(_GROUP.finditer(text, run.start(), run.end()))

    def numbers(self) -> Iterator[Span]:
        """Find the numbers from the left to the right."""
        first, free = 0, None
        while first < len(self.groups):
            last, token = self._other(first), ""
            if last is None:
                last, token = self._number(first)
            if last is None:
                first += 1
                continue
            if token == PHONE and not self._has_plus(first):
                free = self._free() if free is None else free
                token = PHONE if first >= free else ""
            if token:
                yield *self._place(first, last), token
            first = last + 1

    def _number(self, first: int) -> tuple[int | None, str]:
        last = _longest(self.groups, first, is_card, CARD_DIGITS)
        if last is not None:
            return last, CARD
        if self._has_plus(first):
            american = self.groups[first][0][0] == "1"
            return self._extent(first, AMERICAN_DIGITS if american else WORLD_DIGITS), PHONE
        last = self._national(first)
        if last is None and (self.cued or _has_cue(self._before())):
            last = self._behind_cue(first)
        return last, PHONE

    def _national(self, first: int) -> int | None:
        group = self.groups[first][0]
        if match := _NATIONAL.match(self.text, self.groups[first].start()):
            return self._last_within(first, match.end())
        if group[0] != "0":
            return None
        if group[:2] == "00" and group[2:3] > "0":
            return self._extent(first, range(13, 14) if group[2:3] == "1" else range(10, 18))
        if group == "011":  # as Americans dial the world
            return self._extent(first, range(9, 19))
        return self._extent(first, NATIONAL_DIGITS) if group[1:2] > "0" else None

    def _behind_cue(self, first: int) -> int | None:
        match = _CUED.match(self.text, self.groups[first].start())
        if match is None or sum(map(str.isdigit, match[0])) not in CUED_DIGITS:
            return None
        return self._last_within(first, match.end())

    def _other(self, first: int) -> int | None:
        """Find the last group of a date or of what else is no number to mask."""
        match = _OTHER.match(self.text, self.groups[first].start())
        return None if match is None else self._last_within(first, match.end())

    def _last_within(self, first: int, end: int) -> int:
        last = first
        while last + 1 < len(self.groups) and self.groups[last + 1].end() <= end:
            last += 1
        return last

    def _extent(self, first: int, allowed: range) -> int | None:
        """Find the last group of the longest number from ``first`` on that has digits ``allowed``.

        It ends before a date, and before what looks like the next number.
        """
        digits, last = 0, None
        for index in range(first, len(self.groups)):
            digits += len(self.groups[index][0])
            if digits >= allowed.stop or (index > first and "+" in self._gap(index)):
                break
            if last is not None and (self._begins(index) or self._other(index) is not None):
                break
            if digits in allowed:
                last = index
        return last

    def _begins(self, index: int) -> bool:
        if "/" in self._gap(index):
            return True
        following = "".join(group[0] for group in self.groups[index : index + 6])
        return re.match("0[1-9]", following) is not None and len(following) >= NATIONAL_DIGITS.start

    def _gap(self, index: int) -> str:
        """Give the signs before a group."""
        start = self.groups[index].start()
        return self.text[self.groups[index - 1].end() if index else max(0, start - 3) : start]

    def _has_plus(self, index: int) -> bool:
        gap = self._gap(index)
        return "+" in gap and _PLUS.search(gap) is not None

    def _place(self, first: int, last: int) -> tuple[int, int]:
        """Tell where a number starts and ends: with its plus sign, and with whole brackets."""
        start, end = self.groups[first].start(), self.groups[last].end()
        gap = self._gap(first)
        if plus := _PLUS.search(gap):
            return start - len(plus[0]), end
        return start - (gap[-1:] == "(" and ")" in self.text[start:end]), end

    def _before(self) -> str:
        return self.text[max(0, self.start - _REACH) : self.start].lower()

    def _free(self) -> int:
        """Count the groups, up to a space, that number a thing by the word or sign before them."""
        before = self._before()
        glued = _GLUED.search(before) and not self.cued and not _has_cue(before)
        if not glued and not _has_label(before):
            return 0
        free = 1
        while free < len(self.groups) and " " not in self._gap(free):
            free += 1
        return free


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
    """Give a list of ``words.toml``."""
    return tuple(_lists()[name].split())


@cache
def _lists() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
