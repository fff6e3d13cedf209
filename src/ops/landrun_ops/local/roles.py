"""Assumes roles for AWS's services, if the roles' trust policies allow it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from moto.sts.models import sts_backends

from landrun_ops.local.moto_patches.iam import Iam, patch
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import ACCOUNT, REGION

SAGEMAKER: Final = "sagemaker.amazonaws.com"
STATES: Final = "states.amazonaws.com"


@contextlib.contextmanager
def enforced(report: Callable[[str], None]) -> Iterator[Roles]:
    """Enforce IAM for the block, and report each refusal in one line."""
    iam = Iam(lambda said: None if said.allowed else report(f"IAM: {said}"))
    with Patches() as patches:
        patch(patches, iam)
        yield Roles(iam)


@dataclass(frozen=True)
class Roles:
    """Keys of sessions of roles; ``iam`` decides who may assume which."""

    iam: Iam

    def keys(self, role_arn: str, service: str) -> Mapping[str, str]:
        """Assume a role for a service; return the environment by which SDKs sign as that role.

        Raises NotAllowedError when there is no such role, or it does not trust the service.
        """
        self.iam.demand_trust(role_arn, service)
        session = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=REGION,
            role_session_name=service.partition(".")[0],
            role_arn=role_arn,
            policy="",
            duration=12 * 3600,  # AWS's longest; moto lets no session expire
            external_id="",
        )
        return {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
        }
