"""Every hard rule finds what is planted, and leaves its twin, one tick inside the law, alone."""

import pytest

from supervision.rules import ALL
from tests.detect import everything
from tests.detect.planted import measure

CASES = 3


@pytest.mark.parametrize("rule_id", everything.RULES)
def test_the_planted_are_found_and_their_twins_are_not(tmp_path, rule_id):
    measured = measure(rule_id, tmp_path / "evidence", cases=CASES)
    assert (measured.precision, measured.recall) == (1.0, 1.0), measured


def test_the_rules_measured_are_built():
    assert set(everything.RULES) <= {rule.rule_id for rule in ALL}
