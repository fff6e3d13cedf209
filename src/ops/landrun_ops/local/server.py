"""moto's server on a port of this machine, in this process."""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from landrun_ops.local.access import HOSTS, AccessControl, AccessKey
from landrun_ops.local.errors import LocalAwsError
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import EVERYWHERE, HOST

PORT: Final = 7741


@contextlib.contextmanager
def serve(
    port: int | None, key: AccessKey, report: Callable[[str], None], *, listen: Sequence[str] = ()
) -> Iterator[str]:
    """Serve moto on a port of 127.0.0.1 and yield its endpoint URL; see ``LocalAws.up``.

    Raises LocalAwsError when the port is taken.
    """
    with _listen(EVERYWHERE if listen else HOST, port, report) as listening:
        taken = listening.getsockname()[1]
        with _state_of_its_own(taken):
            server = _make_server(listening, key, [*HOSTS, *listen])
            looks = {"poll_interval": 0.05}  # at whether it is to end, in seconds
            thread = threading.Thread(target=server.serve_forever, kwargs=looks, daemon=True)
            thread.start()
            try:
                yield f"http://{HOST}:{taken}"
            finally:
                server.shutdown()
                thread.join()
                server.server_close()


def _listen(host: str, port: int | None, report: Callable[[str], None]) -> socket.socket:
    for tried in [port] if port is not None else range(PORT, PORT + 20):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, tried))
            listening.listen(128)
        except OSError as error:
            listening.close()
            why = f"cannot listen on port {tried} of {host}: {error.strerror}"
            continue
        if port is None and tried != PORT:
            report(f"port {PORT} is taken: the laptop's AWS is at {tried} this time")
        return listening
    raise LocalAwsError(f"{why}; stop the program that uses it, or choose another with --port")


@contextlib.contextmanager
def _state_of_its_own(port: int) -> Iterator[None]:
    """Begin and end with an empty moto whose state machines run, and call back on ``port``.

    Names of hosts hold no names of buckets: in ``desk.example``, moto would see a bucket ``desk``.
    """
    _import_ec2()
    from moto import settings  # noqa: PLC0415  (late: moto takes seconds to import)
    from moto.core.config import default_user_config  # noqa: PLC0415
    from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

    with Patches() as patches:
        patches.set(settings, "S3_IGNORE_SUBDOMAIN_BUCKETNAME", True)
        patches.item(default_user_config, "stepfunctions", {"execute_state_machine": True})
        patches.item(os.environ, "MOTO_PORT", str(port))
        patches.callback(moto_api_backend.reset)
        moto_api_backend.reset()
        yield


def _import_ec2() -> None:
    """Import moto's EC2, which its other services import, without a second for all its regions."""
    import boto3  # noqa: PLC0415

    with Patches() as patches:
        patches.set(boto3.Session, "get_available_regions", lambda *_, **__: [])
        import moto.ec2  # noqa: F401, PLC0415


def _make_server(listening: socket.socket, key: AccessKey, hosts: Sequence[str]) -> Any:
    """Make what moto's ThreadedMotoServer does, with access control and nothing printed."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    port, moto = listening.getsockname()[1], DomainDispatcherApplication(create_backend_app)
    return make_server(
        HOST,
        port,
        AccessControl(moto, key, hosts, port),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listening.fileno(),
    )
