"""Statements of account as pages: one's own, a broker's commission, for the operator the exchange's books."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from base.db import WriteSession
from base.errors import Malformed
from ledger.accounts import bank_cash, escrow_of, platform_fee
from ledger.acts import perform
from ledger.recording import Act
from market.mediation.commission import reward_of
from market.settlement import repository
from market.settlement.accounts import (
    commission_of,
    sign_statement,
    signed_statements,
    statement_of_account,
)
from market.settlement.tables import ClaimStatus
from web.pages.naming import names_of
from web.pages.visiting import OPERATOR, PARTIES, Visitor, VisitorDep

router = APIRouter()
_BROKER: Final = frozenset({"BROKER"})
_BOOKS: Final = {"platform-fee": platform_fee(), "escrow": bank_cash()}


@router.get("/account/statement")
async def statement(
    visitor: VisitorDep,
    since: Annotated[str | None, Query(alias="from", max_length=10)] = None,
    until: Annotated[str | None, Query(alias="to", max_length=10)] = None,
    book: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """What was paid in and out in a period, with the balance before and after, and every movement's proof."""
    session = visitor.require(PARTIES | OPERATOR)
    now = visitor.node.clock.now()
    account = _account(visitor, book)
    last = day_of(until) or shanghai_day(now)
    first = day_of(since) or last.replace(day=1)
    async with visitor.node.database.read() as s:
        document = await statement_of_account(s, account=account, since=first, until=last, now=now)
        signed = await signed_statements(s, account=account)
        claims = await repository.claims_on(s, org_id=session.actor.org_id) if book is None else ()
    return visitor.render(
        "statement.html",
        document=document,
        book=book,
        books=list(_BOOKS) if visitor.may(OPERATOR) else [],
        signed=signed,
        claims=[claim for claim in claims if claim.status is ClaimStatus.OPEN],
        api=_api(book, document),
    )


@router.post("/account/statement/sign")
async def sign(visitor: VisitorDep) -> Response:
    """Have the exchange sign the statement that is shown."""
    visitor.require(PARTIES | OPERATOR)
    form = await visitor.form()
    book = form.optional("book")
    account = _account(visitor, book)
    first, last = day_of(form.text("from")), day_of(form.text("to"))
    if first is None or last is None:
        raise Malformed("a period has a first and a last day")

    await _have_signed(visitor, account, first, last)
    return visitor.redirect(
        "/account/statement", **{"from": first.isoformat(), "to": last.isoformat(), "book": book}
    )


@router.get("/broker/commission")
async def commission(
    visitor: VisitorDep,
    since: Annotated[str | None, Query(alias="from", max_length=10)] = None,
    until: Annotated[str | None, Query(alias="to", max_length=10)] = None,
) -> Response:
    """What was earned in a period, deal by deal; what is not earned yet; agreed expenses apart."""
    session = visitor.require(_BROKER)
    now = visitor.node.clock.now()
    last = day_of(until) or shanghai_day(now)
    first = day_of(since) or last.replace(day=1)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        found = await reward_of(s, broker_id=org_id, since=first, until=last, now=now)
        signed = await signed_statements(s, account=commission_of(org_id))
        names = await names_of(s, (one.client_id for one in found.expenses))
    document = found.document
    return visitor.render(
        "commission.html",
        found=found,
        document=document,
        signed=signed,
        names=names,
        api=f"/api/v1/commission?from={document['from']}&to={document['to']}",
    )


@router.post("/broker/commission/sign")
async def sign_commission(visitor: VisitorDep) -> Response:
    """Have the exchange sign the commission statement that is shown."""
    session = visitor.require(_BROKER)
    form = await visitor.form()
    account = commission_of(session.actor.org_id)
    first, last = day_of(form.text("from")), day_of(form.text("to"))
    if first is None or last is None:
        raise Malformed("a period has a first and a last day")

    await _have_signed(visitor, account, first, last)
    return visitor.redirect("/broker/commission", **{"from": first.isoformat(), "to": last.isoformat()})


async def _have_signed(visitor: Visitor, account: str, first: date, last: date) -> None:
    async def verb(s: WriteSession, act: Act) -> Any:
        return await sign_statement(s, act, account=account, since=first, until=last)

    house = visitor.node.house
    await perform(house, house.exchange_act(), verb, attempted="ACC.STATEMENT", object_id=account)


def _account(visitor: Visitor, book: str | None) -> str:
    """The account that is asked for: one's own, or for the operator a book of the exchange."""
    if book is None:
        return escrow_of(visitor.org_id or "")
    visitor.require(OPERATOR)
    if book not in _BOOKS:
        raise Malformed("no such book", book=book)
    return _BOOKS[book]


def day_of(text: str | None) -> date | None:
    """A day of a form or an address; None where none was given. Raises Malformed."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Malformed("not a day", day=text) from None


def _api(book: str | None, document: dict[str, Any]) -> str:
    path = "organisations/me" if book is None else f"accounts/{book}"
    return f"/api/v1/{path}/statement?from={document['from']}&to={document['to']}"
