"""Asserts in the modules that tests are made of say what they compare, as those in tests do."""

from __future__ import annotations

import pytest

from faults.conftest import pytest_configure  # noqa: F401  (the marker of its cases)

CASES = ("concurrency", "landings", "reconcile", "refusals", "statuses", "ticks")
for module in (
    "permissions.laptop",
    *(f"faults.test_cases_{one}" for one in CASES),
):
    pytest.register_assert_rewrite(module)
