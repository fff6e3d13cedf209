"""The deployed stack on the laptop's AWS: what lands there, and what came of it."""

from __future__ import annotations

import time
import uuid
from functools import lru_cache

from boto3.dynamodb.types import TypeDeserializer

from landrun_ops.local import LocalAws


def eventually(ask, timeout=60):
    """Ask until the answer is true; fail with the last one."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout} seconds"
        time.sleep(0.2)
    return answer


class LaptopStack:
    """``client(service)`` is the root's: it may do everything."""

    def __init__(self, aws: LocalAws):
        self.aws, self.outputs = aws, aws.outputs
        self.client = lru_cache(aws.client)

    def put(self, bucket, key, body="hello"):
        """Put an object; give its URI."""
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
        return f"s3://{bucket}/{key}"

    def land(self, body="hello"):
        key = f"incoming/{uuid.uuid4()}"
        self.put(self.outputs["LandingBucket"], key, body)
        return key

    def rows(self):
        items = self.client("dynamodb").scan(TableName=self.outputs["RunsTable"])["Items"]
        value = TypeDeserializer().deserialize
        return [{name: value(one) for name, one in item.items()} for item in items]

    def row(self, run):
        """The row of a run, by its name or by its object's key."""
        found = [one for one in self.rows() if run in (one["name"], one["trigger"].get("Key"))]
        assert len(found) <= 1
        return found[0] if found else None

    def ended(self, run, redrives=0):
        """Wait for the end of a run, by its name or by its object's key; give its row."""

        def end():
            row = self.row(run)
            over = row and row["status"] != "RUNNING" and row["redrive_count"] == redrives
            return row if over else None

        return eventually(end)

    def jobs(self, run):
        """The Processing jobs of a run, newest first."""
        listed = self.client("sagemaker").list_processing_jobs(NameContains=run)
        return listed["ProcessingJobSummaries"]

    def messages(self, queue):
        """How many messages a queue (its output's name) has, those in flight too."""
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.outputs[queue]
        asked = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=kinds)
        return sum(int(asked["Attributes"][kind]) for kind in kinds)
