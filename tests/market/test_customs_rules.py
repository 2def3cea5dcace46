"""Is a delivery cross-border, and by which rule is it exempt or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.customs.errors import CustomsRouteNotOpen, PlaceMalformed
from market.customs.rules import DeliveryFacts, Needs, Route, country_of, require_open, route
from registry.rules import Level, PersonalData

PERSONAL = PersonalData(contained=True, consented=True)
SINGAPORE = {"recipient_region": "SG"}


def delivery(**changes):
    facts = {
        "exporter_region": "440100",
        "recipient_region": "440300",
        "level": Level.GENERAL_2,
        **changes,
    }
    return DeliveryFacts(**facts)


@pytest.mark.parametrize(
    ("place", "country"),
    [
        ("440100", "CN"),
        ("110000", "CN"),
        ("CN", "CN"),
        ("710000", "TW"),
        ("810000", "HK"),
        ("820000", "MO"),
        ("HK", "HK"),
        ("SG", "SG"),
    ],
)
def test_hong_kong_macao_and_taiwan_are_outside_the_mainland(place, country):
    assert country_of(place) == country


@pytest.mark.parametrize(
    "place", ["", "cn", "Guangdong", "4401", "4401000", "000000", "910000", "C1", "ＨＫ", "SGP"]
)
def test_a_place_of_another_form_is_refused_and_never_taken_for_domestic(place):
    with pytest.raises(PlaceMalformed):
        country_of(place)
    with pytest.raises(PlaceMalformed):
        route(delivery(recipient_region=place))
    with pytest.raises(PlaceMalformed):
        route(delivery(endpoint=place))


@pytest.mark.parametrize(
    ("facts", "decided", "rule_id", "needs"),
    [
        ({}, Route.DOMESTIC, "XBD-R0", None),
        ({"level": Level.IMPORTANT, "personal": PERSONAL}, Route.DOMESTIC, "XBD-R0", None),
        ({"endpoint": "110000"}, Route.DOMESTIC, "XBD-R0", None),
        (SINGAPORE, Route.EXEMPT, "XBD-R4", None),
        ({"recipient_region": "810000"}, Route.EXEMPT, "XBD-R4", None),
        ({"endpoint": "SG"}, Route.EXEMPT, "XBD-R4", None),  # read from abroad
        (
            {**SINGAPORE, "personal": PersonalData(contained=True, anonymised=True)},
            Route.EXEMPT,
            "XBD-R4",
            None,
        ),
        ({**SINGAPORE, "personal": PERSONAL, "collected_abroad": True}, Route.EXEMPT, "XBD-R3", None),
        ({**SINGAPORE, "level": Level.CORE}, Route.REFUSED, "XBD-R1", Needs.PROHIBITED),
        ({**SINGAPORE, "state_secret": True}, Route.REFUSED, "XBD-R1", Needs.PROHIBITED),
        (
            {**SINGAPORE, "level": Level.CORE, "collected_abroad": True},
            Route.REFUSED,
            "XBD-R1",
            Needs.PROHIBITED,
        ),
        ({**SINGAPORE, "level": Level.IMPORTANT}, Route.REFUSED, "XBD-R2", Needs.ASSESSMENT),
        ({"recipient_region": "HK", "personal": PERSONAL}, Route.REFUSED, "XBD-R9", Needs.GBA_CONTRACT),
        (
            {"exporter_region": "310000", "recipient_region": "HK", "personal": PERSONAL},
            Route.REFUSED,
            "XBD-R13",
            Needs.COUNT_OF_PERSONS,
        ),
        (
            {**SINGAPORE, "personal": PERSONAL, "exporter_is_ciio": True},
            Route.REFUSED,
            "XBD-R10",
            Needs.ASSESSMENT,
        ),
        ({**SINGAPORE, "sensitive": True}, Route.REFUSED, "XBD-R12", Needs.CONTRACT_OR_CERTIFICATION),
        (
            {**SINGAPORE, "personal": PERSONAL, "level": Level.GENERAL_4},
            Route.REFUSED,
            "XBD-R12",
            Needs.CONTRACT_OR_CERTIFICATION,
        ),
        ({**SINGAPORE, "personal": PERSONAL}, Route.REFUSED, "XBD-R13", Needs.COUNT_OF_PERSONS),
    ],
)
def test_the_first_rule_that_decides_gives_the_route(facts, decided, rule_id, needs):
    decision = route(delivery(**facts))
    assert (decision.route, decision.rule_id, decision.needs) == (decided, rule_id, needs)
    assert decision.legal_basis
    assert decision.reason
    if decided is Route.REFUSED:
        with pytest.raises(CustomsRouteNotOpen) as refused:
            require_open(decision)
        assert refused.value.code == "customs-route-not-open"
        assert refused.value.facts["rule"] == rule_id
        assert refused.value.facts["needs"] == needs.value
    else:
        require_open(decision)


PLACES = st.sampled_from(["440100", "310000", "CN", "810000", "820000", "710000", "HK", "SG", "US"])


@given(
    recipient=PLACES,
    endpoint=st.none() | PLACES,
    exporter=st.sampled_from(["440100", "310000"]),
    level=st.sampled_from(list(Level)),
    personal=st.builds(PersonalData, contained=st.booleans(), anonymised=st.booleans()),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_nothing_protected_ever_leaves_without_a_filing(**drawn):
    sensitive, secret, ciio = drawn["flags"]
    facts = DeliveryFacts(
        exporter_region=drawn["exporter"],
        recipient_region=drawn["recipient"],
        endpoint=drawn["endpoint"],
        level=drawn["level"],
        personal=drawn["personal"],
        sensitive=sensitive,
        state_secret=secret,
        exporter_is_ciio=ciio,
    )
    decision = route(facts)
    inside = {"440100", "310000", "CN"}
    if facts.recipient_region in inside and facts.endpoint in {None, *inside}:
        assert decision.route is Route.DOMESTIC
        return
    guarded = (
        facts.level in {Level.CORE, Level.IMPORTANT}
        or secret
        or sensitive
        or (facts.personal.contained and not facts.personal.anonymised)
    )
    assert decision.route is (Route.REFUSED if guarded else Route.EXEMPT)
    assert decision.country != "CN"
