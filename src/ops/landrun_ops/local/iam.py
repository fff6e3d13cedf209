"""IAM on the laptop: a call that its caller's role does not allow is refused, as on AWS.

moto can enforce policies, and stores roles, policies and sessions for it. What it lacks is put in
here: it knows what a call is about for S3 and SQS only (`landrun_ops.local.iam_needs` tells it for
the others), and it evaluates no conditions (`landrun_ops.local.policies` does).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.models import iam_backends

from landrun_ops.local import iam_keys
from landrun_ops.local.iam_needs import Need, needs
from landrun_ops.local.patches import Patches
from landrun_ops.local.policies import Context, permits, trusts
from landrun_ops.local.settings import ACCOUNT

_PARTITION = "aws"
_SESSION = re.compile(r"Credential=ASIA")  # as AWS and moto begin the key ids of sessions


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
    """Decides calls by the policies of the roles that make them.

    Who signs with anything but the keys of a role's session is the account's root: the laptop
    itself, and its user.

    Parameters
    ----------
    told
        Told of each decision.
    """

    def __init__(self, told: Callable[[Decision], None] = lambda _: None) -> None:
        self._told = told

    def demand(
        self, role_arn: str, action: str, resource: str = "*", context: Context | None = None
    ) -> None:
        """Make sure that a service may do something for a role.

        Raises
        ------
        NotAllowedError
            When the role's policies do not allow it.
        """
        if not self._decide(_name(role_arn), Need(action, resource, context or {})):
            raise NotAllowedError(
                f"User: {role_arn} is not authorized to perform: {action} on resource: {resource}"
            )

    def demand_trust(self, role_arn: str, service: str) -> None:
        """Make sure that a role lets a service, such as ``lambda.amazonaws.com``, assume it.

        Raises
        ------
        NotAllowedError
            When there is no such role, or its trust policy does not name the service.
        """
        role = next((role for role in _roles() if role.arn == role_arn), None)
        context: Context = {"aws:SourceAccount": ACCOUNT}
        if role is None or not trusts(_parsed(role.assume_role_policy_document), service, context):
            raise NotAllowedError(f"{service} is not authorized to assume {role_arn}")

    def authorize(self, response: Any, request_class: type, resource: str = "*") -> None:
        """Check a request to moto: who signed it, and whether their role allows it."""
        if not _SESSION.search(response.headers.get("Authorization", "")):
            return
        asked = _asked(response, request_class)
        asked.check_signature()
        role = asked._access_key.arn.split("/")[-2]
        for need in needs(response, asked._action, resource):
            if not self._decide(role, need):
                asked._action = need.action
                asked._raise_access_denied()

    def _decide(self, role: str, need: Need) -> bool:
        allowed = permits(documents(role), need.action, need.resource, need.context)
        self._told(Decision(role, need.action, need.resource, allowed))
        return allowed


def documents(role: str) -> Iterator[Mapping[str, Any]]:
    """Give the policies of a role, its own and the attached ones, as moto has them now."""
    backend = iam_backends[ACCOUNT][_PARTITION]
    for name in backend.list_role_policies(role):
        yield _parsed(backend.get_role_policy(role, name)[1])
    attached, _ = backend.list_attached_role_policies(role)
    for policy in attached:
        yield _parsed(next(v.document for v in policy.versions if v.is_default))


def adapt(patches: Patches, iam: Iam) -> None:
    """Let ``iam`` decide every request to moto that a role's session signs."""

    def authorize(self: Any, request_class: type, resource: str = "*") -> None:
        iam.authorize(self, request_class, resource)

    patches.set(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", authorize)
    iam_keys.adapt(patches)


def _asked(response: Any, request_class: type) -> Any:
    """Make moto's own record of who asks for what."""
    query = response.parsed_url.query
    return request_class(
        account_id=response.current_account,
        method=response.method,
        path=response.raw_path + (f"?{query}" if query else ""),
        data=response.data,
        body=response.raw_body,
        headers=response.headers,
        action=response._get_action(),
    )


def _roles() -> list[Any]:
    return list(iam_backends[ACCOUNT][_PARTITION].roles.values())


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def _parsed(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, str):
        return dict(document)
    parsed: Mapping[str, Any] = json.loads(document if document[:1] == "{" else unquote(document))
    return parsed
