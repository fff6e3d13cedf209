"""The names of buckets and objects, and S3 URIs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from landrun.errors import InvalidS3Uri
from landrun.sanitize import shown

KEY_LIMIT = 1024
"""Bytes of an object's key (Amazon S3 user guide, "Naming Amazon S3 objects")."""

BUCKET = "[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}"
"""A pattern of the names of buckets; old ones have capitals, and up to 255 characters."""


def is_key(key: str) -> bool:
    """Return True if an object can have this key: short enough, and no half of a surrogate pair."""
    try:
        return len(key.encode()) <= KEY_LIMIT
    except UnicodeEncodeError:
        return False


@dataclass(frozen=True, slots=True)
class S3Uri:
    """``s3://bucket/key``; the key may be empty, and is never URL-encoded.

    Examples
    --------
    >>> S3Uri.parse("s3://messages/incoming/a+b.csv").key
    'incoming/a+b.csv'
    """

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Take an S3 URI apart.

        Raises InvalidS3Uri when the text is not of the form ``s3://bucket/key``, or names an
        impossible bucket or key.
        """
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not re.fullmatch(BUCKET, bucket) or not is_key(key):
            raise InvalidS3Uri(f"{shown(text)} is not an S3 URI: write s3://bucket/key")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
