"""IAM on the laptop: a call that its caller's role does not allow is refused, as on AWS.

moto can enforce policies, and stores roles, policies and sessions for it. But it knows what a call
is about for S3 and SQS only (`iam_needs` knows the others), evaluates no conditions
(`landrun_ops.local.policies` does), and has no SimulatePrincipalPolicy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.sqs.models import Message, Queue

from landrun_ops.local.moto_patches.iam_needs import Need, needs
from landrun_ops.local.patches import Patches
from landrun_ops.local.policies import Context, permits, trusts
from landrun_ops.local.settings import ACCOUNT

_SESSION: Final = re.compile(r"Credential=ASIA")  # as AWS and moto begin the key ids of sessions


@dataclass(frozen=True)
class Decision:
    """What was asked of IAM, and its answer; ``role`` is the role's name."""

    role: str
    action: str
    resource: str
    allowed: bool

    def __str__(self) -> str:
        return f"{self.role} {'may' if self.allowed else 'may not'} {self.action} {self.resource}"


class NotAllowedError(Exception):
    """A service may not do on behalf of a role what it was about to; says who and what."""


class Iam:
    """Decides calls by the policies of the roles that make them; ``report`` gets each decision.

    Who signs with anything but the keys of a role's session is the account's root: the laptop
    itself, and its user.
    """

    def __init__(self, report: Callable[[Decision], None] = lambda _: None) -> None:
        self._report = report

    def allows(self, role_arn: str, need: Need) -> bool:
        """Whether a service may do something for a role."""
        return self._decide(role_arn.rpartition("/")[2], need)

    def demand(self, role_arn: str, need: Need) -> None:
        """Raise NotAllowedError unless a service may do something for a role."""
        if not self.allows(role_arn, need):
            raise NotAllowedError(
                f"User: {role_arn} is not authorized to perform: {need.action} on resource: "
                f"{need.resource}"
            )

    def demand_trust(self, role_arn: str, service: str) -> None:
        """Raise NotAllowedError unless there is this role and it trusts the service."""
        roles = list(iam_backends[ACCOUNT]["aws"].roles.values())
        role = next((role for role in roles if role.arn == role_arn), None)
        context: Context = {"aws:SourceAccount": ACCOUNT}
        if role is None or not trusts(_parsed(role.assume_role_policy_document), service, context):
            raise NotAllowedError(f"{service} is not authorized to assume {role_arn}")

    def authorize(self, response: Any, request_class: type, resource: str = "*") -> None:
        """Check a request to moto: who signed it, and whether their role allows it."""
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
    """Let ``iam`` decide every request to moto that a role's session signs."""

    def authorize(_: Any, self: Any, request_class: type, resource: str = "*") -> None:
        iam.authorize(self, request_class, resource)

    patches.wrap(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", authorize)
    patches.set(Message, "kms_key", None)
    patches.wrap(Queue, "add_message", _add_message)


def _add_message(add: Any, self: Any, message: Any) -> None:
    """Note the queue's key, under which a message stays."""
    message.kms_key = getattr(self, "kms_master_key_id", None)
    add(self, message)


def patch_simulator(patches: Patches) -> None:
    """Add SimulatePrincipalPolicy for roles."""
    patches.set(IamResponse, "simulate_principal_policy", _simulate_principal_policy)


def _simulate_principal_policy(self: Any) -> ActionResult:
    """Judge each action on all resources together."""
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
    parsed: Mapping[str, Any] = json.loads(document if document[:1] == "{" else unquote(document))
    return parsed
