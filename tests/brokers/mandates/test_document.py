"""The document of a mandate and its limits, as values."""

from dataclasses import replace
from datetime import UTC, date, datetime

import orjson
import pytest

from base.errors import Malformed
from brokers.mandates.document import Bypass, Limits, Use, Written, check_date, check_use
from brokers.mandates.errors import MandateDateWrong, MandateExceeded
from brokers.rule_table import in_force
from brokers.rules import Power, Side

NARROW = Limits(
    categories=frozenset({"transport", "energy"}),
    powers=frozenset({Power.NEGOTIATE}),
    territories=frozenset({"440000", "SG"}),
    price_floor_minor=50_000,
    price_ceiling_minor=90_000,
)
FITS = Use(
    power=Power.NEGOTIATE,
    category="transport/aviation",
    price_minor=50_000,
    territories=frozenset({"440100"}),
)
WRITTEN = Written(
    mandate_id="mnd_1",
    broker_id="org_b",
    client_id="org_c",
    parties={"org_b": {"name": "经纪", "uscc": "B"}, "org_c": {"name": "客户", "uscc": "C"}},
    side=Side.PROVIDER,
    listing_id=None,
    scope="negotiate",
    fee_bp=200,
    cap_bp=500,
    conflict_disclosed=False,
    dual_consent=False,
    dated_on=date(2026, 11, 16),
    ends_at=datetime(2027, 6, 30, tzinfo=UTC),
    nonce="n",
    bypass=Bypass("1", 6),
    limits=NARROW,
)


def test_what_keeps_to_the_limits_passes_to_the_last_fen():
    check_use(NARROW, FITS, mandate_id="m")
    check_use(NARROW, replace(FITS, price_minor=90_000, territories=frozenset({"SG"})), mandate_id="m")
    check_use(Limits(), Use(power=Power.MATCH, category="x", price_minor=1), mandate_id="m")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"power": Power.SET_PRICE}, "power"),
        ({"category": "health"}, "category"),
        ({"price_minor": 49_999}, "price-floor"),
        ({"price_minor": 90_001}, "price-ceiling"),
        ({"territories": frozenset({"440100", "350000"})}, "territory"),
        ({"territories": frozenset({"CN"})}, "territory"),
    ],
)
def test_each_limit_is_told_by_its_name(change, reason):
    with pytest.raises(MandateExceeded) as refused:
        check_use(NARROW, replace(FITS, **change), mandate_id="m")
    assert (refused.value.facts["reason"], refused.value.rule_id) == (reason, "BR2")


@pytest.mark.parametrize(
    "wrong",
    [
        {"powers": frozenset()},
        {"price_floor_minor": 2, "price_ceiling_minor": 1},
        {"price_floor_minor": -1},
        {"categories": frozenset(str(n) for n in range(31))},
    ],
)
def test_limits_that_no_act_can_keep_to_are_malformed(wrong):
    with pytest.raises(Malformed):
        Limits(**wrong)


@pytest.mark.parametrize(
    ("day", "reason"), [(date(2026, 11, 15), "back-dated"), (date(2026, 11, 17), "post-dated")]
)
def test_a_document_bears_the_ledgers_day_in_shanghai(day, reason):
    now = datetime(2026, 11, 15, 16, 0, tzinfo=UTC)  # the sixteenth has begun there
    check_date(date(2026, 11, 16), now=now)
    with pytest.raises(MandateDateWrong) as refused:
        check_date(day, now=now)
    assert refused.value.facts["reason"] == reason


def test_the_document_says_in_both_languages_how_long_the_broker_is_not_to_be_walked_around():
    """As the rule table of its day has it: a table of another number makes another text."""
    day = datetime(2026, 11, 16, tzinfo=UTC)
    usual = Bypass.of(in_force(day))
    longer = [
        replace(one, value="9") if one.name == "months" else one for one in in_force(day).of("BR-BYPASS")
    ]
    for bypass, months in ((usual, 6), (Bypass.of(in_force(day, longer)), 9)):
        said = orjson.loads(replace(WRITTEN, bypass=bypass).encoded())["bypass"]
        assert (said["rule"], said["version"], said["months"]) == ("BR-BYPASS", "1", months)
        assert f"终止后{months}个月内" in said["zh"]
        assert f"within {months} months after its end" in said["en"]


def test_every_word_and_the_nonce_change_the_document():
    changes = (
        {"fee_bp": 201},
        {"nonce": "o"},
        {"bypass": Bypass("1", 7)},
        {"limits": replace(NARROW, exclusive=True)},
        {"dated_on": date(2026, 11, 17)},
        {"scope": "more"},
        {"dual_consent": True},
    )
    seen = {WRITTEN.encoded(), *(replace(WRITTEN, **change).encoded() for change in changes)}
    assert len(seen) == len(changes) + 1
