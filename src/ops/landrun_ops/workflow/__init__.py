"""The notebook as code: one SageMaker Processing step and its state machine.

Examples
--------
>>> import boto3
>>> from landrun_ops import workflow
>>> config = workflow.WorkflowConfig(
...     role="arn:aws:iam::123456789012:role/steps",
...     processing_role="arn:aws:iam::123456789012:role/job",
...     image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/messages:1",
...     entrypoint=("python3", "/opt/program/my_script.py"),
... )
>>> arn = workflow.create(config, boto3.client("stepfunctions"))  # doctest: +SKIP
"""

from landrun_ops.workflow.config import Network, WorkflowConfig
from landrun_ops.workflow.definition import definition
from landrun_ops.workflow.machine import create, describe, execute, update, wait
from landrun_ops.workflow.template import render, template

__all__ = [
    "Network",
    "WorkflowConfig",
    "create",
    "definition",
    "describe",
    "execute",
    "render",
    "template",
    "update",
    "wait",
]
