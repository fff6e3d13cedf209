"""The smallest handler that starts an execution for a landed object: no manifest, no record."""

import json
import os

import boto3

states = boto3.client("stepfunctions")


def handler(event, context):
    """Start an execution for each message."""
    for record in event["Records"]:
        body = json.loads(record["body"])
        states.start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"],
            name=body["id"],
            input=json.dumps(body["detail"]),
        )
    return {"batchItemFailures": []}
