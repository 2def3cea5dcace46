"""Declarations, claims, numbers, windows: what is decided without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import RightNotRegistrable
from registry.registration.errors import (
    RegistrarUnfit,
    RegistrationMalformed,
    RegistrationTooEarly,
    RegistrationTooLate,
)
from registry.registration.rules import (
    Claim,
    Kind,
    check_claims,
    check_declaration,
    check_renewal,
    claims_conflict,
    due_after,
    is_number,
    number_in,
    renewed_until,
    series_of,
    valid_until,
)
from registry.registration.seats import check_registrar
from registry.registration.terms import all_terms, term
from registry.rules import Right, Source, SourceFacts
from tests.registry.registration.desk import DECLARED, FIT, NOW, PUBLIC

TODAY = date(2026, 11, 16)
PR, PUB = Kind.PROPERTY_RIGHT, Kind.PUBLIC_RESOURCE


def test_the_number_is_that_of_the_guideline():
    series = series_of(PR, "44", "1", NOW)
    assert number_in(series, 1) == "SJ4412026110001"
    assert number_in(series_of(PUB, "44", "1", NOW), 9_999) == "GS4412026119999"
    with pytest.raises(RegistrationMalformed):
        number_in(series, 10_000)


@given(st.integers(1, 9_999), st.datetimes(datetime(2021, 1, 1), datetime(2099, 1, 1)))  # noqa: DTZ001 - made aware below
def test_every_number_has_fifteen_characters_and_is_known_again(serial, at):
    number = number_in(series_of(PR, "44", "A", at.replace(tzinfo=UTC)), serial)
    assert len(number) == 15
    assert is_number(number)


@pytest.mark.parametrize(
    "text", ["SJ4412026130001", "SJ441202611001", "sj4412026110001", "XX4412026110001", ""]
)
def test_what_is_no_number(text):
    assert not is_number(text)


@pytest.mark.parametrize(
    ("kind", "name", "last"),
    [
        (PR, "acceptance", "2026-11-19"),
        (PR, "review", "2026-11-30"),
        (PR, "notice", "2026-11-23"),
        (PUB, "review", "2026-12-14"),
        (PUB, "notice", "2026-11-30"),
    ],
)
def test_periods_are_working_days_to_the_end_of_the_last(kind, name, last):
    assert due_after(kind, name, NOW).isoformat() == f"{last}T15:59:59.999000+00:00"


def test_a_right_is_valid_for_five_years_and_a_public_resource_for_three_or_its_term():
    assert valid_until(PR, NOW).isoformat() == "2031-11-15T15:59:59.999000+00:00"
    assert valid_until(PUB, NOW).isoformat() == "2029-11-15T15:59:59.999000+00:00"
    assert valid_until(PUB, NOW, term_ends=date(2028, 1, 1)).isoformat() == "2028-01-01T15:59:59.999000+00:00"
    assert renewed_until(PR, valid_until(PR, NOW), NOW).isoformat() == "2036-11-15T15:59:59.999000+00:00"


@pytest.mark.parametrize(
    ("kind", "day", "refused"),
    [
        (PR, "2031-05-14", RegistrationTooEarly),
        (PR, "2031-05-15", None),
        (PR, "2031-11-14", None),
        (PR, "2031-11-15", RegistrationTooLate),
        (PUB, "2031-09-15", RegistrationTooEarly),
        (PUB, "2031-09-16", None),
    ],
)
def test_a_renewal_is_asked_for_in_its_window_to_the_day_before(kind, day, refused):
    at = datetime.fromisoformat(f"{day}T04:00:00+00:00")
    if refused is None:
        check_renewal(kind, valid_until(PR, NOW), at)
    else:
        with pytest.raises(refused):
            check_renewal(kind, valid_until(PR, NOW), at)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "名" * 41}, "name"),
        ({"abstract": "述" * 401}, "abstract"),
        ({"industry": "44"}, "industry"),
        ({"region": "4401"}, "region"),
        ({"covers_to": date(2024, 1, 1)}, "covers_to"),
        ({"covers_from": date(2027, 1, 1), "covers_to": date(2027, 2, 1)}, "covers_from"),
        ({"volume_bytes": 0}, "volume_bytes"),
    ],
)
def test_a_declaration_names_the_field_that_is_wrong(changes, field):
    check_declaration(PR, DECLARED, TODAY)
    with pytest.raises(RegistrationMalformed) as refused:
        check_declaration(PR, replace(DECLARED, **changes), TODAY)
    assert refused.value.facts["fields"] == [field]


def test_a_name_of_forty_and_an_abstract_of_four_hundred_characters_are_taken():
    check_declaration(PR, replace(DECLARED, name="名" * 40, abstract="述" * 400), TODAY)


def test_a_public_resource_names_its_scenario_and_risk_and_claims_no_right():
    check_claims(PUB, PUBLIC, [], on=TODAY)
    with pytest.raises(RegistrationMalformed):
        check_declaration(PUB, replace(PUBLIC, risk_assessment_sha256=None), TODAY)
    with pytest.raises(RegistrationMalformed):
        check_claims(PUB, PUBLIC, [Claim(holder_id="org_1", right=Right.HOLD)], on=TODAY)
    with pytest.raises(RegistrationMalformed):
        check_claims(PUB, replace(PUBLIC, source=Source.SELF_COLLECTED), [], on=TODAY)


@pytest.mark.parametrize(
    ("source", "facts", "right", "given"),
    [
        (Source.PUBLIC_DUTY, SourceFacts(), Right.HOLD, False),  # Art 15: no property right of public data
        (Source.ON_BEHALF, SourceFacts(), Right.HOLD, False),
        (Source.PUBLIC_CRAWL, SourceFacts(), Right.USE, True),
        (Source.PUBLIC_CRAWL, SourceFacts(), Right.OPERATE, False),
        (Source.PUBLIC_CRAWL, SourceFacts(substitutes_source=False), Right.OPERATE, True),
        (Source.FUSION, SourceFacts(), Right.OPERATE, False),
        (Source.FUSION, SourceFacts(others_consent=True), Right.OPERATE, True),
    ],
)
def test_the_source_decides_which_right_is_registered(source, facts, right, given):
    said = replace(DECLARED, source=source, facts=facts)
    claim = [Claim(holder_id="org_1", right=right)]
    if given:
        check_claims(PR, said, claim, on=TODAY)
    else:
        with pytest.raises(RightNotRegistrable):
            check_claims(PR, said, claim, on=TODAY)


def test_the_same_right_may_be_anothers_too_but_is_claimed_once_a_holder():
    both = [Claim(holder_id=f"org_{n}", right=Right.USE) for n in (1, 2)]
    check_claims(PR, DECLARED, both, on=TODAY)
    with pytest.raises(RegistrationMalformed):
        check_claims(PR, DECLARED, [*both, both[0]], on=TODAY)
    with pytest.raises(RegistrationMalformed):
        check_claims(PR, DECLARED, [replace(both[0], until=TODAY)], on=TODAY)


def test_two_that_began_with_the_same_bytes_conflict_and_a_taker_does_not():
    mine, yours = Source.SELF_COLLECTED, Source.OWN_ACTIVITY
    assert claims_conflict(mine, ["org_1"], yours, ["org_2"])
    assert not claims_conflict(mine, ["org_1"], yours, ["org_2", "org_1"])
    assert not claims_conflict(mine, ["org_1"], Source.AGREEMENT, ["org_2"])


@pytest.mark.parametrize(
    "name", ["paid_in_capital_minor", "experience_years", "staff_experience_years", "mlps"]
)
def test_a_registrar_one_short_of_a_number_is_not_recognised(name):
    check_registrar(FIT, NOW)
    with pytest.raises(RegistrarUnfit):
        check_registrar(replace(FIT, **{name: getattr(FIT, name) - 1}), NOW)


def test_every_number_has_a_basis_and_one_version_a_day():
    terms = all_terms()
    assert all(one.legal_basis and one.source_status in {"verified", "default"} for one in terms)
    assert len({(one.rule_id, one.name) for one in terms}) == len(terms)
    assert term("REG-PR", "validity", NOW).whole == 60
