"""BR1: certificates as intervals, their events, their scope, and the ledger's order."""

from datetime import timedelta

import pytest

from tests.supervision.tables import Market, objects_of, of_rule, on

SECOND = timedelta(seconds=1)
SUSPENDED, REINSTATED = on(4, 1, 8), on(5, 1, 8)


def brokered(*, at=None, **trade):
    """A broker certified for all of 2026, suspended in April, and one trade it mediates."""
    market = Market("orgs", "trades", "certificates", "certificate_events", "quotes", "mandates", "listings")
    market.only = ("BR1",)
    market.org("seller").org("buyer").org("broker")
    market.add(
        "certificates",
        cert_id="cert",
        org_id="broker",
        broker_type="M",
        grade=2,
        sectors=["transport", "energy"],
        max_level="general-3",
        valid_from=on(1, 1),
        valid_to=on(10, 31, 23),
    )
    for event, moment, seq in (
        ("certified", on(1, 1), 10),
        ("suspended", SUSPENDED, 500),
        ("reinstated", REINSTATED, 600),
    ):
        market.add("certificate_events", cert_id="cert", at=moment, event=event, seq=seq)
    market.add("listings", listing_id="lst-seller", category="transport", geo="nationwide", level="general-2")
    if at is not None:
        market.trade("t", "seller", "buyer", 100, at, **({"broker_id": "broker", "seq": None} | trade))
    return market


def reasons(market, tmp_path):
    (finding,) = of_rule(market.supervise(tmp_path), "BR1")
    return [c["reason"] for act in finding.statistic["acts"] for c in act["certificates"]]


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (on(1, 1) - SECOND, "not-yet-valid"),
        (on(1, 1), None),
        (SUSPENDED - SECOND, None),
        (SUSPENDED, "suspended"),
        (on(4, 15), "suspended"),
        (REINSTATED - SECOND, "suspended"),
        (REINSTATED, None),
        (on(10, 31, 23), None),  # both ends belong to the validity
        (on(10, 31, 23) + SECOND, "expired"),
    ],
)
def test_an_act_is_judged_by_the_moment_it_was_made(tmp_path, at, reason):
    market = brokered(at=at)
    if reason is None:
        assert not of_rule(market.supervise(tmp_path), "BR1")
    else:
        assert reasons(market, tmp_path) == [reason]


def test_a_finding_names_the_broker_the_trade_and_the_entry_that_decided(tmp_path):
    (finding,) = of_rule(brokered(at=on(4, 15), seq=555).supervise(tmp_path), "BR1")
    assert finding.subjects == ("broker",)
    assert finding.objects == ("t",)
    assert finding.evidence_seqs == (500, 555)
    assert finding.statistic["acts"] == [
        {
            "event": "TRD.CONTRACT",
            "at": "2026-04-15T00:00:00.000Z",
            "seq": 555,
            "certificates": [{"cert_id": "cert", "reason": "suspended", "decided_by_seq": 500}],
        }
    ]


@pytest.mark.parametrize(("seq", "found"), [(499, False), (501, True)])
def test_at_the_same_moment_the_ledger_order_decides(tmp_path, seq, found):
    market = brokered(at=SUSPENDED, seq=seq)
    assert bool(of_rule(market.supervise(tmp_path), "BR1")) is found


def test_a_back_dated_paper_does_not_help(tmp_path):
    market = brokered(at=on(4, 15), contract_dated_at=on(3, 15))
    assert reasons(market, tmp_path) == ["suspended"]


def test_a_revocation_is_for_good(tmp_path):
    market = brokered(at=on(8, 1))
    market.add("certificate_events", cert_id="cert", at=on(6, 1), event="revoked", seq=700)
    market.add("certificate_events", cert_id="cert", at=on(7, 1), event="reinstated", seq=800)
    assert reasons(market, tmp_path) == ["revoked"]


def test_an_annual_report_changes_nothing(tmp_path):
    market = brokered(at=on(4, 15))
    market.add("certificate_events", cert_id="cert", at=on(4, 10), event="annual_report", seq=510)
    market.add("certificate_events", cert_id="cert", at=on(4, 11), event="annual_pass", seq=511)
    assert reasons(market, tmp_path) == ["suspended"]


def test_a_certificate_entered_later_does_not_cover_what_came_before(tmp_path):
    market = brokered(at=on(2, 1))
    market.rows["certificate_events"][0]["at"] = on(3, 1)
    assert reasons(market, tmp_path) == ["not-yet-certified"]


def test_a_certificate_without_any_event_is_taken_by_its_dates(tmp_path):
    market = brokered(at=on(4, 15))
    market.rows["certificate_events"].clear()
    assert not of_rule(market.supervise(tmp_path), "BR1")


def test_a_broker_without_a_certificate_is_found_and_one_of_another_does_not_help(tmp_path):
    market = brokered(at=on(8, 1), broker_id="stranger")
    assert reasons(market, tmp_path) == ["none"]


def test_any_other_certificate_of_the_broker_covers(tmp_path):
    market = brokered(at=on(4, 15))
    market.add(
        "certificates", cert_id="second", org_id="broker", grade=3, sectors=["*"], max_level="general-2"
    )
    assert not of_rule(market.supervise(tmp_path), "BR1")
    market.rows["certificates"][1]["sectors"] = ["health"]
    assert reasons(market, tmp_path) == ["suspended", "sector"]


@pytest.mark.parametrize(
    ("category", "sectors", "found"),
    [
        ("transport", ["transport"], False),
        ("transport/aviation", ["transport"], False),
        ("transport.aviation", ["transport"], False),
        ("transport > aviation", ["transport"], False),
        ("transport", ["transport/aviation"], True),
        ("health", ["transport"], True),
        ("health", ["*"], False),
        ("health", None, False),  # a certificate that names no sector is not judged by it
        (None, ["transport"], False),  # the listing's own category is transport
    ],
)
def test_the_sector_of_a_certificate(tmp_path, category, sectors, found):
    market = brokered(at=on(8, 1), category=category)
    market.rows["certificates"][0]["sectors"] = sectors
    assert bool(of_rule(market.supervise(tmp_path), "BR1")) is found


@pytest.mark.parametrize(
    ("level", "max_level", "grade", "found"),
    [
        ("general-2", "general-2", 2, False),
        ("general-3", "general-2", 2, True),
        ("general-3", "general-4", 2, False),
        ("general-4", "general-4", 2, True),  # grade 2 may handle general-3 at most
        ("general-3", "general-3", 3, True),
        ("important", "important", 1, False),
        ("core", "important", 1, True),
        ("2", "3", None, False),
        ("4", "3", None, True),
        ("重要", "general-4", None, True),
        ("unknown", "general-1", 2, False),  # what is no level is not judged
        ("general-2", None, None, False),
    ],
)
def test_the_level_of_a_certificate(tmp_path, level, max_level, grade, found):
    market = brokered(at=on(8, 1))
    market.rows["listings"][0]["level"] = level
    market.rows["certificates"][0] |= {"max_level": max_level, "grade": grade}
    assert bool(of_rule(market.supervise(tmp_path), "BR1")) is found


def test_a_scope_that_was_cut_is_not_held_against_what_came_before(tmp_path):
    market = brokered(at=on(2, 1), category="health")
    market.add("certificate_events", cert_id="cert", at=on(3, 1), event="scope_cut", seq=300)
    assert not of_rule(market.supervise(tmp_path), "BR1")
    market.trade("later", "seller", "buyer", 100, on(3, 2), broker_id="broker", category="health")
    assert objects_of(market.supervise(tmp_path), "BR1") == [("later",)]


def test_quotes_mandates_and_steps_are_acts_too(tmp_path):
    market = brokered()
    market.add(
        "quotes", quote_id="q", broker_id="broker", quoted_at=on(4, 2), listing_id="lst-seller", seq=501
    )
    market.add("quotes", quote_id="direct", quoted_at=on(4, 2), listing_id="lst-seller", seq=502)
    market.add(
        "mandates", mandate_id="m", broker_id="broker", client_id="seller", signed_at=on(4, 3), seq=503
    )
    market.add(
        "mandates", mandate_id="good", broker_id="broker", client_id="seller", signed_at=on(6, 3), seq=603
    )
    for n, (role, actor) in enumerate((("BROKER", "broker"), ("BUYER", "buyer"), ("BROKER", "broker"))):
        market.add(
            "trade_events",
            trade_id="t9",
            event="TRD.OFFER",
            at=on(4, 4, n),
            seq=510 + n,
            actor=actor,
            role=role,
        )
    result = market.supervise(tmp_path)
    assert objects_of(result, "BR1") == [("m",), ("q",), ("t9",)]
    steps = next(f for f in of_rule(result, "BR1") if f.objects == ("t9",))
    assert [act["seq"] for act in steps.statistic["acts"]] == [510, 512]
    assert (steps.window.since, steps.window.until) == (on(4, 4), on(4, 4, 2))


def test_a_mandate_is_not_judged_by_the_scope_of_its_listing(tmp_path):
    # the gate asks for the scope at each act under the mandate, not when it is taken
    market = brokered()
    market.rows["listings"][0]["category"] = "health"
    market.add(
        "mandates",
        mandate_id="m",
        broker_id="broker",
        client_id="seller",
        signed_at=on(6, 3),
        listing_id="lst-seller",
    )
    assert not of_rule(market.supervise(tmp_path), "BR1")


def test_acts_after_as_of_are_not_known_yet(tmp_path):
    market = brokered(at=on(4, 15))
    market.as_of = on(4, 14)
    assert not of_rule(market.supervise(tmp_path), "BR1")


def test_the_rule_is_off_without_the_events_and_says_so(tmp_path):
    market = brokered(at=on(4, 15))
    del market.rows["certificate_events"]
    (off,) = market.supervise(tmp_path).rules_off
    assert off == {
        "rule_id": "BR1",
        "missing_table": "certificate_events",
        "reason": "the table certificate_events is not there",
    }


def test_one_certificate_in_two_hands_is_found_where_no_other_table_is_there(tmp_path):
    market = Market("certificates")
    market.only = ("S21",)
    for cert_id, org_id in (("one", "k1"), ("one", "k2"), ("two", "k1"), ("two", "k1")):
        market.add("certificates", cert_id=cert_id, org_id=org_id)
    result = market.supervise(tmp_path)
    assert [(one.objects, one.subjects) for one in of_rule(result, "S21")] == [(("one",), ("k1", "k2"))]
    assert not result.rules_off
