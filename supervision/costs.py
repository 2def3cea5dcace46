"""Declared costs by month, whatever stretch a declaration is for: a month, a quarter or a year.

`period` begins with the year: `2026-05`, `2026-05-31`, `202605`, `2026-Q2`, `2026`. Months are Shanghai's.
"""

from typing import Any, Final

import ibis

from supervision.context import Tables

_ALL: Final = tuple(range(1, 13))
_A_QUARTER: Final = 3


def monthly_costs(tables: Tables) -> Any:
    """Rows `listing_id, period` (`2026-05`) with the `least` and the `most` declared for that month."""
    costs = tables["costs"].filter(tables["costs"].variable_cost_minor.notnull())
    period = costs.period.strip().upper()
    costs = costs.mutate(
        year=period.re_extract(r"^(\d{4})", 1),
        quarter=period.re_extract(r"^\d{4}\D*Q([1-4])$", 1).nullif("").cast("int64"),
        in_month=ibis.coalesce(
            period.re_extract(r"^\d{4}(0[1-9]|1[0-2])(?:\d\d)?$", 1).nullif(""),
            period.re_extract(r"^\d{4}[^0-9Q](0?[1-9]|1[0-2])(?:\D|$)", 1).nullif(""),
        ).cast("int64"),
        all_year=period.re_search(r"^\d{4}$"),
        month=ibis.literal(list(_ALL), type="array<int64>").unnest(),
    )
    costs = costs.filter(
        (costs.in_month == costs.month)
        | (costs.quarter == (costs.month + _A_QUARTER - 1) // _A_QUARTER)
        | costs.all_year
    )
    costs = costs.mutate(period=costs.year + "-" + costs.month.cast("string").lpad(2, "0"))
    return costs.group_by("listing_id", "period").agg(
        least=costs.variable_cost_minor.min(), most=costs.variable_cost_minor.max()
    )
