"""moto's server in a process of its own, with the engine or (``bare``) without it.

Commands come as lines of JSON on stdin, answers go to stdout; at the end of stdin everything is
closed and reported.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

from moto.core.config import default_user_config
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_factory


def answer(content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def main(kind: str, program: str, work_dir: str) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    untouched, engine = state_task_factory.state_task_service_for, None
    if kind == "bare":
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
    else:
        from landrun_ops.local.access import AccessKey  # noqa: PLC0415
        from landrun_ops.local.engine import install  # noqa: PLC0415

        key = AccessKey.random()
        engine = install(program=Path(program), work_dir=Path(work_dir), access_key=key)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    os.environ["MOTO_PORT"] = str(server.get_host_and_port()[1])
    answer({"port": os.environ["MOTO_PORT"]})
    for line in sys.stdin:
        if engine is not None:
            engine.jobs.quota = json.loads(line)["quota"]
        answer({})
    if engine is not None:
        engine.close()
    server.stop()
    threads = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    restored = state_task_factory.state_task_service_for is untouched
    answer({"threads": threads, "restored": restored})


main(*sys.argv[1:])
