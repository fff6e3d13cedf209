"""Pending landings, manifests and executions, and what makes runs of them."""

from __future__ import annotations

from landrun.adapters.landings_table import landing_id
from landrun.models.landing import Landing
from landrun.models.run import InputFormat
from landrun.models.s3_uri import S3Uri
from landrun.services.collect_landings import LandingCollector
from landrun.services.start_run import RunStarter
from unit.functions.fakes import Clock, FakeExecutions, FakeLandingsTable, FakeManifests


class LandingsWorld:
    """What ticks and reconcile share."""

    def __init__(self):
        self.clock = Clock()
        self.table = FakeLandingsTable(self.clock)
        self.manifests = FakeManifests()
        self.executions = FakeExecutions()
        self.input_format: InputFormat = "manifest"

    def land(self, *keys, bucket="landings"):
        now = self.clock().isoformat()
        landings = [Landing(bucket, key, "v1", "0A", 9, now) for key in keys]
        for landing in landings:
            self.table.record(landing)
        return landings

    def claim(self, run, trigger, *landings):
        for landing in landings:
            assert self.table.claim(landing_id(landing), run, trigger)

    def collector(self, most=3):
        output = S3Uri("outputs", "processed/")
        adapters = (self.manifests, self.executions)
        starter = RunStarter(*adapters, output, self.input_format, self.clock)
        return LandingCollector(self.table, self.manifests, starter, "landrun", most)
