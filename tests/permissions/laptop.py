"""The laptop's AWS with IAM enforced: what IAM decided, roles with less, and deployments."""

from __future__ import annotations

import contextlib
import json
import uuid
from pathlib import Path

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json, get_model_map
from moto.iam.models import iam_backends

from landrun_ops.local import LocalAws
from landrun_ops.local.deploy import adapt
from landrun_ops.local.moto_patches import tasks
from landrun_ops.local.moto_patches.cloudformation import definition_of
from landrun_ops.local.moto_patches.iam import Decision, Iam
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION, STACK
from landrun_ops.local.template import translate, values_of
from laptop_stack import LaptopStack

from .world import encrypt

ROOT = Path(__file__).resolve().parents[2]
PACE = 0.0002
"""Of the waits before retries that an execution has on AWS."""

JOB = """
import sys, time
from pathlib import Path

source, target = Path(sys.argv[1]), Path(sys.argv[2])
[read] = [path.read_text() for path in source.rglob("*") if path.is_file()]
print("read", read, flush=True)
time.sleep(60 if read == "slow" else 0)
if read == "broken":
    sys.exit(4)
(target / "read.txt").write_text(read)
"""
"""Takes its time over an object that says ``slow``, and fails for one that says ``broken``."""

LOGS = "/aws/sagemaker/ProcessingJobs"


@contextlib.contextmanager
def laptop_up(folder, **parameters):
    """Yield the `Laptop` with a job of no weight; the folder is for its state."""
    job, decisions = folder / "job.py", []
    job.write_text(JOB)
    parameters |= {
        "JobEntrypoint": f"python3 {job}",
        "JobArguments": "/opt/ml/processing/input/messages /opt/ml/processing/output/processed",
    }

    def decided(decide, iam, role, need):
        allowed = decide(iam, role, need)
        decisions.append(Decision(role, need.action, need.resource, allowed))
        return allowed

    with Patches() as patches:
        patches.wrap(Iam, "_decide", decided)
        patches.wrap(tasks, "wait", lambda wait, env, seconds: wait(env, seconds * PACE))
        state = folder / "state"
        with LocalAws.up(ROOT, parameters=parameters, state_dir=state, enforce_iam=True) as aws:
            yield Laptop(aws, parameters, decisions)


class Laptop(LaptopStack):
    """The stack while it is up."""

    def __init__(self, aws, parameters, decisions):
        super().__init__(aws)
        self._parameters, self._decisions = parameters, decisions

    @property
    def refusals(self):
        return [str(one) for one in list(self._decisions) if not one.allowed]

    def used(self, role):
        """The actions that IAM has allowed a role (its logical id) so far."""
        name = self.role(role)
        return {one.action for one in list(self._decisions) if one.allowed and one.role == name}

    def run(self, body="hello"):
        return self.ended(self.land(body))

    def by_hand(self, uri, output="processed/"):
        """Run the stack's machine as a notebook does, with a name of its 62 characters."""
        name = f"bsm-batch-preprocessing-daily-{uuid.uuid4().hex}"
        given = {
            "PreprocessingJobName": name,
            "InputMessage": uri,
            "OutputProcessedMessage": f"s3://{self.outputs['OutputBucket']}/{output}{name}/",
        }
        self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=name, input=json.dumps(given)
        )
        return self.ended(name)

    def execution(self, name):
        """An execution as Step Functions' calls name it."""
        machine = self.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        return {"executionArn": f"{machine}:{name}"}

    def job_statuses(self, run):
        return [job["ProcessingJobStatus"] for job in self.jobs(run)]

    def logged(self, run):
        """What CloudWatch has of the output of a run's jobs."""
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=run)
        names = [stream["logStreamName"] for stream in streams["logStreams"]]
        pages = [logs.get_log_events(logGroupName=LOGS, logStreamName=name) for name in names]
        return [event["message"] for page in pages for event in page["events"]]

    def role(self, logical_id):
        names = [role["RoleName"] for role in self.client("iam").list_roles()["Roles"]]
        [name] = [name for name in names if name.startswith(f"landrun-{logical_id}-")]
        return name

    @contextlib.contextmanager
    def without(self, role, action, resource="*"):
        """Deny an action to a role for a while; only on resources that fit the pattern."""
        policy = {"RoleName": self.role(role), "PolicyName": "Without"}
        statement = {"Effect": "Deny", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(**policy, PolicyDocument=document)
        try:
            yield
        finally:
            self.client("iam").delete_role_policy(**policy)

    def deploy(self, **parameters):
        """Deploy the stack again, with these parameters beside those of before.

        moto's UpdateStack leaves roles' policies as they are and makes new topics. Here policies,
        keys and the machine's definition are set in place, as CloudFormation sets them. The
        functions' environment stays as it is.
        """
        self._parameters |= parameters
        of_type = updated(self._parameters)
        self._set_policies(of_type)
        encrypt(self.client, of_type)
        for arn, given in of_type("AWS::StepFunctions::StateMachine"):
            self.client("stepfunctions").update_state_machine(
                stateMachineArn=arn, definition=definition_of(given)["DefinitionString"]
            )

    def _set_policies(self, of_type):
        iam = self.client("iam")
        given = {
            role: {one["PolicyName"]: one["PolicyDocument"] for one in properties["Policies"]}
            for role, properties in of_type("AWS::IAM::Role")
        }
        for _, properties in of_type("AWS::IAM::Policy"):
            for role in properties["Roles"]:
                given[role][properties["PolicyName"]] = properties["PolicyDocument"]
        for role, policies in given.items():
            for gone in {*iam.list_role_policies(RoleName=role)["PolicyNames"]} - policies.keys():
                iam.delete_role_policy(RoleName=role, PolicyName=gone)
            for name, document in policies.items():
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_text(document))
        for arn, properties in of_type("AWS::IAM::ManagedPolicy"):
            [version] = iam_backends[ACCOUNT]["aws"].managed_policies[arn].versions
            version.document = _text(properties["PolicyDocument"])


def updated(parameters):
    """The template with its new parameters, resolved against the resources that are there.

    The function that is returned yields the physical name and the properties of each resource of a
    type.
    """
    template, _ = adapt(translate(ROOT / "template.yaml", parameters), get_model_map().keys())
    resources = cloudformation_backends[ACCOUNT][REGION].get_stack(STACK).resource_map
    resources._template = template
    resources._resource_json_map = template["Resources"]
    resources.input_parameters = values_of(template, parameters)
    resources.load_parameters()
    resources.load_conditions()

    def of_type(kind):
        for logical_id, resource in template["Resources"].items():
            condition = resource.get("Condition")
            if resource["Type"] == kind and (
                condition is None or resources.lazy_condition_map[condition]
            ):
                name = resources[logical_id].physical_resource_id
                yield name, clean_json(resource["Properties"], resources)

    return of_type


def _text(document):
    return json.dumps(json.loads(json.dumps(document), parse_int=str))
