"""Every rule finds what is planted and leaves its twin, one tick inside the law, alone: all in one market."""

import pytest

from supervision.rules import ALL
from supervision.runner import carry_out
from tests.detect import everything
from tests.detect.planted import PLANTERS, measure, plan_of, plant
from tests.supervision.tables import Market

CASES = 3


def tags(rule_id, *, guilty):
    return {f"{'V' if guilty else 'N'}{rule_id.replace('-', '')}{n}" for n in range(CASES)}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """By rule, the tags its findings name. Planted together, so that the queries are written once."""
    market = Market("orgs", "flags", "trades")
    for rule_id in everything.RULES:
        for guilty in (True, False):
            for tag in sorted(tags(rule_id, guilty=guilty)):
                plant(rule_id, market, tag, guilty=guilty)
    named = {}
    for finding in carry_out(
        plan_of(), market.write(tmp_path_factory.mktemp("detect") / "evidence")
    ).findings:
        parts = {part for name in (*finding.objects, *finding.subjects) for part in name.split("-")}
        named.setdefault(finding.rule_id, set()).update(parts)
    return named


@pytest.mark.parametrize("rule_id", everything.RULES)
def test_the_planted_are_found_and_their_twins_are_not(told, rule_id):
    assert tags(rule_id, guilty=True) <= told[rule_id]
    assert not tags(rule_id, guilty=False) & told[rule_id]


@pytest.mark.parametrize("planted", everything.ALONE)
def test_the_planted_of_a_second_way_are_found_and_their_twins_are_not(planted, tmp_path):
    measured = measure(planted, tmp_path / "evidence", cases=CASES * 4)
    assert (measured.precision, measured.recall) == (1.0, 1.0)


def test_the_rules_measured_are_built():
    assert {PLANTERS[name].rule_id for name in everything.ALL} <= {rule.rule_id for rule in ALL}
