"""Joint products over HTTP: asking who gives data, their answers, and what each is owed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession, WriteSession
from identity.repository import organisation_names
from ledger.recording import Act
from market.listings.joining import ask_contributor
from market.settlement.joint import shares_of
from registry.contributions import repository, service
from registry.contributions.rules import MAX_REFERENCE, WHOLE_BP, Basis, BasisKind
from registry.contributions.states import CONTRIBUTORS, SELLERS, ContributionState
from registry.contributions.tables import ContributionRow
from registry.rules import Source
from web.acts import ActKind, Args, Asked, Id, ReasonCode, Sha256, kind
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["joint products"])


class AskForm(Asked):
    """Who gives which data to a product, and its share of the seller's part in basis points."""

    product_id: Id
    contributor_id: Id
    share_bp: int = Field(ge=0, lt=WHOLE_BP)
    what: str = Field(min_length=1, max_length=service.MAX_WHAT)


class AskArgs(Args, AskForm):
    pass


class BasisForm(Asked):
    """A right of one's own: a registration's number, a grant, or a source and its statement's digest."""

    kind: BasisKind
    reference: str | None = Field(default=None, min_length=1, max_length=MAX_REFERENCE)
    source: Source | None = None
    statement_sha256: Sha256 | None = None


class AgreeArgs(Args, BasisForm):
    contribution_id: Id


class ReasonForm(Asked):
    """Why."""

    reason_code: ReasonCode


class EndArgs(Args, ReasonForm):
    contribution_id: Id


class ContributionView(View):
    """One ask with its answer."""

    contribution_id: str
    product_id: str
    holder_id: str
    contributor_id: str
    share_bp: int
    what: str
    status: ContributionState
    basis_kind: BasisKind | None
    basis_reference: str | None
    basis_source: Source | None
    statement_sha256: str | None
    reason_code: str | None
    asked_at: datetime
    agreed_at: datetime | None
    ended_at: datetime | None


class ContributorView(View):
    """Who gives data to a product, on what right, for which share; as everybody may see it."""

    contributor_id: str
    contributor: str
    holder_id: str
    share_bp: int
    basis_kind: BasisKind
    basis_reference: str | None
    basis_source: Source | None
    agreed_at: datetime


class ShareView(View):
    """A contributor's part of one settled sale, in fen; `net_minor` is what is shared."""

    trade_id: str
    contribution_id: str
    product_id: str
    title: str
    holder_id: str
    contributor_id: str
    settled_at: datetime
    net_minor: int
    share_bp: int
    amount_minor: int


async def _ask(s: WriteSession, act: Act, args: AskArgs, node: Node) -> ContributionRow:
    del node
    return await ask_contributor(s, act, **args.model_dump())


async def _agree(s: WriteSession, act: Act, args: AgreeArgs, node: Node) -> ContributionRow:
    del node
    basis = Basis(**args.model_dump(exclude={"contribution_id"}))
    return await service.agree_contribution(s, act, contribution_id=args.contribution_id, basis=basis)


def _ending(verb: Any) -> Any:
    async def end(s: WriteSession, act: Act, args: EndArgs, node: Node) -> ContributionRow:
        del node
        row: ContributionRow = await verb(s, act, **args.model_dump())
        return row

    return end


ASK = kind(
    ActKind(
        name="contribution.ask",
        event="CTB.ASK",
        args=AskArgs,
        roles=SELLERS,
        verb=_ask,
        answer=ContributionView.model_validate,
        about=lambda args: args.product_id,
        status=201,
    )
)
AGREE = kind(
    ActKind(
        name="contribution.agree",
        event="CTB.AGREE",
        args=AgreeArgs,
        roles=CONTRIBUTORS,
        verb=_agree,
        answer=ContributionView.model_validate,
        about=lambda args: args.contribution_id,
    )
)
REFUSE, CANCEL, WITHDRAW = (
    kind(
        ActKind(
            name=f"contribution.{name}",
            event=f"CTB.{name.upper()}",
            args=EndArgs,
            roles=roles,
            verb=_ending(verb),
            answer=ContributionView.model_validate,
            about=lambda args: args.contribution_id,
        )
    )
    for name, roles, verb in (
        ("refuse", CONTRIBUTORS, service.refuse_contribution),
        ("cancel", SELLERS, service.cancel_contribution),
        ("withdraw", CONTRIBUTORS, service.withdraw_contribution),
    )
)
Limit = Annotated[int, Query(ge=1, le=repository.MAX_PAGE)]


@router.post("/contributions", **answers(ASK, ContributionView))
async def ask(caller: CallerDep, form: AskForm) -> Response:
    """Ask a member to agree to a joint product that one has drafted, for a share of one's part."""
    return respond(await caller.do(ASK, AskArgs(**form.model_dump())))


@router.post("/contributions/{contribution_id}/agree", **answers(AGREE, ContributionView))
async def agree(contribution_id: Id, caller: CallerDep, form: BasisForm) -> Response:
    """Agree to a joint product on a right of one's own to provide data to others."""
    return respond(await caller.do(AGREE, AgreeArgs(contribution_id=contribution_id, **form.model_dump())))


@router.post("/contributions/{contribution_id}/refuse", **answers(REFUSE, ContributionView))
async def refuse(contribution_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Say no to a joint product; it is not offered with one's data in it."""
    return respond(await caller.do(REFUSE, EndArgs(contribution_id=contribution_id, **form.model_dump())))


@router.post("/contributions/{contribution_id}/cancel", **answers(CANCEL, ContributionView))
async def cancel(contribution_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Take an ask back before it is answered."""
    return respond(await caller.do(CANCEL, EndArgs(contribution_id=contribution_id, **form.model_dump())))


@router.post("/contributions/{contribution_id}/withdraw", **answers(WITHDRAW, ContributionView))
async def withdraw(contribution_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Agree no longer: nothing of the product is sold after this; what was contracted runs on."""
    return respond(await caller.do(WITHDRAW, EndArgs(contribution_id=contribution_id, **form.model_dump())))


@router.get("/contributions")
async def contributions(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query(description="the last contribution_id of the page before")] = None,
    limit: Limit = 50,
) -> list[ContributionView]:
    """What one's organisation has asked for and was asked for, newest first."""
    rows = await repository.contributions_of(s, org_id=caller.actor.org_id, after=after, limit=limit)
    return [ContributionView.model_validate(row) for row in rows]


@router.get("/contributions/shares")
async def shares(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query(description="the last trade_id of the page before")] = None,
    limit: Limit = 50,
) -> list[ShareView]:
    """What one's organisation is owed as a contributor, and owes as a seller, of settled sales; by trade."""
    found = await shares_of(s, org_id=caller.actor.org_id, after=after, limit=limit)
    return [ShareView.model_validate(one) for one in found]


@router.get("/contributions/{contribution_id}")
async def contribution(contribution_id: Id, caller: CallerDep, s: ReadDep) -> ContributionView:
    """One contribution, for its two sides."""
    row = await repository.contribution_of(s, contribution_id=contribution_id, org_id=caller.actor.org_id)
    return ContributionView.model_validate(row)


@router.get("/products/{product_id}/contributors")
async def contributors(product_id: Id, s: ReadDep) -> list[ContributorView]:
    """Who gives data to a product, on what right of its own, for which share."""
    return await contributors_of(s, product_id)


async def contributors_of(s: ReadSession, product_id: str) -> list[ContributorView]:
    """The contributors who have agreed, named."""
    rows = await repository.agreed_to(s, product_id=product_id)
    names = await organisation_names(s, org_ids={row.contributor_id for row in rows})
    return [
        ContributorView.model_validate(
            {
                name: names.get(row.contributor_id, row.contributor_id)
                if name == "contributor"
                else getattr(row, name)
                for name in ContributorView.model_fields
            }
        )
        for row in rows
    ]
