"""Finds the columns of a file that hold the text, the sender, the id and the time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from messages.options import BY_SENDER_AND_TEXT, COLUMN_OPTIONS, Rules

TEXT, SENDER, MESSAGE_ID, SENT_AT = "text", "sender", "message_id", "sent_at"
OUTPUT = (MESSAGE_ID, SENDER, SENT_AT, TEXT)

# The most specific first; compared without case, spaces and punctuation.
USUAL = {
    TEXT: (
        "fulltext", "text", "message", "body", "content", "messagetext", "messagebody",
        "messagecontent", "msg", "msgtext", "msgbody", "sms", "smstext", "textbody", "textmessage",
        "chatmessage", "tweet", "tweettext", "tweetcontent", "comment", "commenttext",
        "commentbody", "commentcontent", "review", "reviewtext", "reviewbody", "reviewcontent",
        "reviewstext", "posttext", "postbody", "post", "complaint", "complainttext",
        "consumercomplaintnarrative", "feedback", "utterance",
    ),
    SENDER: (
        "sender", "senderid", "sendername", "from", "fromid", "fromuser", "author", "authorid",
        "useridstr", "user", "userid", "username", "screenname", "userscreenname", "authorname",
        "sentby", "fromaddress", "senderaddress", "fromname", "reviewer", "reviewerid",
        "reviewername", "reviewsusername", "customer", "customerid", "customername",
    ),
    MESSAGE_ID: (
        "messageid", "idstr", "id", "msgid", "messageuuid", "uuid", "guid", "mid", "messagenumber",
        "smsid", "tweetid", "tweetidstr", "statusid", "commentid", "reviewid", "reviewsid",
        "postid", "complaintid", "ids",
    ),
    SENT_AT: (
        "sentat", "sent", "senttime", "sentdate", "sentts", "timestamp", "time", "datetime", "date",
        "ts", "createdat", "created", "createdtime", "createddate", "creationdate", "createdutc",
        "messagetime", "messagedate", "receivedat", "datereceived", "tweetcreated", "tweetdate",
        "reviewdate", "reviewsdate", "reviewtime", "unixreviewtime", "commentdate", "postedat",
        "posted", "postdate", "publishedat", "published", "at",
    ),
}  # fmt: skip
SHOWN_COLUMNS, SHOWN_LENGTH = 20, 40
# The most columns of a spreadsheet; a file with more is broken or malicious.
MAX_FIELDS = 16_384
# Columns with longer names are packed into the overflow column.
MAX_NAME = 512


class ColumnNotFoundError(ValueError):
    """A required column is missing; the message names the file's columns and the remedy."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns in one file; ``None`` where the file has none."""

    text: str
    sender: str | None = None
    message_id: str | None = None
    sent_at: str | None = None
    rules: Rules = field(default_factory=Rules)

    @property
    def distinction(self) -> str | None:
        """The output column that duplicates share, besides sender and text.

        The time, if the file has one. If it has neither time nor sender, the id; otherwise ids are
        ignored, because a message that was sent twice has two ids.
        """
        if self.rules.duplicates == BY_SENDER_AND_TEXT:
            return None
        if self.sent_at is not None:
            return SENT_AT
        return MESSAGE_ID if self.sender is None and self.message_id is not None else None

    @property
    def identity(self) -> list[str]:
        """The output columns that all rows of one message share."""
        sender = [] if self.sender is None else [SENDER]
        distinction = [] if self.distinction is None else [self.distinction]
        return [*sender, *distinction, TEXT]

    def named(self) -> dict[str, str | None]:
        """Output column -> the file's column, in the output's order."""
        return {
            MESSAGE_ID: self.message_id,
            SENDER: self.sender,
            SENT_AT: self.sent_at,
            TEXT: self.text,
        }


def find_columns(
    names: Iterable[str],
    wanted: Mapping[str, str] | None = None,
    weights: Mapping[str, int] | None = None,
) -> Columns:
    """Choose a file's columns by their names, given in order.

    Raises ColumnNotFoundError (no text column, or one given by argument is missing). ``wanted`` has
    the names given by argument, by output column: several have commas between them, and one of them
    must be there. ``weights`` says how often each name held a value in a sample: among usual names
    the most frequent wins. Below zero it holds objects or arrays, and is taken only where it is
    asked for.
    """
    present = list(dict.fromkeys(names))
    asked = {role: _asked(present, role, name) for role, name in (wanted or {}).items()}
    taken = set(asked.values())
    free = [name for name in present if name not in taken]
    found = {
        role: asked[role] if role in asked else _usual(free, USUAL[role], weights or {})
        for role in USUAL
    }
    text = found[TEXT]
    if text is None:
        raise ColumnNotFoundError(
            f"no text column: it has {shown(present)}; "
            f"name the one to use with {COLUMN_OPTIONS[TEXT]}"
        )
    return Columns(text, found[SENDER], found[MESSAGE_ID], found[SENT_AT])


def _asked(present: Sequence[str], role: str, asked: str) -> str:
    """Return the requested column: the first of several names that exists."""
    names = list(dict.fromkeys([asked, *(name.strip() for name in asked.split(","))]))
    for name in names:
        alike = [other for other in present if _key(other) == _key(name)]
        if name in present or alike:
            return name if name in present else alike[0]
    raise ColumnNotFoundError(
        f"no column {asked!r} ({COLUMN_OPTIONS[role]}): it has {shown(present)}; "
        f"correct {COLUMN_OPTIONS[role]} or leave it out"
    )


def _usual(present: Sequence[str], usual: Sequence[str], weights: Mapping[str, int]) -> str | None:
    ranks = {key: rank for rank, key in enumerate(usual)}
    fit = [name for name in present if len(name) <= MAX_NAME and weights.get(name, 0) >= 0]
    known = [name for name in fit if _key(name) in ranks]
    return min(known, key=lambda n: (-weights.get(n, 0), ranks[_key(n)]), default=None)


def _key(name: str) -> str:
    return re.sub(r"[^0-9a-z]", "", name.casefold())


def shown(names: Sequence[str]) -> str:
    """Format column names for an error: at most 20, each at most 40 characters.

    They are masked, because without a header they may be values.
    """
    import polars as pl  # noqa: PLC0415 - not in the parent, see `messages.guard`

    from messages.masking import mask  # noqa: PLC0415

    if not names:
        return "no columns"
    names = mask(pl.Series(names, dtype=pl.String), cued=True).to_list()
    short = [repr(n if len(n) <= SHOWN_LENGTH else n[:SHOWN_LENGTH] + "…") for n in names]
    more = f" and {len(short) - SHOWN_COLUMNS} more" if len(short) > SHOWN_COLUMNS else ""
    return ", ".join(short[:SHOWN_COLUMNS]) + more


def name_header(header: Sequence[str]) -> tuple[str, ...]:
    """Make the names of a header unique.

    >>> name_header(["v1", "v2", "", "v1"])
    ('v1', 'v2', 'column_3', 'v1_2')
    """
    names: dict[str, int] = {}
    for position, raw in enumerate(header, start=1):
        name = base = raw.strip() or f"column_{position}"
        while name in names:
            names[base] += 1
            name = f"{base}_{names[base]}"
        names[name] = 1
    return tuple(names)


def spilled(header: Sequence[str], text: int) -> int:
    """Count the unnamed fields after the text, if the header ends with them.

    Such a header (``v1,v2,,,``) comes from texts whose commas split them: those fields hold the
    rest of the text, which would escape masking anywhere else.
    """
    behind = [name.strip() for name in header[text + 1 :]]
    return 0 if any(behind) else len(behind)
