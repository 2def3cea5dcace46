"""The trade room: for its parties and its supervisors, from the inquiry to the settlement."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from base.db import ReadSession
from market.delivery.errors import EntitlementUnknown
from market.delivery.repository import downloads_of, entitlement_of
from market.delivery.rules import EntitlementStatus
from market.listings.repository import get_file, get_listing
from market.orders import repository
from market.orders.service import parties_of
from market.orders.tables import Trade
from market.settlement.repository import instructions_of
from market.trade.timeline import timeline
from pricing.whole import PLATFORM_FEE_BP, whole_price
from web.files import send_file
from web.pages.acting import attempt, caller_for
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.showing import in_days
from web.pages.steps import Step, deadline_of, missing_signers, next_words, open_steps, part_of
from web.pages.visiting import PARTIES, SUPERVISORS, Visitor, VisitorDep
from web.pages.words import REFUSAL_REASONS

router = APIRouter()
_PAGE: Final = 30
_OFFER_DAYS: Final = 5
_ACT_OF: Final = {
    Step.OFFER: "trade.offer",
    Step.ACCEPT: "trade.accept",
    Step.REFUSE: "trade.refuse",
    Step.SIGN: "trade.sign",
    Step.START_DELIVERY: "trade.start-delivery",
    Step.CONFIRM_RECEIPT: "trade.confirm-receipt",
    Step.ACCEPT_GOODS: "trade.accept-goods",
}


@router.get("/trades")
async def trades(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """One's trades, newest first; supervisors see everybody's."""
    visitor.require(PARTIES | SUPERVISORS)
    org_id = None if visitor.may(SUPERVISORS) else visitor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.trades_of(s, org_id=org_id, after=after, limit=_PAGE)
        names = await names_of(s, (org for trade in rows for org in parties_of(trade)))
        titles = {}
        for listing_id in {trade.listing_id for trade in rows}:
            titles[listing_id] = (await get_listing(s, listing_id=listing_id)).title
    return visitor.render(
        "trades.html",
        trades=rows,
        names=names,
        titles=titles,
        deadline_of=deadline_of,
        next_address=visitor.url("/trades", after=rows[-1].trade_id) if len(rows) == _PAGE else None,
    )


@router.get("/trades/{trade_id}")
async def trade_room(visitor: VisitorDep, trade_id: str) -> Response:
    """One trade: what was said, what comes next, and the forms for it."""
    return await _room(visitor, trade_id, Filled())


async def visible(s: ReadSession, visitor: Visitor, trade_id: str) -> Trade:
    """The trade, for its parties and its supervisors; to others it does not exist. Raises TradeUnknown."""
    session = visitor.require()
    if visitor.may(SUPERVISORS):
        return await repository.get_trade(s, trade_id=trade_id)
    return await repository.get_trade_of(s, trade_id=trade_id, org_id=session.actor.org_id)


async def _room(visitor: Visitor, trade_id: str, filled: Filled) -> Response:
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        trade = await visible(s, visitor, trade_id)
        listing = await get_listing(s, listing_id=trade.listing_id)
        offers = await repository.offers_of(s, trade_id=trade_id)
        contract = await repository.get_contract(s, trade_id=trade_id)
        signatures = await repository.signatures_of(s, trade_id=trade_id)
        entitlement = await entitlement_of(s, trade_id=trade_id)
        downloads = await downloads_of(s, entitlement_id=entitlement.entitlement_id) if entitlement else ()
        file = await get_file(s, file_id=listing.file_id)
        instructions = await instructions_of(s, trade_id=trade_id)
        said = await timeline(s, trade_id=trade_id)
        names = await names_of(s, parties_of(trade), (one.org_id for one in said))
    part = part_of(trade, visitor.org_id, visitor.roles)
    signed = {signature.org_id for signature in signatures}
    latest = offers[-1] if offers else None
    steps = open_steps(trade, part, latest=latest, has_signed=visitor.org_id in signed, now=now)
    seqs = {one.statement_id: one.seq for one in said}
    return visitor.render(
        "trade.html",
        filled=filled,
        trade=trade,
        listing=listing,
        offers=offers,
        latest=latest,
        contract=None if contract is None or not contract.document else orjson.loads(contract.document),
        contract_sha256=None if contract is None else contract.contract_sha256,
        signatures=signatures,
        missing=missing_signers(parties_of(trade), signed),
        seqs=seqs,
        entitlement=entitlement,
        downloads=downloads,
        file=file,
        may_download=entitlement is not None
        and entitlement.buyer_id == visitor.org_id
        and entitlement.status is EntitlementStatus.ACTIVE,
        instructions=instructions,
        price=_price(trade),
        said=said,
        names=names,
        part=part,
        steps=[step.value for step in steps],
        next_words=next_words(trade),
        deadline=deadline_of(trade),
        escrow_account=visitor.node.settings.escrow_account,
        defaults=_defaults(trade, listing.list_price_minor, latest),
        expires_at=in_days(now, _OFFER_DAYS),
        reasons=visitor.options("refusal", REFUSAL_REASONS),
    )


def _price(trade: Trade) -> Any:
    """The agreed price in its parts, once the checks have fixed them."""
    if trade.price_minor is None or trade.platform_fee_minor is None:
        return None
    whole = whole_price(trade.price_minor, commission_bp=0, platform_bp=PLATFORM_FEE_BP)
    seller = trade.price_minor - (trade.commission_minor or 0) - trade.platform_fee_minor
    return {"whole": whole, "seller_minor": seller}


def _defaults(trade: Trade, list_price_minor: int | None, latest: Any) -> dict[str, str]:
    """What the form of an offer begins with: the latest terms, or the inquiry's."""
    price = latest.price_minor if latest else list_price_minor
    return {
        "price_minor": "" if price is None else f"{price // 100}.{price % 100:02d}",
        "quantity": str(latest.quantity if latest else trade.quantity),
        "term_months": str(latest.term_months if latest else 12),
        "purpose": latest.purpose if latest else trade.purpose,
        "territory": latest.territory if latest else "CN",
    }


@router.post("/trades/{trade_id}/{step}")
async def take_step(visitor: VisitorDep, trade_id: str, step: Step) -> Response:
    """One step of the visitor's part in a trade."""
    form = await visitor.form()
    async with visitor.node.database.read() as s:
        trade = await visible(s, visitor, trade_id)
    part = part_of(trade, visitor.org_id, visitor.roles)
    return await attempt(
        visitor,
        form,
        act=_ACT_OF[step],
        args={"trade_id": trade_id} | _args(step, form, trade),
        role=None if part is None else part.role,
        then=f"/trades/{trade_id}",
        again=lambda filled: _room(visitor, trade_id, filled),
    )


def _args(step: Step, form: Form, trade: Trade) -> dict[str, Any]:
    if step is Step.OFFER:
        return {
            "price_minor": form.fen("price_minor"),
            "quantity": form.whole("quantity"),
            "unit": trade.unit,
            "licence_class": trade.licence_class,
            "term_months": form.whole("term_months"),
            "purpose": form.text("purpose"),
            "territory": form.text("territory") or "CN",
            "expires_at": form.moment("expires_at"),
        }
    if step is Step.ACCEPT:
        return {"offer_no": form.whole("offer_no")}
    if step is Step.REFUSE:
        return {"reason_code": form.text("reason_code")}
    if step is Step.ACCEPT_GOODS:
        return {
            "file_sha256": form.optional("file_sha256"),
            "rows": form.whole("rows"),
            "report_sha256": None,
        }
    return {}


@router.get("/trades/{trade_id}/file")
async def download(
    visitor: VisitorDep,
    trade_id: str,
    range_: Annotated[str | None, Header(alias="range", max_length=200)] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file that was bought, or a range of it: a download that broke off is taken up again."""
    async with visitor.node.database.read() as s:
        await visible(s, visitor, trade_id)
        entitlement = await entitlement_of(s, trade_id=trade_id)
    if entitlement is None or entitlement.buyer_id != visitor.org_id:
        raise EntitlementUnknown("no such entitlement", trade_id=trade_id)
    return await send_file(caller_for(visitor), entitlement.entitlement_id, range_, if_range)
