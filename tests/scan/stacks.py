"""What is scanned of the template: one CloudFormation template for each set of parameters.

PYTHONPATH=tests python -m scan.stacks FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from landrun_ops.local.template import Translated, translate
from landrun_ops.workflow.definition_file import filled_in

from .resolved import concrete, resolved

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
KEY: Final = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
STACKS: Final[dict[str, dict[str, str]]] = {
    "defaults": {},
    "collecting": {"StartOn": "schedule"},
    "own-key": {
        "KmsKeyArn": KEY,
        "PreviousKmsKeyArns": f"{KEY[:-1]}6,{KEY[:-1]}7",
        "ScheduledInput": "s3://elsewhere/in/{date:%Y/%m/%d}/",
        "Engine": "spark",
    },
    "all-given": {
        "KmsKeyArn": KEY,
        "LandingBucketName": "landed-already",
        "OutputBucketName": "made-already",
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:made-in-a-notebook",
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "NotificationEmail": "on-call@example.com",
    },
    "own-network": {
        "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "SecurityGroupIds": "sg-0123456789abcdef0",
        "NetworkIsolation": "true",
        "InterContainerEncryption": "true",
        "JobEnvironment": "LANG=C.UTF-8,MODE=strict",
        "JobArguments": '["--config", "{\\"a\\": 1}", "${ImageUri}", "it\'s \\\\d"]',
        "MaxConcurrentRuns": "2",
    },
}


def definition(translated: Translated, parameters: dict[str, str]) -> Any:
    """Return the state machine's definition as CloudFormation hands it to Step Functions."""
    [(logical_id, text)] = translated.definitions.items()
    stack = concrete(resolved(translated.template, parameters))
    properties = stack["Resources"][logical_id]["Properties"]
    return json.loads(filled_in(text, properties["DefinitionSubstitutions"]))


def write(folder: Path) -> None:
    """Write each stack's template with its definition in it, for scanners of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, parameters in STACKS.items():
        translated = translate(TEMPLATE, parameters)
        template = resolved(translated.template, parameters)
        for logical_id in translated.definitions:
            if logical_id in template["Resources"]:
                properties = template["Resources"][logical_id]["Properties"]
                del properties["DefinitionSubstitutions"], properties["DefinitionS3Location"]
                properties["Definition"] = definition(translated, parameters)
        (folder / f"{name}.json").write_text(json.dumps(template, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
