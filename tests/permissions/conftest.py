"""Asserts in the modules that tests are made of say what they compare, as those in tests do."""

from __future__ import annotations

import pytest

for module in ("paths", "laptop"):
    pytest.register_assert_rewrite(f"permissions.{module}")
