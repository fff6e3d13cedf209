"""The World with IAM enforced: each call of a function needs what its role in template.yaml allows.

::

    with PermittedWorld(StartOn="schedule") as world:
        world.land("incoming/a.jsonl")
        world.drain()
        world.decisions     # every `Decision` of IAM so far
"""

from types import SimpleNamespace

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from faults.faulty import denied
from faults.world import World
from landrun_ops.local.moto_patches.iam import Decision, needs
from landrun_ops.local.moto_patches.task_tokens import TOKENS, Token
from landrun_ops.local.policies import permits
from template.physical import ACCOUNT, REGION


class PermittedWorld(World):
    """A World whose functions may do only what their roles allow.

    Parameters
    ----------
    roles_of
        The stack whose roles they have; that of the same parameters by default.
    """

    def __init__(self, roles_of=None, **parameters):
        super().__init__(parameters.get("StartOn", "arrival"), **parameters)
        self.deployed = roles_of or self.stack.resolved
        self.decisions: list[Decision] = []

    def __enter__(self):
        super().__enter__()
        self._encrypt()
        return self

    def make(self, call, real):
        """Make a call if the function's role allows all that it needs."""
        role = f"{call.process.function}FunctionRole"
        documents = [*self.deployed.policies(role)]
        for need in needed(call):
            allowed = permits(documents, need.action, need.resource, need.context)
            self.decisions.append(Decision(role, need.action, need.resource, allowed))
            if not allowed:
                denied().before(call)
        return super().make(call, real)

    def used(self, role):
        """The grants that a role's calls have needed so far: each call exactly one."""
        used = set()
        for decision in self.decisions:
            if decision.role == role:
                [grant] = [one for one in self.deployed.grants(role) if allows(one, decision)]
                used.add(grant)
        return used

    def _slot_requested(self, message):
        """Let IAM know whose machine's token it is, then request the slot."""
        TOKENS[message["SlotRequest"]["TaskToken"]] = Token(self.machine.arn)
        super()._slot_requested(message)

    def _encrypt(self):
        """Put keys where the template has them: IAM asks who may use a key by them."""
        given, name_of = self.deployed.of_type, self.stack.name
        for topic, properties in given("AWS::SNS::Topic").items():
            topics = sns_backends[ACCOUNT][REGION].topics
            topics[self.stack.arn(topic)].kms_master_key_id = properties["KmsMasterKeyId"]
        for queue, properties in given("AWS::SQS::Queue").items():
            queues = sqs_backends[ACCOUNT][REGION].queues
            queues[name_of(queue)].kms_master_key_id = properties.get("KmsMasterKeyId")
        for table, properties in given("AWS::DynamoDB::Table").items():
            tables = dynamodb_backends[ACCOUNT][REGION].tables
            tables[name_of(table)].sse_specification = properties["SSESpecification"]
        for bucket, properties in given("AWS::S3::Bucket").items():
            [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
            buckets = s3_backends[ACCOUNT]["aws"].buckets
            buckets[name_of(bucket)].encryption = {"Rule": default}


def needed(call):
    """The permissions that a call needs, as the laptop's IAM sees its request."""
    asked, resource = call.arguments, "*"
    action = {"ListObjectsV2": "ListBucket"}.get(call.api, call.api)
    service = {"stepfunctions": "states"}.get(call.service, call.service)
    if service == "s3":
        resource = "arn:aws:s3:::" + "/".join(
            asked[one] for one in ("Bucket", "Key") if one in asked
        )
    elif service == "sqs":
        resource = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{asked['QueueUrl'].rpartition('/')[2]}"
    return needs(SimpleNamespace(body=asked, headers={}), f"{service}:{action}", resource)


def allows(grant, decision):
    """Whether this grant alone, conditions aside, allows what IAM has decided on."""
    action, resource = grant
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return permits([{"Statement": [statement]}], decision.action, decision.resource)
