"""The soak: unlucky, loud about what is wrong, and the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

from .soak import report, soak


def test_a_little_soak_has_bad_luck_loses_nothing_and_is_repeated_by_its_seed(capsys):
    lived = soak("arrival", 20, seed=3)
    assert (lived.violations, lived.landings) == ([], 20)
    assert lived.faults["throttled"] > 0
    assert soak("arrival", 20, seed=3) == lived
    assert report("arrival", lived) == 0
    assert report("arrival", replace(lived, violations=["a.jsonl is in no manifest"])) == 1
    assert "a.jsonl is in no manifest" in capsys.readouterr().out
