"""The checks before the contract: each failure has its rule, and none hides another."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from brokers.rules import (
    BrokerAct,
    BrokerType,
    Certificate,
    CertificateState,
    Interest,
    Mandate,
    MandateState,
)
from brokers.rules import Side as ClientSide
from market.listings.rules import ListingState
from market.orders.errors import PrecheckFailed
from market.orders.precheck import Brokerage, CustomsAnswer, PrecheckFacts, precheck
from registry.rules import Channel, Level, PersonalData

NOW = datetime(2026, 11, 16, 1, tzinfo=UTC)
FAR = NOW + timedelta(days=365)
CERTIFICATE = Certificate(
    cert_id="crt_1",
    org_id="org_broker",
    broker_type=BrokerType.MANDATE,
    grade=2,
    sectors=frozenset({"transport"}),
    max_level=Level.GENERAL_3,
    cross_border=False,
    valid_from=NOW - timedelta(days=1),
    valid_to=FAR,
    status=CertificateState.ACTIVE,
)
MANDATE = Mandate(
    mandate_id="mnd_1",
    broker_id="org_broker",
    client_id="org_seller",
    side=ClientSide.PROVIDER,
    listing_id="lst_1",
    ends_at=FAR,
    status=MandateState.ACTIVE,
)
BROKERAGE = Brokerage(
    broker_id="org_broker",
    certificate=CERTIFICATE,
    act=BrokerAct(at=NOW, sector="transport", level=Level.GENERAL_2),
    mandates=(MANDATE,),
    commission_bp=200,
    controllers={"org_broker": "ubo_1", "org_seller": "ubo_2", "org_buyer": "ubo_3"},
)
FACTS = PrecheckFacts(
    at=NOW,
    listing_id="lst_1",
    listing_status=ListingState.LISTED,
    seller_id="org_seller",
    buyer_id="org_buyer",
    members={"org_seller": True, "org_buyer": True, "org_broker": True},
    level=Level.GENERAL_2,
    personal=PersonalData(),
    source_records=True,
    price_minor=68_000_000,
    public_data=False,
    cap_minor=None,
    customs=CustomsAnswer(passed=True, rule_id="XBD-R0", reason="domestic"),
    brokerage=BROKERAGE,
)
ALL = [
    "members-active",
    "listing-listed",
    "source-records",
    "level-channel",
    "price",
    "customs-route",
    "broker-certificate",
    "mandate",
    "conflict-of-interest",
    "self-dealing",
    "dual-representation",
    "commission",
]


def test_a_clean_brokered_trade_passes_every_check():
    result = precheck(FACTS)
    assert [check.name for check in result.checks] == ALL
    assert result.passed
    assert result.failed == ()
    assert result.rules == [
        *("BR1", "BR2", "BR3", "BR4", "BR5", "BR6", "BR7"),
        *("GRADE-CHANNEL", "LST", "MEMBER", "PRICE_CAP", "XBD-R0"),
    ]
    result.require_passed()


def test_a_trade_without_a_broker_asks_no_question_about_one():
    result = precheck(replace(FACTS, brokerage=None, members={"org_seller": True, "org_buyer": True}))
    assert [check.name for check in result.checks] == ALL[:6]
    assert result.passed


def brokered(**changes):
    return {"brokerage": replace(BROKERAGE, **changes)}


@pytest.mark.parametrize(
    ("changes", "name", "code", "rule_id"),
    [
        (
            {"members": {"org_seller": True, "org_broker": True}},
            "members-active",
            "member-not-active",
            "MEMBER",
        ),
        (
            {"listing_status": ListingState.SUSPENDED},
            "listing-listed",
            "listing-not-on-offer",
            "LST",
        ),
        ({"source_records": False}, "source-records", "source-records-missing", "BR3"),
        ({"channel": Channel.OPEN, "level": Level.GENERAL_3}, "level-channel", "level-channel-closed", None),
        ({"level": Level.IMPORTANT}, "level-channel", "level-channel-closed", None),
        (
            {"personal": PersonalData(contained=True), "level": Level.GENERAL_3},
            "level-channel",
            "channel-conditions-unmet",
            "GRADE-CHANNEL",
        ),
        ({"public_data": True}, "price", "price-basis-missing", None),
        ({"public_data": True, "cap_minor": 67_999_999}, "price", "price-above-cap", "PRICE_CAP"),
        (
            {"customs": CustomsAnswer(passed=False, rule_id="XBD-R13", reason="persons not counted")},
            "customs-route",
            "customs-route-not-open",
            "XBD-R13",
        ),
        (
            brokered(certificate=replace(CERTIFICATE, status=CertificateState.SUSPENDED)),
            "broker-certificate",
            "broker-not-certified",
            "BR1",
        ),
        (brokered(certificate=None), "broker-certificate", "broker-not-certified", "BR1"),
        (brokered(mandates=()), "mandate", "no-active-mandate", "BR2"),
        (
            brokered(mandates=(replace(MANDATE, ends_at=NOW - timedelta(1)),)),
            "mandate",
            "no-active-mandate",
            "BR2",
        ),
        (
            brokered(mandates=(replace(MANDATE, side=ClientSide.BUYER),)),
            "mandate",
            "no-active-mandate",
            "BR2",
        ),
        (
            brokered(interests=(Interest("org_seller", ownership_bp=500),)),
            "conflict-of-interest",
            "conflict-not-consented",
            "BR4",
        ),
        (
            brokered(controllers={"org_broker": "ubo_1", "org_buyer": "ubo_1"}),
            "self-dealing",
            "self-dealing",
            "BR5",
        ),
        (
            brokered(
                mandates=(
                    MANDATE,
                    replace(MANDATE, mandate_id="mnd_2", side=ClientSide.BUYER, client_id="org_buyer"),
                )
            ),
            "dual-representation",
            "dual-representation",
            "BR6",
        ),
        (brokered(commission_bp=501), "commission", "commission-above-cap", "BR7"),
    ],
)
def test_each_failure_names_its_check_its_code_and_its_rule(changes, name, code, rule_id):
    result = precheck(replace(FACTS, **changes))
    assert not result.passed
    assert [(check.name, check.code) for check in result.failed] == [(name, code)]
    if rule_id is not None:
        assert result.failed[0].rule_id == rule_id
    with pytest.raises(PrecheckFailed) as refused:
        result.require_passed()
    assert refused.value.facts["failed"] == [name]


def test_one_failure_hides_no_other():
    result = precheck(
        replace(
            FACTS,
            listing_status=ListingState.DELISTED,
            source_records=False,
            **brokered(certificate=None, mandates=(), commission_bp=501),
        )
    )
    assert [check.name for check in result.failed] == [
        "listing-listed",
        "source-records",
        "broker-certificate",
        "mandate",
        "commission",
    ]


def test_both_sides_with_both_consents_pass():
    both = (
        replace(MANDATE, dual_consent=True),
        replace(MANDATE, mandate_id="mnd_2", side=ClientSide.BUYER, client_id="org_buyer", dual_consent=True),
    )
    assert precheck(replace(FACTS, **brokered(mandates=both))).passed


def test_privacy_computing_takes_what_an_ordinary_trade_may_not():
    assert precheck(replace(FACTS, level=Level.IMPORTANT, channel=Channel.PRIVACY, brokerage=None)).passed


def test_the_public_form_carries_no_detail():
    failed = precheck(replace(FACTS, source_records=False))
    assert failed.documents()[2] == {
        "check": "source-records",
        "rule_id": "BR3",
        "passed": False,
        "code": "source-records-missing",
    }
