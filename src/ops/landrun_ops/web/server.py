"""The live page's server: reachable on this machine only, by those who know its address.

It only reads. Any open web page can send requests to 127.0.0.1 through the browser, and a foreign
host name can resolve to 127.0.0.1. Each request is therefore checked: its ``Host``, its origin, and
the random token in its address.
"""

import hmac
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from landrun.clock import utc_now
from landrun.errors import ConfigurationError, LandrunError
from landrun.sanitize import one_line
from landrun_ops.web.live import LiveStack
from landrun_ops.web.page import Report, chart_library, policy, render

HOST, PORT = "127.0.0.1", 8765
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Host names of this machine; any port is allowed, for SSH tunnels."""

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"


def application(live: LiveStack, token: str, describe: Callable[[str], dict[str, Any]]) -> Flask:
    """Make the WSGI application.

    Every request needs ``token`` in its address; ``describe`` returns all that is known of a run.
    """
    app = Flask(__name__, static_folder=None)
    page = cache(_page)  # made on the first request, as the chart library takes a second
    app.before_request(lambda: _check(token))
    app.after_request(_protected)
    app.register_error_handler(Exception, _failed)
    app.add_url_rule("/", "page", lambda: page(live))
    app.add_url_rule("/data", "data", lambda: live.update(request.args.get("after", 0, int)))
    app.add_url_rule("/runs/<name>", "run", describe)
    app.add_url_rule("/dead-letters", "dead-letters", live.dead_letters)
    return app


@contextmanager
def served(app: Flask, port: int | None = None) -> Iterator[int]:
    """Serve an application on 127.0.0.1 in a thread for the block; yield the port.

    Without ``port`` it is 8765 or, if that is taken, a free one. Raises ConfigurationError when
    the port is taken.
    """
    with _listening(PORT if port is None else port, or_any=port is None) as listening:
        number: int = listening.getsockname()[1]
        server = make_server(
            HOST, number, app, threaded=True, request_handler=_Quiet, fd=listening.fileno()
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="live page")
        thread.start()
        try:
            yield number
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _listening(port: int, *, or_any: bool) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=128)
    except OSError as error:
        if or_any:
            return _listening(0, or_any=False)
        raise ConfigurationError(
            f"cannot listen on port {port} of {HOST}: {error.strerror}; choose another with --port"
        ) from error


class _Quiet(WSGIRequestHandler):
    """Does not log requests, because their addresses hold the token."""

    def log(self, *_: Any) -> None:
        pass


def _page(live: LiveStack) -> tuple[str, dict[str, str]]:
    """Make the page without any data, and the policy that goes with it."""
    stack, now, library = live.stack, utc_now(), chart_library()
    report = Report(
        stack=stack.name,
        region=stack.region,
        laptop=stack.laptop,
        live=True,
        made_at=now,
        since=now - live.span,
    )
    allowed = f"{policy(library, live=True)}; frame-ancestors 'none'"
    return render(report, library), {"Content-Security-Policy": allowed}


def _protected(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", NO_CONTENT)
    response.headers.update(HEADERS)
    return response


def _failed(error: Exception) -> tuple[dict[str, str], int]:
    """Return an error in one line; for an unexpected error, with its class."""
    if isinstance(error, HTTPException):
        return {"error": error.description or error.name}, error.code or 500
    known = isinstance(error, LandrunError)
    said = str(error) if known else f"{type(error).__name__}: {error}"
    status = 404 if isinstance(error, ConfigurationError) else 502 if known else 500
    return {"error": one_line(said)}, status


def _check(token: str) -> None:
    """Raise `Forbidden` unless the current request may be answered."""
    given = request.headers.get("Host", "")
    if re.sub(r":\d+$", "", given) not in LOOPBACK:
        raise Forbidden("this server answers to 127.0.0.1 and localhost only")
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if foreign or request.headers.get("Origin", f"http://{given}") != f"http://{given}":
        raise Forbidden(
            "this server takes no requests from other pages: paste the address into the browser"
        )
    if not hmac.compare_digest(request.args.get("token", "").encode(), token.encode()):
        raise Forbidden("the token is missing or wrong: use the whole address that landrun printed")
