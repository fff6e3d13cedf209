"""Card and phone numbers, which need arithmetic or context and so run row by row.

Patterns use ASCII classes and no look-around, so that they mean the same in every engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What must stand shortly before a bare run of digits for it to be a phone number.
_CUES = (
    "call|phone|tel|mobile|mob|cell|text|txt|sms|whats ?app|contact|reach|ring|fax|dial|viber"
    "|signal|telegram"
)
_RUNS = (
    r"[0-9](?:[ -]?[0-9]){12}"  # card
    r"|(?:\+ ?\(?[1-9]|(?:^|[^0-9])00[1-9])(?:[ .()/-]{0,3}[0-9]){4}"  # world
    r"|(?:^|[^0-9])0[1-9](?:[ .()/-]{0,2}[0-9]){7}"  # national
    r"|[6-9][0-9]{4}[ -][0-9]{5}|44 ?[1-9][0-9]{9}"
    r"|[2-9][0-9]{2}(?:\)[ .-]?|[ .-])[0-9]{3}[ .-]?[0-9]{4}"  # american
)
_BARE = "[0-9]{3}[ -]?[0-9]{4}"
# Rows without it hold neither a card nor a phone number: one alternative per kind of run below,
# each at most as strict as its pattern there. A date alone does not match, nor does an amount.
NUMBERS = rf"{_RUNS}|(?i:{_CUES})[^0-9]*{_BARE}"
# Found wherever ``NUMBERS`` is, and four times as quickly: of cues an engine remembers too much.
DIGITS = f"{_RUNS}|{_BARE}"

CARD, PHONE = "<CARD>", "<PHONE>"
CARD_DIGITS = range(13, 20)
WORLD_DIGITS, AMERICAN_DIGITS = range(7, 16), range(11, 12)
NATIONAL_DIGITS, BARE_DIGITS = range(9, 13), range(7, 13)

_CARD_RUN = re.compile(r"[0-9](?:[ -]?[0-9]){12,400}")
_GROUP = re.compile(r"[0-9]+")

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

_PHONE_RUN = re.compile(
    r"""
    (?P<other>                                               # dates, addresses, references: kept
        (?:19|20)[0-9]{2}[./-][01]?[0-9][./-][0-3]?[0-9]\b(?:[T\ ][0-2]?[0-9]:[0-5][0-9])?
      | [0-3]?[0-9][./-][0-3]?[0-9][./-](?:19|20)[0-9]{2}\b
      | [1-9][0-9]{0,2}(?:\.[0-9]{1,3}){3}\b
      | [0-9][0-9.,]*[Ee][+-]?[0-9]+
      | \#[0-9][0-9-]*
      | [A-Z]{2,}[0-9]*-[0-9][0-9-]* )
  | (?P<world>    (?:\+[ ]?\(?[1-9]|\b00[1-9])[0-9]*(?:[ .()/-]{1,3}[0-9]+){0,20} )
  | (?P<national> \(?0[1-9][0-9]*(?:[ .()/-]{1,2}[0-9]{2,}){0,20} | \b[6-9][0-9]{4}[ -][0-9]{5}\b
                | \b44[ ]?[1-9][0-9]{9}\b )
  | (?P<american> (?:1[ .-]?)?(?:\([2-9][0-9]{2}\)[ .-]?|[2-9][0-9]{2}[ .-])
                  [0-9]{3}[ .-]?[0-9]{4} )
  | (?P<bare>     [0-9]{3}[ -][0-9]{4}\b | [0-9]+ )
    """,
    re.VERBOSE | re.ASCII,
)
_PHONE_START = re.compile(r"[0-9+(#A-Z]")
_CUE = re.compile(rf"(?:{_CUES})[^0-9]{{0,20}}$", re.IGNORECASE | re.ASCII)
_CUE_REACH = 32


def mask_numbers(text: str) -> str:
    """Put tokens in place of card and phone numbers.

    >>> mask_numbers("pay 4111 1111 1111 1111, call 555-123-4567, order 2026-11-22")
    'pay <CARD>, call <PHONE>, order 2026-11-22'
    """
    return _phones(_CARD_RUN.sub(_cards, text))


def is_card(digits: str) -> bool:
    """Say whether digits are a card number: known prefix, its length, and the Luhn check digit."""
    return _ISSUERS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    numbers = [int(d) for d in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])) % 10 == 0


def _cards(match: re.Match[str]) -> str:
    """Mask each card in a run of digits; a card starts and ends where a group of digits does."""
    run, groups = match[0], list(_GROUP.finditer(match[0]))
    out, copied, first = "", 0, 0
    while first < len(groups):
        last = _card_end(groups, first)
        if last is not None:
            out += run[copied : groups[first].start()] + CARD
            copied = groups[last].end()
        first = first + 1 if last is None else last + 1
    return out + run[copied:]


def _card_end(groups: Sequence[re.Match[str]], first: int) -> int | None:
    """Find the last group of a card that starts with group ``first``: the longest that is one."""
    digits, end = "", None
    for index in range(first, len(groups)):
        digits += groups[index][0]
        if len(digits) >= CARD_DIGITS.stop:
            break
        if len(digits) in CARD_DIGITS and is_card(digits):
            end = index
    return end


def _phones(text: str) -> str:
    """Do what ``_PHONE_RUN.sub(_phone, text)`` does, but try only where a run can start.

    Python's engine tries every alternative at every character; most characters start none.
    """
    out: list[str] = []  # joined at the end: adding to a long string copies it each time
    copied = place = 0
    while start := _PHONE_START.search(text, place):
        match = _PHONE_RUN.match(text, start.start())
        place = match.end() if match else start.end()
        if match:
            out += (text[copied : match.start()], _phone(match))
            copied = place
    return "".join([*out, text[copied:]])


def _phone(match: re.Match[str]) -> str:
    kind, run = match.lastgroup, match[0]
    if kind == "world":
        return _numbers(run, AMERICAN_DIGITS if run.lstrip("+ (0")[:1] == "1" else WORLD_DIGITS)
    if kind == "national":
        return _numbers(run, NATIONAL_DIGITS)
    if kind == "american":
        return run if match.string[match.end() : match.end() + 1].isdigit() else PHONE
    if kind == "bare" and len(run) >= BARE_DIGITS.start:
        return PHONE if len(run) < BARE_DIGITS.stop and _has_cue(match) else run
    return run


def _numbers(run: str, allowed: range) -> str:
    """Mask the number that a run starts with, and further ones that can be told in it.

    A run may go on into what follows the number: it is as many groups as have digits ``allowed``.
    """
    groups, out, copied, first = list(_GROUP.finditer(run)), "", 0, 0
    while first < len(groups):
        count = _groups_within(groups, first, allowed) if first == 0 else _further(groups, first)
        if count:
            # The sign or bracket before the first group belongs to the number.
            out += run[copied : groups[first].start() if first else 0] + PHONE
            copied = groups[first + count - 1].end()
        first += count or 1
    return out + run[copied:]


def _further(groups: Sequence[re.Match[str]], first: int) -> int:
    """Count the groups of a number amid a run: one that starts with 0, or an American one."""
    if re.match("0[1-9]", groups[first][0]):
        return _groups_within(groups, first, NATIONAL_DIGITS)
    lengths = [len(group[0]) for group in groups[first : first + 3]]
    return 3 if lengths == [3, 3, 4] and groups[first][0][0] in "23456789" else 0


def _groups_within(groups: Sequence[re.Match[str]], first: int, allowed: range) -> int:
    """Count the groups that make a number, 0 when they have too few digits or too many at once."""
    digits = count = 0
    for group in groups[first : first + allowed.stop]:
        if digits + len(group[0]) >= allowed.stop:
            break
        digits, count = digits + len(group[0]), count + 1
    return count if digits in allowed else 0


def _has_cue(match: re.Match[str]) -> bool:
    return _CUE.search(match.string[max(0, match.start() - _CUE_REACH) : match.start()]) is not None
