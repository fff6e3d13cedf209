"""Evaluates policy documents by IAM's rules for one account, as far as landrun needs them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from landrun_ops.local.errors import TemplateError

Document = Mapping[str, Any]
Context = Mapping[str, str | list[str]]
"""Condition keys and their values; lists are keys with several values."""


def permits(
    documents: Iterable[Document], action: str, resource: str, context: Context | None = None
) -> bool:
    """Return True if a statement allows ``action`` on ``resource`` and none denies it.

    >>> allow = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/in/*"}
    >>> permits([{"Statement": [allow]}], "s3:GetObject", "arn:aws:s3:::b/in/a.csv")
    True
    >>> permits([{"Statement": [allow]}], "s3:GetObject", "arn:aws:s3:::b/out/a.csv")
    False
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _listed(document["Statement"])
        if _concerns(statement, action, resource) and _holds(statement, context or {})
    }
    return effects == {"Allow"}


def trusts(document: Document, service: str, context: Context) -> bool:
    """Whether a role's trust policy lets an AWS service, ``lambda.amazonaws.com``, assume it."""
    return any(
        statement["Effect"] == "Allow"
        and "sts:AssumeRole" in _listed(statement["Action"])
        and service in _listed(statement["Principal"].get("Service", ()))
        and _holds(statement, context)
        for statement in _listed(document["Statement"])
    )


def _concerns(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement or "NotResource" in statement:
        raise TemplateError("the laptop cannot judge policies with NotAction or NotResource")
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    return any(_like(action.lower(), pattern.lower()) for pattern in actions) and any(
        _like(resource, pattern) for pattern in resources
    )


def _holds(statement: Mapping[str, Any], context: Context) -> bool:
    return all(
        _met(operator, _listed(context.get(key)), [str(value) for value in _listed(wanted)])
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _met(operator: str, given: list[str], wanted: list[str]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    positive = name.replace("StringNot", "String")
    if positive not in _OPERATORS:
        raise TemplateError(f"the laptop cannot judge the condition operator {operator}")
    test = _OPERATORS[positive]
    met = [any(test(value, one) for one in wanted) == (name == positive) for value in given]
    return all(met) if quantifier == "ForAllValues" else any(met)


def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
}
