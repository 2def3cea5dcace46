"""Planted cases of the screens of many trades, tenders and declarations: S4, S9, S14, S22."""

from datetime import timedelta

from tests.detect.bidding import listed, tender
from tests.detect.crossing import declare, whole
from tests.detect.planted import plants
from tests.supervision.tables import on

BUYERS = 12


@plants("S4", screen=True)
def dearer_for_one(market, tag, guilty, chance):
    """Four weeks in which one of twelve pays most; its twin pays five per cent more and not a fen above."""
    market.org(f"s-{tag}")
    for n in range(BUYERS):
        market.org(f"b{n}-{tag}")
    price = 20 * chance.randrange(500, 9_000)
    for week in range(4):
        for n in range(BUYERS):
            paid = price if n else price * 21 // 20 + guilty
            market.trade(
                f"t{week}.{n}-{tag}",
                f"s-{tag}",
                f"b{n}-{tag}",
                paid,
                on(6, 2 + 7 * week) + timedelta(hours=n),
                category=f"c-{tag}",
            )


@plants("S9", "listings", screen=True)
def one_resale_price(market, tag, guilty, chance):
    """Five that bought a product sell it on at one price for 30 days; or four, or for a second less."""
    kind = 0 if guilty else chance.randrange(1, 4)
    price = chance.randrange(1_000, 90_000)
    known = {"product_id": f"p-{tag}", "category": f"c-{tag}"}
    market.org(f"s-{tag}")
    for n in range(5):
        market.org(f"r{n}-{tag}")
        market.org(f"b{n}-{tag}")
        market.trade(f"in{n}-{tag}", f"s-{tag}", f"r{n}-{tag}", 500 + n, on(5, 1), **known)
    for n in range(4 if kind == 1 else 5):
        late = timedelta(days=30, seconds=-(kind == 2))
        at = on(6, 1) + (late if n == 3 else timedelta(n))
        dear = price + (kind == 3 and n == 1)
        market.trade(f"out{n}-{tag}", f"r{n}-{tag}", f"b{n}-{tag}", dear, at, **known)


@plants("S14", "quotes", "listings", screen=True)
def the_same_two_ahead(market, tag, guilty, chance):
    """Five tenders of five led by the same two, two per cent apart less a fen; or the whole two per cent."""
    listed(market, tag)
    unit = 100 * chance.randrange(10, 90)
    for n in range(5):
        first, second = 100 * unit, 102 * unit - guilty
        ahead = [first, second] if n % 2 else [second, first]
        tender(market, tag, f"t{n}", [*ahead, 120 * unit, 130 * unit, 140 * unit], on(2 + n, 3))


@plants("S22", "exports", screen=True)
def crowd_below(market, tag, guilty, chance):
    """Thirty exporters in the last fifth below the threshold; or one person beside it, on either side."""
    threshold = whole("contract_from")
    for n in range(30):
        market.org(f"e{n}-{tag}")
        if guilty:
            persons = chance.choice((threshold - 1, threshold * 4 // 5, threshold * 9 // 10))
        else:
            persons = threshold if n % 2 else threshold * 4 // 5 - 1
        route = "EXEMPT" if persons < threshold else "STANDARD_CONTRACT"
        at = on(3, 1) + timedelta(hours=n)
        declare(market, tag, n, f"e{n}", at, persons_declared=persons, route_claimed=route)
