"""``DefinitionSubstitutions`` of a state machine, which moto's CloudFormation ignores.

The definition becomes the JSON that CloudFormation makes of it. The values of its Processing job's
request are checked at once, because AWS would refuse each run of an invalid one.
"""

import json
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.models import StateMachine

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job.request import violations_of_values
from landrun_ops.units import count
from landrun_ops.workflow.definition_file import filled_in

_CREATE_JOB = ":sagemaker:createProcessingJob"


def patch(patches: Patches) -> None:
    """Let moto's CloudFormation create the machine that AWS would create."""

    def create(create: Any, name: str, resource: Any, *args: Any, **named: Any) -> Any:
        properties = definition_of(resource["Properties"])
        return create(name, {**resource, "Properties": properties}, *args, **named)

    patches.wrap(StateMachine, "create_from_cloudformation_json", create)


def definition_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a machine's properties with its substitutions made.

    Raises ConfigurationError when that makes neither JSON nor YAML, and TemplateError when
    SageMaker would refuse the machine's jobs.
    """
    rest = dict(properties)
    values = rest.pop("DefinitionSubstitutions", {})
    rest["DefinitionString"] = filled_in(properties["DefinitionString"], values)
    states = json.loads(rest["DefinitionString"]).get("States", {}).values()
    jobs = [state for state in states if _CREATE_JOB in state.get("Resource", "")]
    found = [one for job in jobs for one in violations_of_values(job.get("Parameters", {}))]
    if found:
        problems = count(len(found), "validation error")
        raise TemplateError(f"every run would fail: {problems} detected: {'; '.join(found)}")
    return rest
