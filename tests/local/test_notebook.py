"""The notebook of samples/ runs, and landrun takes over the state machine that it creates."""

import json
import os

import nbformat
import pytest
from nbclient import NotebookClient

from local import commands
from local.commands import told

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:bsm-batch-preprocessing"
SAMPLE_ROWS = 44


@pytest.fixture(scope="module")
def taken_over(laptop, root, tmp_path_factory):
    """A stack that starts the notebook's state machine, once the notebook has created it."""
    parameters = {"StateMachineArn": MACHINE, "InputMessageFormat": "uri"}
    return laptop(root, tmp_path_factory.mktemp("uri") / "state", parameters).aws


@pytest.fixture(scope="module")
def executed(taken_over, root):
    """The notebook after its cells ran in the environment that ``landrun local env`` gives."""
    notebook = nbformat.read(root / "samples/notebook.ipynb", as_version=4)
    folder = {"metadata": {"path": str(root / "samples")}}
    client = NotebookClient(notebook, timeout=100, kernel_name="python3", resources=folder)
    return client.execute(env={**os.environ, **taken_over.environment()})


@pytest.fixture
def env(taken_over):
    """A terminal on that stack."""
    return commands.environment(taken_over, LANDRUN_STACK="landrun")


def test_every_cell_of_the_notebook_runs_and_its_job_completes(executed):
    outputs = [one for cell in executed.cells for one in cell.get("outputs", ())]
    results = [one["data"]["text/plain"] for one in outputs if "data" in one]
    assert results == [repr(MACHINE), repr("Completed")]


@pytest.mark.usefixtures("executed")
def test_runs_of_landed_objects_and_by_hand_are_shown_and_run_again(taken_over, env):
    landed = told(env, "verify", "--patience", "60")
    assert landed["summary"]["rows_in"] == SAMPLE_ROWS
    [by_hand] = [row for row in told(env, "runs") if row["trigger"]["Kind"] == "outside"]
    for row, key in (landed, landed["trigger"]["Key"]), (by_hand, "by-hand/orders.jsonl"):
        assert told(env, "show", row["name"])["input"]["keys"] == [key]
        [again] = told(env, "rerun", row["name"])
        assert again["rerun_of"] == row["name"]
        uri = f"s3://{taken_over.outputs['LandingBucket']}/{key}"
        assert told(env, "show", again["name"])["input_message"] == uri


@pytest.fixture
def project(root, tmp_path):
    """A folder with the project's template.yaml and samconfig.toml."""
    for name in ("template.yaml", "samconfig.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    return tmp_path


@pytest.mark.usefixtures("executed")
def test_adopt_names_what_the_role_lacks_and_writes_the_parameters_into_samconfig(
    taken_over, env, project
):
    config, roles = project / "samconfig.toml", taken_over.client("iam")
    before = config.read_text(encoding="utf-8").splitlines()
    may = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    allowed = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    roles.create_role(RoleName="notebook", AssumeRolePolicyDocument="{}")
    roles.put_role_policy(RoleName="notebook", PolicyName="jobs", PolicyDocument=allowed)

    answer = told(env, "adopt", MACHINE, "--write", "--project", str(project))

    found = {one["check"]: one for one in answer["checks"]}
    assert answer["written"] == str(config)
    assert "notebook may not events:PutTargets" in found["state machine role"]["what"]
    assert answer["parameters"] == {
        "StateMachineArn": MACHINE,
        "InputMessageFormat": "uri",
        "JobNamePrefix": "bsm-batch",
    }
    after = config.read_text(encoding="utf-8").splitlines()
    after.remove(f'parameter_overrides = "{answer["parameter_overrides"]}"')
    assert after == before


@pytest.mark.usefixtures("executed")
def test_adopt_does_not_replace_a_machine_whose_executions_run(taken_over, env, project):
    states = taken_over.client("stepfunctions")
    machine = states.describe_state_machine(stateMachineArn=MACHINE)
    wait = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 900, "End": True}}}
    kept = {"definition": machine["definition"], "roleArn": machine["roleArn"]}
    other = states.create_state_machine(name="other", **kept)["stateMachineArn"]
    states.update_state_machine(stateMachineArn=MACHINE, definition=json.dumps(wait))
    running = states.start_execution(stateMachineArn=MACHINE)["executionArn"]
    states.update_state_machine(stateMachineArn=MACHINE, **kept)
    before = (project / "samconfig.toml").read_bytes()
    try:
        refused = commands.landrun(env, "adopt", other, "--write", "--project", str(project))
    finally:
        states.stop_execution(executionArn=running)
    assert refused.returncode == 2
    assert "executions of the stack landrun run or wait" in refused.stderr
    assert (project / "samconfig.toml").read_bytes() == before


@pytest.mark.usefixtures("executed")
def test_without_the_format_doctor_fails_and_the_job_says_that_it_got_the_manifest(
    taken_over, laptop, root, tmp_path
):
    machine = taken_over.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)
    stack = laptop(root, tmp_path / "state", {"StateMachineArn": MACHINE}).aws
    stack.client("stepfunctions").create_state_machine(
        name=machine["name"], definition=machine["definition"], roleArn=machine["roleArn"]
    )
    env = commands.environment(stack, LANDRUN_STACK="landrun")

    found = {one["check"]: one for one in told(env, "doctor", code=1)["checks"]}
    assert found["input message"]["level"] == "fail"
    verify = commands.landrun(env, "verify", "--patience", "60", cwd=root)
    assert verify.returncode == 1
    assert "landrun's manifest, which lists the data" in verify.stderr
    assert "InputMessageFormat=uri" in verify.stderr
