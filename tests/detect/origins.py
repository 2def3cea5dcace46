"""Planted cases of administrative monopoly, unfair competition in data, broken origins and sham members."""

from datetime import UTC, datetime, timedelta

from tests.detect.planted import plants
from tests.supervision.tables import AS_OF, on

SECOND = timedelta(seconds=1)
IN_FORCE = datetime(2025, 2, 28, 16, 0, tzinfo=UTC)  # 1 March 2025 in Shanghai


def grant(market, tag, **more):
    known = {"selection_method": "open_tender", "conditions": [], "granted_at": on(3, 1), "seq": 8}
    market.add(
        "grants", grant_id=f"g-{tag}", authority_id=f"a-{tag}", operator_id=f"o-{tag}", **(known | more)
    )


@plants("AM1", "grants")
def granted_directly(market, tag, guilty, chance):
    kind = chance.randrange(3)
    how = {"selection_method": "direct", "granted_at": IN_FORCE + timedelta(days=chance.randrange(300))}
    if kind == 0:  # on the first day, or a moment before
        how["granted_at"] = IN_FORCE - (timedelta(0) if guilty else SECOND)
    elif kind == 1 and not guilty:
        how["exception"] = "national-security"
    elif kind == 2 and not guilty:
        how["selection_method"] = "invited_tender"
    grant(market, tag, **how)


@plants("AM3", "grants")
def only_locals(market, tag, guilty, chance):
    kind = chance.randrange(2)
    code = {True: "local_registration", False: "data_security"}[guilty]
    text = {True: "运营主体须为本市注册企业", False: "不得要求运营主体为本市注册企业"}[guilty]
    grant(market, tag, conditions=["mlps_3", code if kind == 0 else text])


@plants("AM2", "share_requests", screen=True)
def all_but_one(market, tag, guilty, chance):
    kind = chance.randrange(3)
    outcomes = ["granted", "refused", "lapsed", "refused"]
    if not guilty and kind == 0:
        outcomes[-1] = "granted"  # two are served
    for n, outcome in enumerate(outcomes):
        who = f"x{1 if kind == 1 and not guilty and n == 3 else n}-{tag}"  # two are refused, one twice
        asked = on(3, 1 + n) if not (kind == 2 and not guilty and n == 1) else on(11, 1, year=2025)
        market.org(f"x{n}-{tag}")
        market.add(
            "share_requests",
            request_id=f"r{n}-{tag}",
            authority_id=f"a-{tag}",
            dataset_id=f"d-{tag}",
            applicant_id=who,
            asked_at=asked,
            outcome=outcome,
        )


@plants("UC1", "usage", "access", "retrievals", screen=True)
def fetched_oddly(market, tag, guilty, chance):
    kind, at = chance.randrange(3), on(4, 1)
    known = {"category": f"c-{tag}", "licence_class": "internal"}
    market.org(f"s-{tag}").org(f"b-{tag}")
    if kind == 0:  # ten times the middle day, or a call fewer
        market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", 100, at, **known)
        for n in range(10):
            usual = 100 + chance.randrange(5)
            if n in {4, 5}:
                usual = 102
            market.used(f"t-{tag}", on(4, 5 + n).date(), calls=usual, downloads=0)
        days = sorted(row["calls"] for row in market.rows["usage"][-10:])
        last = (days[4] + days[5]) * 5
        market.rows["usage"][-10]["calls"] = max(days[:5]) if days[0] > 102 else 102
        days = sorted(row["calls"] for row in market.rows["usage"][-10:])
        market.used(f"t-{tag}", on(4, 20).date(), calls=0, downloads=0)
        last = sorted([*days, 10**6])[5] * 10
        market.rows["usage"][-1]["calls"] = last - (not guilty)
    elif kind == 1:  # twenty products within a day, or the last a moment later
        for n in range(20):
            market.trade(f"t{n}-{tag}", f"s-{tag}", f"b-{tag}", 100, at, product_id=f"p{n}-{tag}", **known)
            late = timedelta(hours=24) + SECOND if n == 19 and not guilty else timedelta(hours=n * 24 / 19)
            market.add("access", trade_id=f"t{n}-{tag}", org_id=f"b-{tag}", at=on(4, 9) + late, seq=7 + n)
    else:
        market.trade(f"t-{tag}", f"s-{tag}", f"b-{tag}", 100, at, **known)
        counts = {"calls": 1_000, "distinct_keys": 950, "in_sequence": 900 - (not guilty)}
        market.add("retrievals", trade_id=f"t-{tag}", day=on(5, 2).date(), **counts)


def offer(market, tag, n, seller, at, **more):
    known = {"product_id": f"p{n}-{tag}", "category": f"c-{tag}", "geo": "nationwide", "listed_at": at}
    if all(row["org_id"] != f"{seller}-{tag}" for row in market.rows["orgs"][-9:]):
        market.org(f"{seller}-{tag}")
    market.add("listings", listing_id=f"l{n}-{tag}", seller_id=f"{seller}-{tag}", seq=3 + n, **(known | more))


@plants("UC2", "watermarks", "mark_hits", "listings", "lineage")
def marked(market, tag, guilty, chance):
    kind = chance.randrange(3)
    offer(market, tag, 0, "a", on(2, 1))
    offer(market, tag, 1, "a" if kind == 0 and not guilty else "b", on(3, 1))
    market.add("watermarks", mark_sha256=f"m-{tag}", product_id=f"p0-{tag}", seq=4)
    late = on(12, 1) if kind == 2 and not guilty else on(4, 1)
    market.add("mark_hits", mark_sha256=f"m-{tag}", listing_id=f"l1-{tag}", found_at=late, seq=5)
    if kind == 1:  # made from it in three steps, or in four
        between = [f"x{n}-{tag}" for n in range(3 if guilty else 2)]
        for made, source in zip((f"p1-{tag}", *between), (*between, f"p0-{tag}"), strict=True):
            market.add("lineage", product_id=made, source_product_id=source)


@plants("UC3", "sketches", "listings", "lineage", screen=True)
def nearly_the_same(market, tag, guilty, chance):
    kind = chance.randrange(3)
    offer(market, tag, 0, "a", on(2, 1), public_data=kind == 1 and not guilty)
    offer(market, tag, 1, "b", on(3, 1))
    equal = 45 - (kind == 0 and not guilty)  # of fifty: nine tenths
    market.add("sketches", listing_id=f"l0-{tag}", minhash=[f"{tag}{n}" for n in range(50)])
    other = [f"{tag}{n}" if n < equal else f"{tag}-{n}" for n in range(50)]
    market.add("sketches", listing_id=f"l1-{tag}", minhash=other)
    if kind == 2 and not guilty:
        market.add("lineage", product_id=f"p1-{tag}", source_product_id=f"p0-{tag}")


@plants("UC4", "texts", "listings", screen=True)
def runs_down(market, tag, guilty, chance):
    kind = chance.randrange(3)
    offer(market, tag, 0, "a", on(2, 1))
    offer(market, tag, 1, "b", on(2, 1), category=f"{'d' if kind == 0 and not guilty else 'c'}-{tag}")
    said = "他家全是假数据，别买" if kind != 1 else "Their data is stolen."
    if not guilty and kind:
        said = "我们核对过，他家不是假数据" if kind == 2 else "Their data is not stolen."
    market.add(
        "texts", text_id=f"x-{tag}", author_id=f"b-{tag}", about_id=f"a-{tag}", text=said, written_at=on(4, 1)
    )


@plants("UC5", "usage", "requests", screen=True)
def turned_against(market, tag, guilty, chance):
    kind, at = chance.randrange(3), on(4, 1)
    for name in ("s", "b"):
        market.org(f"{name}-{tag}")
    if kind < 2:
        for n in range(10 if kind == 0 or guilty else 11):  # half of all trades, or fewer
            back = n < 5
            late = timedelta(days=30) * min(n, 4) / 4 + (
                SECOND if n == 4 and kind == 0 and not guilty else 0 * SECOND
            )
            market.trade(f"t{n}-{tag}", f"s-{tag}", f"b-{tag}", 100, at + late, category=f"c-{tag}")
            market.rows["trades"][-1]["status"] = "REFUNDED" if back else "SETTLED"
            market.used(f"t{n}-{tag}", on(8, 1).date())
        return
    for n in range(20):
        late = timedelta(hours=24) * n / 19 + (SECOND if n == 19 and not guilty else 0 * SECOND)
        known = {"seller_id": f"s-{tag}", "buyer_id": f"b-{tag}", "outcome": "lapsed"}
        market.add("requests", request_id=f"q{n}-{tag}", asked_at=at + late, **known)


@plants("S25", "lineage", "listings")
def unlicensed_source(market, tag, guilty, chance):
    kind, listed = chance.randrange(4), on(5, 1)
    offer(market, tag, 0, "a", on(2, 1), public_data=kind == 3 and not guilty)
    offer(market, tag, 1, "b", listed)
    market.add("lineage", product_id=f"p1-{tag}", source_product_id=f"p0-{tag}", seq=6)
    bought, licence = listed, "derivation"
    if guilty:
        bought, licence = (listed + SECOND, licence) if kind == 0 else (listed, "internal-use")
    if (kind == 2 and guilty) or kind == 3:
        return  # never bought
    market.trade(
        f"t-{tag}", f"a-{tag}", f"b-{tag}", 100, bought, product_id=f"p0-{tag}", licence_class=licence
    )


@plants("S28", "identifiers", screen=True)
def one_hand_behind(market, tag, guilty, chance):
    kind = chance.randrange(3)
    for name in ("s", "r", "x0", "x1", "x2"):
        control = f"k-{tag}" if kind == 0 and not guilty and name in {"x1", "x2"} else None
        market.org(f"{name}-{tag}", control)
    for n in range(3):
        market.trade(f"t{n}-{tag}", f"s-{tag}", f"x{n}-{tag}", 100, on(4, 1 + n), category=f"c-{tag}")
        market.add("identifiers", org_id=f"x{n}-{tag}", kind="device", value_sha256=f"v{n // 2}-{tag}")
    market.add("identifiers", org_id=f"x2-{tag}", kind="bank_account", value_sha256=f"w-{tag}")
    link = f"u-{tag}" if kind == 1 and not guilty else f"w-{tag}"
    market.add("identifiers", org_id=f"x0-{tag}", kind="bank_account", value_sha256=link)
    if kind == 2 and not guilty:
        for n in range(2):
            market.trade(f"t{7 + n}-{tag}", f"r-{tag}", f"x{n}-{tag}", 100, on(5, 1), category=f"c-{tag}")


@plants("PURPOSE_MISMATCH", "voucher_uses")
def used_for_something_else(market, tag, guilty, chance):
    known = {
        "voucher_id": f"v-{tag}",
        "user_id": f"u-{tag}",
        "by_id": f"u-{tag}",
        "purpose": "CREDIT_APPROVAL",
        "asked_purpose": "MARKETING",
        "outcome": "refused",
        "code": "voucher-purpose-mismatch",
        "seq": 9,
    }
    kind = chance.randrange(3)
    if not guilty and kind == 0:  # refused, and for another reason
        known |= {"code": "voucher-user-mismatch"}
    elif not guilty and kind == 1:  # the very purpose
        known |= {"outcome": "verified", "code": None, "asked_purpose": "CREDIT_APPROVAL"}
    at = AS_OF + SECOND if not guilty and kind == 2 else AS_OF - SECOND * chance.randrange(9)
    market.add("voucher_uses", at=at, **known)
