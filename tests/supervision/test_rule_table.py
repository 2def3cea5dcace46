"""The rule table: versions by date, exact values, honest sources."""

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from supervision.rule_table import STATUSES, RulesInForce, all_values, in_force
from supervision.rules import ALL

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_every_rule_built_has_its_numbers_and_sources_in_the_table():
    rules = in_force(NOW)
    for rule in ALL:
        assert rule.rule_id in rules
        assert rules.legal_basis(rule.rule_id)
        assert rules.threshold(rule.rule_id, *rule.cites)
    assert {value.source_status for value in all_values()} <= STATUSES


def test_the_law_of_the_day_is_the_shanghai_day():
    last_moment = datetime(2022, 7, 31, 15, 59, 59, tzinfo=UTC)  # 23:59:59 in Shanghai
    assert in_force(last_moment).version("AML24-1") == "1"
    assert in_force(datetime(2022, 7, 31, 16, 0, tzinfo=UTC)).version("AML24-1") == "2"
    assert "AML24-1" not in in_force(datetime(2008, 7, 31, tzinfo=UTC))


def test_shares_are_exact_fractions():
    rules = in_force(NOW)
    assert rules.fraction("AML24-2", "share") == Fraction(2, 3)
    assert rules.fraction("AML24-X", "share_below") == Fraction(1, 10)
    assert rules.whole("WT2", "within") == 7


def test_two_versions_at_once_are_refused():
    (value,) = (v for v in all_values() if v.rule_id == "AML24-1" and v.version == "2")
    with pytest.raises(ValueError, match="in force at once"):
        RulesInForce([value, replace(value, version="3")])
    with pytest.raises(ValueError, match="in force at once"):
        RulesInForce([value, value])


def test_no_day_of_the_table_has_two_versions():
    days = {day for value in all_values() for day in (value.effective_from, value.effective_to) if day}
    for day in days | {date(2000, 1, 1), date(2099, 1, 1)}:
        in_force(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def test_what_was_not_read_in_a_primary_text_says_so():
    threshold = in_force(NOW).threshold("HHI")
    assert threshold["HHI@1.high_above"] == {"value": "1800", "unit": "hhi", "source_status": "unverified"}
