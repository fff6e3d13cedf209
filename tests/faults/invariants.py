"""What must hold, said in sentences when it does not.

`violations` reads everything there is: at any moment with ``settled=False``, in its strict form
once a World has come to rest. `Watch` sees every write as it is made, so that what was wrong for a
moment is not forgotten; `Slots` does so for concurrency slots.
"""

import base64
import json
import zlib
from collections import Counter, defaultdict

from . import inside
from .landed import identity

FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


class Watch:
    """What was ever seen of rows and notifications.

    ``outcomes`` counts each run's recorded failures, ``complaints`` has what was wrong at the
    moment that it was written. ``notified_twice_by_crash`` counts notifications sent again because
    nobody could mark the one before as sent: its process died, or its answer was lost, after SNS
    had taken it.
    """

    def __init__(self, world):
        self._world, self._runs_table = world, world.stack.name("RunsTable")
        self.outcomes, self.complaints = Counter(), []
        self.notified, self.notified_twice_by_crash = Counter(), Counter()
        self._states, self._unmarked, self._owing = {}, {}, set()

    def see(self, call):
        table = call.arguments.get("TableName")
        if call.operation in ("put_item", "update_item") and table == self._runs_table:
            self._row((call.arguments.get("Key") or call.arguments["Item"])["name"]["S"])
        elif call.operation == "publish":
            self._publish(call)

    def _row(self, name):
        """See that redrive count and rank of a row grow, or the row stays as it is."""
        row = inside.row(self._runs_table, name)
        now = (int(row["redrive_count"]), int(row["status_rank"]), row["status"])
        before = self._states.get(name)
        if now != before:
            if before and now[:2] <= before[:2]:
                self.complaints.append(f"the row of {name} went from {before} to {now}")
            if name in self._owing and name not in self._unmarked:
                self.complaints.append(f"{before} of {name} was replaced before its notification")
            self._unmarked.pop(name, None)
            self.outcomes[name] += row["status"] in FAILED
        if row.get("unfinished") == "notification":
            self._owing.add(name)
        else:
            self._owing.discard(name)
            self._unmarked.pop(name, None)
        self._states[name] = now

    def _publish(self, call):
        name = call.arguments["Subject"].split()[1]
        self._world.published.append((call.arguments["Subject"], call.arguments["Message"]))
        teller = self._unmarked.get(name)
        if teller and not _goes_on(*teller, than=call.process):
            self.notified_twice_by_crash[name] += 1
        self.notified[name] += 1
        self._unmarked[name] = (call.process, call.process.invocation)


def _goes_on(process, invocation, *, than):
    """Whether another invocation, that could still mark what it sent, is under way."""
    alive = process.busy and not process.dead and process.invocation == invocation
    return alive and process is not than


def violations(world, *, settled=False):
    """Say what does not hold; see the module."""
    return [
        *world.history.complaints,
        *_manifests(world),
        *_placed(world, settled),
        *_executions(world, settled),
        *_rows(world, settled),
        *_notifications(world, settled),
        *_dead_letters(world, settled),
        *world.slots.violations(settled=settled),
        *(_left_over(world) if settled else ()),
    ]


def _manifests(world):
    for run, versions in world.manifests().items():
        if len(versions) != 1:
            yield f"the manifest of {run} was written {len(versions)} times"


def placed(world):
    """Give the names of the runs that each landing is placed in."""
    runs = defaultdict(list)
    for run, landing in _listed(world):
        runs[landing].append(run)
    return {landed: runs[landed.identity] for landed in world.landed}


def _listed(world):
    """Give each run with what its manifest names: the landing of its trigger, or its list."""
    for run, versions in world.manifests().items():
        packed = versions[-1].metadata["x-amz-meta-trigger"]
        trigger = json.loads(zlib.decompress(base64.b64decode(packed)))
        if trigger["Kind"] == "object-created":
            [key] = world.keys(run)
            yield run, identity(key, trigger.get("VersionId"), trigger.get("Sequencer"))
        for entry in _collected(world, versions[-1]):
            yield run, identity(entry["key"], entry["version_id"], entry["sequencer"])


def _collected(world, manifest):
    """Read the list of exact landings that a manifest of the collecting mode names."""
    key = manifest.metadata.get("x-amz-meta-landings")
    if key is None:
        return []
    [versions] = inside.objects(world.stack.name("OutputBucket"), key).values()
    return json.loads(versions[-1].value)["landings"]


def _placed(world, settled):
    yield from _invented(world)
    newest = {landed.key: landed for landed in world.landed if landed.expected and landed.sent}
    for landed, runs in placed(world).items():
        if not landed.expected and runs:
            yield f"{landed.key} is in the manifest of {runs[0]} and should be in none"
        if len(runs) > 1:
            yield f"{landed.identity} is in {len(runs)} manifests: {sorted(runs)}"
        must = world.start_on == "arrival" or newest.get(landed.key) is landed
        if settled and landed.expected and landed.sent and must and not runs:
            yield f"{landed.identity} is in no manifest"


def _invented(world):
    known = {landed.identity for landed in world.landed}
    for run, landing in _listed(world):
        if landing not in known:
            yield f"{run} lists {landing}, which never landed"
    for run, [manifest, *_] in world.manifests().items():
        keys = sorted(entry["key"] for entry in _collected(world, manifest))
        named = sorted(json.loads(manifest.value)[1:])
        if keys and (keys != named or len(set(keys)) != len(keys)):
            yield f"the manifest of {run} names {named}, its list {keys}"


def _executions(world, settled):
    manifests = world.manifests()
    for name, execution in world.executions().items():
        given = json.loads(execution.input)
        if name not in manifests:
            yield f"{name} runs without a manifest"
        elif not given["InputMessage"].endswith(f"/{manifests[name][-1].name}"):
            yield f"{name} reads {given['InputMessage']}"
        if given["PreprocessingJobName"] != name:
            yield f"{name} was started with the name {given['PreprocessingJobName']}"
    if settled:
        for run in manifests.keys() - world.executions().keys() - world.machine.forgotten:
            yield f"the manifest of {run} has no execution"


def _rows(world, settled):
    rows = world.rows()
    for name in rows.keys() - world.executions().keys() - world.machine.forgotten:
        yield f"the row of {name} has no execution"
    for name, execution in world.executions().items():
        row = rows.get(name)
        if row is None:
            if settled:
                yield f"{name} has no row"
            continue
        state = (row["redrive_count"], row["status"])
        if state not in execution.states:
            yield f"the row of {name} says {state}, its execution was {execution.states}"
        if settled:
            yield from _recorded_truly(execution, row)


def _recorded_truly(execution, row):
    given, stopped = json.loads(execution.input), execution.stopped
    truth = {
        "status": execution.status,
        "redrive_count": execution.redrive_count,
        "error": execution.error,
        "output": execution.output,
        "input_message": given["InputMessage"],
        "trigger": given["Trigger"],
        "stopped_at": stopped and f"{stopped.isoformat(timespec='milliseconds')[:-6]}Z",
        "unfinished": "execution" if execution.status == "RUNNING" else None,
    }
    for attribute, value in truth.items():
        if row.get(attribute) != value:
            said = f"{row.get(attribute)!r}, the truth is {value!r}"
            yield f"{attribute} of {execution.name} is {said}"


def _notifications(world, settled):
    watch = world.history
    for name in watch.notified.keys() | watch.outcomes.keys():
        sent, due = watch.notified[name], watch.outcomes[name]
        if sent > due + watch.notified_twice_by_crash[name]:
            yield f"{due} failures of {name} were notified {sent} times"
        if settled and sent < due:
            yield f"{due} failures of {name} were notified {sent} times only"


def _dead_letters(world, settled):
    """Poison may lie there twice: whoever put it there may have died before saying so."""
    poison = set(world.poison)
    dead = {body for queue in ("landings", "statuses") for body, _ in world.dead(queue)}
    for body in dead - poison:
        yield f"dead-lettered, though no poison: {body[:300]}"
    for body in poison - dead if settled else ():
        yield f"poison that is not in a dead-letter queue: {body[:300]}"


def _left_over(world):
    for queue in (world.landings, world.statuses):
        if len(queue):
            yield f"{len(queue)} messages are left in a queue"
    if world.start_on == "schedule":
        for item in world.waiting():
            for attribute in ("waiting", "claimed_by"):
                if attribute in item:
                    yield f"{item['key']} is still {attribute}: {item[attribute]}"


class Slots:
    """What must hold of concurrency slots: the limit, and that nothing waits while one is free.

    Sees every slot that is acquired, and every execution that is resumed, in this ``order``.
    Redriven executions go on to their job without a request: they count from the moment that the
    functions know of them.
    """

    def __init__(self, world):
        self._world = world
        self._limits, self.order, self.complaints = [0], [], []

    def set_limit(self, limit):
        """Note the limit in force; an earlier one counts while executions that it let in run."""
        self._limits = [*self._limits, limit] if any(self._limits) else [limit]

    def resumed(self, execution):
        self.order.append(execution.name)
        processing = [one for one in self._world.executions().values() if one.counts_for_limit]
        if execution.name not in self.holders():
            self.complaints.append(f"{execution.name} was resumed without a slot")
        if self._over(len(processing)):
            self.complaints.append(f"{len(processing)} have their job, the limit is {self._limits}")

    def see(self, call):
        if call.operation == "transact_write_items" and _acquires(call.arguments):
            holders = len(self.holders())
            if self._over(holders):
                self.complaints.append(f"{holders} slots are held, the limit is {self._limits}")

    def _over(self, number):
        if len(self.holders()) <= self._limits[-1]:  # some of them may be resumed later
            self._limits = self._limits[-1:]
        return 0 not in self._limits and number > max(self._limits)

    def _table(self):
        """Read the status of each execution in the table, and the number of slots in use."""
        items = inside.items(self._world.stack.name("ConcurrencyTable"))
        statuses = {one["name"]: one["status"] for one in items if one["item_type"] == "execution"}
        counts = [int(one["slots_in_use"]) for one in items if one["item_type"] == "count"]
        return statuses, sum(counts)

    def holders(self):
        return {name for name, status in self._table()[0].items() if status != "waiting"}

    def violations(self, *, settled):
        yield from self.complaints
        statuses, slots_in_use = self._table()
        holders = {name for name, status in statuses.items() if status != "waiting"}
        if slots_in_use != len(holders):
            yield f"{len(holders)} executions hold a slot, {slots_in_use} slots are counted"
        if self._world.machine.limited and settled:
            pending = [name for name, status in statuses.items() if status == "resume-pending"]
            yield from (f"{name} was not resumed" for name in pending)
            yield from self._at_rest(holders, statuses.keys() - holders)

    def _at_rest(self, holders, recorded):
        processing, waiting = set(self._world.processing()), set(self._world.waiting_executions())
        yield from (f"{name} has its job without a slot" for name in processing - holders)
        yield from (f"{name} holds a slot and has no job" for name in holders - processing)
        yield from (f"{name} waits, which is not recorded" for name in waiting - recorded)
        if len(holders) < self._limits[-1]:  # until then the request of an ended one may remain
            yield from (f"{name} is recorded and does not wait" for name in recorded - waiting)
        if waiting and len(holders) < self._limits[-1]:
            yield f"{len(waiting)} wait while {len(holders)} of {self._limits[-1]} slots are in use"


def _acquires(arguments):
    puts = [write["Put"]["Item"] for write in arguments["TransactItems"] if "Put" in write]
    return any(item["status"]["S"] == "resume-pending" for item in puts)
