"""The notebook of samples/ runs, and landrun takes over the state machine that it creates."""

import json
import os

import nbformat
import pytest
from nbclient import NotebookClient

from local import commands

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
    client.execute(env={**os.environ, **taken_over.environment()})
    return notebook


@pytest.fixture
def env(taken_over):
    """A terminal on that stack."""
    return commands.environment(taken_over, LANDRUN_STACK="landrun")


@pytest.fixture
def landrun(env):
    """``landrun(*arguments)`` gives the exit code and the JSON of a command on that stack."""

    def run(*arguments):
        done = commands.landrun(env, *arguments, "--json")
        return done.returncode, json.loads(done.stdout)

    return run


def results(notebook):
    return [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "execute_result"
    ]


def test_the_notebook_is_committed_without_outputs(root):
    notebook = nbformat.read(root / "samples/notebook.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)


def test_every_cell_of_the_notebook_runs_and_its_job_completes(executed):
    assert results(executed) == [repr(MACHINE), repr("Completed")]


def test_an_object_that_lands_is_read_by_the_notebooks_machine_itself(
    executed, taken_over, landrun
):
    code, row = landrun("verify", "--patience", "60")
    assert code == 0
    key = row["trigger"]["Key"]
    assert row["input_message"] == f"s3://{taken_over.outputs['LandingBucket']}/{key}"
    assert row["summary"]["rows_in"] == SAMPLE_ROWS
    assert [one["name"] for one in row["summary"]["files"]] == [key.rpartition("/")[2]]

    code, shown = landrun("show", row["name"])
    assert (code, shown["input"]["keys"]) == (0, [key])
    code, [again] = landrun("rerun", row["name"])
    assert code == 0
    assert again["rerun_of"] == row["name"]


def test_the_run_by_hand_is_shown_and_run_again(executed, taken_over, landrun):
    _, rows = landrun("runs")
    [name] = [row["name"] for row in rows if row["trigger"]["Kind"] == "outside"]
    code, shown = landrun("show", name)
    assert (code, shown["input"]["keys"]) == (0, ["by-hand/orders.jsonl"])
    code, [again] = landrun("rerun", name)
    assert code == 0
    row = landrun("show", again["name"])[1]
    bucket = taken_over.outputs["LandingBucket"]
    assert row["input_message"] == f"s3://{bucket}/by-hand/orders.jsonl"


def test_doctor_passes_the_machine_and_says_that_its_runs_never_run_again(executed, landrun):
    _, answer = landrun("doctor")
    found = {one["check"]: one for one in answer["checks"]}
    levels = {
        one: found[one]["level"] for one in ("state machine", "input message", "waits for job")
    }
    assert {*levels.values()} == {"ok"}
    assert found["job name"]["level"] == "warn"
    assert "landrun rerun" in found["job name"]["remedy"]


@pytest.fixture
def project(root, tmp_path):
    """A folder with the project's template.yaml and samconfig.toml."""
    for name in ("template.yaml", "samconfig.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    return tmp_path


def test_adopt_names_what_the_role_lacks_and_writes_the_parameters_into_samconfig(
    executed, taken_over, landrun, project
):
    config, roles = project / "samconfig.toml", taken_over.client("iam")
    before = config.read_text(encoding="utf-8").splitlines()
    may = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    allowed = {"Version": "2012-10-17", "Statement": [may]}
    policy = {"RoleName": "notebook", "PolicyName": "jobs"}
    roles.create_role(RoleName="notebook", AssumeRolePolicyDocument="{}")
    roles.put_role_policy(**policy, PolicyDocument=json.dumps(allowed))
    try:
        code, answer = landrun("adopt", MACHINE, "--write", "--project", str(project))
    finally:
        roles.delete_role_policy(**policy)
        roles.delete_role(RoleName="notebook")
    found = {one["check"]: one for one in answer["checks"]}
    assert (code, answer["written"]) == (0, str(config))
    assert found["state machine role"]["level"] == "warn"
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
    assert "executions of the stack landrun run or wait (1)" in refused.stderr
    assert (project / "samconfig.toml").read_bytes() == before


def test_without_the_format_doctor_fails_and_the_job_says_that_it_got_the_manifest(
    executed, taken_over, laptop, root, tmp_path
):
    machine = taken_over.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)
    stack = laptop(root, tmp_path / "state", {"StateMachineArn": MACHINE}).aws
    stack.client("stepfunctions").create_state_machine(
        name=machine["name"], definition=machine["definition"], roleArn=machine["roleArn"]
    )
    env = commands.environment(stack, LANDRUN_STACK="landrun")

    doctor = commands.landrun(env, "doctor", "--quiet")
    assert doctor.returncode == 1
    assert "its job reads InputMessage as S3Prefix" in " ".join(doctor.stdout.split())
    verify = commands.landrun(env, "verify", "--patience", "60", cwd=root)
    assert verify.returncode == 1
    assert "landrun's manifest, which lists the data" in verify.stderr
    assert "InputMessageFormat=uri" in verify.stderr
