"""Market auctions as evidence: their bids are a table of their own, and the bid screens see it."""

from datetime import timedelta

from supervision.tenders import tenders
from tests.supervision.statements import BUYER, SELLER, founded
from tests.supervision.tables import Market, of_rule, on
from tests.supervision.test_evidence import tables_of

RING = ("b1", "b2", "b3", "b4")


def market():
    made = Market("orgs", "quotes", "bids", "listings")
    for org in ("seller", *RING):
        made.org(org)
    return made.add("listings", listing_id="lst", seller_id="seller", category="energy", geo="440000")


def auction(made, number, prices, won=0, *, at=None):
    """One auction: what each of the ring bid; who won, and the losers."""
    for place, (bidder, price) in enumerate(zip(RING, prices, strict=True)):
        made.add(
            "bids",
            auction_id=f"auc{number}",
            bid_id=f"bid{number}-{place}",
            listing_id="lst",
            seller_id="seller",
            bidder_id=bidder,
            mechanism="M6",
            committed_at=(at or on(5, 1)) + timedelta(days=7 * number, hours=place),
            price_minor=price,
            quantity=1,
            outcome="won" if place == won else "lost",
            seq=900 + 10 * number + place,
        )
    return made


def test_one_high_bid_over_losers_that_stand_together_is_found(tmp_path):
    made = market()
    made.only = ("CO2",)
    for number in range(3):
        auction(made, number, (150, 100, 99, 98))
    (finding,) = of_rule(made.supervise(tmp_path), "CO2")
    assert set(finding.subjects) == set(RING)  # the bidders, and never the seller
    assert finding.objects == ("auc0", "auc1", "auc2")


def test_one_low_bid_under_rivals_is_no_cover_in_an_auction(tmp_path):
    made = market()
    made.only = ("CO2",)
    for number in range(3):
        auction(made, number, (150, 149, 148, 100))
    assert not of_rule(made.supervise(tmp_path), "CO2")


def test_buyers_that_take_turns_are_found(tmp_path):
    made = market()
    made.only = ("CO4",)
    for number in range(8):
        prices = [100, 101, 102, 103]
        prices[number % 4] = 150
        auction(made, number, prices, won=number % 4, at=on(4, 1))
    (finding,) = of_rule(made.supervise(tmp_path), "CO4")
    assert finding.statistic["period"] == 4
    assert set(finding.subjects) == set(RING)


def test_the_best_bid_of_an_auction_is_the_highest_and_of_a_tender_the_lowest():
    def row(bidder, price, *, sale):
        return {
            "tender_id": "t",
            "seller_group": bidder,
            "category": "c",
            "geo": "g",
            "quoted_at": on(1, 1),
            "price_minor": price,
            "quantity": 1,
            "outcome": None,
            "sale": sale,
        }

    for sale, best in ((True, "b"), (False, "a")):
        (found,) = tenders([row("a", 5, sale=sale), row("b", 9, sale=sale)])
        assert (found.winner.group, found.sale) == (best, sale)


def test_an_auction_on_the_ledger_becomes_its_bids(tmp_path):
    ledger = founded()
    named = {"auction_id": "auc_1", "listing_id": "lst_1", "seller_id": SELLER}
    sold = {"quantity": 2, "unit": "set", "licence_class": "exclusive", "reserve_minor": "5"}
    ledger.say("AUC.OPEN", "auc_1", opening=sold, actor=SELLER, role="PROVIDER", mechanism="M6", **named)
    for number, bidder in ((1, BUYER), (2, "org_2"), (3, "org_3")):
        bid = {"bid_id": f"bid_{number}", "bidder_id": bidder, "broker_id": None, "commitment": "0" * 64}
        ledger.say(
            "AUC.COMMIT", "auc_1", opening={"purpose": "x"}, actor=bidder, role="BUYER", **named, **bid
        )
    ledger.say("AUC.CLOSE", "auc_1", bids=3, **named)
    seqs = {}
    for number, bidder, price in ((1, BUYER, "900"), (2, "org_2", "700")):
        bid = {"bid_id": f"bid_{number}", "bidder_id": bidder, "broker_id": None}
        seqs[bid["bid_id"]] = ledger.say(
            "AUC.REVEAL", "auc_1", opening={"price_minor": price}, actor=bidder, role="BUYER", **named, **bid
        )
    ledger.say("AUC.AWARD", "auc_1", winners=["bid_1"], trades=["trd_1"], withdrawn=["bid_3"], **named)
    rows = {row["bid_id"]: row for row in tables_of(ledger, tmp_path)["bids"]}
    told = ("bidder_id", "price_minor", "quantity", "outcome", "trade_id", "mechanism")
    assert {bid_id: tuple(row[name] for name in told) for bid_id, row in rows.items()} == {
        "bid_1": (BUYER, 900, 2, "won", "trd_1", "M6"),
        "bid_2": ("org_2", 700, 2, "lost", None, "M6"),
        "bid_3": ("org_3", None, 2, "withdrawn", None, "M6"),
    }
    assert {bid_id: rows[bid_id]["seq"] for bid_id in seqs} == seqs
