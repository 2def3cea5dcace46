"""A clean market: honest trades only, with the tables rules ask for. What is found here is one too many."""

import random
from datetime import timedelta

from tests.supervision.tables import Market, on

SELLERS, BUYERS, MARKETS = 600, 1_500, 25


def clean_market(trades, seed=1):
    """So many honest trades of one year: many sellers of a like size, each with its own products and buyers.

    Prices lie around each market's own with a tenth of spread and are no price list; every file is looked
    at for hours or days and used; the money is what the contract says; brokers have their papers.
    """
    chance = random.Random(seed)
    market = Market(
        *("orgs", "flags", "trades", "usage", "payments", "listings", "requests", "quotes", "listing_views"),
        *("costs", "exports", "export_persons", "export_transfers", "concentrations", "holdings"),
    )
    market.rows["holdings"].append({"holder_id": "b0", "held_id": "s0", "share": None})
    for n in range(SELLERS):
        market.org(f"s{n}", region=f"r{n % 7}")
        _listing(market, n)
    for n in range(BUYERS):
        market.org(f"b{n}", region=f"r{n % 9}")
    for n in range(trades):
        _trade(market, n, chance)
    return market


def _listing(market, n):
    market.add(
        "listings",
        listing_id=f"l{n}",
        seller_id=f"s{n}",
        product_id=f"p{n}",
        category=f"c{n % MARKETS}",
        geo="nationwide",
        product_type="FILE",
        list_price_minor=_price(n) * 2,
        cap_minor=_price(n) * 3 if n % 10 == 0 else None,
        public_data=n % 10 == 0,
        listed_at=on(1, 1, year=2025),
        seq=n,
    )


def _price(n):
    return 100_000 + 40_000 * (n % MARKETS)


def _trade(market, n, chance):
    seller, buyer = chance.randrange(SELLERS), f"b{chance.randrange(BUYERS)}"
    at = on(11, 22, year=2025) + timedelta(minutes=chance.randrange(360 * 24 * 60))
    quantity = chance.choice((1, 1, 1, 2, 5))
    amount = quantity * round(_price(seller) * chance.uniform(0.94, 1.06))
    fee = amount // 100
    delivered = at + timedelta(hours=chance.randrange(1, 40))
    accepted = delivered + timedelta(minutes=chance.randrange(30, 5_000))
    settled = accepted + timedelta(days=1)
    market.trade(
        f"t{n}",
        f"s{seller}",
        buyer,
        amount,
        at,
        category=f"c{seller % MARKETS}",
        quantity=quantity,
        platform_fee_minor=fee,
        listing_id=f"l{seller}",
        product_id=f"p{seller}",
        delivered_at=delivered,
        accepted_at=accepted,
        settled_at=settled,
    )
    market.used(f"t{n}", delivered.date(), calls=chance.randrange(50), bytes=chance.randrange(10**9))
    day = {"trade_id": f"t{n}", "seq": None}
    for purpose, payer, payee, part, paid in (
        ("escrow_in", buyer, "ESCROW", amount, at + timedelta(minutes=20)),
        ("seller_share", "ESCROW", f"s{seller}", amount - fee, settled),
        ("platform_fee", "ESCROW", "operator", fee, settled),
    ):
        market.add(
            "payments",
            payment_id=f"{n}-{purpose}",
            payer_id=payer,
            payee_id=payee,
            amount_minor=part,
            paid_at=paid,
            purpose=purpose,
            **day,
        )
    if n % 3 == 0:
        market.add(
            "requests",
            request_id=f"t{n}",
            listing_id=f"l{seller}",
            seller_id=f"s{seller}",
            buyer_id=buyer,
            buyer_qualified=True,
            asked_at=at - timedelta(days=2),
            answered_at=at - timedelta(days=1),
            outcome="offered",
            seq=n,
        )
    if n % 5 == 0:
        _tender(market, n, seller, chance, at)


def _tender(market, n, seller, chance, at):
    """Rivals of one market bid for a buyer's need, each with its own costs."""
    rivals = [seller % MARKETS + MARKETS * k for k in chance.sample(range(SELLERS // MARKETS), 4)]
    for rival in rivals:
        market.add(
            "quotes",
            quote_id=f"q{n}-{rival}",
            tender_id=f"tender{n}",
            listing_id=f"l{rival}",
            seller_id=f"s{rival}",
            buyer_id=f"b{n % BUYERS}",
            quoted_at=at - timedelta(hours=chance.randrange(48)),
            price_minor=round(_price(rival) * chance.uniform(0.75, 1.25)),
            quantity=1,
            unit="set",
            seq=n,
        )
