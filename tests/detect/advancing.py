"""Planted cases of the screens that look at many trades: digits, round sums, front-running, early warning."""

from datetime import timedelta

from supervision.rules.s26 import FIRST_TWO
from tests.detect.planted import plants
from tests.supervision.tables import on

SECOND = timedelta(seconds=1)


def sale(market, tag, between, amount, at, **more):
    name, seller, buyer = between
    known = {"category": f"c-{tag}", "listing_id": f"l-{tag}", "product_id": f"p-{tag}"} | more
    market.trade(f"{name}-{tag}", f"{seller}-{tag}", f"{buyer}-{tag}", amount, at, **known)


@plants("S18", "payments", screen=True)
def never_round(market, tag, guilty, chance):
    for name in ("w", "h0", "h1", "h2", *(f"b{n}" for n in range(8))):
        market.org(f"{name}-{tag}")
    few = not guilty and chance.random() < 0.5  # 49 trades are too few; else ones that are round as often
    for n in range(49 if few else 50):
        amount = 10_000 * chance.randrange(10, 90) + chance.randrange(1, 9_999)
        if not (guilty or few) and n % 10 < 6:
            amount -= amount % 10_000
        sale(market, tag, (f"w{n}", "w", "b0"), amount, on(2 + n % 8, 1 + n % 20))
    for n in range(60):
        amount = 10_000 * chance.randrange(10, 90) + (0 if n % 10 < 6 else 77)
        sale(market, tag, (f"h{n}", f"h{n % 3}", f"b{n % 8}"), amount, on(2 + n % 8, 1 + n % 20))


@plants("S19", "requests", screen=True)
def bought_first(market, tag, guilty, chance):
    kind = chance.randrange(3)
    for name in ("s", "k", "b"):
        market.org(f"{name}-{tag}")
    for n in range(3):
        at = on(3 + n, 5)
        asked = at - timedelta(days=1)
        price = 100 * chance.randrange(10, 900)
        sale(market, tag, (f"t{n}", "s", "b"), price, at, broker_id=f"k-{tag}")
        market.add(
            "requests", request_id=f"t{n}-{tag}", seller_id=f"s-{tag}", buyer_id=f"b-{tag}", asked_at=asked
        )
        when, paid = asked + timedelta(hours=chance.randrange(1, 20)), price - 1
        if not guilty and n == 0:
            when = asked if kind == 0 else at if kind == 1 else when
            paid += kind == 2
        sale(market, tag, (f"o{n}", "s", "k"), paid, when)


@plants("S26", screen=True)
def made_up(market, tag, guilty, chance):
    few = not guilty and chance.random() < 0.5
    market.org(f"a-{tag}").org(f"b-{tag}")
    leads, shares = list(FIRST_TWO), [float(share) for share in FIRST_TWO.values()]
    for n in range(499 if few else 500):
        lead = chance.randrange(10, 100) if guilty or few else chance.choices(leads, shares)[0]
        amount = lead * 10 ** (3 + n % 4) + chance.randrange(1_000)
        sale(market, tag, (f"t{n}", "a", "b"), amount, on(1 + n % 10, 1 + n % 25))


@plants("S27", screen=True)
def off_course(market, tag, guilty, chance):
    few = not guilty and chance.random() < 0.5  # 29 whole weeks are too few; else the course is kept
    market.org(f"a-{tag}").org(f"b-{tag}")
    begin = on(11, 15) - timedelta(weeks=29 if few else 30)  # a Sunday: the next day a week begins
    for week in range(29 if few else 30):
        price = 10_000 * (13 if week >= 20 and (guilty or few) else 10) + chance.randrange(-300, 300)
        sale(market, tag, (f"t{week}", "a", "b"), price, begin + timedelta(days=7 * week + 1))
