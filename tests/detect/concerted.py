"""Planted cases of concerted prices and bids."""

from datetime import timedelta

from tests.detect.bidding import listed, tender
from tests.detect.planted import plants
from tests.supervision.tables import on

SECOND = timedelta(seconds=1)


@plants("CO3", "quotes", "listings", screen=True)
def moved_together(market, tag, guilty, chance):
    kind, base = chance.randrange(4), 10_000 * chance.randrange(1, 90)
    asked = [base * 109 // 100, base * 11 // 10, base * 111 // 100]  # ten per cent on average
    late = timedelta(hours=48)
    if not guilty and kind == 0:
        asked[1] -= 1
    elif kind == 1:  # the dearest at 1.02 of the cheapest, or a fen more
        asked = [base * 11 // 10, base * 11 // 10, base * 11 // 10 * 102 // 100 + (not guilty)]
    elif kind == 2:
        late += timedelta(0) if guilty else SECOND
    at = on(6, 3)
    for n in range(3):
        seller = f"g{0 if kind == 3 and n == 2 and not guilty else n}-{tag}"
        market.org(f"g{n}-{tag}")
        market.add("listings", listing_id=f"l{n}-{tag}", seller_id=seller, category=f"c-{tag}", geo="x")
        times = (on(2, 1 + n), on(4, 1 + n), at + late * n / 2)
        for m, (when, price) in enumerate(zip(times, (base, base, asked[n]), strict=True)):
            known = {"listing_id": f"l{n}-{tag}", "seller_id": seller, "quantity": 1, "unit": "set"}
            market.add("quotes", quote_id=f"p{n}.{m}-{tag}", quoted_at=when, price_minor=price, **known)


@plants("CO5", screen=True)
def unmoved_shares(market, tag, guilty, chance):
    kind, base = chance.randrange(2), 100 * chance.randrange(10, 900)
    risen = base * 11 // 10 - (kind == 0 and not guilty)
    more = 399 if guilty else 400  # of 40,000: less than a percentage point, or one
    for name in "ab":
        market.org(f"{name}-{tag}")
    for n in range(5):
        market.org(f"b{n}-{tag}")
    for side, price in ((3, base), (6, risen)):
        for name, sign in (("a", 1), ("b", -1)):
            for n in range(20):
                quantity = 1_000 + (sign * more if side == 6 and n == 0 and kind == 1 else 0)
                market.trade(
                    f"t{side}{name}{n}-{tag}",
                    f"{name}-{tag}",
                    f"b{n % 5}-{tag}",
                    price * quantity,
                    on(side + n % 3, 1 + n),
                    category=f"c-{tag}",
                    listing_id=f"l{name}-{tag}",
                    product_id=f"p{name}-{tag}",
                    quantity=quantity,
                )


@plants("CO7", "quotes", "bid_traces", screen=True)
def one_hand(market, tag, guilty, chance):
    kind = chance.randrange(3)
    if not guilty and kind == 0:
        market.org(f"g0-{tag}", f"x-{tag}").org(f"g1-{tag}", f"x-{tag}")
    tender(market, tag, "t", [100, 200], on(3, 1))
    many = 10 if kind == 1 else 2  # what ten undertakings share is a service's
    for n in range(2, many - (guilty and kind == 1)):
        market.org(f"g{n}-{tag}")
        market.add("quotes", quote_id=f"s{n}-{tag}", tender_id=f"s{n}-{tag}", seller_id=f"g{n}-{tag}")
        market.rows["quotes"][-1]["quoted_at"] = on(4, 1)
        market.add("bid_traces", quote_id=f"s{n}-{tag}", kind="device", value_sha256=f"v-{tag}")
    for n in range(2):
        value = f"w{n}-{tag}" if kind == 2 and not guilty else f"v-{tag}"
        market.add("bid_traces", quote_id=f"qt.{n}-{tag}", kind="device", value_sha256=value, seq=9)


@plants("S11", "quotes", "listings", screen=True)
def never_by_a_little(market, tag, guilty, chance):
    listed(market, tag)
    few = not guilty and chance.random() < 0.5
    for n in range(19 if few else 20):
        winner = 10_000 * chance.randrange(50, 90)
        gap = chance.randrange(600, 950) if guilty or few else 50 * n  # ones that lie anywhere up to a tenth
        second = winner + winner * gap // 10_000
        tender(market, tag, f"t{n}", [winner, second, 2 * winner], on(1 + n % 9, 1 + n))


@plants("S12", "quotes", "listings", "costs", screen=True)
def one_mind(market, tag, guilty, chance):
    listed(market, tag)
    few = not guilty and chance.random() < 0.5
    for n in range(19 if few else 20):
        job = chance.randrange(50_000, 90_000)
        common = chance.gauss(0, 0.05)
        together = common + chance.gauss(0, 0.005) if guilty or few else chance.gauss(0, 0.05)
        parts = [common, together, chance.gauss(0, 0.05), chance.gauss(0, 0.05)]
        tender(market, tag, f"t{n}", [round(job * (1.5 + part)) for part in parts], on(1 + n % 9, 1 + n))


@plants("S13", screen=True)
def high_and_still(market, tag, guilty, chance):
    unit = chance.randrange(10, 900)
    short = not guilty and chance.random() < 0.4  # two months are no run
    for n in range(3):
        market.org(f"a{n}-{tag}")
    market.org(f"b-{tag}")
    for month in range(2, 8):
        still = month >= (6 if short else 5)
        for n in range(15 if short and still else 10):
            price = 100 * unit if still else (84 + (20 if n % 2 else -20)) * unit
            price += month == 2 and n == 0 and not guilty and not short
            known = {"category": f"c-{tag}", "listing_id": f"l{n % 3}-{tag}"}
            market.trade(
                f"t{month}.{n}-{tag}", f"a{n % 3}-{tag}", f"b-{tag}", price, on(month, 2 + n), **known
            )
