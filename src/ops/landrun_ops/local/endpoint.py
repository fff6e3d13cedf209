"""Whether the endpoint of a shell is a laptop's AWS that is up and has the stack asked for."""

import contextlib
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from landrun.errors import ConfigurationError
from landrun_ops.local.access import KEY_PREFIX, STACK_HEADER
from landrun_ops.local.errors import NotUpError
from landrun_ops.local.state import read_environment


def check_endpoint(stack: str, environment: Mapping[str, str], state_dir: Path | None) -> None:
    """Raise ConfigurationError when the shell's ``environment`` does not lead to ``stack``.

    That is when its endpoint is a laptop's AWS without that stack, or its access key is a laptop's
    that is not up there any more. ``state_dir`` is where one may be up; None for nowhere.
    """
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    key = environment.get("AWS_ACCESS_KEY_ID", "")
    if not endpoint.startswith(("http://", "https://")):
        return
    found, accepted = _ask(endpoint, key)
    if found and found != stack:
        raise ConfigurationError(
            f"this shell points at {endpoint}, a laptop's AWS with the stack {found!r} and no"
            f" {stack!r}: unset AWS_ENDPOINT_URL and the keys, or leave out --stack"
        )
    if not key.startswith(KEY_PREFIX) or (found and accepted):
        return
    where = "the laptop's AWS is not up: landrun local up, then"
    with contextlib.suppress(NotUpError):
        if state_dir:
            where = f"the laptop's AWS is at {read_environment(state_dir)['AWS_ENDPOINT_URL']}:"
    raise ConfigurationError(
        f'this shell points at {endpoint} with an old key, {where} eval "$(landrun local env)"'
        " again"
    )


def _ask(endpoint: str, key: str) -> tuple[str, bool]:
    """Return the stack of the laptop that answers at ``endpoint``, and whether it takes ``key``."""
    request = urllib.request.Request(endpoint, headers={"Authorization": f"AWS {key}:0"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
            return answer.headers.get(STACK_HEADER, ""), True
    except urllib.error.HTTPError as error:
        return error.headers.get(STACK_HEADER, ""), error.code != HTTPStatus.FORBIDDEN
    except (OSError, ValueError):
        return "", False
