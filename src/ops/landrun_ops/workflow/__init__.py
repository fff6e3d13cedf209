"""The notebook as code: one SageMaker Processing step and its state machine."""

from landrun_ops.workflow.config import WorkflowConfig
from landrun_ops.workflow.definition import definition
from landrun_ops.workflow.machine import create, describe, execute, update, wait
from landrun_ops.workflow.template import render, template

__all__ = [
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
