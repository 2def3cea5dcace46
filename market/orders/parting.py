"""Whether a part of a table can be made: its columns are the listing's, and its values have their forms."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from base.db import ReadSession
from market.listings.tables import Listing
from market.orders.errors import OfferMalformed
from market.orders.parts import View
from registry.declared import ColumnType
from registry.service import bound_report

_READ: Final[Mapping[ColumnType, Any]] = {
    ColumnType.INTEGER: int,
    ColumnType.YEAR: int,
    ColumnType.DECIMAL: Decimal,
    ColumnType.DATE: date.fromisoformat,
}


async def require_part(s: ReadSession, listing: Listing, part: View) -> None:
    """Raise OfferMalformed for columns that the measured file does not have, or values of another form."""
    if part.whole:
        return
    report = await bound_report(s, listing_id=listing.listing_id, report_sha256=listing.report_sha256)
    columns = {
        str(column["name"]).casefold(): ColumnType(column["inferred_type"])
        for column in report.document["columns"]
        if column["position"] is not None
    }
    unknown = [name for name in (*part.columns, *part.names) if name.casefold() not in columns]
    if unknown:
        raise OfferMalformed("the table has no such column", member="part", columns=unknown[:20])
    for one in part.rows:
        read = _READ.get(columns[one.column.casefold()], str)
        try:
            for value in one.values:
                read(value)
        except (ValueError, ArithmeticError):
            raise OfferMalformed(
                "a value is not of its column's form", member="part", column=one.column
            ) from None
