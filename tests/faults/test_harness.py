"""What the suite promises: a test for each case, mutations that can be made, an unlucky soak."""

import re
from pathlib import Path

import pytest

from .cases import CASES
from .mutations import MUTATIONS, ROOT, mutated
from .soak import report, soak


def test_every_case_of_the_list_is_claimed_by_a_test():
    claims = re.compile(r"pytest\.mark\.case\(([\d, ]+)\)")
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    claimed = {int(n) for text in texts for found in claims.findall(text) for n in found.split(",")}
    assert claimed == CASES.keys()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_guarantee_that_make_mutations_takes_away_is_there_and_what_is_left_is_python(
    mutation,
):
    path = ROOT / "src" / mutation.file
    compile(mutated(path.read_text("utf-8"), mutation), str(path), "exec")


def test_a_little_soak_has_bad_luck_loses_nothing_and_is_repeated_by_its_seed(capsys):
    happened, wrong = soak("arrival", 20, seed=3)
    assert wrong == []
    assert "20 versions landed" in happened
    assert "throttled" in happened
    assert soak("arrival", 20, seed=3) == (happened, wrong)
    assert report(happened, wrong) == 0
    assert report(happened, ["a.jsonl is in no manifest"]) == 1
    assert "a.jsonl is in no manifest" in capsys.readouterr().out
