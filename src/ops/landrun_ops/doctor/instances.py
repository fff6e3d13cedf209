"""How a run's instances share its work: idle ones are paid for, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from landrun_ops.doctor.aws_reader import Sight
from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, ok, skip, warn
from landrun_ops.stack.engines import distribution

AREA: Final = "the job"


def judge_sharing(parameters: Mapping[str, str]) -> Finding:
    """Judge whether what lands gives all instances something to do."""
    count = int(parameters.get("InstanceCount") or 1)
    if count == 1:
        return ok("a run has one instance, which reads all of its objects")
    if distribution(parameters) == "FullyReplicated":
        return ok(f"a run's {count} instances are one Spark cluster")
    if parameters.get("StartOn") == "schedule":
        return ok(f"a run's {count} instances share the objects that have landed since a tick")
    return warn(
        f"a run has {count} instances and, with StartOn=arrival, one object, which is never"
        f" divided: {count - 1} of them do nothing",
        "sam deploy with InstanceCount=1, StartOn=schedule or Engine=spark; good as it is where"
        " runs are started over many objects (ScheduledInput, landrun start)",
    )


def checks(sight: Sight) -> list[Check]:
    """Give the check of instances."""
    return [Check(AREA, "instances", lambda: [_shared(sight.stack.parameters)])]


def _shared(parameters: Mapping[str, str]) -> Finding:
    if parameters.get("StateMachineArn"):
        return skip("the machine given says itself what its jobs are")
    return judge_sharing(parameters)
