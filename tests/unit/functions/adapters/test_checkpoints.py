"""Checkpoints: reconcile continues where it stopped, and no landing is seen in them."""

from __future__ import annotations

from landrun.adapters.checkpoints import Checkpoints
from landrun.adapters.landings_table import LandingsTable
from landrun.clock import utc_now


def test_a_checkpoint_is_read_as_it_was_saved_last_and_is_not_a_landing(aws, table):
    name = table("LandingsTable")
    checkpoints = Checkpoints(aws("dynamodb"), name)
    assert checkpoints.read("executions") == {}
    checkpoints.save("executions", {"token": "s"})
    checkpoints.save("executions", {"token": "t", "begun": "2026-11-22T03:00:00+00:00"})
    checkpoints.save("manifests", {"after": "manifests/é.json"})
    found = checkpoints.read("executions")
    assert found == {"token": "t", "begun": "2026-11-22T03:00:00+00:00"}
    assert checkpoints.read("manifests") == {"after": "manifests/é.json"}
    assert list(LandingsTable(aws("dynamodb"), name, utc_now).pending()) == []
