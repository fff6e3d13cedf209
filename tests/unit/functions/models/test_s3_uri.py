"""S3 URIs: each reads back as itself, and none can name what S3 could not hold."""

from __future__ import annotations

import pytest

from landrun.errors import InvalidS3Uri
from landrun.models.s3_uri import S3Uri

NO_URI = ["", "bucket/key", "s3:/b/k", "s3://", "s3:///key", "https://b/k"]
NO_BUCKET = ["b\n/k", "a b/k", "-b/k", "arn:aws:s3:::b/k", f"{'b' * 256}/k"]
NO_KEY = [f"b/{'x' * 1025}", f"b/{'é' * 513}", "b/\ud800"]


@pytest.mark.parametrize("key", ["", "a+b%2B é😀.csv", "//", "?#\n\"'", "s3://b/k", "é" * 512])
def test_an_s3_uri_reads_back_as_itself(key):
    for bucket in ("b", "Old_Bucket.9-", "b" * 255):
        assert S3Uri.parse(str(S3Uri(bucket, key))) == S3Uri(bucket, key)


@pytest.mark.parametrize("uri", [*NO_URI, *(f"s3://{rest}" for rest in NO_BUCKET + NO_KEY)])
def test_what_s3_could_not_have_is_refused_in_a_short_line_with_the_form_to_write(uri):
    with pytest.raises(InvalidS3Uri, match="write s3://bucket/key") as refusal:
        S3Uri.parse(uri)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 200
