"""Spark's tests run in a virtual environment of their own: `make spark`.

It has PySpark and what SageMaker's image has, and nothing of landrun's functions or commands.
"""

import os
import sys
from pathlib import Path

import pytest

if not os.environ.get("LANDRUN_SPARK"):
    collect_ignore_glob = ["test_*.py"]


def pytest_configure(config):
    """PySpark and pandas warn of their own; PySpark leaves sockets to the garbage collector."""
    ignored = ["distutils Version classes are deprecated:DeprecationWarning"]
    for warning in (*ignored, "unclosed <socket:ResourceWarning"):
        config.addinivalue_line("filterwarnings", f"ignore:{warning}")


@pytest.fixture(scope="session")
def s3():
    """moto's S3, which driver and executors find as they would find a region's."""
    import boto3  # noqa: PLC0415
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    yield boto3.client("s3")
    server.stop()


@pytest.fixture(scope="session")
def spark(s3):
    from cluster import session  # noqa: PLC0415

    submit = "--master local[2] --driver-memory 1g --conf spark.ui.enabled=false pyspark-shell"
    path = str(Path(__file__).parent)  # where workers find the cleaner of a test
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_SUBMIT_ARGS": submit}
    os.environ["PYTHONPATH"] = path
    sys.path.append(path)
    started = session.start(Path(session.__file__).parents[1])
    started.sparkContext.setLogLevel("ERROR")
    yield started
    started.stop()


@pytest.fixture
def runs(spark, s3, tmp_path):
    from .runs import Runs  # noqa: PLC0415

    return Runs(spark, s3, tmp_path, f"b{abs(hash(tmp_path))}")
