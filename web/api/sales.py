"""What a provider has sold and was paid for it: as JSON, and as CSV for its accountants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from base.errors import Forbidden
from market.orders.states import TradeState
from market.settlement.sales import Sale, sale_of, sales_of
from web.acts import Id
from web.deps import Caller, CallerDep, ReadDep
from web.sheets import CSV, Format, sheet, wants_csv
from web.views import View

router = APIRouter(tags=["accounts"])
_BOTH: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {CSV: {}}}}


class SaleView(View):
    """A contract of a seller, in fen; `net_minor` is its own part of the price, after commission and fee."""

    trade_id: str
    listing_id: str
    title: str
    buyer_id: str
    status: str
    price_minor: int | None
    refund_minor: int
    commission_minor: int | None
    platform_fee_minor: int | None
    net_minor: int
    contracted_at: datetime | None
    settled_at: datetime | None

    @classmethod
    def of(cls, sale: Sale) -> "SaleView":
        trade, split = sale.trade, sale.split
        parts = trade if split is None else split
        return cls(
            trade_id=trade.trade_id,
            listing_id=trade.listing_id,
            title=sale.title,
            buyer_id=trade.buyer_id,
            status=trade.status.value,
            price_minor=trade.price_minor,
            refund_minor=0 if split is None else split.refund_minor,
            commission_minor=parts.commission_minor,
            platform_fee_minor=parts.platform_fee_minor,
            net_minor=sale.net_minor,
            contracted_at=trade.contracted_at,
            settled_at=trade.settled_at,
        )


COLUMNS: Final = tuple(SaleView.model_fields)
As = Annotated[Format | None, Query(alias="format", description="Or by `Accept: text/csv`")]
Accept = Annotated[str | None, Header(max_length=200)]


@router.get("/my/sales", response_model=list[SaleView], responses=_BOTH)
async def sales(
    caller: CallerDep,
    s: ReadDep,
    *,
    status: Annotated[TradeState | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    form: As = None,
    accept: Accept = None,
) -> Any:
    """One's contracts as a provider, newest first, and what each comes to."""
    found = await sales_of(s, seller_id=_seller(caller), status=status, after=after, limit=limit)
    return _answer("sales.csv", [SaleView.of(one) for one in found], form, accept)


@router.get("/my/sales/{trade_id}", response_model=SaleView, responses=_BOTH)
async def sale(trade_id: Id, caller: CallerDep, s: ReadDep, form: As = None, accept: Accept = None) -> Any:
    """One sale, and what it comes to."""
    view = SaleView.of(await sale_of(s, trade_id=trade_id, seller_id=_seller(caller)))
    return sheet_of("settlement.csv", [view]) if wants_csv(form, accept) else view


def sheet_of(name: str, views: Sequence[SaleView]) -> Response:
    """Sales as CSV, amounts in fen."""
    return sheet(name, COLUMNS, ([getattr(view, column) for column in COLUMNS] for view in views))


def _answer(name: str, views: Sequence[SaleView], form: Format | None, accept: str | None) -> Any:
    return sheet_of(name, views) if wants_csv(form, accept) else views


def _seller(caller: Caller) -> str:
    if "PROVIDER" not in caller.actor.roles:
        raise Forbidden("only a provider sells", roles=["PROVIDER"])
    return caller.actor.org_id
