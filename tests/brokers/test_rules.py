"""What a broker may do: certificate, mandate, conflicts, both sides, commission."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from brokers.commission import CAP_BP, DEFAULT_BP, check_commission, commission_on
from brokers.errors import (
    BrokerNotCertified,
    CertificateBeyondGrade,
    CommissionAboveCap,
    ConflictNotConsented,
    DualRepresentation,
    NoActiveMandate,
    SelfDealing,
)
from brokers.rules import (
    ALL_SECTORS,
    BrokerAct,
    BrokerType,
    Certificate,
    CertificateState,
    Interest,
    Mandate,
    MandateState,
    Power,
    Side,
    check_certificate,
    check_conflicts,
    check_dual_representation,
    check_grade_scope,
    check_mandate,
    check_self_dealing,
    may_handle,
)
from registry.rules import Level, rank

NOW = datetime(2026, 11, 16, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
CERTIFICATE = Certificate(
    cert_id="crt_1",
    org_id="org_broker",
    broker_type=BrokerType.MANDATE,
    grade=2,
    sectors=frozenset({"transport", "finance"}),
    max_level=Level.GENERAL_3,
    cross_border=False,
    valid_from=NOW - timedelta(days=100),
    valid_to=NOW + timedelta(days=100),
    status=CertificateState.ACTIVE,
)
ACT = BrokerAct(at=NOW, sector="transport", level=Level.GENERAL_2)
MANDATE = Mandate(
    mandate_id="mnd_1",
    broker_id="org_broker",
    client_id="org_seller",
    side=Side.PROVIDER,
    listing_id="lst_1",
    ends_at=NOW + timedelta(days=30),
    status=MandateState.ACTIVE,
)


def certify(certificate=CERTIFICATE, act=ACT):
    check_certificate(certificate, broker_id="org_broker", act=act)


def mandated(mandate=MANDATE, **changes):
    asked = {
        "broker_id": "org_broker",
        "client_id": "org_seller",
        "side": Side.PROVIDER,
        "listing_id": "lst_1",
        "at": NOW,
    }
    check_mandate(mandate, **{**asked, **changes})


def test_an_active_certificate_within_its_scope_covers_the_act():
    certify()
    certify(replace(CERTIFICATE, sectors=frozenset({ALL_SECTORS})), replace(ACT, sector="health"))
    certify(replace(CERTIFICATE, status=CertificateState.RECTIFYING))


@pytest.mark.parametrize(
    ("certificate", "act", "reason"),
    [
        ({"status": CertificateState.SUSPENDED}, {}, "state"),
        ({"status": CertificateState.REVOKED}, {}, "state"),
        ({"status": CertificateState.EXPIRED}, {}, "state"),
        ({"status": CertificateState.PUBLIC_NOTICE}, {}, "state"),
        ({"valid_from": NOW + MOMENT}, {}, "not-yet-valid"),
        ({"valid_to": NOW - MOMENT}, {}, "expired"),
        ({}, {"sector": "health"}, "sector"),
        ({}, {"level": Level.GENERAL_4}, "level"),
        ({"max_level": Level.GENERAL_1}, {}, "level"),
        ({"max_level": Level.IMPORTANT}, {"level": Level.GENERAL_4}, "level"),  # beyond grade 2
        ({"grade": 3, "max_level": Level.GENERAL_2}, {"personal": True}, "personal-data"),
        ({}, {"sensitive": True}, "sensitive-data"),
        ({}, {"cross_border": True}, "cross-border"),
        ({"cross_border": True}, {"cross_border": True}, "cross-border"),  # grade 2 never
        ({"grade": 1}, {"cross_border": True}, "cross-border"),  # grade 1, not in its scope
        ({"broker_type": BrokerType.TECHNOLOGY}, {"powers": frozenset({Power.SET_PRICE})}, "type"),
        ({"broker_type": BrokerType.TECHNOLOGY}, {"powers": frozenset({Power.TAKE_TITLE})}, "type"),
        ({"broker_type": BrokerType.DATA}, {"adds_own_data": True}, "own-data"),
        ({}, {"adds_own_data": True, "own_data_disclosed": True}, "own-data"),
    ],
)
def test_what_the_certificate_does_not_cover_is_refused_with_its_reason(certificate, act, reason):
    with pytest.raises(BrokerNotCertified) as refused:
        certify(replace(CERTIFICATE, **certificate), replace(ACT, **act))
    assert refused.value.code == "broker-not-certified"
    assert refused.value.rule_id == "BR1"
    assert refused.value.facts["reason"] == reason


def test_no_certificate_and_another_ones_certificate_are_none():
    for certificate in (None, replace(CERTIFICATE, org_id="org_other")):
        with pytest.raises(BrokerNotCertified) as refused:
            certify(certificate)
        assert refused.value.facts["reason"] == "none"


def test_both_ends_of_the_validity_belong_to_it():
    certify(replace(CERTIFICATE, valid_from=NOW, valid_to=NOW))


def test_what_type_and_grade_allow_passes():
    certify(
        replace(
            CERTIFICATE,
            grade=1,
            max_level=Level.IMPORTANT,
            cross_border=True,
            broker_type=BrokerType.DATA,
        ),
        replace(
            ACT,
            level=Level.IMPORTANT,
            personal=True,
            sensitive=True,
            cross_border=True,
            adds_own_data=True,
            own_data_disclosed=True,
            powers=frozenset({Power.SET_PRICE}),
        ),
    )


@given(
    grade=st.sampled_from([1, 2, 3]),
    scope=st.sampled_from(list(Level)),
    level=st.sampled_from(list(Level)),
)
def test_no_certificate_reaches_above_its_scope_or_its_grade(grade, scope, level):
    limit = min(rank(scope), rank(may_handle(grade).max_level))
    certificate = replace(CERTIFICATE, grade=grade, max_level=scope)
    if rank(level) <= limit:
        certify(certificate, replace(ACT, level=level))
    else:
        with pytest.raises(BrokerNotCertified):
            certify(certificate, replace(ACT, level=level))
    assert limit < rank(Level.CORE)


@pytest.mark.parametrize(
    ("grade", "level", "cross_border"),
    [
        (3, Level.GENERAL_3, False),
        (2, Level.GENERAL_4, False),
        (1, Level.CORE, False),
        (2, Level.GENERAL_1, True),
        (0, Level.GENERAL_1, False),
        (4, Level.GENERAL_1, False),
    ],
)
def test_a_scope_wider_than_the_grade_is_refused(grade, level, cross_border):
    with pytest.raises(CertificateBeyondGrade):
        check_grade_scope(grade=grade, max_level=level, cross_border=cross_border)


def test_a_scope_within_the_grade_passes():
    check_grade_scope(grade=1, max_level=Level.IMPORTANT, cross_border=True)
    check_grade_scope(grade=2, max_level=Level.GENERAL_3, cross_border=False)
    check_grade_scope(grade=3, max_level=Level.GENERAL_2, cross_border=False)


def test_an_active_mandate_of_the_client_for_the_listing_covers_the_act():
    mandated()
    mandated(at=MANDATE.ends_at)
    mandated(replace(MANDATE, listing_id=None), listing_id="lst_2")
    mandated(replace(MANDATE, listing_id=None), listing_id=None)


@pytest.mark.parametrize(
    ("mandate", "asked", "reason"),
    [
        ({"status": MandateState.SIGNED}, {}, "state"),
        ({"status": MandateState.REVOKED_BY_CLIENT}, {}, "state"),
        ({"status": MandateState.TERMINATED_BY_CERT_LOSS}, {}, "state"),
        ({}, {"at": MANDATE.ends_at + MOMENT}, "ended"),
        ({}, {"listing_id": "lst_2"}, "listing"),
        ({}, {"listing_id": None}, "listing"),
        ({}, {"client_id": "org_buyer"}, "client"),
        ({}, {"broker_id": "org_other"}, "broker"),
        ({}, {"side": Side.BUYER}, "side"),
    ],
)
def test_what_the_mandate_does_not_cover_is_refused_with_its_reason(mandate, asked, reason):
    with pytest.raises(NoActiveMandate) as refused:
        mandated(replace(MANDATE, **mandate), **asked)
    assert refused.value.code == "no-active-mandate"
    assert refused.value.rule_id == "BR2"
    assert refused.value.facts["reason"] == reason


def test_no_mandate_is_none():
    with pytest.raises(NoActiveMandate) as refused:
        mandated(None)
    assert refused.value.facts["reason"] == "none"


@pytest.mark.parametrize(
    ("parties", "controllers"),
    [
        (["org_seller", "org_broker"], {}),
        (["org_seller", "org_buyer"], {"org_broker": "ubo_1", "org_buyer": "ubo_1"}),
        (["org_seller", "org_buyer"], {"org_broker": "org_seller"}),  # the seller controls its broker
        (["org_seller", "org_buyer"], {"org_buyer": "org_broker"}),  # the broker controls the buyer
    ],
)
def test_a_broker_under_one_control_with_a_party_is_refused(parties, controllers):
    with pytest.raises(SelfDealing) as refused:
        check_self_dealing(broker_id="org_broker", parties=parties, controllers=controllers)
    assert refused.value.rule_id == "BR5"


def test_a_broker_under_its_own_control_passes():
    check_self_dealing(
        broker_id="org_broker",
        parties=["org_seller", "org_buyer"],
        controllers={"org_broker": "ubo_1", "org_seller": "ubo_2", "org_buyer": "ubo_2"},
    )


def conflicts(interests, consents=()):
    check_conflicts(
        broker_id="org_broker",
        parties=["org_seller", "org_buyer"],
        interests=interests,
        consents=frozenset(consents),
    )


@pytest.mark.parametrize(
    "interest", [Interest("org_seller", ownership_bp=500), Interest("org_buyer", shared_management=True)]
)
def test_an_interest_needs_the_consent_of_both_parties(interest):
    conflicts([interest], ["org_seller", "org_buyer"])
    for consents in ([], ["org_seller"], ["org_buyer"], ["org_other", "org_broker"]):
        with pytest.raises(ConflictNotConsented) as refused:
            conflicts([interest], consents)
        assert refused.value.rule_id == "BR4"
        assert refused.value.facts["missing"] == sorted({"org_seller", "org_buyer"} - set(consents))


def test_a_share_below_five_per_cent_is_no_conflict():
    conflicts([Interest("org_seller", ownership_bp=499)])
    conflicts([])


def test_acting_for_both_sides_needs_the_consent_in_both_mandates():
    other = replace(MANDATE, mandate_id="mnd_2", client_id="org_buyer", side=Side.BUYER)
    check_dual_representation([MANDATE])
    check_dual_representation([])
    check_dual_representation([replace(MANDATE, dual_consent=True), replace(other, dual_consent=True)])
    for pair in ([MANDATE, other], [replace(MANDATE, dual_consent=True), other]):
        with pytest.raises(DualRepresentation) as refused:
            check_dual_representation(pair)
        assert refused.value.rule_id == "BR6"
        assert "org_buyer" in refused.value.facts["missing"]


def test_the_commission_of_the_worked_price():
    assert commission_on(68_000_000) == 1_360_000
    assert commission_on(68_000_000, CAP_BP) == 3_400_000
    assert commission_on(25, 200) == 1  # half a fen goes up
    assert commission_on(24, 200) == 0
    assert DEFAULT_BP == 200


def test_a_commission_above_the_cap_is_refused():
    check_commission(500)
    with pytest.raises(CommissionAboveCap) as refused:
        commission_on(68_000_000, 501)
    assert refused.value.code == "commission-above-cap"
    assert refused.value.rule_id == "BR7"
    for price, rate in ((100, -1), (-1, 100)):
        with pytest.raises(Malformed):
            commission_on(price, rate)


@settings(deadline=None)
@given(price=st.integers(min_value=0, max_value=10**13), rate=st.integers(min_value=0, max_value=CAP_BP))
def test_a_commission_never_exceeds_the_cap_by_more_than_rounding(price, rate):
    earned = commission_on(price, rate)
    assert 0 <= earned <= Fraction(price * CAP_BP, 10_000) + Fraction(1, 2)
