"""Matching: what fits a data request and why, in an order that nobody can buy; and what brokers sent."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.mediation import repository, service
from market.mediation.finding import Found, find_requests
from market.mediation.matching import MUSTS, POINTS, VERSION, Match
from market.mediation.rules import MAX_REASON, MOST_READ, MOST_SENT
from market.mediation.tables import Presentation
from web.acts import ActKind, Args, Asked, Id, kind
from web.api.trades import SUPERVISORS
from web.deps import CallerDep, NodeDep, ReadDep, VisitorDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["mediation"])


class ReasonView(View):
    """One criterion, what came of it, and its points of those it could give."""

    criterion: str
    verdict: str
    points: int
    of: int


class MatchView(View):
    """A listing; `tie` (lowest first) decides between equal points."""

    listing_id: str
    seller_id: str
    title: str
    points: int
    of: int
    tie: str
    reasons: list[ReasonView]

    @classmethod
    def of_match(cls, match: Match, found: Found) -> "MatchView":
        return cls.model_validate(match.document() | {"title": found.listings[match.listing_id].title})


class MatchesView(View):
    """`matches` in their one order; `others` miss a must. `complete`: nothing of the category is left out."""

    request_id: str
    rule_version: str
    budget_told: bool
    complete: bool
    matches: list[MatchView]
    others: list[MatchView]

    @classmethod
    def of(cls, found: Found) -> "MatchesView":
        return cls(
            request_id=found.request.request_id,
            rule_version=VERSION,
            budget_told=found.budget_told,
            complete=not found.more,
            matches=[MatchView.of_match(one, found) for one in found.result.matches],
            others=[MatchView.of_match(one, found) for one in found.result.others],
        )


class RulesView(View):
    """What must be met, what each criterion gives at most, and how many listings are compared."""

    rule_version: str
    musts: list[str]
    points: dict[str, int]
    compared: int
    tie: str


@router.get("/matching/rules")
async def rules() -> RulesView:
    """How matches are ordered: all there is to it."""
    return RulesView(
        rule_version=VERSION,
        musts=[one.value for one in MUSTS],
        points={one.value: points for one, points in POINTS.items()},
        compared=MOST_READ,
        tie='sha256("databourse/matching-tie/v1\\n" request_id "\\n" listing_id "\\n"), lowest first',
    )


@router.get("/requests/{request_id}/matches")
async def matches(request_id: Id, s: ReadDep, node: NodeDep, caller: VisitorDep) -> MatchesView:
    """What fits a request, with reasons: the same for everybody who is told the same of its budget."""
    found = await service.matches_for(
        s,
        request_id=request_id,
        org_id=None if caller is None else caller.actor.org_id,
        supervises=caller is not None and bool(caller.actor.roles & SUPERVISORS),
        at=node.clock.now(),
    )
    return MatchesView.of(found)


class RequestMatchView(View):
    """A request that a listing fits; its budget counts for nobody."""

    request_id: str
    title: str
    buyer_id: str
    points: int
    of: int
    tie: str
    reasons: list[ReasonView]


@router.get("/listings/{listing_id}/requests")
async def requests_for(listing_id: Id, s: ReadDep, node: NodeDep) -> list[RequestMatchView]:
    """The open requests that a listing fits, by the same rules."""
    found = await find_requests(s, listing_id=listing_id, at=node.clock.now())
    return [
        RequestMatchView.model_validate(
            match.document()
            | {"request_id": request.request_id, "title": request.title, "buyer_id": request.buyer_id}
        )
        for request, match in found
    ]


class SendForm(Asked):
    """Listings in the order that the client sees; another than the neutral one has its reason."""

    listing_ids: list[Id] = Field(min_length=1, max_length=MOST_SENT)
    reason: str | None = Field(default=None, max_length=MAX_REASON)


class SendArgs(Args, SendForm):
    request_id: Id


class PresentationView(View):
    """What a broker sent. `related`: what links it to a seller. `document`: the neutral order."""

    presentation_id: str
    request_id: str
    broker_id: str
    client_id: str
    mandate_id: str
    rule_version: str
    listing_ids: list[str]
    related: dict[str, str]
    departs: bool
    reason: str | None
    order_sha256: str
    document: str | None
    sent_at: datetime
    statement_id: str

    @classmethod
    def of(cls, row: Presentation) -> "PresentationView":
        return cls.model_validate(row)


async def _send(s: WriteSession, act: Act, args: SendArgs, node: Node) -> Any:
    del node
    return await service.send_matches(s, act, **dict(args))


SEND = kind(
    ActKind(
        name="matches.send",
        event=service.SEND,
        args=SendArgs,
        roles=frozenset({"BROKER"}),
        verb=_send,
        answer=PresentationView.of,
        about=lambda args: args.request_id,
        status=201,
    )
)


@router.post("/requests/{request_id}/matches", **answers(SEND, PresentationView))
async def send(request_id: Id, caller: CallerDep, form: SendForm) -> Response:
    """Send matches to the buyer, as the broker that holds its mandate (MED.SEND)."""
    return respond(await caller.do(SEND, SendArgs(request_id=request_id, **form.model_dump())))


class PresentationsForm(Asked):
    request_id: Id | None = None
    after: Id | None = None
    limit: int = Field(default=50, ge=1, le=100)


class PresentationsView(View):
    presentations: list[PresentationView]
    next_after: str | None


@router.get("/presentations")
async def presentations(
    caller: CallerDep, s: ReadDep, asked: Annotated[PresentationsForm, Query()]
) -> PresentationsView:
    """What one sent or was sent, newest first; all of them for supervisors."""
    everything = bool(caller.actor.roles & SUPERVISORS)
    org_id = None if everything else caller.actor.org_id
    rows = await repository.presentations_of(s, org_id=org_id, **asked.model_dump())
    full = len(rows) == asked.limit
    return PresentationsView(
        presentations=[PresentationView.of(row) for row in rows],
        next_after=rows[-1].presentation_id if full else None,
    )


@router.get("/presentations/{presentation_id}")
async def presentation(presentation_id: Id, caller: CallerDep, s: ReadDep) -> PresentationView:
    """One list of matches, for its broker, its client and supervisors."""
    everything = bool(caller.actor.roles & SUPERVISORS)
    org_id = None if everything else caller.actor.org_id
    return PresentationView.of(
        await repository.get_presentation(s, presentation_id=presentation_id, org_id=org_id)
    )
