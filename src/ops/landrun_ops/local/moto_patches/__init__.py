"""What moto lacks or does otherwise than AWS, one module per service.

Each patch says why it is there; its test in ``tests/local/moto_lacks`` fails once moto has it.
"""

from __future__ import annotations

from landrun_ops.local.patches import Patches


def patch_requests(patches: Patches) -> None:
    """Let moto remember its services; it lists its own folder for each request: a third of it."""
    from moto import backends  # noqa: PLC0415  (late: takes seconds)

    services = tuple(backends.list_of_moto_modules())
    patches.set(backends, "list_of_moto_modules", lambda: services)
