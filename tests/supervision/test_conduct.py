"""BR2, BR4, BR6, BR7, BR9: one mediated trade, good as it stands, and every way to spoil it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.supervision.conduct import SECOND, TRADED, brokered, change, mandate, mediate
from tests.supervision.tables import Market, objects_of, of_rule, on


@pytest.mark.parametrize("rule_id", ["BR2", "BR4", "BR5", "BR6", "BR7", "BR8", "BR9", "BR10", "BR11"])
def test_a_clean_brokered_trade_has_no_finding(tmp_path, rule_id):
    market = brokered(rule_id)
    market.add("payments", payment_id="p", trade_id="t", payer_id="ESCROW", payee_id="broker",
               amount_minor=1_360_000, paid_at=on(6, 4), purpose="commission", seq=7)  # fmt: skip
    assert not of_rule(market.supervise(tmp_path), rule_id)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signed_at": TRADED}, None),
        ({"signed_at": TRADED, "seq": 5000}, "not-yet-signed"),  # at equal times the ledger's order decides
        ({"signed_at": TRADED + SECOND}, "not-yet-signed"),
        ({"ends_at": TRADED}, None),
        ({"ends_at": TRADED - SECOND}, "ended"),
        ({"ends_at": None}, "no-end"),
        ({"revoked_at": TRADED - SECOND}, "ended"),
        ({"revoked_at": TRADED + SECOND}, None),
        ({"side": "SELLER"}, None),  # another venue's word for it
        ({"side": None}, None),
        ({"listing_id": "lst-seller"}, None),
        ({"listing_id": "another"}, "listing"),
        ({"fee_bp": None}, "no-fee"),
        ({"fee_bp": None, "conflict_disclosed": None, "dual_consent": None}, None),  # erased, not missing
    ],
)
def test_br2_a_mandate_covers_what_it_says_while_it_stands(tmp_path, changes, reason):
    found = of_rule(change(brokered("BR2"), "mandates", **changes).supervise(tmp_path), "BR2")
    if reason is None:
        assert not found
        return
    (finding,) = found
    assert (finding.subjects, finding.objects) == (("broker",), ("t",))
    assert [one["reason"] for one in finding.statistic["mandates"]] == [reason]


@pytest.mark.parametrize("agreed", ["before", "after"])
def test_br2_what_was_agreed_in_the_mandates_time_is_signed_after_it(tmp_path, agreed):
    market = change(brokered("BR2"), "mandates", revoked_at=TRADED - SECOND, ends_at=TRADED - SECOND)
    since = timedelta(seconds=2) if agreed == "before" else timedelta()
    change(market, "trades", offer_accepted_at=TRADED - since)
    assert bool(of_rule(market.supervise(tmp_path), "BR2")) == (agreed == "after")


@pytest.mark.parametrize("signed", [True, False, None])
def test_br3_asks_nothing_of_a_broker_without_whose_signature_it_was_concluded(tmp_path, signed):
    market = change(brokered("BR3"), "trades", broker_signed=signed)
    assert bool(of_rule(market.supervise(tmp_path), "BR3")) == (signed is not False)


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "rival"}, {"broker_id": "rival"}, {"side": "BUYER"}],
)
def test_br2_a_mandate_of_others_or_of_the_other_side_covers_nothing(tmp_path, changes):
    (finding,) = of_rule(change(brokered("BR2"), "mandates", **changes).supervise(tmp_path), "BR2")
    assert finding.statistic["mandates"] == []
    assert finding.evidence_seqs == (1000,)


def test_br2_one_mandate_that_covers_is_enough(tmp_path):
    market = mandate(brokered("BR2"), "late", "seller", signed_at=TRADED + SECOND)
    assert not of_rule(market.supervise(tmp_path), "BR2")


def holding(holder, held, share):
    market = brokered("BR4")
    return market.add("holdings", holder_id=holder, held_id=held, share=Decimal(share))


@pytest.mark.parametrize(("further", "found"), [("0.1", 1), ("0.099", 0)])
def test_br4_a_share_through_another_counts_by_the_product(tmp_path, further, found):
    market = holding("broker", "between", "0.5")
    market.add("holdings", holder_id="between", held_id="seller", share=Decimal(further))
    assert len(of_rule(market.supervise(tmp_path), "BR4")) == found


def consented(market, *orgs, **changes):
    """The consents of these to the broker's share in the seller, the day before the trade."""
    said = {"trade_id": "t", "broker_id": "broker", "party_id": "seller", "kind": "OWNERSHIP", "seq": 900}
    said |= {"at": on(5, 31)} | changes
    for org_id in orgs:
        market.add("conflict_consents", org_id=org_id, **said)
    return market


@pytest.mark.parametrize(
    ("holder", "held", "kind"),
    [("broker", "seller", "broker-holds-party"), ("broker", "buyer", "broker-holds-party"),
     ("buyer", "broker", "party-holds-broker")],
)  # fmt: skip
def test_br4_five_per_cent_either_way_is_an_interest(tmp_path, holder, held, kind):
    (finding,) = of_rule(holding(holder, held, "0.05").supervise(tmp_path), "BR4")
    party = held if holder == "broker" else holder
    assert finding.subjects == tuple(sorted(("broker", party)))
    assert finding.statistic["interests"] == [{"party_id": party, "kind": kind, "share_bp": 500}]


def test_br4_less_than_five_per_cent_is_none_and_neither_is_a_share_in_others(tmp_path):
    assert not of_rule(holding("broker", "seller", "0.0499").supervise(tmp_path), "BR4")
    assert not of_rule(holding("broker", "rival", "0.9").supervise(tmp_path), "BR4")
    assert not of_rule(holding("fund", "seller", "0.9").supervise(tmp_path), "BR4")


def test_br4_the_shares_of_a_group_are_added_up(tmp_path):
    market = holding("sister", "seller", "0.03").org("sister", "c-broker")
    assert not of_rule(market.supervise(tmp_path), "BR4")
    market.add("holdings", holder_id="broker", held_id="seller", share=Decimal("0.02"))
    (finding,) = of_rule(market.supervise(tmp_path), "BR4")
    assert finding.statistic["interests"][0]["share_bp"] == 500


def test_br4_common_control_is_an_interest_and_consent_in_the_mandate_answers_it(tmp_path):
    market = brokered("BR4").org("sister", "c-broker")
    mediate(market, "u", "seller", "sister")
    (finding,) = of_rule(market.supervise(tmp_path), "BR4")
    assert finding.objects == ("u",)
    assert finding.statistic["interests"] == [
        {"party_id": "sister", "kind": "common-control", "share_bp": None}
    ]
    change(market, "mandates", conflict_disclosed=True)
    assert not of_rule(market.supervise(tmp_path), "BR4")


def test_br4_one_client_that_was_not_told_is_enough(tmp_path):
    market = change(holding("broker", "seller", "0.2"), "mandates", conflict_disclosed=True)
    assert not of_rule(market.supervise(tmp_path), "BR4")
    mandate(market, "n", "buyer", side="BUYER", conflict_disclosed=False)
    assert objects_of(market.supervise(tmp_path), "BR4") == [("t",)]


@pytest.mark.parametrize(
    ("said", "changes", "answered"),
    [
        (("seller", "buyer"), {}, True),
        (("buyer",), {}, False),
        (("rival", "buyer"), {}, False),
        (("seller", "buyer"), {"at": TRADED + SECOND}, False),
        (("seller", "buyer"), {"kind": "MANAGEMENT"}, False),
        (("seller", "buyer"), {"party_id": "buyer"}, False),
        (("seller", "buyer"), {"broker_id": "rival"}, False),
        (("seller", "buyer"), {"trade_id": "u"}, False),
    ],
)
def test_br4_both_parties_may_consent_to_a_disclosed_share_in_the_trade(tmp_path, said, changes, answered):
    market = consented(holding("broker", "seller", "0.2"), *said, **changes)
    assert objects_of(market.supervise(tmp_path), "BR4") == ([] if answered else [("t",)])


def test_br4_one_party_may_consent_in_its_mandate_and_the_other_in_the_trade(tmp_path):
    market = consented(holding("broker", "seller", "0.2"), "seller")
    mandate(market, "n", "buyer", side="BUYER", conflict_disclosed=True)
    assert not of_rule(market.supervise(tmp_path), "BR4")


def test_br4_no_consent_in_the_trade_answers_one_control(tmp_path):
    market = brokered("BR4").org("sister", "c-broker")
    mediate(market, "u", "seller", "sister")
    for kind in ("OWNERSHIP", "CONTROL"):
        consented(market, "seller", "sister", trade_id="u", party_id="sister", kind=kind)
    assert objects_of(market.supervise(tmp_path), "BR4") == [("u",)]


@pytest.mark.parametrize(
    ("sells", "buys", "missing"),
    [
        (True, True, None),
        (True, False, ["buyer"]),
        (False, True, ["seller"]),
        (False, None, ["seller", "buyer"]),
    ],
)
def test_br6_both_clients_consent_or_it_is_a_finding(tmp_path, sells, buys, missing):
    market = change(brokered("BR6"), "mandates", dual_consent=sells)
    mandate(market, "n", "buyer", side="BUYER", dual_consent=buys)
    found = of_rule(market.supervise(tmp_path), "BR6")
    assert [finding.statistic["without_consent"] for finding in found] == ([missing] if missing else [])


def test_br6_a_mandate_that_had_ended_represents_nobody(tmp_path):
    market = mandate(brokered("BR6"), "n", "buyer", side="BUYER", ends_at=TRADED - SECOND)
    assert not of_rule(market.supervise(tmp_path), "BR6")


@pytest.mark.parametrize(
    ("fee_bp", "commission", "reasons"),
    [
        (200, 1_360_000, None),
        (200, 1_360_001, ["above-mandate"]),
        (200, 0, None),
        (500, 3_400_000, None),
        (500, 3_400_001, ["above-cap", "above-mandate"]),
        (600, 4_080_000, ["above-cap"]),
        (None, 3_400_001, ["above-cap"]),
        (200, -1, ["negative"]),
    ],
)
def test_br7_a_commission_is_within_the_cap_and_the_mandate(tmp_path, fee_bp, commission, reasons):
    market = change(brokered("BR7", commission_minor=commission), "mandates", fee_bp=fee_bp)
    found = of_rule(market.supervise(tmp_path), "BR7")
    assert [finding.statistic["reasons"] for finding in found] == ([reasons] if reasons else [])


def test_br7_half_a_fen_is_rounded_up_and_no_excess(tmp_path):
    market = brokered("BR7", amount=75, commission_minor=2)  # 1.5 fen
    assert not of_rule(market.supervise(tmp_path), "BR7")


@pytest.mark.parametrize(("scope", "found"), [("broker", True), ("transport", True), ("health", False)])
def test_br7_a_cap_set_by_the_authority_replaces_the_default(tmp_path, scope, found):
    market = brokered("BR7").add("fee_caps", scope=scope, max_bp=100)
    assert bool(of_rule(market.supervise(tmp_path), "BR7")) is found


def paid(rule_id, payer, payee, purpose, at=None):
    return brokered(rule_id).add(
        "payments",
        payment_id="p",
        trade_id="t",
        payer_id=payer,
        payee_id=payee,
        amount_minor=5,
        paid_at=at or on(6, 4),
        purpose=purpose,
        seq=7,
    )


def test_br7_no_success_no_commission_and_no_rebate(tmp_path):
    early = paid("BR7", "ESCROW", "broker", "commission", at=on(6, 4) - SECOND)
    (finding,) = of_rule(early.supervise(tmp_path), "BR7")
    assert finding.statistic["reasons"] == ["before-success"]
    change(early, "trades", settled_at=None)
    assert of_rule(early.supervise(tmp_path), "BR7")
    (finding,) = of_rule(paid("BR7", "broker", "buyer", "thanks").supervise(tmp_path), "BR7")
    assert finding.statistic["reasons"] == ["rebate"]


@pytest.mark.parametrize(
    ("payer", "payee", "purpose", "found"),
    [
        ("ESCROW", "broker", "commission", False),
        ("ESCROW", "broker", "seller_share", True),
        ("buyer", "broker", "escrow_in", True),
        ("buyer", "broker", "commission", True),  # beside the escrow
        ("broker", "seller", "seller_share", True),
        ("buyer", "ESCROW", "escrow_in", False),
    ],
)
def test_br9_no_money_of_the_trade_passes_through_the_broker(tmp_path, payer, payee, purpose, found):
    assert bool(of_rule(paid("BR9", payer, payee, purpose).supervise(tmp_path), "BR9")) is found


@pytest.mark.parametrize(
    ("paid_out", "found"),
    [
        ([("bank", "broker fee", 200)], False),
        ([("bank", None, 120), ("bank", "", 80)], False),  # in two parts
        ([("bank", None, 120), ("bank", None, 81)], True),  # more than is due
        ([("bank", "commission", 200), ("bank", "advice", 1)], True),  # beside the commission
        ([("bank", "seller_share", 200)], True),
        ([("other", None, 200)], True),  # an account that pays the seller nothing
        ([("buyer", None, 200)], True),
        ([(None, None, 200)], False),  # nobody says that it was a party's
        ([(None, "commission", 200)], False),
        ([(None, None, 201)], True),
    ],
)
def test_br9_a_commission_of_any_name_is_one_as_far_as_the_contract_goes(tmp_path, paid_out, found):
    market = brokered("BR9", commission_minor=200)
    market.add("payments", payment_id="s", trade_id="t", payer_id="bank", payee_id="seller", amount_minor=9)
    for n, (payer, purpose, amount) in enumerate(paid_out):
        market.add(
            "payments", payment_id=f"p{n}", trade_id="t", payer_id=payer, payee_id="broker",
            amount_minor=amount, paid_at=on(6, 4), purpose=purpose,
        )  # fmt: skip
    result = of_rule(market.supervise(tmp_path), "BR9")
    assert [one.objects for one in result] == [("t",)] * found


def told(rule_id, kind, told_at, **moment):
    market = Market("notices")
    market.only = (rule_id,)
    return market.add("notices", notice_id="n", org_id="broker", kind=kind, told_at=told_at, seq=3, **moment)


@pytest.mark.parametrize(("late", "found"), [(timedelta(0), False), (SECOND, True)])
def test_br12_a_suspicion_is_told_within_twenty_four_hours(tmp_path, late, found):
    market = told("BR12", "suspicion", on(6, 2, 8) + late, noticed_at=on(6, 1, 8))
    result = market.supervise(tmp_path)
    assert objects_of(result, "BR12") == ([("n",)] if found else [])
    assert not of_rule(told("BR12", "change", on(6, 3), noticed_at=on(6, 1)).supervise(tmp_path), "BR12")


@pytest.mark.parametrize(("day", "found"), [(20, True), (22, True), (23, False), (24, False)])
def test_br13_a_change_is_told_five_working_days_before(tmp_path, day, found):
    market = told("BR13", "change", on(11, 16, 2), takes_effect_at=on(11, day, 2))
    assert bool(of_rule(market.supervise(tmp_path), "BR13")) is found
