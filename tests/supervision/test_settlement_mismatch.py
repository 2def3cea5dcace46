"""S30: contract, payments and fees agree to the fen, trade by trade; S24: money is there before delivery."""

from datetime import timedelta

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


IN_PART = {
    "escrow_in": 680_000_00,
    "seller_share": 336_266_67,
    "commission": 6_933_33,
    "platform_fee": 3_466_67,
    "refund": 333_333_33,
}


def test_a_price_of_which_part_went_back_agrees_to_the_fen(tmp_path):
    assert not of_rule(settled(IN_PART).supervise(tmp_path), "S30")


@pytest.mark.parametrize(
    "wrong",
    [
        {"commission": 13_600_00, "seller_share": 329_600_00},
        {"commission": 6_933_34, "seller_share": 336_266_66},
        {"refund": 333_333_34},
        {"refund": 0},
    ],
)
def test_a_price_that_was_divided_otherwise_is_found(tmp_path, wrong):
    (finding,) = of_rule(settled(IN_PART | wrong).supervise(tmp_path), "S30")
    assert finding.objects == ("t",)


def test_every_difference_that_the_ledger_states_is_a_finding(tmp_path):
    market = settled(PAID)
    market.only = ("S30B",)
    told = {"at": on(6, 4), "bank_message_sha256": "00" * 32}
    amounts = {"expected_minor": 100, "actual_minor": 99}
    market.add("payment_mismatches", seq=2000, trade_id="t", kind="amount-differs", **amounts, **told)
    market.add("payment_mismatches", seq=2001, trade_id=None, kind="closing-balance", **amounts, **told)
    market.add("payment_mismatches", seq=2002, trade_id="t", kind="instruction-rejected", **told)
    market.add("payment_mismatches", seq=2003, trade_id="t", kind="later", **(told | {"at": on(12, 1)}))
    market.add(
        "payment_mismatches", seq=2004, trade_id="t", kind="same", expected_minor=5, actual_minor=5, **told
    )
    found = of_rule(market.supervise(tmp_path), "S30B")
    assert {finding.evidence_seqs: finding.statistic for finding in found} == {
        (1000, 2000): {"kind": "amount-differs", "expected_minor": "100", "actual_minor": "99"},
        (2001,): {"kind": "closing-balance", "expected_minor": "100", "actual_minor": "99"},
        (1000, 2002): {"kind": "instruction-rejected"},
    }
    assert {finding.objects for finding in found} == {
        ("entry 2000", "t"),
        ("entry 2001",),
        ("entry 2002", "t"),
    }
    assert {finding.subjects for finding in found} == {("broker", "buyer", "seller"), ()}


def test_a_balance_that_differs_day_after_day_is_one_finding(tmp_path):
    market = settled(PAID)
    market.only = ("S30B",)
    told = {"trade_id": None, "bank_message_sha256": "ab" * 32}
    for seq, kind, expected, actual in (
        (2001, "closing-balance", 500, 623),
        (2002, "opening-balance", 500, 623),
        (2003, "closing-balance", 900, 1023),
        (2004, "closing-balance", 900, 901),  # another difference
        (2005, "unknown-entry", 0, 123),  # no balance: by itself
    ):
        amounts = {"expected_minor": expected, "actual_minor": actual}
        market.add("payment_mismatches", seq=seq, kind=kind, at=on(6, 4), **amounts, **told)
    found = {one.evidence_seqs: one.statistic for one in of_rule(market.supervise(tmp_path), "S30B")}
    assert found == {
        (2001, 2002, 2003): {
            "kind": "closing-balance",
            "expected_minor": "500",
            "actual_minor": "623",
            "told": "3",
        },
        (2004,): {"kind": "closing-balance", "expected_minor": "900", "actual_minor": "901"},
        (2005,): {"kind": "unknown-entry", "expected_minor": "0", "actual_minor": "123"},
    }


ELSEWHERE = {
    "in": ("buyer", "BANK", 680_000_00),
    "out": ("BANK", "seller", 659_600_00),
    "broker": ("BANK", "broker", 13_600_00),
    "house": ("BANK", "house", 6_800_00),
}


def told_by_parties(**changes):
    """Payments of another venue: its own words, its own escrow."""
    market = settled({})
    for name, (payer, payee, amount) in (ELSEWHERE | changes).items():
        market.add(
            "payments", payment_id=name, trade_id="t", payer_id=payer, payee_id=payee, amount_minor=amount,
            paid_at=on(6, 3), purpose=f"our word for {name}", seq=9,
        )  # fmt: skip
    return market


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, None),
        ({"in": ("buyer", "BANK", 680_000_01)}, "escrow_in"),
        ({"out": ("BANK", "seller", 659_599_99)}, "seller_share"),
        ({"broker": ("BANK", "broker", 13_600_01)}, "commission"),
        ({"in": ("buyer", "seller", 680_000_00), "out": ("house", "house", 5)}, None),  # paid to it directly
        ({"back": ("BANK", "buyer", 100)}, None),  # a part came back: nobody knows what is due
        ({"in": ("another", "BANK", 5), "out": ("another", "BANK", 5)}, None),  # nothing told of it
    ],
)
def test_without_our_words_who_paid_whom_is_compared(tmp_path, changes, found):
    told = of_rule(told_by_parties(**changes).supervise(tmp_path), "S30")
    assert bool(told) is bool(found)
    for finding in told:
        sums = finding.statistic["sums"]
        assert [name for name in sums if sums[name]["due_minor"] != sums[name]["paid_minor"]] == [found]
        assert finding.statistic["read_by"] == "parties"


@pytest.mark.parametrize(
    "ours", [(), ("escrow_in",), ("escrow_in", "seller_share"), PURPOSES[1:], PURPOSES[:3]]
)
def test_each_word_of_ours_is_believed_and_the_rest_is_read_by_parties(tmp_path, ours):
    """Trades of one folder: all in order, a fen off in one part each, one without any payment."""
    market = Market("orgs", "trades", "payments")
    market.only = ("S30",)
    ways = dict(zip(PURPOSES, ELSEWHERE.values(), strict=True))
    off = {f"off-{purpose}": purpose for purpose in PURPOSES}
    for trade_id in ("fine-1", "fine-2", "fine-3", "unpaid", *off):
        market.trade(
            trade_id, "seller", "buyer", 680_000_00,
            commission_minor=13_600_00, platform_fee_minor=6_800_00, broker_id="broker",
        )  # fmt: skip
        for purpose, (payer, payee, amount) in ways.items() if trade_id != "unpaid" else ():
            market.add(
                "payments", payment_id=f"{trade_id}-{purpose}", trade_id=trade_id, payer_id=payer,
                payee_id=payee, amount_minor=amount + (off.get(trade_id) == purpose), paid_at=on(6, 3),
                purpose=purpose if purpose in ours else "another word",
            )  # fmt: skip
    found = of_rule(market.supervise(tmp_path), "S30")
    differing = {
        finding.objects[0]: [
            name for name, sums in finding.statistic["sums"].items() if len(set(sums.values())) > 1
        ]
        for finding in found
    }
    assert differing == {"unpaid": list(PURPOSES)} | {
        trade_id: [purpose] for trade_id, purpose in off.items()
    }


@pytest.mark.parametrize(("paid", "found"), [(1, []), (2, ["t3"])])
def test_a_trade_without_payments_is_found_where_most_have_them(tmp_path, paid, found):
    market = Market("orgs", "trades", "payments")
    market.only = ("S30",)
    for n in range(1, 4):
        market.trade(f"t{n}", "seller", "buyer", 100)
    for n in range(1, paid + 1):
        for way, (payer, payee) in {"in": ("buyer", "bank"), "out": ("bank", "seller")}.items():
            known = {"payer_id": payer, "payee_id": payee, "amount_minor": 100, "paid_at": on(6, 3)}
            market.add("payments", payment_id=f"{way}-{n}", trade_id=f"t{n}", purpose=way, **known)
    market.trade("early", "seller", "buyer", 100, settled_at=None)
    result = of_rule(market.supervise(tmp_path), "S30")
    assert sorted(finding.objects[0] for finding in result) == found


@pytest.mark.parametrize("word", ["refund", "return"])
@pytest.mark.parametrize(("off", "found"), [(0, []), (1, ["t"])])
def test_what_went_back_by_any_word_leaves_less_to_be_split(tmp_path, word, off, found):
    market = settled({})
    ways = ELSEWHERE | {"back": ("BANK", "buyer", IN_PART["refund"])}
    words = dict(zip(ways, (*PURPOSES, word), strict=True))
    for way, (payer, payee, _) in ways.items():
        amount = IN_PART[words[way] if way != "back" else "refund"] + off * (way == "out")
        known = {"payer_id": payer, "payee_id": payee, "amount_minor": amount, "paid_at": on(6, 3)}
        market.add("payments", payment_id=way, trade_id="t", purpose=words[way], **known)
    assert [one.objects[0] for one in of_rule(market.supervise(tmp_path), "S30")] == found


@pytest.mark.parametrize(
    ("after", "purpose", "keeper", "found"),
    [
        (60, None, "bank", False),  # the grace
        (61, None, "bank", True),
        (61, "deposit", "bank", True),
        (61, "escrow_in", "bank", True),
        (61, None, "other", False),  # no account that pays the seller
        (61, "price", "seller", False),  # paid straight, on delivery: no escrow waited for it
    ],
)
def test_s24_a_delivery_waits_for_the_money_whatever_it_is_called(tmp_path, after, purpose, keeper, found):
    market = Market("orgs", "trades", "payments").trade("t", "seller", "buyer", 100)
    market.only = ("S24",)
    at = market.rows["trades"][0]["delivered_at"]
    for payment_id, payer, payee, paid_at in (
        ("in", "buyer", keeper, at + timedelta(seconds=after)),
        ("out", "bank", "seller", at + timedelta(days=2)),
    ):
        known = {"payment_id": payment_id, "payer_id": payer, "payee_id": payee, "amount_minor": 100}
        word = purpose if payment_id == "in" else "release"
        market.add("payments", trade_id="t", paid_at=paid_at, purpose=word, **known)
    result = of_rule(market.supervise(tmp_path), "S24")
    told = [[one["kind"] for one in finding.statistic["breaches"]] for finding in result]
    assert told == [["delivered-unfunded"]] * found


@pytest.mark.parametrize(
    ("trade_id", "purpose", "found"),
    [
        ("gone", "escrow_in", {"escrow_in": "7"}),
        ("gone", "deposit", {"other": "7"}),
        ("gone", None, {"other": "7"}),
        (None, "escrow_in", {"escrow_in": "7"}),
        ("", "escrow_in", {"escrow_in": "7"}),
        (None, "loan", None),  # people pay each other for much else
        ("", None, None),
        ("t", "deposit", None),
    ],
)
def test_s30d_a_payment_belongs_to_the_trade_that_it_names(tmp_path, trade_id, purpose, found):
    market = Market("orgs", "trades", "payments").trade("t", "seller", "buyer", 100)
    market.only = ("S30D",)
    known = {"payer_id": "buyer", "payee_id": "bank", "amount_minor": 7, "paid_at": on(6, 1)}
    market.add("payments", payment_id="p", trade_id=trade_id, purpose=purpose, **known)
    result = of_rule(market.supervise(tmp_path), "S30D")
    assert [(one.objects, one.statistic["sums_minor"]) for one in result] == [(("p",), found)] * bool(found)
