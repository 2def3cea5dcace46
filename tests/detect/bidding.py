"""Planted cases of the bid screens."""

from datetime import timedelta

from tests.detect.planted import plants
from tests.supervision.tables import on


def tender(market, tag, name, prices, at, **more):
    """Bids of `g0`, `g1`…, one an hour."""
    for n, price in enumerate(prices):
        seller = f"g{n}-{tag}"
        if all(row["org_id"] != seller for row in market.rows["orgs"][-9:]):
            market.org(seller)
        market.add(
            "quotes",
            quote_id=f"q{name}.{n}-{tag}",
            tender_id=f"{name}-{tag}",
            listing_id=f"l-{tag}",
            seller_id=seller,
            quoted_at=at + timedelta(hours=n),
            price_minor=price,
            quantity=1,
            **more,
        )


def listed(market, tag):
    market.add(
        "listings", listing_id=f"l-{tag}", seller_id=f"g0-{tag}", category=f"c-{tag}", geo="nationwide"
    )


@plants("CO1", "quotes", "listings", screen=True)
def hardly_differ(market, tag, guilty, chance):
    listed(market, tag)
    for n in range(6):
        tender(market, tag, f"before{n}", [800_000, 950_000, 1_000_000, 1_200_000], on(1 + n, 3))
    apart = 36_742 + (not guilty)  # a coefficient of variation of 3 % lies between these
    few = not guilty and chance.random() < 0.3
    prices = [1_000_000 - apart, 1_000_000, 1_000_000, 1_000_000 + apart]
    for n in range(3):
        tender(market, tag, f"t{n}", prices[: 3 if few else 4], on(9, 1 + 3 * n))


@plants("CO2", "quotes", "listings", screen=True)
def covered(market, tag, guilty, chance):
    """Three winners at half of what the losers ask together; or one at a distance of one, or two in all."""
    listed(market, tag)
    unit = chance.randrange(100, 9_000)
    few = not guilty and chance.random() < 0.5  # two such tenders are not often enough
    for n in range(2 if few else 3):
        prices = [50 * unit, 100 * unit, 101 * unit, 102 * unit]
        if not guilty and not few and not n:  # a distance of one is not above one
            prices = [90 * unit, 100 * unit, 110 * unit, 120 * unit]
        tender(market, tag, f"t{n}", prices, on(2 + n, 3))


@plants("S10", "quotes", "listings", screen=True)
def among_themselves(market, tag, guilty, chance):
    """Three of six that bid next to each other in six tenders; or in two of them only."""
    listed(market, tag)
    for n in range(6):
        rungs = sorted(chance.sample(range(100, 160), 4))
        base = chance.randrange(170, 300)
        near = [base * 1000, base * 1000 + chance.randrange(1, 300), base * 1000 + 301]
        chance.shuffle(near)
        if not guilty and n % 3:  # then others stand closest: by turns
            prices = [1000 * rung for rung in rungs[:3]]
            tender(market, tag, f"t{n}", [*prices, *near], on(2 + n, 3))
        else:
            tender(market, tag, f"t{n}", [*near, *(1000 * rung for rung in rungs[:3])], on(2 + n, 3))


@plants("CO4", "quotes", "listings", screen=True)
def in_turn(market, tag, guilty, chance):
    listed(market, tag)
    turns = chance.choice(((0, 1, 0, 1), (0, 1, 2, 0), (2, 1, 0, 2, 1, 0)))
    if not guilty:
        turns = (*turns[:-1], (turns[-1] + 1) % 3) if chance.random() < 0.7 else turns[:3]
    for n, winner in enumerate(turns):
        prices = [chance.randrange(1_000, 2_000) for _ in range(3)]
        prices[winner] = 900
        tender(market, tag, f"t{n}", prices, on(1 + n, 5))


@plants("CO6", "quotes", screen=True)
def one_file(market, tag, guilty, chance):
    if not guilty:
        market.org(f"g0-{tag}", f"x-{tag}").org(f"g1-{tag}", f"x-{tag}")
    tender(market, tag, "t", [100, 200], on(3, 1), attachment_sha256="f" * 64, broker_id=f"k-{tag}")
