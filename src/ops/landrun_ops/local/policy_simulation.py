"""IAM's simulator, as far as the laptop can judge policies: moto has none.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from typing import Any

from landrun_ops.local.patches import Patches


def adapt(patches: Patches) -> None:
    """Answer SimulatePrincipalPolicy for roles, one action after the other."""
    from moto.core.responses import ActionResult  # noqa: PLC0415  (late: for start-up)
    from moto.iam.responses import IamResponse  # noqa: PLC0415

    def simulate_principal_policy(self: Any) -> ActionResult:
        role = self._get_param("PolicySourceArn").rpartition("/")[2]
        self.backend.get_role(role)  # says so when there is none
        resources = self._get_param("ResourceArns", ["*"])
        context = {
            one["ContextKeyName"]: one["ContextKeyValues"]
            for one in self._get_param("ContextEntries", [])
        }
        results = [
            _result(role, action, resources, context) for action in self._get_param("ActionNames")
        ]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    patches.set(IamResponse, "simulate_principal_policy", simulate_principal_policy)


def _result(
    role: str, action: str, resources: list[str], context: dict[str, list[str]]
) -> dict[str, Any]:
    """Judge an action on all resources together, as IAM's simulator does."""
    from landrun_ops.local.iam import documents  # noqa: PLC0415  (late: moto takes seconds)
    from landrun_ops.local.policies import permits  # noqa: PLC0415

    policies = list(documents(role))
    allowed = all(permits(policies, action, resource, context) for resource in resources)
    return {
        "EvalActionName": action,
        "EvalResourceName": resources[0],
        "EvalDecision": "allowed" if allowed else "implicitDeny",
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
