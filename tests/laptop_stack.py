"""The deployed stack on the laptop's AWS: what lands there, and what came of it."""

import json
import time
import uuid
from functools import lru_cache

from boto3.dynamodb.types import TypeDeserializer

from landrun_ops.local import LocalAws


def eventually(ask, *, timeout=60, every=0.1):
    """Ask until the answer is true (an AssertionError is none), and return it.

    Fails with the last answer or assertion when the seconds are over.
    """
    deadline = time.monotonic() + timeout
    while True:
        late = time.monotonic() > deadline
        try:
            answer = ask()
        except AssertionError:
            if late:
                raise
        else:
            if answer:
                return answer
            assert not late, f"still {answer!r} after {timeout} seconds"
        time.sleep(every)


class LaptopStack:
    """``client(service)`` is the root's: it may do everything."""

    def __init__(self, aws: LocalAws):
        self.aws, self.outputs = aws, aws.outputs
        self.client = lru_cache(aws.client)

    def put(self, bucket, key, body="hello"):
        """Put an object; give its URI."""
        body = body.encode() if isinstance(body, str) else body
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def land(self, body="hello"):
        key = f"incoming/{uuid.uuid4()}"
        self.put(self.outputs["LandingBucket"], key, body)
        return key

    def rows(self):
        """Every row, whatever the month."""
        items = self.client("dynamodb").scan(TableName=self.outputs["RunsTable"])["Items"]
        value = TypeDeserializer().deserialize
        return [{name: value(one) for name, one in item.items()} for item in items]

    def row(self, run):
        """The row of a run, by its name or by its object's key or version."""

        def names(row):
            return row["name"], *(row["trigger"].get(one) for one in ("Key", "VersionId"))

        found = [one for one in self.rows() if run in names(one)]
        assert len(found) <= 1
        return found[0] if found else None

    def ended(self, run, redrives=0):
        """Wait for the end of a run, by its name or by its object's key or version: its row."""

        def end():
            row = self.row(run)
            over = row and row["status"] != "RUNNING" and row["redrive_count"] == redrives
            return row if over else None

        return eventually(end)

    def executions(self):
        """All executions of the stack's state machine, as they are listed: newest first."""
        pages = self.client("stepfunctions").get_paginator("list_executions")
        listed = pages.paginate(stateMachineArn=self.outputs["StateMachineArn"])
        return list(listed.search("executions[]"))

    def jobs(self, run):
        """The Processing jobs of a run, newest first."""
        listed = self.client("sagemaker").list_processing_jobs(NameContains=run)
        return listed["ProcessingJobSummaries"]

    def subscribe(self):
        """Subscribe to notifications; return what receives those since the last call of it."""
        queue = self.client("sqs").create_queue(QueueName="notified")["QueueUrl"]
        topic = self.outputs["NotificationsTopicArn"]
        arn = topic.replace(":sns:", ":sqs:").rpartition(":")[0] + ":notified"
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        def receive():
            received = self.client("sqs").receive_message(QueueUrl=queue, VisibilityTimeout=600)
            return [json.loads(one["Body"]) for one in received.get("Messages", [])]

        return receive

    def messages(self, queue):
        """How many messages a queue (its output's name) has, those in flight too."""
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.outputs[queue]
        asked = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=kinds)
        return sum(int(asked["Attributes"][kind]) for kind in kinds)
