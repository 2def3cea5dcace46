"""What a buyer has: its data with each right's download, quota, keys and uses, and what waits for it."""

import shlex
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from ledger.reader import statements_about
from market.delivery.held import get_held, held_by
from market.delivery.keys import keys_of, lives
from market.delivery.kinds import DeliveryKind
from market.delivery.marking.repository import mark_of_trade
from market.delivery.marking.tables import MarkState
from market.delivery.meter.repository import uses_of
from market.delivery.repository import downloads_of
from market.delivery.rules import EntitlementStatus
from market.delivery.sharing.service import shared_name
from market.listings.conditions import PURPOSE_LABELS
from market.orders.repository import get_contract
from web.pages.delivering import declarable_for, named_for
from web.pages.naming import names_of
from web.pages.turns import waiting_for
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_BUYER: Final = frozenset({"BUYER"})
_PAGE: Final = 30
_USES: Final = 20
_PROGRAM: Final = """curl -C - -H "Authorization: Bearer $TOKEN" -o {name} '{address}{purpose}'
sha256sum {name}"""


@router.get("/buy")
async def overview(visitor: VisitorDep) -> Response:
    """What waits for the buyer, and the newest of its data."""
    session = visitor.require(_BUYER)
    async with visitor.node.database.read() as s:
        waiting = await waiting_for(s, visitor)
        held = await held_by(s, buyer_id=session.actor.org_id, limit=5)
        names = await names_of(
            s, (one.trade.seller_id for one in held), (one.trade.seller_id for one in waiting)
        )
    return visitor.render("buy.html", waiting=waiting, held=held, names=names, **_of_rights(visitor))


@router.get("/buy/data")
async def data(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """What one's organisation may receive, newest first."""
    session = visitor.require(_BUYER)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        held = await held_by(s, buyer_id=org_id, after=after, limit=_PAGE)
        named = await named_for(s, org_id, visitor.lang)
        names = await names_of(s, (one.trade.seller_id for one in held))
    return visitor.render(
        "buy_data.html",
        held=held,
        named=named,
        names=names,
        next_address=visitor.url("/buy/data", after=held[-1].entitlement.entitlement_id)
        if len(held) == _PAGE
        else None,
        **_of_rights(visitor),
    )


@router.get("/buy/data/{entitlement_id}")
async def one(
    visitor: VisitorDep, entitlement_id: str, after: Annotated[int | None, Query(ge=0, le=10**9)] = None
) -> Response:
    """One right: how the data is fetched or read, what of it is left, and every use of it."""
    session = visitor.require(_BUYER)
    async with visitor.node.database.read() as s:
        held = await get_held(s, entitlement_id=entitlement_id, buyer_id=session.actor.org_id)
        right, trade = held.entitlement, held.trade
        first = max(right.used - _USES, 0) if after is None else after
        is_file = right.kind is DeliveryKind.FILE
        mark = await mark_of_trade(s, trade_id=trade.trade_id)
        context: dict[str, Any] = {
            "downloads": await downloads_of(s, entitlement_id=entitlement_id) if is_file else (),
            "uses": ()
            if is_file
            else await uses_of(s, entitlement_id=entitlement_id, after=first, limit=_USES),
            "keys": () if is_file else await keys_of(s, entitlement_id=entitlement_id),
            "declarable": await declarable_for(s, trade.trade_id, visitor.lang),
            "contract": await get_contract(s, trade_id=trade.trade_id),
            "share": await shared_name(s, trade) if right.kind is DeliveryKind.SHARE else None,
            "mark": mark,
        }
        takers = {row.taken_by for row in (*context["downloads"], *context["uses"])}
        names = await names_of(s, [trade.seller_id, trade.buyer_id], takers)
        said = await statements_about(
            s, object_ids=[trade.trade_id], events=["TRD.START_DELIVERY", "DLV.DOWNLOAD", "TRD.DELIVERED"]
        )
    now = visitor.node.clock.now()
    return visitor.render(
        "buy_right.html",
        held=held,
        right=right,
        trade=trade,
        first=first,
        earlier=max(first - _USES, 0) if first > 0 else None,
        later=first + _USES if first + _USES < right.used else None,
        live_keys=sum(lives(key, now) for key in context["keys"]),
        names=names,
        said=said,
        seqs={statement.statement_id: statement.seq for statement in said},
        may_download=is_file
        and right.status is EntitlementStatus.ACTIVE
        and now < right.expires_at
        and (mark is None or mark.status is not MarkState.PENDING),
        purposes=PURPOSE_LABELS,
        program=_PROGRAM.format(
            name=shlex.quote(held.file_name),
            address=f"{visitor.node.settings.public_url.rstrip('/')}/api/v1/entitlements/{entitlement_id}/file",
            purpose=f"?purpose={context['declarable'][0][0]}" if context["declarable"] else "",
        ),
        **_of_rights(visitor),
        **context,
    )


@router.get("/buy/orders")
async def orders(visitor: VisitorDep) -> Response:
    """Purchases are trades here, whatever state they are in."""
    return _moved(visitor, "/trades")


@router.get("/buy/orders/{trade_id}")
async def order(visitor: VisitorDep, trade_id: str) -> Response:
    """A purchase has the trade's own page."""
    return _moved(visitor, f"/trades/{trade_id}")


def _moved(visitor: Visitor, path: str) -> Response:
    return RedirectResponse(visitor.url(path), status_code=301)


def _of_rights(visitor: Visitor) -> dict[str, Any]:
    """What every list of rights shows with: today's clock, and which rights can still be used."""
    now = visitor.node.clock.now()
    return {"is_over": lambda right: right.status is not EntitlementStatus.ACTIVE or now >= right.expires_at}
