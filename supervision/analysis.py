"""What a regulator looks at rather than reads: concentration by month, prices in groups, flows, exports.

It accuses nobody. Every figure is made by what the rules and the statistics are made by: shares of
undertakings by their controllers, sales that are not under an open flag, the groups of comparable sales of
FAIR_PRICE. A month is looked at from its end, the running one from `as_of`; flags are those of today.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import ibis

from base.calendar import at_shanghai, months_after
from base.canonical import canonical
from base.clock import SHANGHAI, rfc3339
from supervision import measures
from supervision.context import Context, Row, Tables
from supervision.dialects import as_sql
from supervision.duckdb import open_duckdb
from supervision.engine import Engine, Opening
from supervision.errors import UnusableEvidence
from supervision.exporting import declarations, transfers
from supervision.intake import Source, take_in
from supervision.measures import median_of
from supervision.plan import unbound_tables
from supervision.portable import in_one_order, total
from supervision.rule_table import in_force
from supervision.rules.fair_price import CELL, comparable_sales
from supervision.runner import missing_of, whole_millisecond
from supervision.shares import by_market, exact
from supervision.statistics.places import zone_expression
from supervision.trades import counted_sales

MONTHS: Final = 13
MOST_SHARES: Final = 10
MOST_CELLS: Final = 100
MOST_PAIRS: Final = 100
BANDS: Final = {"HHI": ("moderate_from", "high_above"), "CR4": ("oligopolistic_from", "very_high_from")}
_WANTED: Final = frozenset({"trades", "orgs", "flags", "listings", "exports", "export_transfers"})
_OF_PRICES: Final = {"listings": ("listing_id", "product_type", "level")}
_OF_EXPORTS: Final = {"exports": ("declaration_id", "exporter_id", "recipient_id", "declared_at")}
_PLACES: Final = ("low", "lower", "upper", "high")


@dataclass(frozen=True, slots=True)
class Analysis:
    """The content of `analysis.json` (`docs/supervision.md`)."""

    content: dict[str, Any]

    def encoded(self) -> bytes:
        """Canonical JSON and a newline: the same tables give the same bytes."""
        return canonical(self.content) + b"\n"


def analyse(
    folder: Path, *, as_of: datetime | None = None, months: int = MONTHS, opening: Opening = open_duckdb
) -> Analysis:
    """Look at a folder of evidence tables; `months` is how many, the running one among them.

    Raises UnusableEvidence where a table cannot be read, or trades and organisations are not there.
    """
    with tempfile.TemporaryDirectory(prefix="databourse-analyse-") as work:
        sources = take_in(folder, Path(work), _WANTED)
        missing = missing_of(measures.NEEDS, sources)
        if missing is not None:
            raise UnusableEvidence(missing["reason"])
        with opening(sources, Path(work)) as engine:
            engine.check_keys()
            at = as_of or engine.latest_time()
            if at is None:
                raise UnusableEvidence("the tables hold no time: say from when to look (--as-of)")
            return Analysis(_told(engine, sources, whole_millisecond(at), months))


def _told(engine: Engine, sources: dict[str, Source], at: datetime, months: int) -> dict[str, Any]:
    context = Context(as_of=at, rules=in_force(at))
    tables = unbound_tables()
    rules = context.rules
    bands = {rule: {name: rules.whole(rule, name) for name in names} for rule, names in BANDS.items()}
    limits = {
        "ratio_from": rules.fraction("FAIR_PRICE", "ratio_from"),
        "share": rules.fraction("AML24-1", "share"),
    }
    return {
        "as_of": rfc3339(at),
        "window": {"from": rfc3339(context.market_since), "to": rfc3339(at)},
        "bands": bands,
        "limits": {name: exact(value) for name, value in limits.items()},
        "concentration": [_month(engine, tables, month, end) for month, end in month_ends(at, months)],
        "prices": _prices(engine, sources, tables, context),
        "flows": _flows(engine, tables, context),
        "exports": _exports(engine, sources, tables, context),
    }


def month_ends(at: datetime, months: int) -> Iterator[tuple[str, datetime]]:
    """So many months up to `at`, each with the moment from which it is looked at, the oldest first."""
    first = at.astimezone(SHANGHAI).date().replace(day=1)
    for back in range(months - 1, -1, -1):
        month = months_after(first, -back)
        end = at_shanghai(months_after(month, 1), datetime.min.time()) - timedelta(milliseconds=1)
        yield f"{month:%Y-%m}", min(end, at)


def _month(engine: Engine, tables: Tables, month: str, end: datetime) -> dict[str, Any]:
    context = Context(as_of=end, rules=in_force(end))
    rows = list(_rows(engine, measures.concentration_expression(tables, context)))
    shares = [
        [one.document(market.total_minor) for one in market.undertakings[:MOST_SHARES]]
        for market, _ in by_market(rows)
    ]
    markets = []
    for told, largest in zip(measures.concentration(rows, context), shares, strict=True):
        markets.append({**told, "largest": largest})
    return {"month": month, "as_of": rfc3339(end), "markets": markets}


def _prices(
    engine: Engine, sources: dict[str, Source], tables: Tables, context: Context
) -> list[dict[str, Any]] | None:
    """The groups of comparable sales by unit price, those with most sales first; None without listings."""
    if missing_of(_OF_PRICES, sources) is not None:
        return None
    cells, sold = comparable_sales(tables, context)
    counted = sold.group_by("cell").agg(sold=sold.count())
    cells = cells.inner_join(counted, "cell").select("cell", "sold", *CELL)
    wanted = cells.order_by(cells.sold.desc(), cells.cell.asc()).limit(MOST_CELLS)
    sold = sold.inner_join(wanted, "cell")
    middles: dict[int, list[Row]] = {}
    plain = sold.select("cell", "trade_id", "quantity", "amount_minor")
    for row in _rows(engine, measures.middle(plain, ("cell",)).order_by("cell", "nth")):
        middles.setdefault(row["cell"], []).append(row)
    found = []
    for row in _rows(engine, _quarters(sold)):
        told: dict[str, Any] = {name: row[name] for name in CELL if name != "size"}
        places = {name: Fraction(row[f"{name}_amount"], row[f"{name}_quantity"]) for name in _PLACES}
        median = median_of(middles[row["cell"]])
        assert median is not None
        found.append(
            {
                **told,
                "size_digits": row["size"] or None,
                "sales": row["sold"],
                "median_minor": exact(median),
                **{f"{name}_minor": exact(value) for name, value in places.items()},
            }
        )
    return sorted(found, key=lambda one: (-one["sales"], *(str(one[name]) for name in sorted(one))))


def _quarters(sold: Any) -> Any:
    """Of each group the sales at four places by unit price: first, quarter, three quarters, last."""
    order = [sold.price.asc(), sold.amount_minor.asc(), sold.trade_id.asc()]
    placed = sold.mutate(nth=ibis.row_number().over(group_by="cell", order_by=order))
    last = placed.sold - 1
    quarter = last // 4
    at = dict(zip(_PLACES, (ibis.literal(0), quarter, last - quarter, last), strict=True))
    told = {
        f"{name}_{what}": placed[column].max(where=placed.nth == place)
        for name, place in at.items()
        for what, column in (("amount", "amount_minor"), ("quantity", "quantity"))
    }
    return placed.group_by("cell", "sold", *CELL).agg(**told).order_by("cell")


def _flows(engine: Engine, tables: Tables, context: Context) -> dict[str, Any]:
    """Who sold to whom in the window: by region, by zone, by category and region, by controller."""
    sold = counted_sales(tables, context)
    for side in ("seller", "buyer"):
        orgs = tables["orgs"]
        places = orgs.select(**{f"{side}_id": orgs.org_id, f"{side}_region": orgs.region.fill_null("")})
        sold = sold.left_join(places, f"{side}_id").drop(f"{side}_id_right")
        sold = sold.mutate(**{f"{side}_region": sold[f"{side}_region"].fill_null("")})
        sold = sold.mutate(**{f"{side}_zone": zone_expression(sold[f"{side}_region"])})
    groupings = {
        "regions": ("seller_region", "buyer_region"),
        "zones": ("seller_zone", "buyer_zone"),
        "sectors": ("category", "buyer_region"),
        "pairs": ("seller_group", "buyer_group"),
    }
    return {name: _grouped(engine, sold, by) for name, by in groupings.items()}


def _grouped(engine: Engine, sold: Any, by: Sequence[str]) -> list[dict[str, Any]]:
    told = sold.group_by(*by).agg(value=total(sold.amount_minor), trades=sold.count())
    told = told.order_by(told.value.desc(), *(told[name].asc() for name in by)).limit(MOST_PAIRS)
    return [
        {**{name: row[name] for name in by}, "value_minor": str(row["value"]), "trades": row["trades"]}
        for row in _rows(engine, told.order_by(told.value.desc(), *(told[name].asc() for name in by)))
    ]


def _exports(
    engine: Engine, sources: dict[str, Source], tables: Tables, context: Context
) -> list[dict[str, Any]] | None:
    """What was declared to go abroad, by destination, route and state; None without the table."""
    if missing_of(_OF_EXPORTS, sources) is not None:
        return None
    sent = transfers(tables, context)
    sent = sent.group_by(of="sent_as").agg(sent=sent.count(), persons=total(sent.persons_actual.fill_null(0)))
    made = declarations(tables, context)
    made = made.mutate(
        country=made.country.fill_null("").upper(), in_gba=made.in_gba.fill_null(False), route=made.path
    )
    joined = made.left_join(sent, [("declaration_id", "of")])
    by = ("country", "in_gba", "route", "status")
    told = joined.group_by(*by).agg(
        declarations=joined.count(),
        sensitive=joined.count(where=joined.sensitive.fill_null(False)),
        important=joined.count(where=joined.important.fill_null(False)),
        persons_declared=total(joined.persons_declared.fill_null(0)),
        transfers=total(joined.sent.fill_null(0)),
        persons_sent=total(joined.persons.fill_null(0)),
    )
    return [dict(row) for row in _rows(engine, told.order_by(*by))]


def _rows(engine: Engine, expression: Any) -> Iterator[Row]:
    return engine.rows(as_sql(in_one_order(expression), engine.dialect))
