"""Who the functions are, where IAM is enforced: each signs as its role, and Lambda for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from landrun_ops.local.functions import Report
from landrun_ops.local.patches import Patches
from landrun_ops.local.settings import REGION
from landrun_ops.local.stack import Stack

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sqs import SQSClient

    from landrun_ops.local.roles import Roles


@contextlib.contextmanager
def enforced(report: Report) -> Iterator[Roles]:
    """Refuse what roles do not allow, and tell of each refusal in one line."""
    from landrun_ops.local import roles  # noqa: PLC0415  (late: with them comes moto)
    from landrun_ops.local.moto_patches import iam  # noqa: PLC0415

    patches = Patches()
    deciding = iam.Iam(lambda said: None if said.allowed else report(f"IAM: {said}"))
    iam.patch(patches, deciding)
    try:
        yield roles.Roles(deciding)
    finally:
        patches.undo()


class Identities:
    """The functions' sessions of their roles.

    Attributes
    ----------
    keys
        By the function's name, the environment by which it signs.
    """

    def __init__(
        self, stack: Stack, session: boto3.Session, endpoint_url: str, roles: Roles
    ) -> None:
        from landrun_ops.local.roles import LAMBDA  # noqa: PLC0415

        asked = session.client("lambda", endpoint_url=endpoint_url)
        self._endpoint_url = endpoint_url
        self.keys: dict[str, Mapping[str, str]] = {}
        for function in stack.functions:
            role = asked.get_function_configuration(FunctionName=function.name)["Role"]
            self.keys[function.name] = roles.keys(role, LAMBDA)

    def sqs(self, function: str) -> SQSClient:
        """Make a client by which Lambda takes and sends messages for a function, by name."""
        import boto3  # noqa: PLC0415  (late: takes a third of a second)

        keys = self.keys[function]
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"],
            keys["AWS_SECRET_ACCESS_KEY"],
            keys["AWS_SESSION_TOKEN"],
            region_name=REGION,
        )
        return session.client("sqs", endpoint_url=self._endpoint_url)
