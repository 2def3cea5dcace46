"""Thirteen rules in order, near misses at every threshold, and the trace that explains them."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.customs.declared import ContractKind, Ground, Kind, check_declaration, require_declared
from market.customs.errors import DeclarationContradicted, DeclarationMalformed
from market.customs.routing import ListEntry, Way, last_day_of, route_declaration
from registry.rules import Hint, HintKind, Level
from tests.market.customs.flows import NOW, PERSONAL, PLAIN, facts, flow

HK = {"recipient_region": "HK"}


def to(country: str, said):
    return replace(said, recipient=replace(said.recipient, country=country), storage_place=country)


@pytest.mark.parametrize(
    ("said", "known", "way", "rule_id"),
    [
        (flow(state_secret=True), facts(), Way.PROHIBIT, "XBD-R1"),
        (flow(), facts(level=Level.CORE), Way.PROHIBIT, "XBD-R1"),
        (flow(), facts(level=Level.IMPORTANT), Way.ASSESSMENT, "XBD-R2"),
        (flow(), facts(), Way.EXEMPT_NO_PERSONAL, "XBD-R4"),
        (flow(99_999), facts(99_999), Way.EXEMPT_SMALL, "XBD-R13"),
        (flow(100_000), facts(100_000), Way.CONTRACT_OR_CERTIFICATION, "XBD-R12"),
        (flow(999_999), facts(999_999), Way.CONTRACT_OR_CERTIFICATION, "XBD-R12"),
        (flow(1_000_000), facts(1_000_000), Way.ASSESSMENT, "XBD-R11"),
        (flow(0, 1), facts(0, 1), Way.CONTRACT_OR_CERTIFICATION, "XBD-R12"),
        (flow(0, 9_999), facts(0, 9_999), Way.CONTRACT_OR_CERTIFICATION, "XBD-R12"),
        (flow(0, 10_000), facts(0, 10_000), Way.ASSESSMENT, "XBD-R11"),
        # what the group sent before counts: one person too many, and one too few
        (flow(1), facts(100_000), Way.CONTRACT_OR_CERTIFICATION, "XBD-R12"),
        (flow(1), facts(99_999), Way.EXEMPT_SMALL, "XBD-R13"),
        # sensitive persons of other flows make no flow without them sensitive
        (flow(1), facts(1, 9_999), Way.EXEMPT_SMALL, "XBD-R13"),
        (flow(1), facts(1, is_ciio=True), Way.ASSESSMENT, "XBD-R10"),
        (flow(), facts(is_ciio=True), Way.EXEMPT_NO_PERSONAL, "XBD-R4"),
        (to("HK", flow(100_000)), facts(100_000, **HK), Way.GBA_STANDARD_CONTRACT, "XBD-R9"),
        (
            to("MO", flow(0, 10_000)),
            facts(0, 10_000, recipient_region="MO"),
            Way.GBA_STANDARD_CONTRACT,
            "XBD-R9",
        ),
        (to("HK", flow(1)), facts(1, level=Level.IMPORTANT, **HK), Way.ASSESSMENT, "XBD-R2"),
        (to("HK", flow(1)), facts(1, exporter_region="310000", **HK), Way.EXEMPT_SMALL, "XBD-R13"),
        (to("HK", flow(1, onward=("SG",))), facts(1, **HK), Way.EXEMPT_SMALL, "XBD-R13"),
        (to("TW", flow(1)), facts(1, recipient_region="TW"), Way.EXEMPT_SMALL, "XBD-R13"),
    ],
)
def test_the_first_rule_that_decides_gives_the_route(said, known, way, rule_id):
    routed = route_declaration(said, known)
    assert (routed.way, routed.rule_id) == (way, rule_id)
    numbers = [int(tried.rule_id.removeprefix("XBD-R")) for tried in routed.trace]
    assert numbers == list(range(1, numbers[-1] + 1))  # every rule before it was asked, and told
    assert [tried.decides for tried in routed.trace] == [False] * (len(numbers) - 1) + [True]
    assert all(tried.reason and tried.legal_basis for tried in routed.trace)


GROUNDS = {
    Ground.COLLECTED_ABROAD: (Way.EXEMPT_COLLECTED_ABROAD, "XBD-R3"),
    Ground.CONTRACT_WITH_INDIVIDUAL: (Way.EXEMPT_CONTRACT, "XBD-R5"),
    Ground.EMPLOYEES: (Way.EXEMPT_EMPLOYEES, "XBD-R6"),
    Ground.EMERGENCY: (Way.EXEMPT_EMERGENCY, "XBD-R7"),
}


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_ground_exempts_what_it_is_proved_for_and_nothing_without_a_proof(ground):
    said = flow(0, 50_000, ground=ground)
    proved = facts(0, 50_000, proved=frozenset({ground}))
    assert route_declaration(said, proved).way is GROUNDS[ground][0]
    assert route_declaration(said, proved).rule_id == GROUNDS[ground][1]
    assert route_declaration(said, facts(0, 50_000)).way is Way.ASSESSMENT
    other = frozenset(GROUNDS) - {ground}
    assert route_declaration(said, replace(proved, proved=other)).way is Way.ASSESSMENT
    assert route_declaration(said, replace(proved, level=Level.IMPORTANT)).way is Way.ASSESSMENT
    assert not GROUNDS[ground][0].counts
    assert Way.EXEMPT_SMALL.counts


def line(**changes):
    said = {
        "entry_id": "NS-1",
        "zone": "nansha",
        "industry": "J",
        "scenario": "",
        "data_desc": "credit records",
        "threshold": 1_000,
        "way": Way.CONTRACT_OR_CERTIFICATION,
    }
    return ListEntry(**(said | changes))


@pytest.mark.parametrize(
    ("entries", "way", "rule_id"),
    [
        (None, Way.ASSESSMENT, "XBD-R11"),  # no list, or no seat in the zone: no exemption
        ((), Way.EXEMPT_ZONE, "XBD-R8"),
        ((line(threshold=2_000_001),), Way.EXEMPT_ZONE, "XBD-R8"),
        ((line(threshold=2_000_000),), Way.CONTRACT_OR_CERTIFICATION, "XBD-R8"),
        ((line(industry="C"),), Way.EXEMPT_ZONE, "XBD-R8"),
        # a scenario that no line of the list knows is held by every line, one that it knows by its own
        ((line(scenario="marketing"),), Way.CONTRACT_OR_CERTIFICATION, "XBD-R8"),
        (
            (line(scenario="marketing"), line(industry="C", scenario="Risk-Control")),
            Way.EXEMPT_ZONE,
            "XBD-R8",
        ),
        ((line(industry="J66"), line(industry="C")), Way.CONTRACT_OR_CERTIFICATION, "XBD-R8"),
        ((line(), line(entry_id="NS-2", way=Way.ASSESSMENT)), Way.ASSESSMENT, "XBD-R8"),
    ],
)
def test_outside_a_zones_negative_list_is_exempt_on_it_its_route_holds(entries, way, rule_id):
    said = flow(2_000_000, ground=Ground.FREE_TRADE_ZONE, zone="nansha")
    routed = route_declaration(said, facts(2_000_000, zone_list=entries))
    assert (routed.way, routed.rule_id) == (way, rule_id)


@pytest.mark.parametrize(
    ("industry", "scenario"),
    [
        ("J", "risk-control"),
        ("", "risk-control"),
        ("J66", ""),
        ("J66", "Risk-control "),
        ("J66", "unheard-of"),
    ],
)
def test_what_is_said_blank_or_coarse_does_not_escape_a_line(industry, scenario):
    entry = line(industry="J66", scenario="risk-control", way=Way.ASSESSMENT)
    said = flow(2_000, ground=Ground.FREE_TRADE_ZONE, zone="nansha", industry=industry, scenario=scenario)
    assert route_declaration(said, facts(2_000, zone_list=(entry,))).way is Way.ASSESSMENT


def test_a_line_counts_the_groups_year_with_what_the_zone_exempted_before():
    said = flow(1, ground=Ground.FREE_TRADE_ZONE, zone="nansha")
    for before, way in ((999, Way.EXEMPT_ZONE), (1_000, Way.CONTRACT_OR_CERTIFICATION)):
        assert route_declaration(said, facts(1, zone_list=(line(),), zone_persons=before)).way is way


def test_what_is_kept_outside_the_greater_bay_area_goes_by_no_contract_of_it():
    inside = to("HK", flow(100_000))
    for place, way in (
        ("MO", Way.GBA_STANDARD_CONTRACT),
        ("440100", Way.GBA_STANDARD_CONTRACT),
        ("US", Way.CONTRACT_OR_CERTIFICATION),
        ("710000", Way.CONTRACT_OR_CERTIFICATION),
    ):
        assert route_declaration(replace(inside, storage_place=place), facts(100_000, **HK)).way is way


def test_the_reasons_tell_no_number_of_the_group():
    told = route_declaration(flow(7), facts(12_345, 6_789)).trace
    assert not any(n in tried.reason for tried in told for n in ("12345", "6789"))


def test_a_foreign_courts_request_is_always_decided_by_hand():
    said = flow(kind=Kind.FOREIGN_REQUEST, request_authority="a district court")
    routed = route_declaration(said, facts())
    assert routed.way is Way.MANUAL
    assert not routed.way.exempt


def test_an_exemption_by_the_years_count_ends_with_the_year():
    said = flow(1)
    assert last_day_of(Way.EXEMPT_SMALL, said, date(2026, 12, 31)) == date(2026, 12, 31)
    assert last_day_of(Way.EXEMPT_SMALL, said, date(2027, 1, 1)) == date(2027, 11, 15)
    ahead = replace(said, period_from=date(2027, 1, 1))
    assert last_day_of(Way.EXEMPT_SMALL, ahead, date(2026, 12, 31)) == date(2027, 11, 15)
    assert last_day_of(Way.ASSESSMENT, said, date(2026, 12, 31)) == date(2027, 11, 15)


@given(
    persons=st.integers(0, 2_000_000),
    sensitive=st.integers(0, 20_000),
    before=st.integers(0, 2_000_000),
    before_sensitive=st.integers(0, 20_000),
)
def test_more_persons_never_ease_a_route(persons, sensitive, before, before_sensitive):
    if not persons and not sensitive:
        return
    order = [Way.EXEMPT_SMALL, Way.CONTRACT_OR_CERTIFICATION, Way.ASSESSMENT]
    said = flow(persons, sensitive)
    alone = route_declaration(said, facts(persons, sensitive)).way
    together = route_declaration(said, facts(persons + before, sensitive + before_sensitive)).way
    assert order.index(together) >= order.index(alone)
    if sensitive:
        assert alone is not Way.EXEMPT_SMALL


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (flow(1, fields=(PLAIN,)), "fields.personal"),
        (flow(fields=(PERSONAL,), level=Level.GENERAL_3), "persons"),
        (flow(1, level=Level.GENERAL_1), "level"),
        (to("CN", flow()), "recipient"),
        (flow(period_to=date(2026, 11, 15)), "period_to"),
        (flow(period_to=date(2030, 11, 15)), "period_to"),
        (flow(volume_bytes=0), "volume_bytes"),
        (flow(kind=Kind.RESEARCH), "research"),
        (flow(kind=Kind.FOREIGN_REQUEST), "request_authority"),
        (flow(contract_kind=ContractKind.VISA), "contract_kind"),
        (flow(ground=Ground.FREE_TRADE_ZONE), "zone"),
        (flow(trade_id="trd_a"), "trade_id"),
        (flow(industry="ZZ"), "industry"),
        (flow(fields=(PLAIN, PLAIN)), "fields"),
    ],
)
def test_a_declaration_that_is_not_of_its_form_is_refused(said, field):
    with pytest.raises(DeclarationMalformed) as refused:
        check_declaration(said, NOW.date())
    assert field in refused.value.facts["fields"]
    check_declaration(flow(1), NOW.date())


def seen(kind, column, *, flagged=True):
    return Hint(kind, column, 90, 100, flagged)


def test_what_a_scan_sees_and_the_data_list_hides_is_refused():
    said = flow(1)
    require_declared(said, [seen(HintKind.MOBILE, "phone")], Level.GENERAL_3)
    require_declared(said, [seen(HintKind.CN_ID, "weekday", flagged=False)], Level.GENERAL_3)
    require_declared(flow(), [seen(HintKind.GPS_PAIR, "weekday")], Level.GENERAL_1)  # beside nobody
    for hint, field in (
        (seen(HintKind.CN_ID, "weekday"), "weekday: sensitive:cn-id"),
        (seen(HintKind.CN_ID, "phone"), "phone: sensitive:cn-id"),
        (seen(HintKind.PLATE, "car"), "car: personal:plate"),
    ):
        with pytest.raises(DeclarationContradicted) as refused:
            require_declared(said, [hint], Level.GENERAL_3)
        assert refused.value.facts["fields"] == [field]
    with pytest.raises(DeclarationContradicted):
        require_declared(said, [], Level.IMPORTANT)
