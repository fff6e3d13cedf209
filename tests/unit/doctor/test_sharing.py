"""Instances that have nothing to do are noticed before they are paid for."""

from __future__ import annotations

import pytest

from landrun_ops.doctor.instances import judge_sharing


def test_instances_that_one_landed_object_leaves_idle_are_warned_of() -> None:
    found = judge_sharing({"InstanceCount": "3", "StartOn": "arrival"})
    assert found.grade == "warn"
    assert "2 of them do nothing" in found.says
    assert "InstanceCount=1, StartOn=schedule or Engine=spark" in found.remedy


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"InstanceCount": "1", "StartOn": "arrival"},
        {"InstanceCount": "3", "StartOn": "schedule"},
        {"InstanceCount": "3", "StartOn": "arrival", "Engine": "spark"},
    ],
    ids=str,
)
def test_instances_that_all_have_work_are_well(parameters: dict[str, str]) -> None:
    assert judge_sharing(parameters).grade == "ok"
