"""The soak: unlucky, loud about what is wrong, and the same for the same seed."""

from __future__ import annotations

from .soak import report, soak


def test_a_little_soak_has_bad_luck_loses_nothing_and_is_repeated_by_its_seed(capsys):
    happened, wrong = soak("arrival", 20, seed=3)
    assert wrong == []
    assert "20 versions landed" in happened
    assert "throttled" in happened
    assert soak("arrival", 20, seed=3) == (happened, wrong)
    assert report(happened, wrong) == 0
    assert report(happened, ["a.jsonl is in no manifest"]) == 1
    assert "a.jsonl is in no manifest" in capsys.readouterr().out
