"""The server of the live page: on this machine only, for those who have its address.

It only reads. A browser sends the requests of any page that is open to 127.0.0.1 as well, and a
name of a foreign site may resolve to 127.0.0.1, so each request is checked: its ``Host``, where it
comes from, and the random token in its address.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from landrun.clock import utc_now
from landrun.errors import ConfigurationError, LandrunError
from landrun_ops.web.ignored import Ignored
from landrun_ops.web.library import chart_library
from landrun_ops.web.live import LiveStack
from landrun_ops.web.page import policy, render
from landrun_ops.web.reading import Report

if TYPE_CHECKING:
    from flask.json.provider import DefaultJSONProvider

HOST, PORT = "127.0.0.1", 8765
NEXT_PORTS = 20
"""How many ports after the usual one are tried when it is taken."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names by which browsers reach this machine and no other; any port, for tunnels of ssh."""

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

    Parameters
    ----------
    live : LiveStack
        What it serves.
    token : str
        What each request must have in its address.
    describe : Callable
        Gives all that is known of the run ``name`` as JSON: what ``landrun show --json`` does, and
        besides its log's end and the commands to go on with.
    """
    app = Flask(__name__, static_folder=None)
    cast("DefaultJSONProvider", app.json).sort_keys = False
    page = cache(_page)  # made when it is first asked for: the library of charts takes a second
    app.before_request(lambda: _check(token))
    app.after_request(_protected)
    app.register_error_handler(HTTPException, lambda error: ({"error": error.name}, error.code))
    app.register_error_handler(Forbidden, lambda error: ({"error": error.description}, 403))
    app.register_error_handler(Exception, _failed)
    app.add_url_rule("/", "page", lambda: page(live))
    app.add_url_rule("/data", "data", lambda: live.update(request.args.get("after", 0, int)))
    app.add_url_rule("/runs/<name>", "run", describe)
    app.add_url_rule("/dead-letters", "dead-letters", live.dead_letters)
    return app


@contextmanager
def served(app: Flask, port: int | None = None) -> Iterator[int]:
    """Serve an application on 127.0.0.1 in a thread for the block; yield the port.

    Parameters
    ----------
    port : int, optional
        Which; without it `PORT` or, when that is taken, one of the next.

    Raises
    ------
    ConfigurationError
        When the port is taken.
    """
    usual = [*range(PORT, PORT + NEXT_PORTS), 0]
    with _listening(usual if port is None else [port]) as listening:
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


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def _page(live: LiveStack) -> tuple[str, dict[str, str]]:
    """Make the page without any data, and the policy that goes with it."""
    stack, now, library = live.stack, utc_now(), chart_library()
    since = now - live.span
    empty = Report(stack.name, stack.region, now, since, [], False, Ignored(), stack.laptop)
    allowed = f"{policy(library, live=True)}; frame-ancestors 'none'"
    return render(empty, library, live=True), {"Content-Security-Policy": allowed}


def _protected(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", NO_CONTENT)
    response.headers.update(HEADERS)
    return response


def _failed(error: Exception) -> tuple[dict[str, str], int]:
    """Say in a line what went wrong; what is a bug of ours with the name of its class."""
    known = isinstance(error, LandrunError)
    said = f"{error}" if known else f"{type(error).__name__}: {error}"
    status = 404 if isinstance(error, ConfigurationError) else 502 if known else 500
    return {"error": " ".join(said.split())}, status


class _Quiet(WSGIRequestHandler):
    """Logs no requests: their addresses hold the token."""

    def log(self, *_: Any) -> None:
        pass


def _check(token: str) -> None:
    """Raise `Forbidden` unless the current request may be answered."""
    given = request.headers.get("Host", "")
    try:
        host = urlsplit(f"//{given}").hostname
    except ValueError:
        host = None
    if host not in LOOPBACK:
        raise Forbidden("this server answers to 127.0.0.1 and localhost only")
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if foreign or request.headers.get("Origin", f"http://{given}") != f"http://{given}":
        raise Forbidden(
            "this server takes no requests from other pages: paste the address into the browser"
        )
    if not hmac.compare_digest(request.args.get("token", "").encode(), token.encode()):
        raise Forbidden("the token is missing or wrong: use the whole address that landrun printed")


def _listening(ports: Iterable[int]) -> socket.socket:
    """Listen on the first of the ports that is free."""
    failed: OSError | None = None
    for port in ports:
        try:
            return socket.create_server((HOST, port), backlog=128)
        except OSError as error:
            failed = error
    raise ConfigurationError(
        f"cannot listen on port {port} of {HOST}: {failed and failed.strerror}; choose another"
        " with --port"
    ) from failed
