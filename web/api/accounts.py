"""Statements of account: one's own, and the exchange's own books; as JSON or CSV, and signed."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import ConfigDict, Field

from base.calendar import shanghai_day
from base.db import WriteSession
from ledger.accounts import bank_cash, escrow_of, platform_fee
from ledger.recording import Act
from market.mediation.commission import reward_of
from market.settlement import accounts, repository
from market.settlement.accounts import (
    as_csv,
    commission_of,
    sign_statement,
    signed_statement,
    statement_of_account,
)
from market.settlement.tables import AccountStatement, Claim, ClaimStatus
from web.acts import Asked, Id
from web.deps import Caller, CallerDep, ReadDep, respond
from web.views import View

router = APIRouter(tags=["accounts"])
CSV: Final = "text/csv"
_OPERATOR: Final = "EXCHANGE_OPERATOR"
_BOTH: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {CSV: {}}}}


class Book(StrEnum):
    """The exchange's own books: its fee, and the escrow account at the bank as a whole."""

    PLATFORM_FEE = "platform-fee"
    ESCROW = "escrow"

    @property
    def account(self) -> str:
        return platform_fee() if self is Book.PLATFORM_FEE else bank_cash()


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"


class ClaimView(View):
    """What is owed back into escrow: pay exactly this amount, with the claim's id as payment reference."""

    claim_id: str
    trade_id: str
    payee: str
    amount_minor: int
    due_at: Any


class AccountView(View):
    """`document` is what can be signed for; what is signed has a nonce beside it."""

    document: dict[str, Any]
    open_claims: list[ClaimView]


class PeriodForm(Asked):
    """Days in Shanghai, both included."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", frozen=True)

    since: date = Field(alias="from")
    until: date = Field(alias="to")


class SignedView(View):
    """A statement of account that the exchange stands for: save `document` as it is, to check it later."""

    stated_id: str
    account: str
    from_day: date
    to_day: date
    sha256: str
    statement_id: str
    document: str

    @classmethod
    def of(cls, row: AccountStatement) -> "SignedView":
        return cls.model_validate(row)


From = Annotated[date | None, Query(alias="from", description="The first day; by default of this month")]
To = Annotated[date | None, Query(alias="to", description="The last day; by default today")]
As = Annotated[Format | None, Query(alias="format", description="Or by `Accept: text/csv`")]
Accept = Annotated[str | None, Header(max_length=200)]


@router.get("/organisations/me/statement", response_model=AccountView, responses=_BOTH)
async def own(
    caller: CallerDep,
    s: ReadDep,
    *,
    since: From = None,
    until: To = None,
    form: As = None,
    accept: Accept = None,
) -> Any:
    """What one's organisation paid into escrow and was paid out of it, each movement with its proof."""
    account = escrow_of(caller.actor.org_id)
    document = await _document(caller, s, account, since, until)
    claims = await repository.claims_on(s, org_id=caller.actor.org_id)
    return _answer(document, claims, form, accept)


@router.post("/organisations/me/statement", response_model=SignedView, status_code=201)
async def sign_own(caller: CallerDep, form: PeriodForm) -> Response:
    """Have the exchange sign a statement of one's account (ACC.STATEMENT)."""
    return await _sign(caller, escrow_of(caller.actor.org_id), form, "accounts/me")


@router.get("/accounts/{book}/statement", response_model=AccountView, responses=_BOTH)
async def of_the_house(
    book: Book,
    caller: CallerDep,
    s: ReadDep,
    *,
    since: From = None,
    until: To = None,
    form: As = None,
    accept: Accept = None,
) -> Any:
    """The exchange's own books, for its operator: its fee, or the escrow account as a whole."""
    caller.require(_OPERATOR)
    document = await _document(caller, s, book.account, since, until)
    return _answer(document, (), form, accept)


@router.post("/accounts/{book}/statement", response_model=SignedView, status_code=201)
async def sign_of_the_house(book: Book, caller: CallerDep, form: PeriodForm) -> Response:
    """Sign a statement of the exchange's own books."""
    caller.require(_OPERATOR)
    return await _sign(caller, book.account, form, f"accounts/{book}")


@router.get("/account-statements")
async def signed(caller: CallerDep, s: ReadDep) -> list[SignedView]:
    """The signed statements of one's account, newest first."""
    rows = await accounts.signed_statements(s, account=escrow_of(caller.actor.org_id))
    return [SignedView.of(row) for row in rows]


@router.get("/account-statements/{stated_id}")
async def one_signed(stated_id: Id, caller: CallerDep, s: ReadDep) -> SignedView:
    """A signed statement of one's account, or for the operator of the exchange's own books."""
    return SignedView.of(await signed_statement(s, stated_id=stated_id, accounts=_readable(caller)))


@router.get("/account-statements/{stated_id}/document", response_class=Response)
async def its_document(stated_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """The very bytes that were signed for (`databourse account FILE BUNDLE`)."""
    row = await signed_statement(s, stated_id=stated_id, accounts=_readable(caller))
    headers = {"content-disposition": f'attachment; filename="{stated_id}.json"'}
    return Response(row.document.encode(), media_type="application/json", headers=headers)


class PendingView(View):
    """A contract under which nothing is earned yet."""

    trade_id: str
    status: str
    commission_minor: int


class ExpenseView(View):
    """Agreed expenses: owed where no contract came about, between broker and client alone."""

    deal_id: str
    client_id: str | None
    agreed_minor: int
    owed_minor: int


class CommissionView(View):
    """`document` can be signed for: `paid_out_minor` was earned, `paid_in_minor` given back of it."""

    document: dict[str, Any]
    earned_minor: int
    returned_minor: int
    deals: dict[str, str]
    pending: list[PendingView]
    expenses: list[ExpenseView]


@router.get("/commission", response_model=CommissionView, responses=_BOTH)
async def commission(
    caller: CallerDep,
    s: ReadDep,
    *,
    since: From = None,
    until: To = None,
    form: As = None,
    accept: Accept = None,
) -> Any:
    """A broker's commission by deal, as it was booked: earned on settlement, given back on refunds."""
    caller.require("BROKER")
    now = caller.node.clock.now()
    last = until or shanghai_day(now)
    found = await reward_of(
        s, broker_id=caller.actor.org_id, since=since or last.replace(day=1), until=last, now=now
    )
    if _wants_csv(form, accept):
        return _csv(found.document, "commission.csv")
    return CommissionView.model_validate(found)


@router.post("/commission", response_model=SignedView, status_code=201)
async def sign_commission(caller: CallerDep, form: PeriodForm) -> Response:
    """Have the exchange sign a commission statement (ACC.STATEMENT)."""
    caller.require("BROKER")
    return await _sign(caller, commission_of(caller.actor.org_id), form, "accounts/commission")


def _readable(caller: Caller) -> list[str]:
    own_books = [book.account for book in Book] if _OPERATOR in caller.actor.roles else []
    org_id = caller.actor.org_id
    return [escrow_of(org_id), commission_of(org_id), *own_books]


async def _document(
    caller: Caller, s: ReadDep, account: str, since: date | None, until: date | None
) -> dict[str, Any]:
    now = caller.node.clock.now()
    last = until or shanghai_day(now)
    first = since or last.replace(day=1)
    return await statement_of_account(s, account=account, since=first, until=last, now=now)


def _wants_csv(form: Format | None, accept: str | None) -> bool:
    return (form or (Format.CSV if CSV in (accept or "") else Format.JSON)) is Format.CSV


def _csv(document: dict[str, Any], name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "vary": "accept"}
    return Response(as_csv(document), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)


def _answer(
    document: dict[str, Any], claims: Sequence[Claim], form: Format | None, accept: str | None
) -> Any:
    if _wants_csv(form, accept):
        return _csv(document, "statement.csv")
    owed = [ClaimView.model_validate(claim) for claim in claims if claim.status is ClaimStatus.OPEN]
    return AccountView(document=document, open_claims=owed)


async def _sign(caller: Caller, account: str, form: PeriodForm, route: str) -> Response:
    async def verb(s: WriteSession, act: Act) -> AccountStatement:
        return await sign_statement(s, act, account=account, since=form.since, until=form.until)

    return respond(
        await caller.perform(
            verb,
            SignedView.of,
            route=route,
            args=form.model_dump(mode="json"),
            act=caller.node.house.exchange_act(),
            attempted="ACC.STATEMENT",
            object_id=account,
        )
    )
