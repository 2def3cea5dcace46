"""The expressions behind a month's figures, over the evidence tables and bound to no engine.

A *settled* trade is one whose TRD.SETTLE lies in the period. Its value is what was settled: the contract's
amount less what of it went back to the buyer in the same settlement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import ibis

from supervision.context import Tables
from supervision.measures import middle
from supervision.statistics.layers import ITEMS
from supervision.statistics.places import SECTION_OF, zone_expression
from supervision.trades import PURPOSES, REFUND, UNDONE, flagged, literal_time, with_groups

SIDES: Final = ("buyer", "seller")
PARTS: Final = PURPOSES[1:]
"""The parts of money out: what the seller, the broker and the exchange get."""
SHOWN: Final = 20
SETTLED: Final = "settled_of_the_month"
COUNTED: Final = "counted"
FLAGGED: Final = "flagged"
TAKEN_BACK: Final = "undone"
RIGHTS: Final = ("HOLD", "USE", "OPERATE")
GROUPINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "total": (),
        "sector": ("sector",),
        "seller_region": ("seller_region",),
        "buyer_region": ("buyer_region",),
        "right": ("right",),
        "level": ("level",),
        "product_type": ("product_type",),
        "channel": ("channel",),
        "public_data": ("public_data",),
        "flow_region": ("seller_region", "buyer_region"),
        "seller_zone": ("seller_zone",),
        "buyer_zone": ("buyer_zone",),
        "flow_zone": ("seller_zone", "buyer_zone"),
        "seller_industry": ("seller_industry",),
        "buyer_industry": ("buyer_industry",),
        "flow_industry": ("seller_industry", "buyer_industry"),
    }
)
"""Every table of counts and values: its name, and the columns that it is made by."""
VOLUME_BY: Final = ("total", "sector", "seller_region", "right", "level")


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` on, before `until`; tables hold what was known later, too."""

    since: datetime
    until: datetime

    def holds(self, column: Any) -> Any:
        return (column >= literal_time(self.since)) & (column < literal_time(self.until))

    def over(self, column: Any) -> Any:
        return column < literal_time(self.until)


def settled(tables: Tables, period: Period) -> Any:
    """One row a settled trade of the period: what it counts by, its value, and whether it counts.

    Where an engine keeps them under SETTLED, those are meant.
    """
    if SETTLED in tables:
        return tables[SETTLED]
    trades = tables["trades"].filter(period.holds(tables["trades"].settled_at))
    trades = trades.mutate(status=trades.status.fill_null("").upper())
    out = with_groups(tables, trades)
    for table, keys in (
        (flagged(tables).mutate(is_flagged=True), ("trade_id",)),
        (_listings(tables), ("listing_id",)),
        (_places(tables, "seller"), ("seller_id",)),
        (_places(tables, "buyer"), ("buyer_id",)),
        (_industries(tables, "seller", period), ("seller_id",)),
        (_industries(tables, "buyer", period), ("buyer_id",)),
        (_rights(tables), ("product_id", "seller_id")),
        (_refunds(tables, period), ("trade_id",)),
    ):
        joined = out.left_join(table, keys)
        out = joined.drop(*(name for name in joined.columns if name.endswith("_right")))
    made_at = ibis.coalesce(out.agreed_at, out.settled_at)
    section = out.category.fill_null("").substitute(dict(SECTION_OF), else_="")
    seller_region, buyer_region = out.seller_region.fill_null(""), out.buyer_region.fill_null("")
    return out.select(
        "trade_id",
        "settled_at",
        "broker_id",
        "seller_group",
        "buyer_group",
        standing=ibis.cases(
            (out.status.isin(UNDONE), TAKEN_BACK), (out.is_flagged.notnull(), FLAGGED), else_=COUNTED
        ),
        value=(out.amount_minor.fill_null(0) - out.refunded_minor.fill_null(0)).cast("int64"),
        amount_minor=out.amount_minor.fill_null(0),
        quantity=out.quantity.fill_null(0),
        unit=out.unit.fill_null(""),
        sector=out.category.fill_null(""),
        seller_region=seller_region,
        buyer_region=buyer_region,
        seller_zone=zone_expression(seller_region),
        buyer_zone=zone_expression(buyer_region),
        seller_industry=ibis.coalesce(out.seller_industry, section),
        buyer_industry=out.buyer_industry.fill_null(""),
        right=_held(out, made_at),
        level=out.level.fill_null(""),
        product_type=out.product_type.fill_null(""),
        public_data=ibis.ifelse(out.public_data.fill_null(False), "public", "other"),
        channel=ibis.ifelse(out.broker_id.nullif("").isnull(), "direct", "mediated"),
        waited_s=_whole(out.settled_at.epoch_seconds()) - _whole(made_at.epoch_seconds()),
    )


def _whole(value: Any) -> Any:
    """A 64-bit whole number for certain: sums and epochs are wider in some engines, and kept so."""
    return value.cast("decimal(38, 0)").cast("int64")


def _listings(tables: Tables) -> Any:
    return tables["listings"].select("listing_id", "level", "product_type", "public_data")


def _places(tables: Tables, side: str) -> Any:
    orgs = tables["orgs"]
    return orgs.select(**{f"{side}_id": orgs.org_id, f"{side}_region": orgs.region})


def _industries(tables: Tables, side: str, period: Period) -> Any:
    """The section of GB/T 4754 that a unit names for its largest line in its newest answer."""
    lines = tables["survey_lines"]
    lines = lines.filter(period.over(lines.answered_at), lines.industry.notnull())
    lines = lines.mutate(spent=sum((lines[f"{item}_minor"].fill_null(0) for item in ITEMS), ibis.literal(0)))
    newest = [lines.year.desc(), lines.seq.desc(), lines.spent.desc(), lines.industry.asc()]
    first = lines.mutate(nth=ibis.row_number().over(group_by="org_id", order_by=newest))
    first = first.filter(first.nth == 0)
    return first.select(
        **{f"{side}_id": first.org_id, f"{side}_industry": first.industry.substr(0, 1).upper()}
    )


def _rights(tables: Tables) -> Any:
    """Since when a seller has each right in its product, and until when; without an end while it stands."""
    rights = tables["rights"]
    told = {}
    for right in RIGHTS:
        which = rights.right == right
        told[f"{right}_from"] = rights.entered_at.min(where=which)
        told[f"{right}_to"] = rights.ended_at.max(where=which)
        told[f"{right}_open"] = (which & rights.ended_at.isnull()).cast("int64").max()
    return rights.group_by("product_id", seller_id=rights.holder_id).agg(**told)


def _held(out: Any, made_at: Any) -> Any:
    """The registered rights that stood when the trade was made, `HOLD+USE+OPERATE`; nothing for none."""
    held = ibis.literal("")
    for right in RIGHTS:
        stood = (out[f"{right}_open"] == 1) | (made_at < out[f"{right}_to"])
        stood = (out[f"{right}_from"] <= made_at) & stood
        held += ibis.ifelse(stood.fill_null(False), f"+{right}", "")
    return held.substr(1)


def _refunds(tables: Tables, period: Period) -> Any:
    """What went back to the buyer in the very settlement of a trade."""
    payments, trades = tables["payments"], tables["trades"]
    back = payments.filter(payments.purpose == REFUND, period.holds(payments.paid_at))
    of = trades.select("trade_id", paid_at=trades.settled_at)
    back = back.semi_join(of, ["trade_id", "paid_at"])
    return back.group_by("trade_id").agg(refunded_minor=_whole(back.amount_minor.sum()))


def cells(tables: Tables, period: Period) -> Any:
    """Every cell of every table of GROUPINGS, once for each side, with its units and the largest's value.

    Rows `grouping, a, b, side, trades, value, units, largest`, in that order.
    """
    counted = settled(tables, period)
    counted = counted.filter(counted.standing == COUNTED)
    found = [_side(counted, name, keys, side) for name, keys in GROUPINGS.items() for side in SIDES]
    return ibis.union(*found, distinct=False).order_by("grouping", "a", "b", "side")


def _side(counted: Any, grouping: str, keys: tuple[str, ...], side: str) -> Any:
    by = [counted[key].name(name) for name, key in zip("ab", keys, strict=False)]
    ofs = counted.group_by(*by, unit_id=counted[f"{side}_group"])
    ofs = ofs.agg(trades=counted.count(), value=counted.value.sum().cast("int64"))
    names = list("ab"[: len(keys)])
    whole = ofs.group_by(*names) if names else ofs
    whole = whole.aggregate(
        trades=ofs.trades.sum().cast("int64"),
        value=ofs.value.sum().cast("int64"),
        units=ofs.count().cast("int64"),
        largest=ofs.value.max().cast("int64"),
    )
    there = {name: whole[name] if name in names else ibis.literal("") for name in "ab"}
    return whole.select(
        grouping=ibis.literal(grouping),
        **there,
        side=ibis.literal(side),
        trades=whole.trades,
        value=whole.value,
        units=whole.units,
        largest=whole.largest,
    )


def volumes(tables: Tables, period: Period) -> Any:
    """What was traded, counted in each unit, by VOLUME_BY: rows as those of `cells`.

    `a` is the unit and `b` the class; quantities of different units are never added.
    """
    counted = settled(tables, period)
    counted = counted.filter(counted.standing == COUNTED).drop("value")
    counted = counted.mutate(value=counted.quantity)
    keys = {name: ("unit", *GROUPINGS[name]) for name in VOLUME_BY}
    found = [_side(counted, name, keys[name], side) for name in VOLUME_BY for side in SIDES]
    return ibis.union(*found, distinct=False).order_by("grouping", "a", "b", "side")


def standings(tables: Tables, period: Period) -> Any:
    """All settlements of the period by what became of them, with what the payments say: the tie-out.

    Rows `standing, trades, value, settled, paid, seller_share, commission, platform_fee`; payments of no
    settled trade stand under the standing `unknown`.
    """
    rows, parts = settled(tables, period), _parts(tables, period)
    joined = rows.outer_join(parts, "trade_id")
    joined = joined.mutate(standing=joined.standing.fill_null("unknown"))
    return (
        joined.group_by("standing")
        .agg(
            trades=joined.trade_id.count(),
            value=joined.value.sum().fill_null(0).cast("int64"),
            paid_trades=joined.trade_id_right.count(),
            **{name: joined[name].sum().fill_null(0).cast("int64") for name in PARTS},
        )
        .order_by("standing")
    )


def mismatches(tables: Tables, period: Period) -> Any:
    """Trades whose value is not what their settlement paid, by id; no more than SHOWN."""
    rows, parts = settled(tables, period), _parts(tables, period)
    joined = rows.outer_join(parts, "trade_id")
    paid = sum((joined[name].fill_null(0) for name in PARTS), ibis.literal(0))
    told = joined.select(
        trade_id=ibis.coalesce(joined.trade_id, joined.trade_id_right),
        value=joined.value.fill_null(0),
        paid=paid.cast("int64"),
    )
    return told.filter(told.value != told.paid).order_by("trade_id").limit(SHOWN)


def _parts(tables: Tables, period: Period) -> Any:
    payments = tables["payments"]
    payments = payments.filter(payments.purpose.isin(PARTS), period.holds(payments.paid_at))
    parts = {
        name: payments.amount_minor.sum(where=payments.purpose == name).fill_null(0).cast("int64")
        for name in PARTS
    }
    return payments.group_by("trade_id").agg(**parts)


def medians(tables: Tables, period: Period) -> Any:
    """The sales in the middle of each sector and unit, by unit price."""
    counted = settled(tables, period)
    counted = counted.filter(counted.standing == COUNTED, counted.value > 0)
    counted = counted.select("sector", "unit", "trade_id", "quantity", amount_minor=counted.value)
    return middle(counted, ("sector", "unit")).order_by("sector", "unit", "nth")


def waits(tables: Tables, period: Period) -> Any:
    """From contract to settlement in seconds: of how many trades, their sum, and the middle one or two."""
    counted = settled(tables, period)
    counted = counted.filter(counted.standing == COUNTED)
    order = [counted.waited_s.asc(), counted.trade_id.asc()]
    placed = counted.mutate(
        nth=ibis.row_number().over(order_by=order),
        trades=counted.count().over(),
        total_s=counted.waited_s.sum().over(),
    )
    below, above = placed.nth * 2 >= placed.trades - 2, placed.nth * 2 <= placed.trades
    return placed.filter(below, above).select("nth", "trades", "total_s", "waited_s").order_by("nth")
