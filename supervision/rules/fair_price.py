"""FAIR_PRICE: a price far from what comparable products were sold for (公平价格监测). A screen.

Comparables of a sale are the other sales of its category, product type, level, unit and size (the file's
bytes by powers of ten, where they are known) in the last twelve months: none under an open flag, none within
one group, at least five. They are told by their median and the
median deviation from it (MAD), not by means, which one sham price would move. Far is more than three times
the scaled deviation (1.4826 × MAD estimates a standard deviation), or twice the median. Where there are so
many comparables that chance alone would bring one beyond three, the limit rises to where it would not; where
more than half of them cost the same (MAD = 0), the deviation is taken as a hundredth of the median. Where one
other seller stands behind more than half of them, their deviation is that seller's product's, which tells
nothing of another's: then twice the median alone counts.

The sale itself is none of its comparables. Leaving the farthest out of a sorted list leaves the places of its
middle known, so both medians are taken by number: once for sales above (left out at the top), once for those
below. The engine sorts by quotients and keeps a margin; what is told is compared as exact fractions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.far_prices import Compared, Far, far_of
from supervision.finding import Checked, Confidence, Finding, Severity
from supervision.portable import total, wide
from supervision.saying import because, tell
from supervision.shares import exact
from supervision.trades import counted_sales

CELL: Final = ("category", "product_type", "level", "unit", "size")
_OF_A_SALE: Final = ("trade_id", "seller_no", "amount_minor", "quantity", "made_at", "seq")
CELLS: Final = "comparable_cells"
COMPARABLE: Final = "comparable_sales"
"""What `comparable_sales` are kept as, where they are kept (`supervision.kept`)."""
BINS: Final = "comparable_bins"
"""What `comparable_bins` are kept as."""
_MIDDLE: Final = 3
_BINS: Final = 64
_MARGIN: Final = 10**9
_PLACES: Final = 4
_MOST_CITED: Final = 10_000


def expression(tables: Tables, context: Context) -> Any:
    """The sales that may be far, each with the middle ones of its comparables, by price and by deviation."""
    cells, sold = comparable_sales(tables, context)
    bins = tables[BINS] if BINS in tables else bins_of(sold)
    medians = _medians(sold, bins)
    mads = _mads(sold, bins, medians)
    asked = _far(sold, bins, medians.inner_join(mads, ["cell", "above"]), context)
    asked = _with_crowd(asked, sold).inner_join(cells, "cell").drop("cell")
    of_sale = tables["trades"].select("geo", "seller_id", of="trade_id")
    asked = asked.inner_join(of_sale, [("trade_id", "of")]).drop("of")
    return asked.mutate(geo=asked.geo.fill_null("")).order_by("trade_id")


def comparable_sales(tables: Tables, context: Context) -> tuple[Any, Any]:
    """The cells that are large enough, by a number of this run, and the sales in them."""
    cells = tables[CELLS] if CELLS in tables else comparable_cells(tables, context)
    sold = tables[COMPARABLE] if COMPARABLE in tables else _in_cells(tables, context, cells)
    return cells, sold


def comparable_cells(tables: Tables, context: Context) -> Any:
    """The cells that are large enough, numbered."""
    cells = _by_listing(tables, context)
    cells = cells.group_by(*CELL).agg(sold=total(cells.sales).cast("int64"))
    cells = cells.filter(cells.sold > context.rules.whole("FAIR_PRICE", "comparables_from")).drop("sold")
    return cells.mutate(cell=ibis.row_number().over(order_by=[cells[name].asc() for name in CELL]))


def sales_in_cells(tables: Tables, context: Context) -> Any:
    """The sales in the cells that are large enough."""
    return comparable_sales(tables, context)[1]


def comparable_bins(tables: Tables, context: Context) -> Any:
    """The sales of each cell counted by bins of one width in logarithms of their unit price."""
    return bins_of(comparable_sales(tables, context)[1])


def bins_of(sold: Any) -> Any:
    """By cell and bin: how many sales (`n`), the lowest and the highest price, and how many lie `before`."""
    bins = sold.group_by("cell", "bin").agg(n=sold.count(), low=sold.price.min(), high=sold.price.max())
    bins = bins.mutate(sold=wide(bins.n).sum().over(group_by="cell").cast("int64"))
    up_to = ibis.window(group_by="cell", order_by=bins.bin.asc(), preceding=None, following=0)
    return bins.mutate(before=(wide(bins.n).sum().over(up_to) - wide(bins.n)).cast("int64"))


def _in_cells(tables: Tables, context: Context, cells: Any) -> Any:
    of_listing = _by_listing(tables, context).drop("sales")
    of_listing = of_listing.inner_join(cells, list(CELL)).select("listing_id", "category", "unit", "cell")
    sold = _compared(tables, context).inner_join(of_listing, ["listing_id", "category", "unit"])
    price = sold.amount_minor.cast("float64") / sold.quantity.cast("float64")
    sold = sold.select("cell", *_OF_A_SALE, price=price)
    return sold.mutate(bin=(sold.price.ln() * _BINS).floor().cast("int64"))


def _by_listing(tables: Tables, context: Context) -> Any:
    """How many sales a listing has in a category and unit, with what else makes its cell."""
    listings = tables["listings"]
    listings = listings.select(
        "listing_id",
        product_type=listings.product_type.fill_null(""),
        level=listings.level.cast("string").fill_null(""),
        size=ibis.ifelse(listings.bytes > 0, listings.bytes.cast("string").length(), 0)
        .fill_null(0)
        .cast("int64"),
    )
    sold = _compared(tables, context)
    sold = sold.group_by("listing_id", "category", "unit").agg(sales=sold.count())
    return sold.inner_join(listings, "listing_id").select("listing_id", *CELL, "sales")


def _compared(tables: Tables, context: Context) -> Any:
    sold = counted_sales(tables, context)
    sold = sold.filter(sold.seller_group != sold.buyer_group, sold.quantity.fill_null(1) > 0)
    sold = sold.mutate(unit=sold.unit.fill_null(""), quantity=sold.quantity.fill_null(1))
    return sold.select("listing_id", "category", "unit", *_OF_A_SALE)


def _medians(sold: Any, bins: Any) -> Any:
    """Of each cell the middle sales, for those above them and for those below.

    Sorting all of a market's sales is dear: only the bins that hold a middle place are sorted.
    """
    places = {f"at_{n}": (bins.sold - 2) // 2 + n for n in range(_MIDDLE)}
    within = [(place >= bins.before) & (place < bins.before + bins.n) for place in places.values()]
    wanted = (
        bins.mutate(**places).filter(reduce(or_, within)).select("cell", "bin", "sold", "before", *places)
    )
    chosen = sold.inner_join(wanted, ["cell", "bin"])
    order = [chosen.price.asc(), chosen.amount_minor.asc(), chosen.trade_id.asc()]
    nth = ibis.row_number().over(group_by=("cell", "bin"), order_by=order) + chosen.before
    middle = _told_of(chosen.mutate(nth=nth), ("cell", "sold"), places)
    return ibis.union(*(_side(middle, above=above) for above in (True, False)), distinct=False)


def _mads(sold: Any, bins: Any, medians: Any) -> Any:
    """Of each cell and side the sales whose deviations from the median are the middle ones.

    How far a bin's sales deviate lies between two bounds. The middle deviation is no less than that to which
    half of them reach by the lower bound, and no more than by the upper one: bins beyond are not read.
    """
    by = ("cell", "above")
    placed = bins.inner_join(medians.select(*by, "middle"), "cell")
    low, high = (placed.low - placed.middle).abs(), (placed.high - placed.middle).abs()
    around = (placed.low <= placed.middle) & (placed.middle <= placed.high)
    placed = placed.mutate(
        least=ibis.ifelse(around, 0.0, ibis.least(low, high)),
        most=ibis.greatest(low, high),
        mad_near=(placed.sold - 2) // 2,
        mad_far=(placed.sold - 1) // 2,
    )
    up_to = {
        name: placed.n.sum().over(
            ibis.window(group_by=by, order_by=placed[name].asc(), preceding=None, following=0)
        )
        for name in ("least", "most")
    }
    placed = placed.mutate(by_least=up_to["least"], by_most=up_to["most"])
    bounds = placed.group_by(*by).agg(
        from_=placed.least.min(where=placed.by_least > placed.mad_near),
        until=placed.most.min(where=placed.by_most > placed.mad_far),
    )
    placed = placed.drop("before").inner_join(bounds, list(by))
    nearer = placed.group_by(*by).agg(
        before=placed.n.sum(where=placed.most < placed.from_).fill_null(0).cast("int64")
    )
    wanted = placed.filter(placed.most >= placed.from_, placed.least <= placed.until)
    wanted = wanted.select(*by, "bin", "middle", "mad_near", "mad_far").inner_join(nearer, list(by))
    chosen = sold.inner_join(wanted, ["cell", "bin"])
    chosen = chosen.mutate(deviation=(chosen.price - chosen.middle).abs())
    order = [chosen.deviation.asc(), chosen.amount_minor.asc(), chosen.trade_id.asc()]
    nth = ibis.row_number().over(group_by=by, order_by=order) + chosen.before
    return _told_of(chosen.mutate(nth=nth), by, ("mad_near", "mad_far"))


def _told_of(chosen: Any, by: tuple[str, ...], places: Iterable[str]) -> Any:
    """Of each group the sales at some places, by what is told of them."""
    told = {"": "price", "_amount": "amount_minor", "_quantity": "quantity", "_seq": "seq"}
    return chosen.group_by(*by).agg(
        **{
            f"{name}{suffix}": chosen[column].max(where=chosen.nth == chosen[name])
            for name in places
            for suffix, column in told.items()
        }
    )


def _side(middle: Any, *, above: bool) -> Any:
    """The median of the others for the sales above it, or below: what is left out is behind it, or before.

    Of an even number of comparables two are in the middle, of an odd number one; `sold` counts the sale too.
    """
    first = 0 if above else 1
    even = middle.sold % 2 == 0
    told: dict[str, Any] = {}
    for part in ("", "_amount", "_quantity", "_seq"):
        near = middle[f"at_{first}{part}"]
        told |= {
            f"median_near{part}": near,
            f"median_far{part}": ibis.ifelse(even, near, middle[f"at_{first + 1}{part}"]),
        }
    side = middle.select("cell", above=ibis.literal(above), **told)
    return side.mutate(middle=(side.median_near + side.median_far) / 2)


def _far(sold: Any, bins: Any, middles: Any, context: Context) -> Any:
    """The sales that lie beyond the middle and far from it, but for a margin: `findings` compares exactly.

    Where a bin's outermost price is not far, none in it is.
    """
    outer = bins.select("cell", "bin", "sold", "low", "high").inner_join(middles, "cell")
    outer = outer.mutate(price=ibis.ifelse(outer.above, outer.high, outer.low))
    outer = outer.filter(_is_far(outer, context)).drop("low", "high", "price")
    placed = sold.inner_join(outer, ["cell", "bin"])
    kept = [
        f"{name}_{at}_{part}"
        for name in ("median", "mad")
        for at in ("near", "far")
        for part in ("amount", "quantity")
    ]
    return placed.filter(_is_far(placed, context)).select(
        *("cell", "trade_id", "seller_no", "made_at", "amount_minor", "quantity", "seq", "sold"),
        *("median_near_seq", "median_far_seq", *kept),
    )


def _is_far(placed: Any, context: Context) -> Any:
    rules = context.rules
    deviation = (placed.price - placed.middle).abs()
    beyond = ibis.ifelse(placed.above, placed.price > placed.median_far, placed.price < placed.median_near)
    mad = ((placed.mad_near - placed.middle).abs() + (placed.mad_far - placed.middle).abs()) / 2
    beyond_by = rules.fraction("FAIR_PRICE", "deviations_above") * rules.fraction("FAIR_PRICE", "mad_scale")
    by_z = _reaches(deviation, mad, beyond_by)
    twice = _reaches(placed.price, placed.middle, rules.fraction("FAIR_PRICE", "ratio_from"))
    return beyond & (by_z | (placed.above & twice))


def _with_crowd(asked: Any, sold: Any) -> Any:
    """How many of a sale's comparables are one seller's: of the group that has most, its own left out."""
    sold = sold.semi_join(asked.select("cell").distinct(), "cell")
    groups = sold.group_by("cell", "seller_no").agg(sales=sold.count())
    most_first = [groups.sales.desc(), groups.seller_no.asc()]
    groups = groups.mutate(place=ibis.row_number().over(group_by="cell", order_by=most_first))
    first = groups.filter(groups.place == 0).select(cell_of_most="cell", most_no="seller_no", most="sales")
    second = groups.filter(groups.place == 1).select(cell_of_next="cell", next_most="sales")
    asked = asked.inner_join(first, [("cell", "cell_of_most")])
    asked = asked.left_join(second, [("cell", "cell_of_next")])
    asked = asked.mutate(
        crowd=ibis.ifelse(asked.most_no == asked.seller_no, asked.next_most, asked.most).fill_null(0)
    )
    return asked.drop("most_no", "most", "next_most", "cell_of_most", "cell_of_next", "seller_no")


def _reaches(value: Any, base: Any, times: Fraction) -> Any:
    """Whether a value reaches so many times the base, but for a margin; what is told is compared exactly."""
    return value * (times.denominator * _MARGIN) >= base * (times.numerator * (_MARGIN - 1))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a seller, market and kind of product: sales at one price are one fact."""
    far: defaultdict[tuple[Any, ...], list[Far]] = defaultdict(list)
    for row in rows:
        one = far_of(row, context)
        if one is not None:
            far[*(row[name] for name in ("seller_id", "geo", *CELL)), one.distance > 0].append(one)
    for key in sorted(far):
        yield _finding(far[key], context)


def _finding(sales: list[Far], context: Context) -> Finding:
    """Of the sale that lies farthest, and which others of its seller lie beyond as well."""
    farthest = max(sales, key=lambda one: (abs(one.distance), one.row["trade_id"]))
    row, told, high = farthest.row, farthest.told, farthest.distance > 0
    ratio_from = context.rules.fraction("FAIR_PRICE", "ratio_from")
    made_at = [one.row["made_at"] for one in sales]
    cited = [one.row["seq"] for one in sales[:_MOST_CITED]]
    return tell(
        "FAIR_PRICE",
        context,
        zh="涉嫌价格明显偏离可比成交" + ("（偏高）" if high else "（偏低）"),
        en=f"suspected unfair price: far {'above' if high else 'below'} comparable sales",
        window=(min(made_at), max(made_at)),
        subjects=(row["seller_id"],),
        objects=(one.row["trade_id"] for one in sales),
        market=market_of(row),
        severity=Severity.MEDIUM if farthest.ratio >= ratio_from else Severity.LOW,
        confidence=_confidence(told, context),
        cites=("MARKET",),
        screen=True,
        statistic={
            "sales": len(sales),
            "trade_id": row["trade_id"],
            "price_minor": exact(told.price),
            "median_minor": exact(told.median),
            "mad_minor": exact(told.mad),
            "robust_z": _decimal(farthest.distance),
            "z_above": _decimal(farthest.limit),
            "ratio": _decimal(farthest.ratio),
            "comparables": told.comparables,
            "of_one_seller": row["crowd"],
            "product_type": row["product_type"],
            "level": row["level"],
            "unit": row["unit"],
            "size_digits": row["size"] or None,
        },
        evidence=(*cited, row["seq"], row["median_near_seq"], row["median_far_seq"]),
        innocent=_explanations(told),
    )


def _explanations(told: Compared) -> tuple[Any, ...]:
    return (
        because("quality", "质量、时效或场景不同", "another quality, freshness or use"),
        because("volume", "数量折扣或独家许可", "a volume rate, or an exclusive licence"),
        because(
            "one-price",
            "可比成交多为同一价格",
            "most comparables cost the same",
            Checked.RULED_OUT if told.mad else Checked.APPLIES,
            mad_minor=exact(told.mad),
        ),
        because(
            "sham-comparables",
            "可比成交含已标记或关联交易",
            "comparables under a flag or within one group",
            Checked.RULED_OUT,
        ),
    )


def _confidence(told: Compared, context: Context) -> Confidence:
    few = told.comparables < context.rules.whole("MARKET", "thin_trades_below")
    return Confidence.LOW if few or not told.mad else Confidence.HIGH


def _decimal(value: Fraction) -> str:
    """For display: four decimals, half up, away from zero."""
    scaled = (2 * abs(value) * 10**_PLACES + 1) // 2
    whole, places = divmod(scaled, 10**_PLACES)
    return f"{'-' if value < 0 and scaled else ''}{whole}.{places:0{_PLACES}d}"


RULE = Rule(
    rule_id="FAIR_PRICE",
    needs={
        "trades": (
            "trade_id",
            "listing_id",
            "seller_id",
            "buyer_id",
            "amount_minor",
            "quantity",
            "agreed_at",
        ),
        "orgs": ("org_id", "controller_id"),
        "listings": ("listing_id", "product_type", "level"),
    },
    uses=("flags",),
    expression=expression,
    findings=findings,
    cites=("MARKET",),
)
