"""Each number of the law one below, at and one above, with reason and basis; and which of two rules wins."""

from dataclasses import replace

import pytest

from market.customs.declared import ContractKind, Ground, Kind
from market.customs.routing import ListEntry, Way, route_declaration
from registry.rules import Level
from tests.market.customs.flows import facts, flow

SMALL = (Way.EXEMPT_SMALL, "XBD-R13", "few persons, nothing sensitive", "CAC16 Art 5(1)(4)")
BY_NUMBER = (
    Way.CONTRACT_OR_CERTIFICATION,
    "XBD-R12",
    "100000 persons or more since 1 January",
    "CAC16 Art 8",
)
SENSITIVE = (Way.CONTRACT_OR_CERTIFICATION, "XBD-R12", "sensitive personal information", "CAC16 Art 8")
ASSESSED = (Way.ASSESSMENT, "XBD-R11", "1000000 persons or more since 1 January", "CAC16 Art 7(2)")
OF_SENSITIVE = (Way.ASSESSMENT, "XBD-R11", "10000 persons or more with sensitive data", "CAC16 Art 7(2)")
NOTHING = (
    Way.EXEMPT_NO_PERSONAL,
    "XBD-R4",
    "no personal information and no important data",
    "CAC16 Art 3",
)
CIIO = (
    Way.ASSESSMENT,
    "XBD-R10",
    "personal information of an operator of critical infrastructure",
    "CAC16 Art 7(1)",
)
GBA = (
    Way.GBA_STANDARD_CONTRACT,
    "XBD-R9",
    "personal information within the Greater Bay Area",
    "GBA standard-contract guidelines 2023 (HK), 2024 (MO)",
)
IMPORTANT = (
    Way.ASSESSMENT,
    "XBD-R2",
    "important data, notified or published as such",
    "regulation 37; CAC16 Art 7",
)
CORE = (
    Way.PROHIBIT,
    "XBD-R1",
    "state secret or core data: handed to the competent authority",
    "DSL 21, 53; regulation 63",
)
EMPLOYEES = (
    Way.EXEMPT_EMPLOYEES,
    "XBD-R6",
    "employees, under lawful labour rules or a collective contract",
    "CAC16 Art 5(1)(2)",
)
FOREIGN = (
    Way.MANUAL,
    "XBD-FOREIGN",
    "a foreign court or authority asks: nothing goes without the competent authority's approval",
    "DSL 36; PIPL 41",
)


def told(said, known):
    routed = route_declaration(said, known)
    last = routed.trace[-1]
    return routed.way, routed.rule_id, last.reason, last.legal_basis


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        # without, with sensitive data, of the group's year; the last of the first is this declaration's
        ((1, 0), SMALL),
        ((99_999, 0), SMALL),
        ((100_000, 0), BY_NUMBER),
        ((100_001, 0), BY_NUMBER),
        ((999_999, 0), BY_NUMBER),
        ((1_000_000, 0), ASSESSED),
        ((1_000_001, 0), ASSESSED),
        # past 100,000 Art 5(1)(4) exempts no longer, and Art 7(2) is about all that this group exports
        ((99_999, 10_000), SMALL),
        ((100_000, 9_999), BY_NUMBER),
        ((100_000, 10_000), OF_SENSITIVE),
    ],
)
def test_persons_without_sensitive_data(counted, expected):
    assert told(flow(1), facts(*counted)) == expected


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        ((0, 1), SENSITIVE),
        ((0, 9_999), SENSITIVE),
        ((0, 10_000), OF_SENSITIVE),
        ((0, 10_001), OF_SENSITIVE),
        # the other counter of the same group
        ((999_999, 1), SENSITIVE),
        ((1_000_000, 1), ASSESSED),
    ],
)
def test_persons_with_sensitive_data(counted, expected):
    assert told(flow(0, 1), facts(*counted)) == expected


def test_without_anybody_sensitive_data_asks_for_nothing():
    assert told(flow(), facts(2_000_000, 20_000)) == NOTHING


CONTRACT = {"ground": Ground.CONTRACT_WITH_INDIVIDUAL, "contract_kind": ContractKind.TRAVEL}
PROVED = {"proved": frozenset({Ground.EMPLOYEES})}
HK = {"recipient": replace(flow().recipient, country="HK"), "storage_place": "HK"}
TO_HK = {"recipient_region": "HK"}
HELD = ListEntry(
    entry_id="NS-1",
    zone="nansha",
    industry="",
    scenario="",
    data_desc="",
    threshold=1,
    way=Way.CONTRACT_OR_CERTIFICATION,
)
NANSHA = {"ground": Ground.FREE_TRADE_ZONE, "zone": "nansha"}


@pytest.mark.parametrize(
    ("said", "known", "expected"),
    [
        # 1 before 2, 2 before every exemption
        (flow(state_secret=True), facts(level=Level.IMPORTANT), CORE),
        (flow(ground=Ground.EMPLOYEES), facts(level=Level.IMPORTANT, **PROVED), IMPORTANT),
        (flow(**NANSHA), facts(level=Level.IMPORTANT, zone_list=()), IMPORTANT),
        (flow(1, **HK), facts(1, level=Level.IMPORTANT, **TO_HK), IMPORTANT),
        # 4 before 10
        (flow(), facts(is_ciio=True), NOTHING),
        # 6 before 9, 10 and 11: proved, and its near miss
        (flow(0, 10_000, ground=Ground.EMPLOYEES, **HK), facts(0, 10_000, **TO_HK, **PROVED), EMPLOYEES),
        (flow(0, 10_000, ground=Ground.EMPLOYEES), facts(0, 10_000, is_ciio=True, **PROVED), EMPLOYEES),
        (flow(0, 10_000, ground=Ground.EMPLOYEES), facts(0, 10_000), OF_SENSITIVE),
        (flow(0, 10_000, **CONTRACT), facts(0, 10_000, **PROVED), OF_SENSITIVE),
        # 8 before 10: its list gives the route, and without a list the next rules do
        (
            flow(1, **NANSHA),
            facts(1, is_ciio=True, zone_list=(HELD,)),
            (Way.CONTRACT_OR_CERTIFICATION, "XBD-R8", "on the negative list of nansha: NS-1", "CAC16 Art 6"),
        ),
        (
            flow(1, **NANSHA),
            facts(1, is_ciio=True, zone_list=(replace(HELD, threshold=2),)),
            (Way.EXEMPT_ZONE, "XBD-R8", "outside the negative list of nansha", "CAC16 Art 6"),
        ),
        (flow(1, **NANSHA), facts(1, is_ciio=True), CIIO),
        # 9 before 10 and 11; from outside the nine cities neither
        (flow(1_000_000, **HK), facts(1_000_000, is_ciio=True, **TO_HK), GBA),
        (flow(1, **HK), facts(1, exporter_region="445200", is_ciio=True, **TO_HK), CIIO),
        (flow(1_000_000, **HK), facts(1_000_000, exporter_region="440500", **TO_HK), ASSESSED),
        # 10 before 11 and 13
        (flow(1_000_000), facts(1_000_000, is_ciio=True), CIIO),
        (flow(1), facts(1, is_ciio=True), CIIO),
        # a research project eases nothing, a foreign court's request never runs through the rules
        (flow(100_000, kind=Kind.RESEARCH), facts(100_000), BY_NUMBER),
        (flow(99_999, kind=Kind.RESEARCH), facts(99_999), SMALL),
        (flow(kind=Kind.FOREIGN_REQUEST), facts(), FOREIGN),
        (flow(1, kind=Kind.FOREIGN_REQUEST, **NANSHA), facts(1, zone_list=()), FOREIGN),
    ],
)
def test_of_two_rules_the_first_in_the_order_of_the_law_wins(said, known, expected):
    assert told(said, known) == expected


@pytest.mark.parametrize("city", ["4401", "4403", "4404", "4406", "4407", "4412", "4413", "4419", "4420"])
def test_the_nine_cities_and_their_neighbours(city):
    said = flow(1, **HK)
    assert told(said, facts(1, exporter_region=f"{city}00", **TO_HK)) == GBA
    neighbour = {"4401": "4402", "4404": "4405", "4407": "4408", "4413": "4414", "4420": "4451"}.get(city)
    if neighbour is not None:
        assert told(said, facts(1, exporter_region=f"{neighbour}00", **TO_HK)) == SMALL
