"""Roles as AWS's services use them: assumed, where the role's trust policy lets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moto.sts.models import sts_backends

from landrun_ops.local.moto_patches.iam import Iam
from landrun_ops.local.settings import ACCOUNT, REGION

LAMBDA: Final = "lambda.amazonaws.com"
SAGEMAKER: Final = "sagemaker.amazonaws.com"
STATES: Final = "states.amazonaws.com"
_SECONDS = 12 * 3600  # AWS's longest; moto lets no session expire


class Roles:
    """Keys of sessions of roles.

    Parameters
    ----------
    iam
        Decides who may assume which role.
    """

    def __init__(self, iam: Iam) -> None:
        self.iam = iam

    def keys(self, role_arn: str, service: str) -> Mapping[str, str]:
        """Assume a role for a service; give the environment by which SDKs sign as that role.

        Raises
        ------
        NotAllowedError
            When there is no such role, or it does not trust the service.
        """
        self.iam.demand_trust(role_arn, service)
        session = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=REGION,
            role_session_name=service.partition(".")[0],
            role_arn=role_arn,
            policy="",
            duration=_SECONDS,
            external_id="",
        )
        return {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
            "AWS_SESSION_TOKEN": session.session_token,
        }
