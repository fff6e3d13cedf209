"""Keys with control characters in lists of versions.

S3 URL-encodes keys if a client asks for that, as botocore does; moto's ListObjectVersions does not,
and fails over a control character, which XML cannot hold.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from landrun_ops.local.patches import Patches

_KEYS: Final = ("Prefix", "KeyMarker", "NextKeyMarker", "Delimiter")


def adapt(patches: Patches) -> None:
    """Let ListObjectVersions URL-encode keys if a client asks for that."""
    from moto.s3.responses import S3Response  # noqa: PLC0415  (late: for start-up)

    listed = S3Response.list_object_versions

    def list_object_versions(self: Any) -> Any:
        if self.querystring.get("encoding-type", [None])[0] == "url":
            plain = self.serialized
            self.serialized = lambda answer: plain(_encoded(answer))
        return listed(self)

    patches.set(S3Response, "list_object_versions", list_object_versions)


def _encoded(answer: Any) -> Any:
    result = answer.result
    if not isinstance(result, dict):  # an error
        return answer
    for inside in ("Versions", "DeleteMarkers"):
        for entry in result[inside]:
            entry["Key"] = quote(entry["Key"])
    for entry in result.get("CommonPrefixes", ()):
        entry["Prefix"] = quote(entry["Prefix"])
    for name in _KEYS:
        if result.get(name):
            result[name] = quote(result[name])
    result["EncodingType"] = "url"
    return answer
