"""The World: landrun's real handlers over moto, in this process, with every fault there is.

Everything around the functions is here, on one settable clock: the versioned landing bucket and
its events, the queues (at least once, as SQS and Lambda do it), the schedule, Step Functions and
its best-effort events, SNS. What is deployed is read from template.yaml. One World at a time.

::

    with World(start_on="schedule") as world:
        landed = world.land("incoming/a.jsonl", copies=2)  # put, and its event sent twice
        world.faults.when("s3", "put_object", response_lost())
        world.drain()                # the landing queue, until nothing in it is visible
        tick = world.tick()          # one attempt of a new due time: tick.answer or tick.error
        world.retry(tick)            # a second attempt of the same
        world.finish(name, "FAILED") # ends an execution and sends its event; redrive(name) too
        world.reconcile()            # by hand, without graces; reconcile(None) with its own
        assert violations(world) == []      # of invariants.py: holds at any moment
        assert world.settle() == []         # heals, redelivers, reconciles: the strict form

``fate`` gives the delays in seconds of a status event's copies: [] loses it, [0, 60] doubles it.
``request_fate`` is the same for requests for a concurrency slot, of which none is lost.
"""

import json
from collections import defaultdict
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from moto import mock_aws
from moto.s3 import models as s3_models

from landrun.services import collect_landings
from landrun_ops.local.patches import Patches

from . import inside
from .direct import direct_client
from .faulty import Faults
from .invariants import Slots, Watch, violations
from .lambdas import Functions
from .landed import Landed, object_created, record, sequencers
from .queues import Queue
from .stack import DeployedStack, events
from .stepfunctions import Machine

START = datetime(2026, 11, 22, 8, 15, 30, tzinfo=UTC)
QUEUES = {"landings": "LandingQueue", "statuses": "StatusQueue"}
CONSUMERS = {"landings": "ObjectCreated", "statuses": "ExecutionStatus"}
ATTEMPTS = 3
"""Of an asynchronous invocation, by Lambda."""
GRACE = 1300
"""Seconds after which reconcile's own graces (600 and 1200) are over."""
ROUNDS = 30


class Clock:
    """The World's time, in UTC; a microsecond goes by each time that somebody looks."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.advance(1e-6)

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)
        return self.now


class World:
    """See the module. Parameters of the template come as keyword arguments by their own names."""

    def __init__(self, start_on="arrival", **parameters):
        self.start_on = start_on
        self.clock = Clock()
        self.faults = Faults()
        self.stack = DeployedStack(**{"StartOn": start_on, **parameters})
        self.queues = {
            name: Queue(self.clock, *self.stack.queue(logical_id))
            for name, logical_id in QUEUES.items()
        }
        self.landings, self.statuses = self.queues.values()
        self.fate = self.request_fate = lambda _: [0]
        self.published, self.landed, self.poison = [], [], []
        self.ticks = defaultdict(list)
        self.history, self.slots = Watch(self), Slots(self)
        self.functions = Functions(self)
        self.metrics, self.invoke = self.functions.metrics, self.functions.invoke
        self.reconfigure = self.functions.reconfigure
        self.machine = Machine(
            self.stack.arn("ProcessingStateMachine"),
            self.clock,
            changed=self._status_changed,
            slot_requested=self._slot_requested,
            on_resumed=self.slots.resumed,
        )
        self.set_limit(int(self.variable("ExecutionStatus", "MAX_CONCURRENT_RUNS")))
        self.finish, self.redrive = self.machine.finish, self.machine.redrive
        self.request_again, self.forget = self.machine.request_slot, self.machine.forget
        self._sequencers = sequencers()
        self._lagging = {}
        self._patches = Patches()
        self._mock = mock_aws()

    # ---- its life ----------------------------------------------------------------------------

    def __enter__(self):
        self._mock.start()
        self._patches.set(s3_models, "utcnow", lambda: self.clock().replace(tzinfo=None))
        self._patches.set(collect_landings, "CONNECTIONS", 1)  # what dies, dies at a certain call
        self.stack.create(direct_client("dynamodb"))
        return self

    def __exit__(self, *_):
        self._patches.undo()
        self._mock.stop()

    def utc(self):
        """Write the time as events have it."""
        return f"{self.clock():%Y-%m-%dT%H:%M:%SZ}"

    # ---- what lands --------------------------------------------------------------------------

    def land(self, key, body=b'{"text": "hello"}\n', *, copies=1, expected=True, change=None):
        """Put an object; send its *Object Created* event so many times, its detail changed.

        What is not ``expected`` has to be ignored or refused.
        """
        bucket = self.stack.name("LandingBucket")
        version = direct_client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        said = {"key": key, "version-id": version, "sequencer": next(self._sequencers)}
        event = object_created(self.utc(), bucket, body, **said)
        if change:
            change(event["detail"])
        landed = Landed(event, expected)
        self.landed.append(landed)
        for _ in range(copies):
            self.send(landed)
        return landed

    def send(self, landed, delay=0):
        landed.sent += 1
        return self.landings.send(landed.body, delay)

    def send_poison(self, body, queue="landings"):
        self.poison.append(body)
        return self.queues[queue].send(body)

    # ---- the functions -----------------------------------------------------------------------

    def variable(self, function, name):
        return self.functions.environments[function][name]

    def set_limit(self, limit):
        """Deploy another MaxConcurrentRuns; 0 for no limit."""
        for function in ("ExecutionStatus", "Reconcile"):
            self.reconfigure(function, MAX_CONCURRENT_RUNS=str(limit))
        self.machine.limited = limit > 0
        self.slots.set_limit(limit)

    def make(self, call, real):
        """Make a call; a query of a secondary index that lags sees an earlier moment."""
        if call.service == "stepfunctions":
            return getattr(self.machine, call.operation)(call.arguments)
        lags = call.operation == "query" and "IndexName" in call.arguments
        if lags and not call.arguments.get("ConsistentRead"):
            with self._lagging.get(call.arguments["TableName"]) or nullcontext():
                return real(call.api, call.arguments)
        answer = real(call.api, call.arguments)
        self.history.see(call)
        self.slots.see(call)
        return answer

    def freeze_indexes(self):
        names = map(self.stack.name, ("RunsTable", "LandingsTable"))
        self._lagging = {name: inside.Lagging(name) for name in names}

    def thaw_indexes(self):
        self._lagging.clear()

    # ---- deliveries --------------------------------------------------------------------------

    def poll(self, queue):
        """Hand one batch to the queue's function; None when nothing is visible."""
        batch = self.queues[queue].receive()
        return self.hand(queue, batch) if batch else None

    def hand(self, queue, batch):
        """Hand a batch over as Lambda does, and delete what was not reported as failed."""
        outcome = self.invoke(CONSUMERS[queue], {"Records": [record(one) for one in batch]})
        if outcome.ok:
            failed = {item["itemIdentifier"] for item in outcome.answer["batchItemFailures"]}
            for message in batch:
                if message.id not in failed:
                    self.queues[queue].delete(message)
        return outcome

    def drain(self, queue="landings"):
        """Hand over batches until nothing is visible; what failed stays, hidden."""
        return list(iter(lambda: self.poll(queue), None))

    def later(self, queue="landings"):
        self.clock.advance(self.queues[queue].visibility)
        return self.drain(queue)

    def start_runs(self):
        """Let what has landed start its runs: in the collecting mode a tick has to come first."""
        outcomes = self.drain()
        if self.start_on == "schedule":
            assert self.tick().ok
        return outcomes

    def tick(self, due=None):
        """Make one attempt of a tick: of a new due time (a minute later) when none is named."""
        if due is None:
            self.clock.advance(60)
            due = self.utc()
        outcome = self.invoke("Schedule", events("schedule-tick") | {"ScheduledTime": due})
        self.ticks[due].append(outcome)
        return outcome

    def retry(self, tick):
        return self.tick(tick.event["ScheduledTime"])

    def _retry_ticks(self):
        """Do as Lambda does for asynchronous invocations: three attempts, then it gives up."""
        for due, attempts in list(self.ticks.items()):
            while len(attempts) < ATTEMPTS and not any(attempt.ok for attempt in attempts):
                self.tick(due)

    def give_up_ticks(self):
        self.ticks.clear()

    def reconcile(self, grace=0):
        """Invoke reconcile by hand; ``grace=None`` leaves its own graces."""
        return self.invoke("Reconcile", {} if grace is None else {"GraceSeconds": grace})

    # ---- executions --------------------------------------------------------------------------

    def stop(self, name):
        """Stop an execution at work: its job is being stopped then."""
        inside.job(name, "Stopping")
        self.machine.executions[name].stopping = True
        return self.finish(name, "ABORTED", job=name)

    def job_ends(self, name):
        inside.job(name, "Stopped")
        self.machine.executions[name].stopping = False

    def executions(self):
        return self.machine.executions

    def running(self):
        return [name for name, one in self.executions().items() if one.status == "RUNNING"]

    def processing(self):
        return [name for name, one in self.executions().items() if one.processing]

    def waiting_executions(self):
        return [name for name in self.running() if not self.executions()[name].processing]

    def _slot_requested(self, message):
        for delay in self.request_fate(message):
            self.statuses.send(json.dumps(message), delay)

    def _status_changed(self, execution):
        event = self.machine.event(execution)
        for delay in self.fate(event):
            self.statuses.send(json.dumps(event), delay)

    # ---- what is there -----------------------------------------------------------------------

    def rows(self):
        return {row["name"]: row for row in inside.items(self.stack.name("RunsTable"))}

    def waiting(self):
        """Give the landings that wait or waited for a tick; the table has cursors besides."""
        items = inside.items(self.stack.name("LandingsTable"))
        return [item for item in items if not item["id"].startswith("cursor:")]

    def manifests(self):
        """The versions of each manifest by its run's name; lists of landings are not among them."""
        prefix = self.variable("ObjectCreated", "MANIFEST_PREFIX")
        found = inside.objects(self.stack.name("OutputBucket"), prefix)
        return {
            key.removeprefix(prefix).removesuffix(".json"): versions
            for key, versions in found.items()
            if not key.endswith(".landings.json")
        }

    def manifest(self, run):
        return json.loads(self.manifests()[run][-1].value)

    def keys(self, run):
        _, *keys = self.manifest(run)
        return keys

    def dead(self, queue):
        """What lies in the dead-letter queue of a queue: bodies, and a reason if there is one."""
        buried = [(body, None) for body in self.queues[queue].buried]
        return inside.dead_letters(self.queues[queue].dead_letters) + buried

    # ---- coming to rest ----------------------------------------------------------------------

    def settle(self):
        """Heal, redeliver, tick, reconcile until nothing changes; then say what is wrong.

        The World has come to rest then: graces are over, nothing waits, nothing is on its way.
        Where concurrency is limited, all runs come to their end after that, within the limit.
        """
        self.faults.heal()
        self.thaw_indexes()
        self.machine.limit = None
        self.fate = self.request_fate = lambda _: [0]
        self._retry_ticks()
        wrong = self._come_to_rest()
        if wrong or not (self.machine.limited and self.running()):
            return wrong
        while processing := self.processing():
            self.clock.advance(60)
            for name in processing:
                self.finish(name)
            self.redeliver()
            wrong += violations(self)
        waiting = [f"no run has its job, {name} waits" for name in self.running()]
        return wrong + waiting or self._come_to_rest()

    def _come_to_rest(self):
        self.redeliver()
        if self.start_on == "schedule":
            self.tick()
        if wrong := self._reconcile_until_quiet():
            return wrong
        if self.start_on == "schedule":
            self.tick()
            self.redeliver()
        return violations(self, settled=True)

    def redeliver(self):
        """Hand over all that is in either queue, hidden or delayed, until it is gone or dead."""
        while messages := [*self.landings.messages.values(), *self.statuses.messages.values()]:
            self.clock.now = max(self.clock.now, min(one.visible_at for one in messages))
            self.drain("landings")
            self.drain("statuses")

    def _reconcile_until_quiet(self):
        """Reconcile, its graces over, until it finds nothing; say so if that never comes."""
        for _ in range(ROUNDS):
            self.clock.advance(GRACE)
            self.redeliver()
            outcome = self.reconcile(None)
            if not outcome.ok:
                return [f"reconcile failed: {outcome.error!r}"]
            if not sum(outcome.answer.values()) and not self.statuses:
                return []
        return [f"not at rest after {ROUNDS} rounds of reconcile"]
