"""Functions as Lambda's INIT builds them, over fakes of the adapters."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace
from unittest.mock import Mock, patch

import pytest

from handler_loader import ENVIRONMENT, Context, load_handler
from landrun.adapters.dead_letters import DeadLetters
from landrun.adapters.notifications import Notifications
from landrun.adapters.outputs import Outputs, OutputSize
from landrun.adapters.sagemaker import ProcessingJobs
from unit.functions.fakes import (
    NOW,
    FakeExecutions,
    FakeLandingsTable,
    FakeManifests,
    FakeRunsTable,
)


class Function:
    """A function after a cold start."""

    def __init__(self, name, variables):
        self.services = set()
        self.manifests, self.executions = FakeManifests(), FakeExecutions()
        self.landings, self.runs_table = FakeLandingsTable(), FakeRunsTable()
        self.dead_letters, self.outputs = Mock(spec_set=DeadLetters), Mock(spec_set=Outputs)
        self.outputs.measure.return_value = OutputSize(3, 4096)
        self.outputs.summary.return_value = {"rows_in": 10}
        adapters = {
            "manifests.Manifests": self.manifests,
            "step_functions.Executions": self.executions,
            "landings_table.LandingsTable": self.landings,
            "runs_table.RunsTable": self.runs_table,
            "dead_letters.DeadLetters": self.dead_letters,
            "outputs.Outputs": self.outputs,
            "sagemaker.ProcessingJobs": Mock(spec_set=ProcessingJobs),
            "notifications.Notifications": Mock(spec_set=Notifications),
        }
        with ExitStack() as patches:
            for adapter, fake in adapters.items():
                made = Mock(return_value=fake)
                patches.enter_context(patch(f"landrun.adapters.{adapter}", made))
            self.module = load_handler(name, ENVIRONMENT | variables, self._client, lambda: NOW)

    def _client(self, service):
        self.services.add(service)
        return SimpleNamespace()

    def call(self, event):
        return self.module.handler(event, Context())

    def failures(self, batch):
        """Call the function with a batch of messages; return the ids of those that failed."""
        return [one["itemIdentifier"] for one in self.call(batch)["batchItemFailures"]]

    def reasons(self):
        """Return the reasons of the messages that were refused, by their bodies."""
        return dict(call.args for call in self.dead_letters.put.call_args_list)


@pytest.fixture
def load():
    """``load("schedule", START_ON="schedule")`` is that function with those variables."""
    return lambda name, **variables: Function(name, variables)
