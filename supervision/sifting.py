"""What a value of an evidence table may be, and what becomes of one that may not. Nothing is bent in silence.

A trade without seller or buyer is left out of its table. A number that nothing can have
(negative money, a share above one, a sum of a million billion yuan) is read as not there, a quantity as
none, a time before 1900 or after 2999 as the nearest of these. How many there were stands in the report.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from supervision.arrow import ARROW
from supervision.schema import KEYS, Columns, Kind

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
MOST: Final = 10**17
"""Fen: more than any market has, and few enough to be counted with in 64 bits."""
_MOST_OF_ALL: Final = 10**15  # calls, bytes, persons
_EXACT: Final = 2**53 - 1  # beyond it JSON knows no whole numbers
_SMALL: Final = 10**9

_NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"trades": ("seller_id", "buyer_id")})
"""Without these a row is left out: a trade is somebody's sale to somebody."""
TOLD_WITH: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "access": ("trade_id", "org_id"),
        "bid_traces": ("quote_id", "kind", "value_sha256"),
        "bids": ("auction_id", "bid_id", "bidder_id"),
        "certificate_events": ("cert_id", "event", "at"),
        "certificates": ("cert_id", "org_id"),
        "clauses": ("clause_id", "trade_id"),
        "clocks": ("object_id", "matter", "due_at"),
        "concentrations": ("acquirer_id", "target_id"),
        "conflict_consents": ("trade_id", "org_id"),
        "costs": ("listing_id", "period", "variable_cost_minor"),
        "export_persons": ("declaration_id", "person_hash"),
        "export_scans": ("declaration_id",),
        "export_transfers": ("declaration_id",),
        "exports": ("declaration_id", "exporter_id"),
        "fee_caps": ("scope", "max_bp"),
        "flags": ("trade_id",),
        "grant_caps": ("grant_id", "product_id", "from_at"),
        "grant_products": ("grant_id", "product_id"),
        "grant_scenarios": ("grant_id", "scenario_id"),
        "grant_uses": ("grant_id", "use_id", "used_at"),
        "grant_years": ("grant_id", "year"),
        "grants": ("grant_id", "authority_id", "operator_id"),
        "holdings": ("holder_id", "held_id", "share"),
        "identifiers": ("org_id", "kind", "value_sha256"),
        "lineage": ("product_id", "source_product_id"),
        "listing_views": ("listing_id", "day"),
        "mandates": ("mandate_id", "broker_id", "client_id"),
        "mark_hits": ("mark_sha256", "listing_id"),
        "notices": ("notice_id", "org_id", "kind"),
        "payment_mismatches": ("kind", "at"),
        "payments": ("payment_id",),
        "quotes": ("seller_id",),
        "questions": ("entitlement_id", "org_id", "event", "at"),
        "ranking": ("presentation_id", "broker_id", "listing_id", "seller_id"),
        "requests": ("request_id", "buyer_id"),
        "retrievals": ("trade_id", "day"),
        "reviews": ("review_id", "listing_id", "reviewer_id"),
        "screenings": ("listing_id", "seller_id", "at"),
        "share_requests": ("request_id", "authority_id", "dataset_id", "applicant_id"),
        "sketches": ("listing_id",),
        "source_checks": ("trade_id", "broker_id", "at"),
        "texts": ("text_id", "author_id", "about_id"),
        "throttling": ("trade_id", "day"),
        "trade_events": ("trade_id", "event", "at"),
        "undertakings": ("org_id",),
        "usage": ("trade_id", "day"),
        "watermarks": ("mark_sha256", "product_id"),
    }
)
"""Without these a row counts, but not for every rule: nothing can be joined with it or told of it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a column can hold, and what stands for a value below or above it."""

    least: Any
    most: Any
    below: Any = None
    above: Any = None


_MONEY: Final = Bound(0, MOST)
_BELOW_NOTHING: Final = Bound(-MOST, MOST)
_OF_A_KIND: Final[Mapping[Kind, Bound]] = MappingProxyType(
    {
        Kind.TIME: Bound(EARLIEST, LATEST, EARLIEST, LATEST),
        Kind.DAY: Bound(EARLIEST.date(), LATEST.date(), EARLIEST.date(), LATEST.date()),
        Kind.SHARE: Bound(Decimal(0), Decimal(1)),
        Kind.INT: Bound(0, _MOST_OF_ALL),
    }
)
_OF_A_COLUMN: Final[Mapping[str, Bound]] = MappingProxyType(
    {
        "quantity": Bound(0, _MOST_OF_ALL, 0, 0),  # none: prices leave it out
        "points": _BELOW_NOTHING,
        "commission_minor": _BELOW_NOTHING,  # `BR7` finds it
        "expected_minor": _BELOW_NOTHING,  # a balance
        "actual_minor": _BELOW_NOTHING,
        **dict.fromkeys(("seq", "from_seq", "to_seq"), Bound(0, _EXACT)),
        **dict.fromkeys(("year", "grade", "rating", "fee_bp", "max_bp"), Bound(0, _SMALL)),
        **dict.fromkeys(("neutral_rank", "sent_rank"), Bound(0, _SMALL)),
    }
)


def bound_of(column: str, kind: Kind) -> Bound | None:
    """The bound of a column's values; texts, booleans and lists have none."""
    usual = _MONEY if column.endswith("_minor") else _OF_A_KIND.get(kind)
    return _OF_A_COLUMN.get(column, usual)


def named_by(table: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that are there without which a row is left out."""
    return tuple(column for column in _NAMED_BY.get(table, ()) if column in columns)


@dataclass(slots=True)
class Sieve:
    """Sifts a table batch by batch and counts."""

    table: str
    columns: Columns
    left_out: Counter[str] = field(default_factory=Counter)
    read_otherwise: Counter[str] = field(default_factory=Counter)

    def sift(self, rows: Any) -> Any:
        """A pyarrow table of the agreed types without what cannot be."""
        for at, (column, kind) in enumerate(self.columns.items()):
            bound = bound_of(column, kind)
            if bound is not None:
                rows = rows.set_column(at, rows.field(at), self._within(rows.column(at), column, kind, bound))
        key = KEYS.get(self.table)
        if key in self.columns:
            rows = _blank_is_none(rows, str(key))
        for column in named_by(self.table, self.columns):
            rows = _blank_is_none(rows, column)
            missing = rows.column(column).null_count
            if missing:
                self.left_out[column] += missing
                rows = rows.filter(rows.column(column).is_valid())
        return rows

    def _within(self, values: Any, column: str, kind: Kind, bound: Bound) -> Any:
        for wrong, limit, instead in (
            (pc.less, bound.least, bound.below),
            (pc.greater, bound.most, bound.above),
        ):
            outside = wrong(values, pa.scalar(limit, ARROW[kind])).fill_null(fill_value=False)
            count = pc.sum(outside).as_py()
            if count:
                self.read_otherwise[column] += count
                values = pc.if_else(outside, pa.scalar(instead, ARROW[kind]), values)
        return values


def is_sound(metadata: Any, table: str, columns: Columns) -> bool:
    """Whether a Parquet file's own statistics say that nothing of it needs sifting.

    A file that keeps none is sifted; one that lies about them is refused by the rule that stumbles over it.
    """
    needed = set(named_by(table, columns)) | ({KEYS[table]} & columns.keys() if table in KEYS else set())
    for group in (metadata.row_group(at) for at in range(metadata.num_row_groups)):
        for place in range(group.num_columns):
            chunk = group.column(place)
            kind = columns.get(chunk.path_in_schema)
            if kind is None or not group.num_rows:
                continue
            bound = bound_of(chunk.path_in_schema, kind)
            must = chunk.path_in_schema in needed
            if (bound or must) and not _sound(chunk, group.num_rows, bound, must=must):
                return False
    return True


def _sound(chunk: Any, rows: int, bound: Bound | None, *, must: bool) -> bool:
    told = chunk.statistics if chunk.is_stats_set else None
    if told is None or not told.has_null_count or (must and told.null_count):
        return False
    if told.null_count == rows or not told.has_min_max:
        return bool(told.null_count == rows)
    try:
        least, most = _plain(told.min), _plain(told.max)
        within = bound is None or (least >= bound.least and most <= bound.most)
        return bool(within and not (must and least == ""))
    except (OverflowError, TypeError, ValueError):  # times beyond a calendar's, decimals as bytes
        return False


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _blank_is_none(rows: Any, column: str) -> Any:
    values = rows.column(column)
    if not pa.types.is_string(values.type):
        return rows
    blank = pc.equal(values, "").fill_null(fill_value=False)
    if not pc.any(blank).as_py():
        return rows
    at = rows.schema.get_field_index(column)
    return rows.set_column(at, rows.field(at), pc.if_else(blank, pa.scalar(None, values.type), values))


def is_a_moment(at: datetime | date) -> bool:
    """Whether one can look at a market from there: within the bounds of its times."""
    day = at.date() if isinstance(at, datetime) else at
    return EARLIEST.date() < day < LATEST.date()
