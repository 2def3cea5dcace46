"""Planted cases of abuse of dominance: a market in which one has most, and what it does with it."""

from datetime import timedelta

from base.calendar import add_working_days
from tests.detect.planted import plants
from tests.supervision.tables import AS_OF, on

SECOND = timedelta(seconds=1)


def sale(market, tag, between, amount, at, **more):
    name, seller, buyer = between
    known = {
        "category": f"c-{tag}",
        "listing_id": f"l{seller}-{tag}",
        "product_id": f"p{seller}-{tag}",
    } | more
    market.trade(f"{name}-{tag}", f"{seller}-{tag}", f"{buyer}-{tag}", amount, at, **known)


def dominated(market, tag, *, rivals=1_000, own=10_000, orders=3):
    """`a` has most of the market, three rivals sell at 1,000 each; buyers are strangers."""
    for name in ("a", "r0", "r1", "r2", "b0", "b1", "b2", "b3"):
        market.org(f"{name}-{tag}")
    market.org(f"a2-{tag}", f"c-a-{tag}")  # an affiliate of a
    for n in range(3):
        sale(market, tag, (f"r{n}", f"r{n}", "b0"), rivals, on(4, 1 + n))
    for n in range(orders):
        sale(market, tag, (f"big{n}", "a", "a2"), own, on(2, 1 + n), licence_class=f"group{n}", quantity=50)


@plants("AB1", "costs", screen=True)
def too_dear(market, tag, guilty, chance):
    dominated(market, tag)
    if chance.random() < 0.4:
        _great_margin(market, tag, guilty, chance)
        return
    if chance.random() < 0.5:  # twice the median of 1,000 exactly
        sale(market, tag, ("t", "a", "b1"), 2_000 - (not guilty), on(7, 1))
        return
    price = 2 * chance.randrange(100, 600)
    sale(market, tag, ("before", "a", "b1"), price, on(5, 1))
    late = timedelta(days=90) + (SECOND if not guilty and chance.random() < 0.5 else timedelta(0))
    exact = price * 3 // 2
    sale(market, tag, ("t", "a", "b1"), exact - (not guilty and late == timedelta(days=90)), on(5, 1) + late)


def _great_margin(market, tag, guilty, chance):
    """Rivals are left a fifth of their price, it three fifths of its own; or a hair less."""
    for n in range(3):
        market.add("costs", listing_id=f"lr{n}-{tag}", period="2026-04", variable_cost_minor=800)
    market.add(
        "costs", listing_id=f"la-{tag}", period="2026-07", variable_cost_minor=40_000 + (not guilty) * 10
    )
    sale(market, tag, ("t", "a", "b1"), 100_000, on(7, 1), unit=f"u{tag}")
    if not guilty and chance.random() < 0.5:  # a price that rose by half as its cost rose by as much
        market.add("costs", listing_id=f"la-{tag}", period="2026-08", variable_cost_minor=90_010)
        sale(market, tag, ("late", "a", "b1"), 150_000, on(8, 15), unit=f"u{tag}")


@plants("AB2", "costs", screen=True)
def below_cost(market, tag, guilty, chance):
    dominated(market, tag)
    kind, cost = chance.randrange(3), chance.randrange(50, 900)
    months = [f"2026-{month:02}" for month in range(1, 13)]
    periods = chance.choice((months, ["2026-Q1", "2026-Q2", "2026Q3", "2026-Q4"], ["2026"]))
    for period in periods:
        market.add("costs", listing_id=f"la-{tag}", period=period, variable_cost_minor=cost)
    for row in market.rows["trades"][-3:]:
        row["amount_minor"] = 50 * 1_000  # at fifty units each not below cost
    at, count = on(6, 1), 9 if kind == 1 and not guilty else 10
    for n in range(count):
        last = timedelta(days=30) - (SECOND if kind == 2 and not guilty else timedelta(0))
        dear = kind == 0 and not guilty and n == 5
        sale(market, tag, (f"t{n}", "a", "b1"), cost - (not dear), at + last * n / (count - 1))
    if guilty and kind == 0:  # one dear sale among them hides nothing; two in succession would
        sale(market, tag, ("dear", "a", "b1"), cost, at + last * 4 / 9 + SECOND)


@plants("AB3", "requests", "listings", screen=True)
def refusing(market, tag, guilty, chance):
    dominated(market, tag)
    market.add(
        "listings", listing_id=f"la-{tag}", seller_id=f"a-{tag}", category=f"c-{tag}", geo="nationwide"
    )
    kind, at = chance.randrange(4), on(3, 2)
    last_day = add_working_days(at.date(), 20)
    for n in range(3):
        asked = at
        if n == 2 and kind == 0:  # the third asks on the 180th day, or a moment later
            asked = at + timedelta(days=180) + (timedelta(0) if guilty else SECOND)
        buyer = f"b{1 if kind == 1 and not guilty and n == 2 else n + 1}-{tag}"
        known = {"outcome": "refused", "answered_at": asked + timedelta(days=1), "reason": "internal"}
        if kind == 2 and n == 2:  # silence of twenty working days, or more
            answered = on(last_day.month, last_day.day + (1 if guilty else 0), 1)
            known = {"outcome": "offered", "answered_at": answered}
        qualified = (None if n else True) if guilty or kind != 3 or n != 2 else False
        market.add(
            "requests",
            request_id=f"q{n}-{tag}",
            listing_id=f"la-{tag}",
            seller_id=f"a-{tag}",
            buyer_id=buyer,
            buyer_qualified=qualified,
            asked_at=asked,
            **known,
        )
    assert asked < AS_OF


@plants("AB5", screen=True)
def minimum_order_or_tied(market, tag, guilty, chance):
    if chance.random() < 0.5:
        return _tied(market, tag, guilty, chance)
    return _minimum_order(market, tag, guilty, chance)


def _tied(market, tag, guilty, chance):
    """Nineteen of twenty baskets hold both; or eighteen of nineteen of each; or only two buyers buy."""
    dominated(market, tag)
    kind = chance.randrange(2)
    for n in range(20 if guilty or kind else 19):
        buyer, at = f"b{n % (2 if kind and not guilty else 3)}", on(5, 1) + timedelta(days=n)
        sale(market, tag, (f"p{n}", "a", buyer), 1_500, at, product_id=f"wanted-{tag}")
        if n:
            sale(market, tag, (f"q{n}", "a", buyer), 900, at, product_id=f"other-{tag}")
    if not guilty:
        sale(market, tag, ("alone", "a", "b0"), 900, on(8, 1), product_id=f"other-{tag}")


def _minimum_order(market, tag, guilty, chance):
    median = 2 * chance.randrange(500, 9_000)
    dominated(market, tag, rivals=median, own=10 * median)
    for n in range(3):
        amount = 5 * median + (chance.randrange(median) if n else -(not guilty))
        sale(market, tag, (f"t{n}", "a", f"b{n}"), amount, on(5 + n, 1), quantity=10)


@plants("AB6", "quotes", screen=True)
def unlike(market, tag, guilty, chance):
    dominated(market, tag)
    kind, price = chance.randrange(4), 5 * chance.randrange(10, 80)
    dear = price * 6 // 5 + 1
    terms = {"licence_class": "internal", "quantity": 1}
    sale(market, tag, ("t0", "a", "b1"), price, on(5, 1), **terms)
    late = timedelta(days=90)
    if not guilty:
        dear -= kind == 0
        late += SECOND if kind == 1 else timedelta(0)
        terms |= {"licence_class": "resale"} if kind == 2 else {}
    sale(market, tag, ("t1", "a", "b2"), dear, on(5, 1) + late, **terms)
    for n, buyer in enumerate(("b1", "b2") if kind == 3 else ()):  # what is known of the buyers' credit
        market.add(
            "quotes", quote_id=f"u{n}-{tag}", listing_id=f"la-{tag}", seller_id=f"a-{tag}",
            buyer_id=f"{buyer}-{tag}", quoted_at=on(4, 20), credit_class="A" if guilty or n else "C",
        )  # fmt: skip


@plants("AB4", "clauses", screen=True)
def bound(market, tag, guilty, chance):
    dominated(market, tag)
    kind = chance.randrange(8)
    if kind > 4:
        _turned(market, tag, guilty, kind)
        return
    for n in range(1, 4):
        sale(market, tag, (f"t{n}", "a", f"b{n}"), 900, on(5, n))
        if kind == 0 and not guilty and n > 2:
            continue  # two of four are half of them
        known = {
            "clause_id": f"k{n}-{tag}",
            "trade_id": f"t{n}-{tag}",
            "starts_at": on(5, n),
            "kind": "exclusive",
        }
        known["ends_at"] = on(5, n, year=2027) + (SECOND if guilty or kind != 1 else timedelta(0))
        if kind == 2:
            text = {True: "乙方不得向任何第三方采购同类数据", False: "乙方可以向任何第三方采购同类数据"}[
                guilty
            ]
            known |= {"kind": None, "text": text}
        elif kind == 3:
            known["ends_at"] = None if guilty else on(11, 1)
        elif kind == 4 and not guilty:
            known["kind"] = "non_exclusive"
        market.add("clauses", **known)


def _turned(market, tag, guilty, kind):
    """Three buyers buy of it for less than four fifths in May and for 19/20 in June and July; or nearly."""
    for n in range(30):
        sale(market, tag, (f"other{n}", "r0", "b0"), 10, on(5 + n % 2, 5 + n % 20))
    for n in range(1, 4):
        within = guilty or n < 3
        before, after = 399 + (kind == 5 and not within), 1_900 - (kind == 6 and not within)
        sale(market, tag, (f"o{n}", "a", f"b{n}"), before, on(5, 6))
        sale(market, tag, (f"p{n}", "r1", f"b{n}"), 100, on(5, 7))
        for month, part in ((6, after // 2), (7, after - after // 2)):
            sale(market, tag, (f"s{n}{month}", "a", f"b{n}"), part, on(month, 9))
        sale(market, tag, (f"u{n}", "r2", f"b{n}"), 100, on(7, 9))
        if kind == 7:  # with the first moment of August (Shanghai) the two months are over
            late = on(7, 31, 16) - (timedelta(0) if within else SECOND)
            sale(market, tag, (f"v{n}", "r2", f"b{n}"), 100, late)


@plants("AB7", "throttling", "ranking", screen=True)
def throttled(market, tag, guilty, chance):
    dominated(market, tag)
    calls = 1_000 * chance.randrange(1, 9)
    refused = calls // 20 - (not guilty)  # one in twenty, or one call fewer
    for n, part in ((1, refused), (2, 0), (3, calls // 200)):
        sale(market, tag, (f"t{n}", "a", f"b{n}"), 900, on(5, n))
        market.add("throttling", trade_id=f"t{n}-{tag}", day=on(6, n).date(), asked=calls, refused=part)


@plants("AB7", "throttling", "ranking", screen=True, way="demoted")
def demoted(market, tag, guilty, chance):
    """The broker of all mediated sales sends a seller last where it came first; or half so often."""
    sale(market, tag, ("t", "a", "b"), 900, on(5, 1), broker_id="broker")
    kind = 2 if guilty else chance.randrange(2)
    for sent in range(4 if kind == 0 else 6):
        to_last = kind != 1 or sent % 2 == 0
        others = [f"o{n}-{tag}" for n in range(5)]
        neutral = [f"a-{tag}", *others] if to_last else [*others, f"a-{tag}"]
        as_sent = [*neutral[1:], neutral[0]] if to_last else [neutral[-1], *neutral[:-1]]
        for place, seller in enumerate(neutral):
            market.add(
                "ranking", presentation_id=f"l{sent}-{tag}", broker_id="broker", client_id="c",
                listing_id=f"l{seller}", seller_id=seller, neutral_rank=place + 1,
                sent_rank=as_sent.index(seller) + 1, sent_at=on(4, 1 + sent), seq=300 + sent,
            )  # fmt: skip
