"""The level by the table, the clocks from the detection, the moving average of a signal."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.incidents.rules import (
    Duty,
    Facts,
    Kind,
    Level,
    Matter,
    Receiver,
    Standing,
    closed_by_authority,
    duties,
    grade,
    is_reportable,
    other_duty,
    standing_of,
)
from cases.incidents.signals import Colour, Signal, ack_by, judge
from cases.incidents.terms import all_terms, term
from registry.rules import Level as DataLevel

NOW = datetime(2026, 11, 16, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
STEPS = (
    ("persons", 1_000_000, 10_000_000, 100_000_000),
    ("sensitive_persons", 100_000, 1_000_000, 10_000_000),
    ("loss_minor", 500_000_000, 2_000_000_000, 10_000_000_000),
    ("outage_minutes", 30, 120, 360),
    ("partial_minutes", 120, 360, 1440),
)


def facts(**known):
    return Facts(kind=Kind.LEAK, **known)


@pytest.mark.parametrize(("name", "larger", "major", "extreme"), STEPS)
def test_a_level_begins_exactly_at_its_number(name, larger, major, extreme) -> None:
    levels = (Level.GENERAL, Level.LARGER, Level.MAJOR, Level.EXTREME)
    for below, at, number in zip(levels, levels[1:], (larger, major, extreme), strict=False):
        assert grade(facts(**{name: number - 1}), NOW).level is below
        assert grade(facts(**{name: number}), NOW).level is at
    short = {"sensitive_persons": "sensitive", "loss_minor": "loss"}.get(name, name.removesuffix("_minutes"))
    assert grade(facts(**{name: extreme}), NOW).cited == (f"INC-GRADE@1.{short}_extreme",)


def test_altered_records_and_the_level_of_the_data_count_for_themselves() -> None:
    assert grade(facts(records_altered=True), NOW).level is Level.LARGER
    assert grade(facts(data_level=DataLevel.IMPORTANT), NOW).level is Level.LARGER
    core = grade(facts(data_level=DataLevel.CORE, persons=1_000_000), NOW)
    assert (core.level, core.cited) == (Level.MAJOR, ("INC-GRADE@1.data_core",))
    assert grade(facts(data_level=DataLevel.GENERAL_4), NOW).level is Level.GENERAL


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**12), st.integers(0, 10**5), st.booleans()
)
def test_more_of_anything_never_lowers_the_level(persons, more, loss, minutes, altered) -> None:
    one = facts(persons=persons, loss_minor=loss, outage_minutes=minutes, records_altered=altered)
    other = facts(
        persons=persons + more, loss_minor=loss, outage_minutes=minutes + more % 50, records_altered=altered
    )
    assert grade(other, NOW).level.rank >= grade(one, NOW).level.rank


def test_who_reports_to_whom_in_one_two_or_four_hours_across_midnight() -> None:
    def told(standing):
        found = duties(Level.LARGER, facts(standing=standing), detected_at=NOW)
        return {(one.matter, one.receiver): one.due_at for one in found}

    hours = timedelta(hours=1)
    assert told(Standing.CII) == {
        (Matter.REPORT, Receiver.DATA_AUTHORITY): NOW + hours,
        (Matter.REPORT_SECURITY, Receiver.PUBLIC_SECURITY): NOW + hours,
    }
    assert told(Standing.CENTRAL)[Matter.REPORT, Receiver.CAC] == NOW + 2 * hours
    assert told(Standing.OTHER) == {
        (Matter.REPORT, Receiver.CAC): datetime(2026, 11, 16, 19, 30, tzinfo=UTC),  # 03:30 of the 17th
        (Matter.REPORT_DATA, Receiver.DATA_AUTHORITY): NOW + 24 * hours,
    }
    assert standing_of(Standing.OTHER, is_ciio=True) is Standing.CII
    assert standing_of(Standing.CENTRAL, is_ciio=False) is Standing.CENTRAL


@pytest.mark.parametrize(
    ("standing", "hours"), [(Standing.CII, 1), (Standing.CENTRAL, 2), (Standing.OTHER, 4)]
)
@pytest.mark.parametrize(
    "detected_at",
    [
        datetime(2026, 12, 31, 15, 59, 59, 999_999, tzinfo=UTC),  # the last moment of the year in Shanghai
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2028, 2, 28, 15, 30, tzinfo=UTC),  # a leap year's February
        datetime(2026, 9, 30, 15, 30, tzinfo=UTC),  # into a week of holidays
    ],
)
def test_the_hours_run_by_the_clock_over_midnight_a_years_end_and_holidays(
    standing, hours, detected_at
) -> None:
    facts = Facts(kind=Kind.LEAK, persons=1_000_000, standing=standing)
    found = {one.matter: one.due_at for one in duties(Level.LARGER, facts, detected_at=detected_at)}
    assert found[Matter.REPORT] - detected_at == timedelta(hours=hours)


def test_below_larger_nothing_is_reported_but_a_defect_that_harms_the_public() -> None:
    assert not is_reportable(Level.GENERAL, NOW)
    assert is_reportable(Level.LARGER, NOW)
    assert duties(Level.GENERAL, facts(), detected_at=NOW) == ()
    assert duties(Level.GENERAL, facts(public_harm=True), detected_at=NOW) == (
        Duty(Matter.DEFECT, NOW + timedelta(hours=24), "INC-CLOCK@1.defect", Receiver.DATA_AUTHORITY),
    )
    assert [closed_by_authority(level, NOW) for level in Level] == [False, False, True, True]
    assert other_duty(Matter.FORWARD, NOW).due_at == NOW + timedelta(minutes=30)
    assert other_duty(Matter.SUMMARY, NOW).due_at == NOW + timedelta(days=30)


def test_each_number_has_a_source_and_those_of_the_regulation_are_verified() -> None:
    rows = {(one.rule_id, one.name): one for one in all_terms()}
    assert all(one.legal_basis for one in rows.values())
    assert rows["INC-CLOCK", "report_other"].source_status == "verified"
    assert rows["INC-GRADE", "persons_larger"].source_status == "unverified"
    assert term("WRN-ACK", "red", NOW).whole == 1


def test_a_reading_warns_from_its_limit_on() -> None:
    assert judge(Signal.SIGN_IN_FAILURES, 19, (), NOW) is None
    found = judge(Signal.SIGN_IN_FAILURES, 200, (), NOW)
    assert found is not None
    assert (found.colour, found.limit, found.cited) == (
        Colour.ORANGE,
        200,
        "WRN-SIGN_IN_FAILURES@1.orange",
    )
    assert judge(Signal.SPLIT_VIEW, 0, (), NOW) is None
    red = judge(Signal.SPLIT_VIEW, 1, (), NOW)
    assert red is not None
    assert red.colour is Colour.RED
    assert ack_by(Colour.RED, NOW) == NOW + timedelta(hours=1)


def test_a_count_that_leaves_its_course_warns_below_its_limit() -> None:
    quiet = [0, 1, 0, 2] * 6
    found = judge(Signal.SIGN_IN_FAILURES, 18, quiet, NOW)
    assert found is not None
    assert (found.colour, found.value, found.mean_milli) == (Colour.ORANGE, 18, 750)
    assert found.deviations_milli is not None
    assert found.deviations_milli > 6000
    assert judge(Signal.SIGN_IN_FAILURES, 18, quiet[:-1], NOW) is None  # too little is known
    assert judge(Signal.SIGN_IN_FAILURES, 18, [15, 20] * 12, NOW) is None  # this is its course
    assert judge(Signal.SIGN_IN_FAILURES, 9, [0] * 24, NOW) is None  # too few to matter


@given(st.lists(st.integers(0, 10**6), max_size=60), st.integers(0, 10**6))
def test_no_readings_break_the_rule_and_a_higher_one_warns_no_less(history, value) -> None:
    one = judge(Signal.REFUSED_ACCESSES, value, history, NOW)
    more = judge(Signal.REFUSED_ACCESSES, value * 2 + 1, history, NOW)
    assert (0 if one is None else one.colour.rank) <= (0 if more is None else more.colour.rank)
