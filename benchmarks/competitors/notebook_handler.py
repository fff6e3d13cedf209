"""The notebook's code in a Lambda function, with its SDKs in the zip."""

import os
import uuid

from stepfunctions.workflow import Workflow


def handler(event, context):
    """Attach to the state machine and start an execution."""
    workflow = Workflow.attach(os.environ["STATE_MACHINE_ARN"])
    workflow.execute(
        inputs={
            "PreprocessingJobName": "bsm-batch-preprocessing-daily-" + uuid.uuid4().hex,
            "InputMessage": "s3://landings/incoming/",
            "OutputProcessedMessage": "s3://outputs/processed/",
        }
    )
    return {"batchItemFailures": []}
