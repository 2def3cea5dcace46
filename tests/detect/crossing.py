"""Planted cases of cross-border counters, transfers, the order of steps and the day's sums."""

from datetime import UTC, datetime, timedelta

from supervision.rule_table import in_force
from tests.detect.planted import plants
from tests.supervision.tables import AS_OF, on

NEW_YEAR = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)  # midnight in Shanghai
SECOND = timedelta(seconds=1)


def declare(market, tag, n, exporter, at, **more):
    known = {"recipient_id": f"abroad-{tag}", "country": "SG", "sensitive": False, "important": False}
    known |= {"route_claimed": "EXEMPT", "status": "COMPLETED", "seq": 300 + n} | more
    market.add(
        "exports", declaration_id=f"d{n}-{tag}", exporter_id=f"{exporter}-{tag}", declared_at=at, **known
    )


def whole(name):
    return in_force(AS_OF).whole("XB1", name)


def told_apart(market, tag, guilty, at, kind):
    if kind == 5:  # the others of a declaration with sensitive persons count apart from them
        contract = {"sensitive": True, "route_claimed": "STANDARD_CONTRACT"}
        rest = whole("assessment_sensitive_from") - 4_000 - (not guilty)
        declare(market, tag, 0, "a", at, persons_declared=54_000, sensitive_persons=4_000, **contract)
        declare(
            market,
            tag,
            1,
            "b",
            at + SECOND,
            persons_declared=5_000 + rest,
            sensitive_persons=rest,
            **contract,
        )
    elif kind == 6:  # the exchange counted lists: the same persons are one, and never more than declared
        part = whole("contract_from") - 10_000
        declare(market, tag, 0, "a", at, persons_declared=part, sensitive_persons=0, group_persons=part)
        reached = whole("contract_from") - (not guilty)
        declare(
            market,
            tag,
            1,
            "b",
            at + SECOND,
            persons_declared=50_000,
            sensitive_persons=0,
            group_persons=reached,
        )
    else:  # what has no route yet is no route that is too light
        declare(market, tag, 0, "a", at, persons_declared=whole("contract_from") - 1, sensitive_persons=0)
        wait = {} if guilty else {"route_claimed": None, "status": "DECLARED"}
        declare(market, tag, 1, "b", at + SECOND, persons_declared=1, sensitive_persons=0, **wait)


@plants("XB1", "exports", "export_persons")
def split(market, tag, guilty, chance):
    for name, controller in (("a", "x"), ("b", "x"), ("c", "y")):
        market.org(f"{name}-{tag}", f"{controller}-{tag}", is_ciio=False)
    at = on(chance.randrange(2, 9), 3)
    kind = chance.randrange(8)
    if kind in {5, 6, 7}:  # as the exchange itself tells it
        told_apart(market, tag, guilty, at, kind)
    else:
        added(market, tag, guilty, at, (kind, chance))


def added(market, tag, guilty, at, drawn):
    kind, chance = drawn
    if kind == 0:  # by number declared, to 100,000 exactly
        part = chance.randrange(1_000, 99_000)
        declare(market, tag, 0, "a", at, persons_declared=part)
        rest = whole("contract_from") - part - (not guilty)
        declare(market, tag, 1, "b", at + SECOND, persons_declared=rest)
    elif kind == 1:  # sensitive, under contracts, to 10,000 exactly
        contract = {"sensitive": True, "route_claimed": "STANDARD_CONTRACT"}
        declare(market, tag, 0, "a", at, persons_declared=4_000, **contract)
        rest = whole("assessment_sensitive_from") - 4_000 - (not guilty)
        declare(market, tag, 1, "b", at + SECOND, persons_declared=rest, **contract)
    elif kind == 2:  # the year begins anew, in Shanghai; what begins in a later one counts there
        ahead = not guilty and chance.random() < 0.5
        first = NEW_YEAR - (timedelta(0) if guilty or ahead else SECOND)
        declare(market, tag, 0, "a", first, persons_declared=60_000)
        later = {"counts_in": at.year + 1} if ahead else {}
        declare(market, tag, 1, "b", at, persons_declared=60_000, **later)
        if guilty:
            market.rows["exports"][-2]["declared_at"] = NEW_YEAR
    elif kind == 3:  # other controllers, or flows exempt for another reason, are not added
        declare(market, tag, 0, "a", at, persons_declared=60_000)
        other = chance.random() < 0.5
        declare(market, tag, 1, "c" if other and not guilty else "b", at + SECOND, persons_declared=60_000)
        if not guilty and not other:
            market.rows["exports"][-1]["route_claimed"] = "EXEMPT_CONTRACT"
    else:  # the same persons are one; hashes say so
        declare(market, tag, 0, "a", at, persons_declared=whole("contract_from") - 2)
        declare(market, tag, 1, "b", at + SECOND, persons_declared=5)
        for n in range(3):
            market.add("export_persons", declaration_id=f"d1-{tag}", person_hash=f"p{n}")
        declare(market, tag, 2, "a", at + 2 * SECOND, persons_declared=5)
        for n in range(3):  # two of three known already, or all
            market.add("export_persons", declaration_id=f"d2-{tag}", person_hash=f"p{n}")
        market.rows["exports"][-3]["persons_declared"] -= 1 + (not guilty)


@plants("XB2", "exports", "export_scans")
def undeclared_fields(market, tag, guilty, chance):
    declare(market, tag, 0, "a", on(3, 1), persons_declared=9, sensitive=not guilty)
    market.add(
        "export_scans",
        declaration_id=f"d0-{tag}",
        field="diagnosis",
        kind="sensitive-health",
        scanned_at=on(3, 2),
        seq=4,
    )


def transfer(market, tag, at, **more):
    known = {"declaration_id": f"d0-{tag}", "recipient_id": f"abroad-{tag}", "persons_actual": 1, "seq": 900}
    market.add("export_transfers", transferred_at=at, **(known | more))


@plants("XB3", "exports", "export_transfers")
def more_than_declared(market, tag, guilty, chance):
    declared = chance.randrange(10, 90_000)
    declare(market, tag, 0, "a", on(3, 1), persons_declared=declared)
    transfer(market, tag, on(3, 2), persons_actual=declared // 3)
    transfer(market, tag, on(3, 3), persons_actual=declared - declared // 3 + guilty)


@plants("XB4", "exports", "export_transfers")
def onward(market, tag, guilty, chance):
    declare(market, tag, 0, "a", on(3, 1), persons_declared=100)
    transfer(market, tag, on(3, 2))
    transfer(market, tag, on(3, 3), recipient_id=f"{'third' if guilty else 'abroad'}-{tag}")


@plants("XB5", "exports", "export_transfers")
def uncleared(market, tag, guilty, chance):
    at, kind = on(3, 1), chance.randrange(3)
    status = chance.choice(("ROUTED(exempt)", "UNDER_REVIEW", "REJECTED"))
    declare(
        market, tag, 0, "a", at, persons_declared=100, status=status if guilty and kind == 0 else "CLEARED"
    )
    transfer(market, tag, at - (SECOND if guilty and kind == 1 else timedelta(0)))
    if guilty and kind == 2:
        transfer(market, tag, at, declaration_id=f"none-{tag}")


@plants("S24", "trade_events", "payments", "usage")
def out_of_order(market, tag, guilty, chance):
    market.org(f"a-{tag}").org(f"b-{tag}")
    at, kind = on(chance.randrange(2, 9), 3), chance.randrange(5)
    late = timedelta(seconds=61 if guilty else 60)
    trade = {"unit": "calls", "quantity": 500}
    times = (
        {"delivered_at": at - late},
        {"delivered_at": at + timedelta(days=2) + late, "accepted_at": at + timedelta(days=2)},
        {"settled_at": at + timedelta(days=2) - late},
        {},
        {},
    )[kind]
    market.trade(f"t-{tag}", f"a-{tag}", f"b-{tag}", 100, at, **trade, **times)
    delivered = market.rows["trades"][-1]["delivered_at"]
    paid = delivered + late if kind == 3 else min(at, delivered)
    market.add("payments", payment_id=f"m-{tag}", trade_id=f"t-{tag}", purpose="escrow_in", paid_at=paid)
    market.used(f"t-{tag}", on(9, 9).date(), calls=500 + (guilty and kind == 4))


@plants("S30", "payments")
def one_fen(market, tag, guilty, chance):
    amount = chance.randrange(100, 10**9)
    fee, commission = amount // 100, amount // 50
    market.org(f"a-{tag}").org(f"b-{tag}")
    market.trade(
        f"t-{tag}", f"a-{tag}", f"b-{tag}", amount, platform_fee_minor=fee, commission_minor=commission
    )
    share = amount - fee - commission
    sums = {"escrow_in": amount, "seller_share": share, "commission": commission, "platform_fee": fee}
    if guilty:
        sums[chance.choice(list(sums))] += chance.choice((-1, 1))
    for purpose, part in sums.items():
        market.add(
            "payments",
            payment_id=f"{purpose}-{tag}",
            trade_id=f"t-{tag}",
            purpose=purpose,
            amount_minor=part,
            paid_at=on(6, 5),
        )


@plants("S30", "payments", way="parties")
def one_fen_by_parties(market, tag, guilty, chance):
    """Payments that do not say what they are for, straight or through an account that keeps the money."""
    amount, straight = chance.randrange(100, 10**9), chance.random() < 0.5
    fee, commission = amount // 100, amount // 50
    for name in "abk":
        market.org(f"{name}-{tag}")
    trade = {"platform_fee_minor": fee, "commission_minor": commission, "broker_id": f"k-{tag}"}
    market.trade(f"t-{tag}", f"a-{tag}", f"b-{tag}", amount, **trade)
    share = amount if straight else amount - fee - commission
    moved = (
        {("b", "a"): share}
        if straight
        else {("b", "bank"): amount, ("bank", "a"): share, ("bank", "k"): commission}
    )
    wrong = chance.choice(list(moved)) if guilty else None
    if not guilty and chance.random() < 0.5:  # back to the buyer from another: nobody knows what is due
        moved |= {("bank", "a"): share - 1, ("bank", "b"): 1}
    for n, ((payer, payee), part) in enumerate(moved.items()):
        off = chance.choice((-1, 1)) if (payer, payee) == wrong else 0
        market.add(
            "payments",
            payment_id=f"m{n}-{tag}",
            trade_id=f"t-{tag}",
            payer_id=f"{payer}-{tag}",
            payee_id=f"{payee}-{tag}",
            purpose=chance.choice((None, "transfer", "货款")),
            amount_minor=part + off,
            paid_at=on(6, 5),
        )


@plants("S30D", "payments")
def orphan(market, tag, guilty, chance):
    market.org(f"a-{tag}").org(f"b-{tag}")
    number = int(tag[1:]) if tag[1:].isdigit() else 0  # a day of its own: a day's sums are one finding
    at = on(1, 1, 16, year=2025) + timedelta(days=number, minutes=chance.randrange(24 * 60))
    market.trade(f"t-{tag}", f"a-{tag}", f"b-{tag}", 100, at)
    market.add(
        "payments",
        payment_id=f"m-{tag}",
        trade_id=f"{'gone' if guilty else 't'}-{tag}",
        purpose=chance.choice(("escrow_in", "seller_share", "refund")),
        amount_minor=1,
        paid_at=at,
    )
