"""What each seller sold in each month: added up once, for every rule that looks at a market by months."""

from typing import Any, Final

import ibis

from supervision.context import Context, Tables
from supervision.portable import total, wide
from supervision.trades import counted_sales, group_names

MONTHS: Final = "sales_by_month"
"""What `sales_by_month` is kept as, where it is kept (`supervision.kept`)."""
_OF: Final = ("category", "geo", "unit", "seller_id", "month")


def sales_by_month(tables: Tables, context: Context) -> Any:
    """By market, unit, seller and Shanghai month (`2026-11`): sales, amount, quantity, unit prices, squares.

    The sales that count, to others than the seller's own group. A unit price is whole fen, cut off; `prices`
    and `squares` add up it and its square. `seq` is the last sale's.
    """
    if MONTHS in tables:
        return tables[MONTHS]
    sold = counted_sales(tables, context)
    sold = sold.filter(sold.quantity.fill_null(1) > 0, sold.seller_no != sold.buyer_no)
    sold = sold.mutate(
        unit=sold.unit.fill_null(""),
        quantity=sold.quantity.fill_null(1),
        month=(sold.made_at + ibis.interval(hours=8)).truncate("M"),
    )
    remainder = sold.amount_minor % sold.quantity
    sold = sold.mutate(price=((sold.amount_minor - remainder) / sold.quantity).cast("int64"))
    price = wide(sold.price)
    months = sold.group_by(*_OF, "seller_no").agg(
        sales=sold.count(),
        amount=total(sold.amount_minor),
        quantity=total(sold.quantity),
        prices=total(sold.price),
        squares=total(price * price),
        seq=sold.seq.max(),
    )
    months = months.inner_join(group_names(tables, context), [("seller_no", "no")]).drop("seller_no", "no")
    return months.rename(seller_group="group").mutate(month=months.month.strftime("%Y-%m"))
