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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from landrun.clock import utc_now
from landrun.errors import ConfigurationError, LandrunError
from landrun_ops.web.ignored import Ignored
from landrun_ops.web.library import chart_library
from landrun_ops.web.live import LiveStack
from landrun_ops.web.page import live_policy, render
from landrun_ops.web.reading import Report

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
        Gives all that is known of one run as JSON: as ``landrun show --json`` does, and besides
        its log's end and the commands to go on with.
    """
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    page = _Page(live)

    @app.before_request
    def check() -> tuple[Response, int] | None:
        refusal = _refusal(token)
        return (jsonify(error=refusal), 403) if refusal else None

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", NO_CONTENT)
        response.headers.update(HEADERS)
        return response

    @app.errorhandler(Exception)
    def fail(error: Exception) -> tuple[Response, int]:
        return jsonify(error=_in_a_line(error)), _status(error)

    @app.get("/")
    def index() -> Response:
        text, policy = page.rendered()
        return Response(text, mimetype="text/html", headers={"Content-Security-Policy": policy})

    @app.get("/data")
    def data() -> Response:
        return jsonify(live.update(request.args.get("after", 0, int)))

    @app.get("/runs/<name>")
    def run(name: str) -> Response:
        return jsonify(describe(name))

    @app.get("/dead-letters")
    def dead_letters() -> Response:
        return jsonify(live.dead_letters())

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
    with _listening(port) as listening:
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


class _Page:
    """The page, made at the first request for it: the library of charts takes a second."""

    def __init__(self, live: LiveStack) -> None:
        self._live, self._lock = live, threading.Lock()
        self._made: tuple[str, str] | None = None

    def rendered(self) -> tuple[str, str]:
        with self._lock:
            if self._made is None:
                stack, now = self._live.stack, utc_now()
                since = now - self._live.span
                empty = Report(
                    stack.name, stack.region, now, since, [], False, Ignored(), stack.laptop
                )
                library = chart_library()
                self._made = render(empty, library, live=True), live_policy(library)
            return self._made


class _Quiet(WSGIRequestHandler):
    """Logs no requests: their addresses hold the token."""

    def log(self, *_: Any) -> None:
        pass


def _refusal(token: str) -> str:
    """Say why the current request is refused; nothing of one that is not."""
    given = request.headers.get("Host", "")
    try:
        host = urlsplit(f"//{given}").hostname
    except ValueError:
        host = None
    if host not in LOOPBACK:
        return "this server answers to 127.0.0.1 and localhost only"
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if foreign or request.headers.get("Origin", f"http://{given}") != f"http://{given}":
        return "this server takes no requests from other pages: paste the address into the browser"
    if not hmac.compare_digest(request.args.get("token", "").encode(), token.encode()):
        return "the token is missing or wrong: use the whole address that landrun printed"
    return ""


def _status(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.code or 500
    if isinstance(error, ConfigurationError):
        return 404
    return 502 if isinstance(error, LandrunError) else 500


def _in_a_line(error: Exception) -> str:
    said = error.name if isinstance(error, HTTPException) else str(error)
    plain = isinstance(error, HTTPException | LandrunError)
    return " ".join(f"{'' if plain else f'{type(error).__name__}: '}{said}".split())


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    ports = [*range(PORT, PORT + NEXT_PORTS), 0] if port is None else [port]
    for number in ports:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, number))
            listening.listen(128)
        except OSError as error:
            listening.close()
            if number == ports[-1]:
                raise ConfigurationError(
                    f"cannot listen on port {number} of {HOST}: {error.strerror}; choose another"
                    " with --port"
                ) from error
            continue
        with listening:
            yield listening
        return
