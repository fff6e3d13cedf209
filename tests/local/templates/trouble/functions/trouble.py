"""Handlers that tell what they got, and those that fail."""

import json
import os
import time


def tell(what):
    import boto3

    boto3.client("sqs").send_message(
        QueueUrl=os.environ["RESULTS_URL"], MessageBody=json.dumps(what)
    )


def partial(event, context):
    tell({"partial": [record["body"] for record in event["Records"]]})
    bad = [one["messageId"] for one in event["Records"] if one["body"].startswith("bad")]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}


def crash(event, context):
    attempt = event["Records"][0]["attributes"]["ApproximateReceiveCount"]
    tell({"crash": attempt})
    if attempt == "1":
        os._exit(3)


def slow(event, context):
    time.sleep(event["seconds"])
    return context.get_remaining_time_in_millis()


def raising(event, context):
    raise ValueError("no good")


def echo(event, context):
    print("echo was here")
    tell({"echo": event})
    return {
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
        "request": context.aws_request_id,
        "pid": os.getpid(),
        "environment": dict(os.environ),
    }
