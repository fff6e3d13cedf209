from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _calls_in_order(monkeypatch):
    one_by_one = "landrun.services.collect_landings.at_once"
    monkeypatch.setattr(one_by_one, lambda act, given: [act(one) for one in given])
