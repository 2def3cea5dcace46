"""Interfaces on pages: how a listing's is answered, and what was used of a bought right and what it cost."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession, WriteSession
from base.errors import DomainError
from ledger.acts import perform
from ledger.reader import seq_of
from ledger.recording import Act
from market.delivery.acceptance import Item, judge_facts
from market.delivery.checks import sold
from market.delivery.errors import EntitlementUnknown
from market.delivery.gateway.repository import latest_interface, read_interface, service_facts
from market.delivery.gateway.rules import OWN_TABLE, AnsweredBy
from market.delivery.gateway.service import keep_secret
from market.delivery.gateway.tables import InterfaceSecret
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.rollup import usages_of
from market.delivery.repository import get_entitlement
from market.delivery.tables import Entitlement
from market.listings.repository import get_listing, get_listing_of
from market.orders.repository import get_trade
from market.orders.tables import Trade
from web.pages.acting import attempt
from web.pages.forms import Filled, Form, sent_back
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PROVIDER: Final = frozenset({"PROVIDER"})
_LISTS: Final = ("paths", "methods", "content_types")
_NUMBERS: Final = ("timeout_ms", "max_answer_bytes", "per_minute")


@router.get("/entitlements/{entitlement_id}/usage")
async def usage(visitor: VisitorDep, entitlement_id: str) -> Response:
    """What was used of a right and what it cost, for its buyer and its seller."""
    session = visitor.require()
    async with visitor.node.database.read() as s:
        entitlement, trade = await _of_party(s, entitlement_id, session.actor.org_id)
        usages = await usages_of(s, entitlement_id=entitlement_id, limit=400)
        context: dict[str, Any] = {
            "entitlement": entitlement,
            "trade": trade,
            "title": (await get_listing(s, listing_id=trade.listing_id)).title,
            "usages": usages,
            "seqs": {one.statement_id: await seq_of(s, statement_id=one.statement_id) for one in usages},
            "unstated": entitlement.used - (usages[-1].last if usages else 0),
        }
        calls, items = await _level(s, trade, entitlement)
    return visitor.render("usage.html", calls=calls, items=items, **context)


async def _of_party(s: ReadSession, entitlement_id: str, org_id: str) -> tuple[Entitlement, Trade]:
    """A metered right and its trade, for a side of it. Raises EntitlementUnknown."""
    entitlement = await get_entitlement(s, entitlement_id=entitlement_id)
    trade = await get_trade(s, trade_id=entitlement.trade_id)
    if org_id not in {trade.buyer_id, trade.seller_id} or entitlement.kind is DeliveryKind.FILE:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return entitlement, trade


async def _level(s: ReadSession, trade: Trade, entitlement: Entitlement) -> tuple[int, list[Item]]:
    """How many calls the gateway has measured, and what the contract asks of them."""
    facts = await service_facts(s, entitlement_id=entitlement.entitlement_id)
    if facts is None or facts.calls is None:
        return 0, []
    promise, _ = await sold(s, trade, entitlement)
    return len(facts.calls), judge_facts(promise, facts)


@router.get("/sell/{listing_id}/interface")
async def interface(visitor: VisitorDep, listing_id: str) -> Response:
    """How the interface of one's own listing is answered, and the form that changes it."""
    return await _interface(visitor, listing_id, Filled())


async def _interface(visitor: Visitor, listing_id: str, filled: Filled) -> Response:
    session = visitor.require(_PROVIDER)
    async with visitor.node.database.read() as s:
        listing = await get_listing_of(s, listing_id=listing_id, org_id=session.actor.org_id)
        row = await latest_interface(s, listing_id=listing_id)
    return visitor.render(
        "interface.html",
        filled=filled,
        listing=listing,
        row=row,
        told=OWN_TABLE if row is None else read_interface(row),
        answered_by=visitor.options("answered_by", AnsweredBy),
        secret_id=visitor.request.query_params.get("secret_id", ""),
    )


@router.post("/sell/{listing_id}/interface")
async def declare(visitor: VisitorDep, listing_id: str) -> Response:
    """Say how the interface is answered from now on."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="listing.interface",
        args={"listing_id": listing_id, **_told(form)},
        role="PROVIDER",
        then=f"/sell/{listing_id}/interface",
        again=lambda filled: _interface(visitor, listing_id, filled),
    )


def _told(form: Form) -> dict[str, Any]:
    """The members of an interface that are there; of a table only who answers, and how often."""
    by = form.text("answered_by")
    numbers = {name: form.whole(name) for name in _NUMBERS}
    if by != AnsweredBy.PROVIDER:
        return {"answered_by": by, **numbers}
    lists = {name: (form.optional(name) or "").split() or None for name in _LISTS}
    texts = {name: form.optional(name) for name in ("base_url", "secret_id")}
    return {"answered_by": by, **numbers, **lists, **texts}


@router.post("/sell/{listing_id}/interface-secret")
async def secret(visitor: VisitorDep, listing_id: str) -> Response:
    """Keep the secret header of an endpoint; it is shown to nobody again."""
    form = await visitor.form()
    session, node = visitor.require(_PROVIDER), visitor.node

    async def kept(s: WriteSession, act: Act) -> InterfaceSecret:
        header, value = form.text("header").lower(), form.text("secret_value")
        return await keep_secret(s, act, header=header, value=value, master=node.safe.master)

    act = node.house.act(session.actor, "PROVIDER", node.house.exchange.pen)
    try:
        row = await perform(node.house, act, kept, attempted="DLV.INTERFACE", object_id=session.actor.org_id)
    except DomainError as error:
        return await _interface(visitor, listing_id, sent_back("secret", form, error))
    return visitor.redirect(f"/sell/{listing_id}/interface", secret_id=row.secret_id)
