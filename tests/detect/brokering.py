"""Planted cases of brokers' conduct: papers, conflicts, money, notices, reports, exits, lists."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from base.calendar import add_working_days, shanghai_day
from tests.detect.planted import plants
from tests.supervision.tables import AS_OF, on

SECOND = timedelta(seconds=1)
PAPERS = ("mandates", "certificates", "certificate_events")
DUE = datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC)  # the last second of March in Shanghai


def mediated(market, tag, chance, **more):
    """One trade between strangers through a broker with its papers."""
    for name in ("s", "b", "k"):
        market.org(f"{name}-{tag}")
    at = more.pop("at", on(chance.randrange(3, 9), chance.randrange(1, 20)))
    known = {
        "category": f"c-{tag}",
        "broker_id": f"k-{tag}",
        "listing_id": f"l-{tag}",
        "product_id": f"p-{tag}",
    }
    amount = 10_000 * chance.randrange(10, 900)
    market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", amount, at, **(known | {"commission_minor": 0} | more))
    return at, amount


def mandate(market, tag, client="s", **more):
    known = {
        "broker_id": f"k-{tag}",
        "client_id": f"{client}-{tag}",
        "signed_at": on(1, 5),
        "ends_at": on(12, 31),
    }
    known |= {"fee_bp": 200, "conflict_disclosed": False, "dual_consent": False, "seq": 5}
    known |= {"side": "PROVIDER" if client == "s" else "BUYER"}
    market.add("mandates", mandate_id=f"m{client}-{tag}", **(known | more))


def certificate(market, tag, since, *events, **more):
    known = {"sectors": ["*"], "max_level": "general-4", "valid_from": since}
    known |= {"valid_to": on(12, 31, year=2028)}
    market.add("certificates", cert_id=f"x-{tag}", org_id=f"k-{tag}", **(known | more))
    for n, (event, at) in enumerate((("certified", since), *events)):
        year = 2025 if event == "annual_report" else None
        market.add("certificate_events", cert_id=f"x-{tag}", event=event, at=at, seq=n, year=year)


@plants("BR1", "certificates", "certificate_events")
def outside_its_certificate(market, tag, guilty, chance):
    at, _ = mediated(market, tag, chance)
    late = SECOND if guilty else timedelta(0)
    kind = chance.randrange(3)
    if kind == 0:
        certificate(market, tag, on(1, 1), valid_to=at - late)
    elif kind == 1:
        certificate(market, tag, on(1, 1), ("suspended", at + SECOND - 2 * late))
    else:
        certificate(market, tag, on(1, 1), sectors=["other" if guilty else f"c-{tag}"])


@plants("BR2", "mandates")
def unmandated(market, tag, guilty, chance):
    at, _ = mediated(market, tag, chance)
    kind, off = chance.randrange(4), SECOND if guilty else timedelta(0)
    changes = (
        {"signed_at": at + off},
        {"ends_at": at - off},
        {"listing_id": f"{'other' if guilty else 'l'}-{tag}"},
        {"fee_bp": None if guilty else 0},
    )[kind]
    mandate(market, tag, **({"signed_at": at - SECOND} | changes))


@plants("BR3", "source_checks")
def unchecked(market, tag, guilty, chance):
    at, _ = mediated(market, tag, chance)
    off, kind = SECOND if guilty else timedelta(0), chance.randrange(2)
    checked = at + off if kind == 0 else at - timedelta(days=1)
    keep = checked.replace(year=checked.year + 20) - (off if kind else timedelta(0))
    market.add("source_checks", trade_id=f"t-{tag}", broker_id=f"k-{tag}", at=checked, keep_until=keep, seq=9)


@plants("BR4", "mandates", "holdings", "conflict_consents")
def interested(market, tag, guilty, chance):
    mediated(market, tag, chance)
    mandate(market, tag)
    share = Decimal("0.05") if guilty else chance.choice((Decimal("0.049999"), None))
    holder, held = ("k", "s") if chance.random() < 0.5 else ("b", "k")
    market.add("holdings", holder_id=f"{holder}-{tag}", held_id=f"{held}-{tag}", share=share)


@plants("BR5", "mandates", "lineage")
def resold(market, tag, guilty, chance):
    for name in ("s", "b", "k"):
        market.org(f"{name}-{tag}")
    at, kind = on(chance.randrange(3, 8), 3), chance.randrange(3)
    known = {"category": f"c-{tag}", "product_id": f"p-{tag}"}
    if kind != 1:  # resold on the thirtieth day, or a moment later
        if kind == 0:
            mandate(market, tag, listing_id=f"other-{tag}")
        else:  # bought from a stranger, of a product that it mediates for others
            mediated(
                market, f"{tag}-m", chance, at=at - timedelta(days=2), **(known | {"broker_id": f"k-{tag}"})
            )
        market.trade(f"t0-{tag}", f"s-{tag}", f"k-{tag}", 100, at, listing_id=f"l-{tag}", **known)
        later = at + timedelta(days=30) + (timedelta(0) if guilty else SECOND)
        market.trade(f"t1-{tag}", f"k-{tag}", f"b-{tag}", 120, later, listing_id=f"o-{tag}", **known)
        return
    mandate(market, tag, listing_id=f"l-{tag}", ends_at=at - (timedelta(0) if guilty else SECOND))
    market.trade(f"t-{tag}", f"s-{tag}", f"k-{tag}", 100, at, listing_id=f"l-{tag}", **known)


@plants("BR6", "mandates")
def for_both(market, tag, guilty, chance):
    at, _ = mediated(market, tag, chance)
    mandate(market, tag, dual_consent=True)
    ended = not guilty and chance.random() < 0.5  # then it had one client
    consents = not guilty and not ended
    mandate(market, tag, "b", dual_consent=consents, ends_at=at - SECOND if ended else on(12, 31))


@plants("BR7", "mandates", "fee_caps", "payments")
def above_the_cap(market, tag, guilty, chance):
    kind, more = chance.randrange(4), 1 if guilty else 0
    _, amount = mediated(market, tag, chance)
    if kind == 3:  # no mandate states it: nothing is above the cap, not even by a part of a fen
        amount += chance.randrange(1, 20)
        market.rows["trades"][-1]["amount_minor"] = amount
    if kind in {0, 3}:
        due = amount * 500 // 10_000
    elif kind == 1:
        due = amount * 300 // 10_000
        market.add("fee_caps", scope=f"c-{tag}", max_bp=300)
    else:
        due = amount * 200 // 10_000
        mandate(market, tag)
    market.rows["trades"][-1]["commission_minor"] = due + more


@plants("BR8", "quotes")
def shared_price_file(market, tag, guilty, chance):
    for n in range(2):
        market.org(f"g{n}-{tag}", None if guilty else f"x-{tag}")
        market.add(
            "quotes", quote_id=f"q{n}-{tag}", seller_id=f"g{n}-{tag}", broker_id=f"k-{tag}", seq=6,
            quoted_at=on(3, 1 + n), price_minor=100, attachment_sha256=f"f-{tag}",
        )  # fmt: skip


@plants("BR9", "payments")
def through_its_hands(market, tag, guilty, chance):
    at, _ = mediated(market, tag, chance)
    payer, purpose = ("b", "deposit") if guilty else ("ESCROW", "commission")
    kind = chance.randrange(3)
    if kind == 0:
        payer, purpose = ("ESCROW", "seller_share" if guilty else "commission")
    elif kind == 1:  # an escrow of another name: the account that pays the seller too
        payer, purpose = (f"bank-{tag}", "commission")
        market.add(
            "payments", payment_id=f"z-{tag}", trade_id=f"t-{tag}", payee_id=f"s-{tag}", amount_minor=50,
            payer_id=f"{'other-' if guilty else ''}bank-{tag}", paid_at=at + SECOND, purpose="release",
        )  # fmt: skip
    market.add(
        "payments", payment_id=f"y-{tag}", trade_id=f"t-{tag}", payee_id=f"k-{tag}", amount_minor=50,
        payer_id=f"{payer}-{tag}" if payer == "b" else payer, paid_at=at + SECOND, purpose=purpose,
    )  # fmt: skip


@plants("BR10", "access", "listings", "lineage")
def kept_a_copy(market, tag, guilty, chance):
    at, _ = mediated(market, tag, chance)
    if chance.random() < 0.5:
        taker = "k" if guilty else "b"
        market.add(
            "access", trade_id=f"t-{tag}", entitlement_id=f"e-{tag}", org_id=f"{taker}-{tag}", at=at + SECOND
        )
        return
    listed = at if guilty else at - SECOND  # it was there before the client came
    market.add(
        "listings", listing_id=f"n-{tag}", seller_id=f"k-{tag}", product_id=f"d-{tag}", listed_at=listed
    )
    market.add("lineage", product_id=f"d-{tag}", source_product_id=f"p-{tag}")


@plants("BR11")
def brokers_a_sham(market, tag, guilty, chance):
    for name in ("s", "b"):
        market.org(f"{name}-{tag}", f"x-{tag}" if guilty else None)
    at = on(chance.randrange(3, 9), 2)
    market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", 100, at, broker_id=f"k-{tag}", category=f"c-{tag}")
    market.org(f"k-{tag}")


@plants("BR12", "notices")
def told_late(market, tag, guilty, chance):
    noticed = on(chance.randrange(2, 10), chance.randrange(1, 20), chance.randrange(24))
    told = noticed + timedelta(hours=24) + (SECOND if guilty else timedelta(0))
    market.add(
        "notices", notice_id=f"n-{tag}", org_id=f"k-{tag}", kind="suspicion", noticed_at=noticed, told_at=told
    )


@plants("BR13", "notices")
def changed_at_once(market, tag, guilty, chance):
    told = on(chance.randrange(2, 10), chance.randrange(1, 20), chance.randrange(24))
    day = add_working_days(shanghai_day(told), 5)
    effect = datetime(day.year, day.month, day.day, 4, tzinfo=UTC) - timedelta(days=1 if guilty else 0)
    market.add(
        "notices",
        notice_id=f"n-{tag}",
        org_id=f"k-{tag}",
        kind="change",
        takes_effect_at=effect,
        told_at=told,
    )


@plants("BR14", "certificates", "certificate_events")
def unreported(market, tag, guilty, chance):
    kind = chance.randrange(3)
    if kind == 2:  # no row tells when it was filed, but that it has passed
        passed = (("annual_pass", on(4, 20)),)
        certificate(market, tag, on(5, 1, year=2025), *(() if guilty else passed))
    elif kind == 0:  # filed in the last second of March, or in the first of April
        certificate(
            market, tag, on(5, 1, year=2025), ("annual_report", DUE + (SECOND if guilty else timedelta(0)))
        )
    else:  # three whole months of the first year are left, or two
        certificate(market, tag, on(10, 1, 15 if guilty else 16, year=2025))  # 1 October in Shanghai, or 2


@plants("BR15", "certificates", "certificate_events", "mandates")
def left_in_a_hurry(market, tag, guilty, chance):
    notice, gone = on(3, 1), on(9, 1)
    off, kind = SECOND if guilty else timedelta(0), chance.randrange(2)
    steps = [("exit_notice", notice), ("exited", gone - (off if kind == 0 else timedelta(0)))]
    certificate(market, tag, on(1, 5, year=2025), *steps)
    mandate(market, tag, revoked_at=gone + off if kind else on(8, 1))


@plants("S20", "ranking", "mandates", screen=True)
def its_own_first(market, tag, guilty, chance):
    for name in ("k", "c", *(f"s{n}" for n in range(6))):
        market.org(f"{name}-{tag}", f"x-{tag}" if name in {"k", "s5"} else None)
    few = not guilty and chance.random() < 0.5
    for sent in range(4 if few else 6):
        first = 5 if guilty or few else sent
        for place in range(6):
            market.add(
                "ranking", presentation_id=f"l{sent}-{tag}", broker_id=f"k-{tag}", client_id=f"c-{tag}",
                listing_id=f"l{place}-{tag}", seller_id=f"s{place}-{tag}", neutral_rank=place + 1,
                seq=200 + sent, sent_rank=1 if place == first else None, sent_at=on(4, 1 + sent),
            )  # fmt: skip


@plants("S30B", "payment_mismatches")
def differs(market, tag, guilty, chance):
    amount = chance.randrange(1, 10**9)
    at = AS_OF + (timedelta(0) if guilty else timedelta(milliseconds=1))
    if chance.random() < 0.5:
        at, actual = on(5, 5), amount + (1 if guilty else 0)
    else:
        actual = amount - 1
    market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", amount, on(2, 1), category=f"c-{tag}")
    market.add(
        "payment_mismatches", seq=70, at=at, trade_id=f"t-{tag}", kind="amount", expected_minor=amount,
        actual_minor=actual,
    )  # fmt: skip
