"""Field types for what a user's own state machine or job has written, which may be any value.

A field of one of these types is None where the value is not of the type. A whole run is never
refused because one part of its output is odd.
"""

from typing import Annotated, Any, TypeVar

from pydantic import (
    BeforeValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from landrun.sanitize import whole

TEXT_LIMIT = 32_768
"""Characters of a text that are kept: Step Functions' own limit of a cause."""

URI_LIMIT = 2048
"""Characters of a URI that are kept. The longest in S3 has a bucket and a key of 1,024 bytes."""

Value = TypeVar("Value")


def _none_if_invalid(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


def _beginning(limit: int) -> BeforeValidator:
    """Cut a text at a limit, and replace halves of surrogate pairs, which no model takes."""
    return BeforeValidator(
        lambda value: whole(value[:limit]) if isinstance(value, str) else value,
    )


Lenient = Annotated[Value | None, WrapValidator(_none_if_invalid)]
"""``Lenient[int]`` is None instead of an error where the value is no whole number."""

Text = Lenient[Annotated[str, _beginning(TEXT_LIMIT)]]
Uri = Lenient[Annotated[str, _beginning(URI_LIMIT)]]
