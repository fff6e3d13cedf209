"""``DefinitionSubstitutions`` of a state machine, which moto's CloudFormation ignores.

The definition becomes the JSON that CloudFormation makes of it. What of a Processing job's request
stands in it as a value is checked then and there: AWS would refuse each run of such a machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.stepfunctions.models import StateMachine

from landrun_ops.local.errors import TemplateError
from landrun_ops.local.patches import Patches
from landrun_ops.local.processing_job.request import violations_of_values
from landrun_ops.workflow.definition_file import filled_in

_CREATE_JOB = ":states:::sagemaker:createProcessingJob"


def adapt(patches: Patches) -> None:
    """Let moto's CloudFormation create the machine that AWS would create."""
    create = StateMachine.create_from_cloudformation_json.__func__

    def create_from_cloudformation_json(
        cls: Any, resource_name: str, cloudformation_json: Any, *args: Any, **kwargs: Any
    ) -> Any:
        properties = definition_of(cloudformation_json["Properties"])
        return create(
            cls, resource_name, {**cloudformation_json, "Properties": properties}, *args, **kwargs
        )

    patched = classmethod(create_from_cloudformation_json)
    patches.set(StateMachine, "create_from_cloudformation_json", patched)


def definition_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Give a machine's properties with its substitutions made.

    Raises
    ------
    ConfigurationError
        When that makes neither JSON nor YAML.
    TemplateError
        When SageMaker would refuse the jobs of the machine.
    """
    rest = {name: value for name, value in properties.items() if name != "DefinitionSubstitutions"}
    values = properties.get("DefinitionSubstitutions", {})
    rest["DefinitionString"] = filled_in(properties["DefinitionString"], values)
    found = list(_problems(json.loads(rest["DefinitionString"])))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise TemplateError(f"every run would fail: {count}: {'; '.join(found)}")
    return rest


def _problems(definition: Mapping[str, Any]) -> Iterator[str]:
    for state in definition.get("States", {}).values():
        if _CREATE_JOB in state.get("Resource", ""):
            yield from violations_of_values(state.get("Parameters", {}))
