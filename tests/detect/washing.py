"""Planted cases of wash trading and money that comes home."""

from datetime import timedelta
from decimal import Decimal

from tests.detect.planted import plants
from tests.supervision.tables import on

SECOND = timedelta(seconds=1)


def moment(chance):
    return on(chance.randrange(2, 10), chance.randrange(1, 20), chance.randrange(24))


def sale(market, tag, between, amount, at, **more):
    n, seller, buyer = between
    known = {"category": f"c-{tag}", "listing_id": f"l-{tag}", "product_id": f"p-{tag}"} | more
    market.trade(f"t{n}-{tag}", f"{seller}-{tag}", f"{buyer}-{tag}", amount, at, **known)


def orgs(market, tag, names, controller=None):
    for name in names:
        market.org(f"{name}-{tag}", controller and f"{controller}-{tag}")


def noise(market, tag, chance, at):
    """Honest sales of the same product before, amid and after."""
    for n in range(chance.randrange(3)):
        near = at + timedelta(hours=chance.randrange(-90, 90))
        sale(market, tag, (f"h{n}", "a", f"honest{n}"), chance.randrange(1, 10**7), near)


@plants("WT1", "holdings")
def self_trade(market, tag, guilty, chance):
    kind = chance.randrange(3)
    orgs(market, tag, ("a",), "x")
    orgs(market, tag, ("b",), "x" if guilty and kind == 0 else "y")
    if kind:  # a quarter of the other, or of both; or a hair less
        part = chance.choice((Decimal("0.25"), Decimal(1)) if guilty else (Decimal("0.249999999"), None))
        holder, *others = ("a", "b") if kind == 1 else ("h", "b", "a")
        for held in others:
            market.add("holdings", holder_id=f"{holder}-{tag}", held_id=f"{held}-{tag}", share=part)
    sale(market, tag, (0, "a", "b"), chance.randrange(1, 10**8), moment(chance))


def ring(market, tag, chance, *, last=None, ladder=None):
    """A ring of two to five in time order: first to last a week, or `last`."""
    size, at = chance.randrange(2, 6), moment(chance)
    names = "abcde"[:size]
    orgs(market, tag, names)
    span = last or timedelta(hours=chance.randrange(10, 168))
    price = 100_000
    for n, name in enumerate(names):
        when = at + span * n / (size - 1)
        sale(market, tag, (n, name, names[(n + 1) % size]), price, when)
        price = ladder(price) if ladder else chance.randrange(1, 10**7)
    return at, size


@plants("WT2")
def closed_loop(market, tag, guilty, chance):
    week = timedelta(days=7)
    at, _ = ring(market, tag, chance, last=week if guilty else week + SECOND)
    noise(market, tag, chance, at)


@plants("WT3", "payments")
def round_trip(market, tag, guilty, chance):
    amount, at = 1_000 * chance.randrange(10, 90_000), moment(chance)
    orgs(market, tag, ("a", "b", "x"))
    sale(market, tag, (0, "a", "b"), amount, at, commission_minor=amount // 50, platform_fee_minor=0)
    net = amount - amount // 50
    due = -(-net * 9 // 10)  # nine tenths of the price less the fees, to the fen
    late = not guilty and chance.random() < 0.5
    if not guilty and not late:
        due -= 1
    began = at + timedelta(hours=chance.randrange(30))  # when the buyer paid
    end = began + timedelta(days=10) + (SECOND if late else timedelta(0))

    def pay(n, payer, payee, part, paid, **more):
        known = {"payment_id": f"m{n}-{tag}", "payer_id": f"{payer}-{tag}", "payee_id": f"{payee}-{tag}"}
        market.add("payments", amount_minor=part, paid_at=paid, **(known | more))

    if chance.random() < 0.5:
        pay("p", "b", "a", amount, began, trade_id=f"t0-{tag}", purpose="escrow_in")
    else:  # through an escrow of another name, which pays others too; affiliates pay it and are paid
        for name in ("a", "b"):
            market.org(f"{name}2-{tag}", f"c-{name}-{tag}")
        buyer, seller = chance.choice(("b", "b2")), chance.choice(("a", "a2"))
        pay("p", buyer, "bank", amount, began, trade_id=f"t0-{tag}", purpose="deposit")
        pay("q", "bank", seller, net, began, trade_id=f"t0-{tag}", purpose="release")
        sale(market, tag, (2, "b", "a"), amount, at, product_id=f"q-{tag}")  # a sale the other way
        pay("t", seller, "bank", amount, at, trade_id=f"t2-{tag}", purpose="deposit")
        pay("u", "bank", buyer, amount, at, trade_id=f"t2-{tag}", purpose="release")
        sale(market, tag, (1, "a", "x"), amount, at)
        pay("r", "x", "bank", amount, at, trade_id=f"t1-{tag}", purpose="deposit")
        pay("s", "bank", "a", amount, at, trade_id=f"t1-{tag}", purpose="release")
    if chance.random() < 0.4:  # through a third party
        pay(1, "a", "x", due + 1, began + timedelta(days=1))
        pay(2, "x", "b", due, end)
    else:  # in two parts
        pay(1, "a", "b", due // 2, began + timedelta(days=2), purpose="consulting")
        pay(2, "a", "b", due - due // 2, end)


@plants("WT4", "usage")
def never_used(market, tag, guilty, chance):
    at = moment(chance)
    orgs(market, tag, ("a", "b"))
    sale(market, tag, (0, "a", "b"), 100, at)
    accepted = at + timedelta(days=2)
    last = (accepted + timedelta(days=30)).date()
    market.used(f"t0-{tag}", last + timedelta(days=1) if guilty else last)


@plants("WT5")
def price_ladder(market, tag, guilty, chance):
    def up(price):
        return -(-price * 6 // 5) - (0 if guilty else 1)

    at, _ = ring(market, tag, chance, ladder=up)
    noise(market, tag, chance, at)


@plants("WT6", "usage", "listings", "listing_views")
def at_once(market, tag, guilty, chance):
    at, kind = moment(chance), chance.randrange(3)
    orgs(market, tag, ("a", "b"))
    delivered = at + timedelta(hours=3)
    if kind == 2:  # as many trades as views, or one more
        for n in range(6):
            sale(market, tag, (n, "a", "b"), 100, at)
            market.used(f"t{n}-{tag}", at.date())
        market.add("listing_views", listing_id=f"l-{tag}", day=at.date(), views=5 if guilty else 6)
        return
    took = timedelta(seconds=299 if guilty or kind == 1 else 300)
    sale(market, tag, (0, "a", "b"), 100, at, delivered_at=delivered, accepted_at=delivered + took)
    large = 10**8 if guilty or kind == 0 else 10**8 - 1
    market.used(f"t0-{tag}", delivered.date(), bytes=large)


@plants("WT7", "reviews", "listings")
def praise(market, tag, guilty, chance):
    at = moment(chance)
    own = chance.random() < 0.4
    orgs(market, tag, ("a", "r0") if own and guilty else ("a",), "x")
    market.add("listings", listing_id=f"l-{tag}", seller_id=f"a-{tag}", seq=4)
    for n in range(1 if own else 5):
        market.add(
            "reviews",
            review_id=f"w{n}-{tag}",
            listing_id=f"l-{tag}",
            reviewer_id=f"r{n}-{tag}",
            rating=5,
            written_at=at + timedelta(hours=6 * n) + (SECOND if n == 4 and not guilty else timedelta(0)),
            seq=50 + n,
        )


@plants("S16", screen=True)
def cancels_out(market, tag, guilty, chance):
    at, amount = moment(chance), 10_000 * chance.randrange(1, 900)
    orgs(market, tag, ("a", "b", "c"))
    sale(
        market, tag, ("before", "a", "b"), 3 * amount // 10, at - timedelta(minutes=1)
    )  # hides it from a prefix scan
    # two trades: what is left over may be 1 % of the mean trade, not more
    back = amount - amount // 100
    while abs(amount - back) * 200 > amount + back:
        back += 1
    sale(market, tag, (1, "a", "b"), amount, at)
    sale(market, tag, (2, "b", "a"), back - (not guilty), at + timedelta(days=7))


@plants("S17", "payments", screen=True)
def circular(market, tag, guilty, chance):
    at, amount = moment(chance), 10_000 * chance.randrange(1, 900)
    orgs(market, tag, "abcd")
    sale(market, tag, (0, "b", "a"), amount, at)  # a pays b
    sale(market, tag, (1, "c", "b"), amount, at + timedelta(days=1), product_id=f"q-{tag}")
    kept = amount * 9 // 10
    for n, (payer, payee, part) in enumerate((("c", "d", kept), ("d", "a", kept * 9 // 10 - (not guilty)))):
        market.add(
            "payments",
            payment_id=f"m{n}-{tag}",
            payer_id=f"{payer}-{tag}",
            payee_id=f"{payee}-{tag}",
            amount_minor=part,
            paid_at=at + timedelta(days=2 + 8 * n),
        )
