"""BR5, BR8, BR11: what a broker does with its clients' goods, prices and sham trades."""

from datetime import timedelta

import pytest

from tests.supervision.conduct import SECOND, TRADED, brokered, change, mandate, mediate
from tests.supervision.tables import objects_of, of_rule, on


def kinds(market, tmp_path):
    found = of_rule(market.supervise(tmp_path), "BR5")
    return sorted((finding.statistic["kind"], finding.objects) for finding in found)


def test_br5_a_party_of_the_brokers_group_in_a_trade_it_mediates(tmp_path):
    market = brokered("BR5").org("sister", "c-broker")
    mediate(market, "u", "seller", "sister", product_id="other")
    assert kinds(market, tmp_path) == [("own-account", ("u",))]


def test_br5_buying_from_ones_client_what_one_is_mandated_to_sell(tmp_path):
    market = brokered("BR5").org("sister", "c-broker")
    market.trade("u", "seller", "sister", 5, TRADED)
    assert kinds(market, tmp_path) == [("client-counterparty", ("u",))]
    change(market, "mandates", side="seller", revoked_at=TRADED)
    assert kinds(market, tmp_path) == [("client-counterparty", ("u",))]
    change(market, "mandates", revoked_at=TRADED - SECOND)  # no client any more
    assert kinds(market, tmp_path) == []
    change(market, "mandates", revoked_at=None, listing_id="another")
    assert kinds(market, tmp_path) == []


def test_br5_a_broker_may_buy_from_who_is_no_client_and_keep_it(tmp_path):
    market = brokered("BR5").trade("u", "rival", "broker", 5, TRADED)
    assert kinds(market, tmp_path) == []


def resold(after, **changes):
    """The broker buys from `rival`, which mandated it for something else, and sells to `buyer`."""
    market = brokered("BR5")
    mandate(market, "r", "rival", side="PROVIDER", listing_id="elsewhere", **changes)
    market.trade("in", "rival", "broker", 100, TRADED, product_id="goods", listing_id="l1")
    return market.trade("out", "broker", "buyer", 150, TRADED + after, product_id="goods", listing_id="l2")


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (timedelta(0), True),
        (timedelta(days=30), True),
        (timedelta(days=30, seconds=1), False),
        (-SECOND, False),
    ],
)
def test_br5_bought_from_a_client_and_sold_within_thirty_days(tmp_path, after, found):
    market = resold(after)
    assert kinds(market, tmp_path) == ([("back-to-back", ("in", "out"))] if found else [])


def test_br5_the_margin_is_told_and_derived_goods_count(tmp_path):
    market = resold(timedelta(days=2))
    (finding,) = of_rule(market.supervise(tmp_path), "BR5")
    assert finding.statistic["margin_minor"] == "50"
    change(market, "trades", product_id="blend")
    assert kinds(market, tmp_path) == []
    market.add("lineage", product_id="blend", source_product_id="goods")
    assert kinds(market, tmp_path) == [("back-to-back", ("in", "out"))]


def test_br5_a_merchant_without_client_on_either_side_is_no_broker_of_it(tmp_path):
    market = resold(timedelta(days=2), ends_at=TRADED - SECOND)
    assert kinds(market, tmp_path) == []


def quoted(*quotes):
    market = brokered("BR8").org("sister", "c-seller")
    for n, (seller, broker, file) in enumerate(quotes):
        market.add("quotes", quote_id=f"q{n}", seller_id=seller, broker_id=broker, attachment_sha256=file,
                   quoted_at=on(6, n + 1), seq=n)  # fmt: skip
    return market


def test_br8_one_file_in_the_quotes_of_two_sellers_through_one_broker(tmp_path):
    market = quoted(("seller", "broker", "f"), ("rival", "broker", "F"), ("rival", "broker", "g"))  # hex
    (finding,) = of_rule(market.supervise(tmp_path), "BR8")
    assert finding.objects == ("q0", "q1")
    assert finding.subjects == ("broker", "rival", "seller")
    assert finding.statistic["detector"] == "CO6"


@pytest.mark.parametrize(
    "quotes",
    [
        [("seller", "broker", "f"), ("rival", "agent", "f")],  # two brokers
        [("seller", "broker", "f"), ("sister", "broker", "f")],  # one undertaking
        [("seller", None, "f"), ("rival", None, "f")],  # no broker
        [("seller", "broker", None), ("rival", "broker", None)],  # no file
    ],
)
def test_br8_other_files_are_no_hub(tmp_path, quotes):
    assert not of_rule(quoted(*quotes).supervise(tmp_path), "BR8")


def ring(*brokers):
    """SC-5: three legs in sixty hours, and one honest sale by the broker in between."""
    market = brokered("BR11")
    for n, (seller, buyer, broker) in enumerate(zip("abc", "bca", brokers, strict=True)):
        market.org(seller)
        mediate(market, f"w{n}", seller, buyer, at=on(10, 12 + n), product_id="hot", broker_id=broker)
    return mediate(market, "h", "seller", "buyer", at=on(10, 13), product_id="hot")


def test_br11_a_broker_of_a_closed_loop(tmp_path):
    market = ring("broker", "broker", "broker")
    (finding,) = of_rule(market.supervise(tmp_path), "BR11")
    assert (finding.subjects, finding.objects) == (("broker",), ("w0", "w1", "w2"))
    assert finding.statistic["kind"] == "closed-loop"


def test_br11_one_leg_alone_accuses_nobody_and_two_accuse_their_broker(tmp_path):
    assert not of_rule(ring("broker", None, "agent").supervise(tmp_path), "BR11")
    market = ring("broker", "agent", "broker")
    assert objects_of(market.supervise(tmp_path), "BR11") == [("w0", "w2")]


def test_br11_a_self_trade_is_told_once_and_within_its_loop_not_again(tmp_path):
    market = brokered("BR11").org("seller2", "c-seller")
    mediate(market, "s", "seller", "seller2", product_id="x")
    (finding,) = of_rule(market.supervise(tmp_path), "BR11")
    assert (finding.statistic["kind"], finding.objects) == ("self-trade", ("s",))
    market = ring("broker", "broker", "broker")
    for row in market.rows["orgs"]:
        if row["org_id"] in {"a", "b", "c"}:
            row["controller_id"] = "chen"
    assert objects_of(market.supervise(tmp_path), "BR11") == [("w0", "w1", "w2")]
