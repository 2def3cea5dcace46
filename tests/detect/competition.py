"""Planted cases of concentration, dominance, mergers, price caps and certificates."""

from tests.detect.planted import plants
from tests.supervision.tables import on


def market_of(market, tag, shares, *, trades=6, buyers=6):
    """Sellers `s0-tag`… with these amounts, in a market of their own."""
    for n in range(buyers):
        market.org(f"b{n}-{tag}")
    for nth, amount in enumerate(shares):
        seller = f"s{nth}-{tag}"
        market.org(seller)
        for n in range(trades):
            part = amount // trades + (amount % trades if n == 0 else 0)
            market.trade(
                f"t{nth}.{n}-{tag}",
                seller,
                f"b{n % buyers}-{tag}",
                part,
                on(3 + n % 6, 1 + n),
                category=f"c-{tag}",
                listing_id=f"l{nth}-{tag}",
                product_id=f"p{nth}-{tag}",
            )


@plants("AML24-1")
def one_half(market, tag, guilty, chance):
    half = chance.randrange(1_000, 9_000_000)
    market_of(
        market,
        tag,
        (half, half // 2, half - half // 2) if guilty else (half, half // 2, half - half // 2 + 1),
    )


@plants("AML24-2")
def two_thirds(market, tag, guilty, chance):
    third = 12 * chance.randrange(100, 900_000)  # the two largest have exactly two thirds, or one fen less
    first, second = third + third // 3, third - third // 3
    rest = third // 2
    market_of(market, tag, (first, second - (not guilty), rest, rest + (not guilty)))


@plants("AML24-3")
def three_quarters(market, tag, guilty, chance):
    quarter = 12 * chance.randrange(100, 900_000)
    rest = quarter // 2
    market_of(market, tag, (quarter, quarter, quarter - (not guilty), rest, rest + (not guilty)))


def merging(market, tag, shares):
    market_of(market, tag, shares)
    market.add("concentrations", acquirer_id=f"s0-{tag}", target_id=f"s1-{tag}", announced_at=on(10, 1))


@plants("US23-1", "concentrations")
def concentrated(market, tag, guilty, chance):
    # 10 and 5 per cent: delta is exactly 100, which is not above it; one fen to the target is
    unit = chance.randrange(10, 9_000)
    more = 1 if guilty else 0
    merging(market, tag, (1_000 * unit, 500 * unit + more, 5_000 * unit - more, 3_500 * unit))


@plants("US23-2", "concentrations")
def thirty_per_cent(market, tag, guilty, chance):
    unit = chance.randrange(10, 9_000)
    more = 1 if guilty else 0
    merging(market, tag, (200 * unit, 100 * unit + more, 400 * unit - more, 300 * unit))


@plants("PRICE_CAP", "listings")
def over_the_cap(market, tag, guilty, chance):
    cap, quantity = chance.randrange(1, 90_000), chance.randrange(1, 500)
    asked = chance.random() < 0.3  # the price asked is over the cap; else the price paid
    market.org(f"s-{tag}").org(f"b-{tag}")
    market.add(
        "listings",
        listing_id=f"l-{tag}",
        seller_id=f"s-{tag}",
        category="public",
        geo="nationwide",
        cap_minor=cap,
        list_price_minor=cap + (1 if guilty and asked else 0),
        public_data=True,
        listed_at=on(2, 1),
        seq=7,
    )
    amount = cap * quantity + (1 if guilty and not asked else 0)
    market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", amount, listing_id=f"l-{tag}", quantity=quantity)


@plants("S21", "certificates", "exports")
def misused(market, tag, guilty, chance):
    broker, at = f"k-{tag}", on(chance.randrange(2, 9), 3)
    market.org(broker).org(f"s-{tag}").org(f"b-{tag}")

    def certificate(cert_id, org_id, **more):
        known = {"valid_from": on(1, 1), "valid_to": at, "cross_border": True}
        market.add("certificates", cert_id=cert_id, org_id=org_id, **(known | more))

    if chance.random() < 0.5:
        certificate(f"x-{tag}", broker)
        certificate(f"{'x' if guilty else 'y'}-{tag}", f"other-{tag}")
        return
    # cross-border work on the last day of a certificate that allows it, or a moment later
    certificate(f"x-{tag}", broker)
    certificate(f"y-{tag}", broker, cross_border=False, valid_to=on(12, 31))
    market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", 100, on(2, 1), broker_id=broker)
    market.add("exports", declaration_id=f"d-{tag}", trade_id=f"t-{tag}", declared_at=at, seq=9)
    if guilty:
        market.rows["exports"][-1]["declared_at"] = at.replace(microsecond=1)
