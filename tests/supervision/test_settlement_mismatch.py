"""S30: contract, payments and fees agree to the fen, trade by trade."""

import pytest

from supervision.rules.s30 import PURPOSES
from tests.supervision.tables import Market, of_rule, on

PAID = {
    "escrow_in": 680_000_00,
    "seller_share": 659_600_00,
    "commission": 13_600_00,
    "platform_fee": 6_800_00,
}


def settled(paid, **trade):
    market = Market("orgs", "trades", "payments")
    market.only = ("S30",)
    market.trade(
        "t",
        "seller",
        "buyer",
        680_000_00,
        commission_minor=13_600_00,
        platform_fee_minor=6_800_00,
        broker_id="broker",
        **trade,
    )
    for n, (purpose, amount) in enumerate(paid.items()):
        market.add(
            "payments", trade_id="t", purpose=purpose, amount_minor=amount, paid_at=on(6, 3), seq=7 + n
        )
    return market


def test_the_vector_of_the_rules_agrees(tmp_path):
    assert set(PAID) == set(PURPOSES)
    assert not of_rule(settled(PAID).supervise(tmp_path), "S30")


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("by", [1, -1])
def test_one_fen_more_or_less_is_found(tmp_path, purpose, by):
    (finding,) = of_rule(settled(PAID | {purpose: PAID[purpose] + by}).supervise(tmp_path), "S30")
    assert finding.objects == ("t",)
    assert finding.subjects == ("broker", "buyer", "seller")
    due = {"due_minor": str(PAID[purpose]), "paid_minor": str(PAID[purpose] + by)}
    assert finding.statistic["sums"][purpose] == due
    assert finding.evidence_seqs == (7, 8, 9, 10, 1000)


def test_a_settled_trade_nobody_paid_for_is_found(tmp_path):
    market = settled({})
    market.add("payments", trade_id="another", purpose="escrow_in", amount_minor=5, paid_at=on(6, 3))
    assert of_rule(market.supervise(tmp_path), "S30")


def test_payments_in_parts_add_up(tmp_path):
    market = settled(PAID | {"escrow_in": 680_000_00 - 7})
    market.add("payments", trade_id="t", purpose="escrow_in", amount_minor=7, paid_at=on(6, 3))
    assert not of_rule(market.supervise(tmp_path), "S30")


def test_reports_that_know_none_of_the_purposes_say_nothing(tmp_path):
    assert not of_rule(settled({"invoice": 5}).supervise(tmp_path), "S30")


@pytest.mark.parametrize("trade", [{"settled_at": None}, {"status": "REFUNDED"}, {"settled_at": on(12, 1)}])
def test_only_settled_trades_are_judged(tmp_path, trade):
    assert not of_rule(settled({"escrow_in": 1}, **trade).supervise(tmp_path), "S30")
