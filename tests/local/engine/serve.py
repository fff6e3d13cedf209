"""moto's server in a process of its own, with the engine or (``bare``) without it."""

from __future__ import annotations

import logging
import os
import threading

from landrun_ops.local.access import AccessKey


def serve(kind, program, work_dir, connection):
    """Answer with the port; take quotas until there are no more, then close and say what is left.

    Imports moto late: this module is imported by the tests, too.
    """
    from moto.core.config import default_user_config  # noqa: PLC0415
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import (  # noqa: PLC0415
        state_task_factory,
    )

    from landrun_ops.local.engine import install  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    untouched = state_task_factory.state_task_service_for
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = os.environ["MOTO_PORT"] = str(server.get_host_and_port()[1])
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    engine = None
    if kind != "bare":
        access = AccessKey.random().environment(f"http://127.0.0.1:{port}")
        engine = install(program=program, work_dir=work_dir, access=access)
    connection.send(port)
    while (told := connection.recv()) != "close":
        if engine is not None:
            engine.jobs.quota = told["quota"]
        connection.send("done")
    if engine is not None:
        engine.close()
    server.stop()
    threads = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    restored = state_task_factory.state_task_service_for is untouched
    connection.send({"threads": threads, "restored": restored})
