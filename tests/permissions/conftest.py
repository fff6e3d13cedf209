"""The marker of the fault suite's cases, and their asserts, which say what they compare."""

import pytest

from faults.conftest import pytest_configure  # noqa: F401

for one in ("concurrency", "landings", "reconcile", "refusals", "statuses", "ticks"):
    pytest.register_assert_rewrite(f"faults.test_cases_{one}")
