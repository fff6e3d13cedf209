"""Who may use the laptop's AWS: programs that have one of its keys, and no web page.

A Processing job runs commands as the user of the laptop, browsers send requests of any open page to
127.0.0.1, and moto answers every request. What lets a request in is the random ID of an access key,
which only those learn who can read the user's files; signatures are not verified.
"""

from __future__ import annotations

import hmac
import html
import itertools
import json
import re
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

from landrun_ops.local.settings import REGION, STACK

HOSTS: Final = ("127.0.0.1", "localhost", "[::1]", "host.docker.internal")
KEY_PREFIX: Final = "LKIA"
STACK_HEADER: Final = "X-Landrun-Stack"
"""By this header of every response, landrun knows that it is a laptop's AWS with that stack."""

_SIGNATURE: Final = re.compile(r"(?:AWS4-[A-Z0-9-]+ Credential=|AWS )([^/:,\s]+)[/:]")
_HEADERS: Final = [
    (STACK_HEADER, STACK),
    # Keeps an HTML object that somebody opens by a presigned URL from running scripts: they could
    # read the key's ID in the URL, and their requests would not be foreign.
    ("Content-Security-Policy", "sandbox"),
]

Environ = Mapping[str, Any]


@dataclass(frozen=True)
class AccessKey:
    """An access key of the laptop's AWS; who signs with it may do everything there."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def random(cls) -> AccessKey:
        """Generate a key that looks like one of AWS's."""
        letters = string.ascii_uppercase + string.digits
        ending = "".join(secrets.choice(letters) for _ in range(16))
        return cls(KEY_PREFIX + ending, secrets.token_urlsafe(30))

    def environment(self, endpoint_url: str) -> dict[str, str]:
        """Return the environment by which any AWS SDK or CLI finds the laptop's AWS."""
        return {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": self.id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }


Refusal = tuple[str, str]
"""Why a request is refused: the code and the message of an AWS error."""


class AccessControl:
    """A WSGI application that passes on to another one the requests of ``key`` and issued keys."""

    def __init__(
        self,
        application: Callable[..., Any],
        key: AccessKey,
        hosts: frozenset[str],
        issued: Callable[[], Iterable[str]],
    ) -> None:
        self._application = application
        self._key = key
        self._hosts = hosts
        self._issued = issued

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request: with an error of status 403, or as the application does."""
        refusal = self.refusal(environ)
        if refusal:
            return _refuse(refusal, environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            own = [one for one in headers if not one[0].lower().startswith("access-control-")]
            return start_response(status, [*own, *_HEADERS], *rest)

        return self._application(environ, start)

    def refusal(self, environ: Environ) -> Refusal | None:
        """Return why a request is refused; None when it is not."""
        host = environ.get("HTTP_HOST", "").lower()
        if host not in self._hosts:
            why = (
                f"the laptop's AWS is not reached by the Host {host[:100]!r}: use the endpoint that"
            )
            how = "landrun local env shows, or name the host: landrun local up --listen HOST"
            return "AccessDenied", f"{why} {how}"
        own = f"http://{host}"
        site = environ.get("HTTP_SEC_FETCH_SITE", "none")
        origin = environ.get("HTTP_ORIGIN", own).lower()
        if site not in ("none", "same-origin") or origin != own:
            return "AccessDenied", "the laptop's AWS takes no requests from web pages"
        given = key_id(environ).encode()
        accepted = itertools.chain([self._key.id], self._issued())
        if any(hmac.compare_digest(given, one.encode()) for one in accepted):
            return None
        why = "the laptop's AWS takes only requests that are signed with a key of its own"
        return "UnrecognizedClientException", f'{why}: eval "$(landrun local env)"'


def host_headers(names: Iterable[str], port: int) -> frozenset[str]:
    """Return the values of the Host header by which clients name hosts on a port."""
    ending = "" if port == 80 else f":{port}"  # noqa: PLR2004  (HTTP's)
    return frozenset(f"{name.lower()}{ending}" for name in names)


def issued_key_ids() -> list[str]:
    """Return the IDs of the active keys that IAM and STS of the laptop's AWS have issued."""
    from moto.iam.models import iam_backends  # noqa: PLC0415  (late, as all of moto)

    return [
        key.access_key_id
        for account in list(iam_backends.values())
        for backend in list(account.values())
        for key in list(backend.access_keys.values())
        if key.status == "Active"
    ]


def key_id(environ: Environ) -> str:
    """Return the ID of the key that signed a request, by header or presigned URL; or ""."""
    if "HTTP_AUTHORIZATION" in environ:
        found = _SIGNATURE.match(environ["HTTP_AUTHORIZATION"])
        return found[1] if found else ""
    query: dict[str, list[str]] = parse_qs(environ.get("QUERY_STRING", ""))
    [credential, *_] = query.get("X-Amz-Credential") or query.get("AWSAccessKeyId") or [""]
    return credential.partition("/")[0]


def _refuse(refusal: Refusal, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with an error in the form that the client of the service reads."""
    code, message = refusal
    error = f"<Code>{code}</Code><Message>{html.escape(message)}</Message>"
    kind, body = "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
    if "json" in environ.get("CONTENT_TYPE", ""):
        kind, body = "application/json", json.dumps({"__type": code, "message": message})
    length = str(len(body.encode()))
    headers = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", length)]
    start_response("403 Forbidden", [*headers, ("x-amzn-ErrorType", code), *_HEADERS])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body.encode()]
