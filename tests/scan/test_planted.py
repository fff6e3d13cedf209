"""Each scanner sees the mistake that it is there for, and nobody accepts it.

They need what `make scan` installs, and take a while: it runs them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import scanners
from .findings import Finding, Report, judge, read_accepted
from .scanners import Tools
from .stacks import STACKS, Targets, write_targets

if "LANDRUN_SCAN" not in os.environ:
    pytest.skip("make scan installs the scanners, and runs these", allow_module_level=True)

Json = dict[str, Any]


@pytest.fixture(scope="module")
def targets(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Targets:
    """What is scanned of a stack with all defaults, and of one with a key."""
    stacks = {name: STACKS[name] for name in ("defaults", "own-key")}
    return write_targets(root / "template.yaml", tmp_path_factory.mktemp("scan"), stacks)


@pytest.fixture
def tools(root: Path, tmp_path: Path) -> Tools:
    """The scanners, over a folder that is not the project."""
    return Tools(root / ".venv-scan", tmp_path.resolve())


def refused(report: Report) -> list[Finding]:
    return list(judge(report, read_accepted()).refused)


def refused_checks(report: Report) -> set[tuple[str, str]]:
    return {(one.check, one.where) for one in refused(report)}


@pytest.fixture
def planted(targets: Targets, tmp_path: Path) -> Callable[..., Path]:
    """Plant a mistake into the resources of a stack and give the template with it."""

    def plant(mistake: Callable[[Json], None], stack: str = "defaults") -> Path:
        [source] = [path for path in targets.stacks if path.stem == stack]
        template = json.loads(source.read_text(encoding="utf-8"))
        mistake(template["Resources"])
        path = tmp_path / source.name
        path.write_text(json.dumps(template), encoding="utf-8")
        return path

    return plant


def test_cfn_lint_sees_a_property_that_is_misspelt(
    tools: Tools, planted: Callable[..., Path]
) -> None:
    def misspelt(resources: Json) -> None:
        resources["ObjectCreatedFunction"]["Properties"]["MemorySze"] = 512

    found = refused_checks(scanners.cfn_lint(tools, [planted(misspelt)]))
    assert found == {("E3002", "defaults/ObjectCreatedFunction")}


def test_checkov_sees_a_bucket_in_the_open_data_in_clear_and_a_job_as_root(
    tools: Tools, planted: Callable[..., Path], root: Path, tmp_path: Path
) -> None:
    def open_to_all(resources: Json) -> None:
        del resources["OutputBucket"]["Properties"]["PublicAccessBlockConfiguration"]
        del resources["OutputBucket"]["Properties"]["VersioningConfiguration"]
        topic = resources["NotificationsTopic"]  # that a skip in place changes nothing
        topic["Metadata"] = {"checkov": {"skip": [{"id": "CKV_AWS_26", "comment": "why not"}]}}
        del topic["Properties"]["KmsMasterKeyId"]

    def without_the_key(resources: Json) -> None:
        del resources["RunsTable"]["Properties"]["SSESpecification"]["KMSMasterKeyId"]

    dockerfile = tmp_path / "Dockerfile"
    text = (root / "src/processing/Dockerfile").read_text(encoding="utf-8")
    dockerfile.write_text(f"{text}\nUSER root\n", encoding="utf-8")
    templates = [planted(open_to_all), planted(without_the_key, "own-key")]
    found = refused_checks(scanners.checkov(tools, templates, [dockerfile]))
    assert {(check, where.partition(":")[0]) for check, where in found} >= {
        ("CKV_AWS_21", "defaults/OutputBucket"),
        ("CKV_AWS_53", "defaults/OutputBucket"),
        ("CKV_AWS_26", "defaults/NotificationsTopic"),
        ("CKV_AWS_119", "own-key/RunsTable"),
        ("CKV_DOCKER_8", "Dockerfile"),
    }
    assert not any("LandingBucket" in where or "LandingsTable" in where for _, where in found)


def policy(targets: Targets, name: str, folder: Path, plant: Callable[[Json], None]) -> Path:
    [source] = [
        path for path in targets.policies if (path.parent.name, path.stem) == ("defaults", name)
    ]
    document = json.loads(source.read_text(encoding="utf-8"))
    plant(document["Statement"][0])
    path = folder / "defaults" / source.name
    path.parent.mkdir()
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("action", "check"),
    [
        ("s3:PutObjct", "UNKNOWN_ACTION"),
        ("s4:PutObject", "UNKNOWN_PREFIX"),
        ("s3:*", "PERMISSIONS_MANAGEMENT_ACTIONS"),
        ("sqs:SendMessage", "RESOURCE_MISMATCH"),
    ],
)
def test_parliament_sees_actions_that_are_misspelt_too_many_or_of_something_else(
    tools: Tools, targets: Targets, tmp_path: Path, action: str, check: str
) -> None:
    def act(statement: Json) -> None:
        statement["Action"] = action

    path = policy(targets, "StartRunsPolicy.PolicyDocument", tmp_path, act)
    found = refused_checks(scanners.parliament(tools, [path]))
    assert (check, "defaults/StartRunsPolicy.PolicyDocument") in found


def test_parliament_sees_a_resource_of_everything(
    tools: Tools, targets: Targets, tmp_path: Path
) -> None:
    def everything(statement: Json) -> None:
        statement["Resource"] = "*"

    path = policy(targets, "StartRunsPolicy.PolicyDocument", tmp_path, everything)
    found = refused_checks(scanners.parliament(tools, [path]))
    assert ("RESOURCE_STAR", "defaults/StartRunsPolicy.PolicyDocument") in found


def strings(node: Any) -> Iterator[tuple[Json, str]]:
    """Yield every field of a definition whose value is a path or an intrinsic function."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, str) and str(key).endswith(".$"):
            yield node, str(key)
        elif isinstance(value, dict | list):
            yield from strings(value)


@pytest.mark.parametrize(
    "mistake",
    ["$$.Execution.Input['InputMessage'", "States.Formt('{}', $.a)", "InputMessage", "$.a..["],
)
def test_the_validator_of_definitions_sees_a_broken_path(
    tools: Tools, targets: Targets, tmp_path: Path, mistake: str
) -> None:
    definition = json.loads(targets.definitions[0].read_text(encoding="utf-8"))
    fields, key = next(strings(definition))
    fields[key] = mistake
    path = tmp_path / "defaults" / targets.definitions[0].name
    path.parent.mkdir()
    path.write_text(json.dumps(definition), encoding="utf-8")
    found = refused_checks(scanners.asl_validator(tools, [path]))
    assert found == {("INVALID", "defaults/ProcessingStateMachine")}


def test_the_validator_of_definitions_sees_a_state_that_leads_nowhere(
    tools: Tools, targets: Targets, tmp_path: Path
) -> None:
    definition = json.loads(targets.definitions[0].read_text(encoding="utf-8"))
    definition["StartAt"] = "Proces messages"
    path = tmp_path / "ProcessingStateMachine.asl.json"
    path.write_text(json.dumps(definition), encoding="utf-8")
    assert refused(scanners.asl_validator(tools, [path]))


def test_bandit_sees_what_reaches_a_shell(tools: Tools, tmp_path: Path) -> None:
    code = tmp_path / "handlers" / "object_created.py"
    code.parent.mkdir()
    code.write_text(
        "import subprocess\n\n\ndef handle(key: str) -> None:\n"
        '    subprocess.run(f"aws s3 cp s3://landing/{key} .", shell=True)\n',
        encoding="utf-8",
    )
    found = refused_checks(scanners.bandit(tools, [tmp_path]))
    assert ("B602", "handlers/object_created.py:5") in found


def test_bandit_cannot_be_silenced_in_the_code(tools: Tools, tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("import os\n\nos.system(input())  # nosec\n", encoding="utf-8")
    with pytest.raises(scanners.ScanError, match=r"accepted\.toml"):
        scanners.bandit(tools, [tmp_path])


# In parts, so that this file has no secret in it.
KEY_ID = "AKIA" + "Q7WZ2N5XJ4R8TY3K"
PLANTED = "-".join(("wJalrXUtn", "FEMIK7MDE", "NGbPxRfiC", "Yzq8Lk2Vt"))


@pytest.mark.parametrize(
    ("name", "line", "check"),
    [
        ("samconfig.toml", f'aws_access_key_id = "{KEY_ID}"', "AWS Access Key"),
        ("env.json", f'  "AWS_SECRET_ACCESS_KEY": "{PLANTED}"', "Secret Keyword"),
        ("deploy.py", f'password = "{PLANTED}"  # pragma: allowlist secret', "Secret Keyword"),
        ("events/object-created.json", f'      "body": "{KEY_ID}",', "AWS Access Key"),
        ("events/object-created.json", f'      "key": "{PLANTED}",', "Base64 High Entropy String"),
        ("deploy.pem", "-----BEGIN RSA " + "PRIVATE KEY-----", "Private Key"),
    ],
    ids=["key id", "secret", "silenced", "in an event's body", "in an event's key", "pem"],
)
def test_detect_secrets_sees_a_secret(
    tools: Tools, tmp_path: Path, name: str, line: str, check: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"\n{line}\n", encoding="utf-8")
    found = refused_checks(scanners.detect_secrets(tools, [path]))
    assert (check, f"{name}:2") in found
