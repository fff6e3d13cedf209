"""moto's server on a port of this machine, in this process."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from landrun_ops.local.access import (
    HOSTS,
    AccessControl,
    AccessKey,
    host_headers,
    issued_key_ids,
)
from landrun_ops.local.errors import AlreadyUpError, PortInUseError
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import EVERYWHERE, HOST

_one_per_process = threading.Lock()

_SHUTDOWN_POLL = 0.05
"""Seconds between two looks of the server at whether it is to end; by default half a second."""


@contextlib.contextmanager
def serve(port: int, key: AccessKey, *, listen: Sequence[str] = ()) -> Iterator[str]:
    """Serve moto on ``port`` of 127.0.0.1 (0: a free one) and yield its endpoint URL.

    Requests need ``key``, or a key that IAM or STS of this moto has issued.

    With ``listen``, the names of hosts, it can be reached under these names, too: from containers,
    and so from other machines.

    What moto's own ``ThreadedMotoServer`` does, with these differences: it answers only whom
    ``access.AccessControl`` lets in, a port in use is an error (there, it hangs), the socket is
    closed at the end, and requests are not printed.

    Raises
    ------
    PortInUseError
        When the port is taken.
    AlreadyUpError
        When this process serves already: moto keeps its state in module globals.
    """
    if not _one_per_process.acquire(blocking=False):
        raise AlreadyUpError("the laptop's AWS is already up in this process; close it first")
    try:
        with (
            _listen(EVERYWHERE if listen else HOST, port) as listening,
            _state_of_its_own(listening.getsockname()[1]),
        ):
            server = _make_server(listening, key, [*HOSTS, *listen])
            thread = threading.Thread(
                target=server.serve_forever, args=(_SHUTDOWN_POLL,), name="moto", daemon=True
            )
            thread.start()
            try:
                yield f"http://{HOST}:{listening.getsockname()[1]}"
            finally:
                server.shutdown()
                thread.join()
                server.server_close()
    finally:
        _one_per_process.release()


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        raise PortInUseError(
            f"cannot listen on port {port} of {host}: {error}; "
            "stop the program that uses it, or choose another with --port"
        ) from error
    return listening


@contextlib.contextmanager
def _state_of_its_own(port: int) -> Iterator[None]:
    """Begin and end with an empty moto whose state machines run, and call back on ``port``.

    Names of hosts hold no names of buckets: in ``desk.example``, moto would see a bucket ``desk``.
    """
    # Late: moto takes seconds to import, and only those who serve need it.
    from moto import settings  # noqa: PLC0415
    from moto.core.config import default_user_config  # noqa: PLC0415

    patches = Patches()
    patches.set(settings, "S3_IGNORE_SUBDOMAIN_BUCKETNAME", True)
    outside = os.environ.get("MOTO_PORT")
    os.environ["MOTO_PORT"] = str(port)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    _forget_everything()
    try:
        yield
    finally:
        _forget_everything()
        patches.undo()
        default_user_config["stepfunctions"] = {"execute_state_machine": False}
        os.environ.pop("MOTO_PORT")
        if outside is not None:
            os.environ["MOTO_PORT"] = outside


def _forget_everything() -> None:
    from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

    moto_api_backend.reset()


def _make_server(listening: socket.socket, key: AccessKey, hosts: Sequence[str]) -> Any:
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    port = listening.getsockname()[1]
    moto = DomainDispatcherApplication(create_backend_app)
    return make_server(
        HOST,
        port,
        AccessControl(moto, key, host_headers(hosts, port), issued_key_ids),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listening.fileno(),
    )
