"""IAM on the laptop: refuses calls that the caller's role does not allow, as AWS does.

moto can enforce policies, and stores roles, policies and sessions for it. But it knows what a call
is about for S3 and SQS only, evaluates no conditions (`landrun_ops.local.policies` does), and has
no SimulatePrincipalPolicy.

Actions, resource types and condition keys are those of the Service Authorization Reference; what a
call needs of the customer managed key that encrypts what it is about is in the developer guides of
SNS ("Managing Amazon SNS encryption keys and costs"), SQS ("Key management"), S3 ("Protecting data
with AWS KMS keys") and DynamoDB ("Encryption at rest usage notes").
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import ActionResult
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import Message, Queue, sqs_backends

from landrun_ops.local.moto_patches.task_tokens import TOKENS
from landrun_ops.local.patches import Patches
from landrun_ops.local.policies import Context, permits, trusts
from landrun_ops.local.settings import ACCOUNT, REGION

KEY_HEADER: Final = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"

_SESSION: Final = re.compile(r"Credential=ASIA")  # as AWS and moto begin the key ids of sessions
_TRANSACTED: Final = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
_OF_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": ("kms:Decrypt",),
    "dynamodb": ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"),
}


class NotAllowedError(Exception):
    """A service was not allowed an action on behalf of a role; the message names both."""


@dataclass(frozen=True)
class Need:
    """One action on one resource that a role must allow, with the condition keys of the call."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """A decision of IAM; ``role`` is the role's name."""

    role: str
    action: str
    resource: str
    allowed: bool

    def __str__(self) -> str:
        return f"{self.role} {'may' if self.allowed else 'may not'} {self.action} {self.resource}"


class Iam:
    """Decides calls by the policies of the roles that make them; ``report`` gets each decision.

    Requests that are signed with any other key than a role session's come from the account's root:
    the laptop itself, or its user.
    """

    def __init__(self, report: Callable[[Decision], None] = lambda _: None) -> None:
        self._report = report

    def allows(self, role_arn: str, need: Need) -> bool:
        """Return True if a service may use an action for a role."""
        return self._decide(role_arn.rpartition("/")[2], need)

    def demand(self, role_arn: str, need: Need) -> None:
        """Raise NotAllowedError unless a service may use an action for a role."""
        if not self.allows(role_arn, need):
            what = f"{need.action} on resource: {need.resource}"
            raise NotAllowedError(f"User: {role_arn} is not authorized to perform: {what}")

    def demand_trust(self, role_arn: str, service: str) -> None:
        """Raise NotAllowedError unless the role exists and trusts the service."""
        roles = {role.arn: role for role in list(iam_backends[ACCOUNT]["aws"].roles.values())}
        role, context = roles.get(role_arn), {"aws:SourceAccount": ACCOUNT}
        if role is None or not trusts(_parsed(role.assume_role_policy_document), service, context):
            raise NotAllowedError(f"{service} is not authorized to assume {role_arn}")

    def authorize(self, response: Any, request_class: type, resource: str = "*") -> None:
        """Check a request to moto: refuse it unless the role that signed it allows it."""
        if not _SESSION.search(response.headers.get("Authorization", "")):
            return
        query = response.parsed_url.query
        asked: Any = request_class(
            account_id=response.current_account,
            method=response.method,
            path=response.raw_path + (f"?{query}" if query else ""),
            data=response.data,
            body=response.raw_body,
            headers=response.headers,
            action=response._get_action(),
        )
        asked.check_signature()
        role = asked._access_key.arn.split("/")[-2]
        for need in needs(response, asked._action, resource):
            if not self._decide(role, need):
                asked._action = need.action
                asked._raise_access_denied()

    def _decide(self, role: str, need: Need) -> bool:
        allowed = permits(_documents(role), need.action, need.resource, need.context)
        self._report(Decision(role, need.action, need.resource, allowed))
        return allowed


def patch(patches: Patches, iam: Iam) -> None:
    """Let ``iam`` decide every request that a role's session signs."""

    def authorize(_: Any, self: Any, request_class: type, resource: str = "*") -> None:
        iam.authorize(self, request_class, resource)

    def add_message(add: Any, self: Any, message: Any) -> None:
        # A message stays under the key that its queue had when it came.
        message.kms_key = getattr(self, "kms_master_key_id", None)
        add(self, message)

    patches.wrap(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", authorize)
    patches.set(Message, "kms_key", None)
    patches.wrap(Queue, "add_message", add_message)


def patch_simulator(patches: Patches) -> None:
    """Add SimulatePrincipalPolicy for roles, which judges each action on all resources together."""

    def simulate_principal_policy(self: Any) -> ActionResult:
        role = self._get_param("PolicySourceArn").rpartition("/")[2]
        self.backend.get_role(role)  # an error when there is none
        policies, resources = list(_documents(role)), self._get_param("ResourceArns", ["*"])
        context = {
            entry["ContextKeyName"]: entry["ContextKeyValues"]
            for entry in self._get_param("ContextEntries", [])
        }
        results = []
        for action in self._get_param("ActionNames"):
            allowed = all(permits(policies, action, one, context) for one in resources)
            decision = "allowed" if allowed else "implicitDeny"
            results.append({"EvalActionName": action, "EvalDecision": decision})
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    patches.set(IamResponse, "simulate_principal_policy", simulate_principal_policy)


def _documents(role: str) -> Iterator[Mapping[str, Any]]:
    """Yield the policies of a role, its own and the attached ones, as moto has them now."""
    backend = iam_backends[ACCOUNT]["aws"]
    for name in backend.list_role_policies(role):
        yield _parsed(backend.get_role_policy(role, name)[1])
    attached, _ = backend.list_attached_role_policies(role)
    for policy in attached:
        yield _parsed(next(v.document for v in policy.versions if v.is_default))


def _parsed(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, str):
        return dict(document)
    return dict(json.loads(document if document[:1] == "{" else unquote(document)))


def needs(response: Any, action: str, resource: str) -> Iterator[Need]:
    """Yield the permissions that a request needs, in the order in which AWS checks them.

    ``response`` is moto's object of the request; ``action``, such as ``dynamodb:PutItem``, and
    ``resource`` are moto's, which are right for S3 and SQS only.
    """
    for need in _calls(response, action, resource):
        yield need
        uses = _OF_KEYS.get(need.action) or _OF_KEYS.get(need.action.partition(":")[0], ())
        for key in _keys(need, response) if uses else ():
            if key and ":key/" in key and not _is_aws_managed(key):
                yield from (Need(use, key) for use in uses)
    if action == "s3:GetObject":  # S3 says 404 only to those who may list, and 403 to others
        bucket, name = _bucket(resource)
        if bucket is not None and name not in bucket.keys:
            yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket.name}")


def _calls(response: Any, action: str, resource: str) -> Iterator[Need]:
    """Yield the actions of a request; a transaction needs those of its parts."""
    service = action.partition(":")[0]
    if service in ("s3", "sqs"):
        yield Need(action, resource)
        return
    given = _parameters(response)
    for item in given.get("TransactItems", ()):
        for part, parameters in item.items():
            call = f"dynamodb:{_TRANSACTED.get(part, 'ConditionCheckItem')}"
            yield from (Need(call, table) for table in _tables(parameters))
    if "TransactItems" in given:
        return
    tables = _tables(given) if service == "dynamodb" else [_resource(service, given) or "*"]
    yield from (Need(action, one) for one in tables)


def _parameters(response: Any) -> Mapping[str, Any]:
    """Read a request's parameters, of the JSON protocols or of the query protocol."""
    body = response.body
    if isinstance(body, Mapping):  # DynamoDB's has been read already
        return body
    if body and body[:1] in ("{", b"{"):
        return dict(json.loads(body))
    return {name: values[0] for name, values in response.querystring.items()}


def _resource(service: str, given: Mapping[str, Any]) -> str | None:
    arn = f"arn:aws:{service}:{REGION}:{ACCOUNT}"
    match service:
        case "states" if given.get("taskToken") in TOKENS:
            return TOKENS[given["taskToken"]].machine
        case "states":
            return given.get("executionArn") or given.get("stateMachineArn")
        case "logs":
            stream = given.get("logStreamName", "")
            return f"{arn}:log-group:{given.get('logGroupName', '*')}:log-stream:{stream}"
        case "sns":
            return given.get("TopicArn")
        case "sagemaker" if "ProcessingJobName" in given:
            return f"{arn}:processing-job/{given['ProcessingJobName'].lower()}"
    return None


def _tables(given: Mapping[str, Any]) -> list[str]:
    index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
    tables = given.get("RequestItems") or [given.get("TableName", "*")]
    return [f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}{index}" for table in tables]


def _keys(need: Need, response: Any) -> set[str | None]:
    """Return the KMS keys of a call's resource; objects and messages keep their first key."""
    service, _, call = need.action.partition(":")
    name = need.resource.rpartition(":")[2]
    if service == "s3":
        bucket, name = _bucket(need.resource)
        if call == "GetObject":
            return {getattr(bucket.keys.get(name), "kms_key_id", None) if bucket else None}
        return {response.headers.get(KEY_HEADER) or _bucket_key(bucket)}
    if service == "sqs":
        queue = sqs_backends[ACCOUNT][REGION].queues.get(name)
        if queue and call == "ReceiveMessage":
            return {message.kms_key for message in list(queue._messages)}
        return {getattr(queue, "kms_master_key_id", None)}
    if service == "sns":
        topic = sns_backends[ACCOUNT][REGION].topics.get(need.resource)
        return {getattr(topic, "kms_master_key_id", None)}
    table = dynamodb_backends[ACCOUNT][REGION].tables.get(name.split("/")[1])
    return {(getattr(table, "sse_specification", None) or {}).get("KMSMasterKeyId")}


def _bucket(arn: str) -> tuple[Any, str]:
    name, _, key = arn.partition(":::")[2].partition("/")
    return s3_backends[ACCOUNT]["aws"].buckets.get(name), key


def _bucket_key(bucket: Any) -> str | None:
    rules: Any = (getattr(bucket, "encryption", None) or {}).get("Rule") or {}
    rule = rules[0] if isinstance(rules, list) else rules
    key: str | None = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    return key


def _is_aws_managed(arn: str) -> bool:
    key = kms_backends[ACCOUNT][REGION].keys.get(arn.rpartition("/")[2])
    return any(name.startswith("alias/aws/") for name in (key.aliases if key else ()))
