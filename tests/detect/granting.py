"""Planted cases of authorised operation: scope, re-development, revenue, disclosure, sales elsewhere."""

from datetime import UTC, date, datetime, timedelta

from tests.detect.planted import plants
from tests.supervision.tables import on

TICK = timedelta(milliseconds=1)
DUE = datetime(2026, 3, 31, 15, 59, 59, 999_000, tzinfo=UTC)  # the last moment of 31 March in Shanghai


def grant(market, tag, **more):
    known = {"selection_method": "open_tender", "conditions": [], "granted_at": on(1, 2, year=2025), "seq": 8}
    known |= {"active_at": on(2, 1, year=2025), "ends_at": on(12, 31, year=2027)}
    market.add(
        "grants", grant_id=f"g-{tag}", authority_id=f"a-{tag}", operator_id=f"o-{tag}", **(known | more)
    )


@plants("SCOPE", "grants", "grant_scenarios", "grant_uses", "refusals")
def used_outside(market, tag, guilty, chance):
    kind = chance.randrange(7)
    grant(market, tag, ended_at=on(8, 1) if kind == 6 else None)
    market.add(
        "grant_scenarios",
        grant_id=f"g-{tag}",
        scenario_id=f"n-{tag}",
        fields=["dat_1.a", "dat_1.b"],
        users=[] if kind == 1 and not guilty else ["bank", "insurer"],
        purpose="普惠金融",
        environment="政务云",
        starts=date(2026, 3, 1),
        ends=date(2026, 9, 30),
        approved_at=on(3, 1),
        seq=9,
    )
    said = {
        "fields": ["dat_1.b", "dat_1.a"],
        "user_id": "bank",
        "purpose": "普惠金融",
        "environment": "政务云",
        "used_at": datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC),  # the last day, in Shanghai
    }
    if kind == 0 and guilty:
        said["fields"] = ["dat_1.b", "dat_1.c"]
    elif kind == 1:
        said["user_id"] = "marketing"
    elif kind == 2 and guilty:
        said["purpose"] = "营销"
    elif kind == 3 and guilty:
        said["environment"] = "自有机房"
    elif kind == 4 and guilty:
        said["used_at"] += timedelta(seconds=1)
    elif kind == 5:
        said["used_at"] = on(3, 1) - (TICK if guilty else timedelta(0))
    elif kind == 6:
        said["used_at"] = on(8, 1) + (TICK if guilty else timedelta(0))
    market.add(
        "grant_uses",
        use_id=f"u-{tag}",
        grant_id=f"g-{tag}",
        scenario_id=f"n-{tag}",
        operator_id=f"o-{tag}",
        calls=7,
        seq=10,
        **said,
    )


def offer(market, tag, product, seller, **more):
    if all(row["org_id"] != f"{seller}-{tag}" for row in market.rows["orgs"][-9:]):
        market.org(f"{seller}-{tag}", controller_id=f"k-{tag}" if seller == "d" else None)
    known = {"product_id": f"{product}-{tag}", "listed_at": on(5, 1), "seq": 11}
    market.add("listings", listing_id=f"l{product}-{tag}", seller_id=f"{seller}-{tag}", **(known | more))


@plants("REDEV", "grants", "grant_products", "lineage", "listings")
def developed_further(market, tag, guilty, chance):
    kind = chance.randrange(4)
    grant(market, tag)
    market.org(f"o-{tag}", controller_id=f"k-{tag}")
    market.add("grant_products", grant_id=f"g-{tag}", product_id=f"p-{tag}", seq=9)
    offer(market, tag, "p", "o")
    seller = "d" if kind == 1 else "o"  # a firm of one house with the operator
    if kind == 0 and not guilty:
        seller = "x"  # another's development of it is what the market is for
    offer(market, tag, "m", seller)
    between = [f"y{n}-{tag}" for n in range(2 if guilty else 3)] if kind == 2 else []
    first = "z" if kind == 1 and not guilty else "p"
    for made, source in zip((f"m-{tag}", *between), (*between, f"{first}-{tag}"), strict=True):
        market.add("lineage", product_id=made, source_product_id=source)
    if kind == 3 and not guilty:
        market.add("grant_products", grant_id=f"g-{tag}", product_id=f"m-{tag}", seq=10)


def year(market, tag, **more):
    known = {"year": 2025, "disclosed_at": DUE, "reported_at": DUE, "seq": 12, "off_exchange_minor": 0}
    market.add(
        "grant_years", grant_id=f"g-{tag}", authority_id=f"a-{tag}", operator_id=f"o-{tag}", **(known | more)
    )


@plants("REVENUE", "grant_years")
def far_from_permitted(market, tag, guilty, chance):
    permitted = 1_000_000 + 10 * chance.randrange(1_000_000)
    apart = permitted // 10 + guilty
    actual = permitted + apart * (1 if chance.randrange(2) else -1)
    year(market, tag, permitted_minor=permitted, actual_minor=actual)


@plants("DISCLOSURE_MISSING", "grants", "grant_years")
def not_disclosed(market, tag, guilty, chance):
    kind = chance.randrange(4)
    first = datetime(2024, 12, 31, 16, 0, tzinfo=UTC)  # 2025 begins in Shanghai
    ended = None
    if kind == 1:
        first = first if guilty else datetime(2025, 12, 31, 16, 0, tzinfo=UTC)
    elif kind == 2:  # of 2024 nothing was owed: it began a moment later, or that year
        first -= TICK if guilty else timedelta(0)
    elif kind == 3:
        ended = datetime(2025, 12, 31, 16, 0, tzinfo=UTC) - timedelta(days=1)
    grant(market, tag, active_at=first, ended_at=ended)
    if kind == 0:
        year(market, tag, disclosed_at=DUE + (TICK if guilty else timedelta(0)))
    elif kind == 1 and guilty:
        year(market, tag, reported_at=None)
    elif kind == 2 or (kind == 3 and not guilty):
        year(market, tag)


@plants("MUST_TRADE", "grants", "grant_years", "survey_lines")
def sold_elsewhere(market, tag, guilty, chance):
    kind = chance.randrange(3)
    grant(market, tag)
    if kind == 0:
        year(market, tag, off_exchange_minor=int(guilty))
        return
    source = "SELF_COLLECTED" if kind == 1 and not guilty else "AUTHORISED_OPERATION"
    line = {"year": 2025, "answered_at": on(3, 1), "line_no": 1, "source": source, "seq": 13}
    line |= {"survey_id": f"s-{tag}", "org_id": f"o-{tag}", "off_exchange_minor": 1}
    market.add("survey_lines", **line)
    if kind == 2 and not guilty:  # corrected since
        other = {"survey_id": f"s2-{tag}", "corrects": f"s-{tag}", "off_exchange_minor": 0}
        market.add("survey_lines", **(line | other))
