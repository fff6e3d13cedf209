"""What the suite promises: a test for each case, and mutations that can be made."""

import re
from pathlib import Path

import pytest

from .cases import CASES
from .mutations import MUTATIONS, ROOT, mutated


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
