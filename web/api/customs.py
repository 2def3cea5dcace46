"""Data customs: what leaves the mainland is declared, routed, cleared, and halted."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from base.errors import NotFound
from market.customs import repository
from market.customs.networks import networks_in_force
from market.customs.states import DeclarationState
from market.trade.foreseeing import foresee_trade
from web.acts import Id
from web.api.customs_acts import (
    ATTACH,
    CLEAR,
    COMPLETE,
    DECLARE,
    END,
    ENDPOINT,
    ENTER,
    FAIL,
    HALT,
    LIST,
    NETWORKS,
    PASS,
    REDECLARE,
    REJECT,
    RENEW,
    REROUTE,
    RESUME,
    RETURN,
    REVOKE,
    SCAN,
    SUBMIT,
    TAKE,
    UNTAKE,
    WITHDRAW,
)
from web.api.trades import visible
from web.customs_forms import (
    CodedArgs,
    CodedForm,
    CustomsDocumentView,
    DeclarationArgs,
    DeclarationView,
    DeclareArgs,
    DocumentArgs,
    EgressView,
    EndDocumentArgs,
    EndpointArgs,
    EndpointView,
    FullDeclarationView,
    ListArgs,
    NegativeListView,
    NetworksArgs,
    NetworksView,
    OfficerView,
    PapersArgs,
    PapersForm,
    PassArgs,
    PassForm,
    RedeclareArgs,
    RenewArgs,
    RenewForm,
    RerouteArgs,
    RerouteForm,
    ShowArgs,
    ShownForm,
    WhyArgs,
    WhyForm,
)
from web.deps import CallerDep, ReadDep, answers, respond
from web.views import View

router = APIRouter(tags=["customs"])
LOOKERS: Final = frozenset({"CAC", "AUDITOR"})
"""Who sees every declaration: the authority, and who audits. The exchange sees what it routes, by its log."""
Limit = Annotated[int, Query(ge=1, le=100)]


class ForeseenView(View):
    """What customs would decide now; `needs` says by which route it could be cleared where it is not open."""

    open: bool
    country: str
    route: str
    rule_id: str
    legal_basis: str
    reason: str
    needs: str | None
    clearance_id: str | None


@router.get("/declarations")
async def declarations(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[DeclarationState | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> list[DeclarationView]:
    """One's own declarations, newest first; every one, for customs."""
    own = {} if caller.actor.roles & LOOKERS else {"exporter_id": caller.actor.org_id}
    states = () if status is None else (status,)
    rows = await repository.declarations(s, states=states, after=after, limit=limit, **own)
    return [DeclarationView.of(row) for row in rows]


@router.get("/declarations/{declaration_id}")
async def declaration(declaration_id: Id, caller: CallerDep, s: ReadDep) -> OfficerView | FullDeclarationView:
    """A declaration with the trace of its rules, for its exporter; with counters and risk, for customs."""
    row = await repository.get_declaration(s, declaration_id=declaration_id)
    if caller.actor.roles & LOOKERS:
        return OfficerView.model_validate(row)
    if caller.actor.org_id != row.exporter_id:
        raise NotFound("no such declaration", declaration_id=declaration_id)
    return FullDeclarationView.model_validate(row)


@router.get("/declarations/{declaration_id}/egress")
async def egress(declaration_id: Id, caller: CallerDep, s: ReadDep) -> list[EgressView]:
    """What left under a declaration, newest first, for its exporter and for customs."""
    row = await repository.get_declaration(s, declaration_id=declaration_id)
    if caller.actor.org_id != row.exporter_id and not caller.actor.roles & LOOKERS:
        raise NotFound("no such declaration", declaration_id=declaration_id)
    return [
        EgressView.model_validate(one) for one in await repository.egress_of(s, declaration_id=declaration_id)
    ]


@router.post("/declarations", **answers(DECLARE, DeclarationView))
async def declare(caller: CallerDep, args: DeclareArgs) -> Response:
    """Declare a flow over the border; the answer says the route, unless a list is to be counted first."""
    return respond(await caller.do(DECLARE, args))


@router.post("/declarations/{declaration_id}/redeclare", **answers(REDECLARE, DeclarationView))
async def redeclare(declaration_id: Id, caller: CallerDep, form: DeclareArgs) -> Response:
    """Declare in full again what was returned."""
    return respond(await caller.do(REDECLARE, RedeclareArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/evidence", **answers(ATTACH, DeclarationView))
async def attach(declaration_id: Id, caller: CallerDep, form: ShownForm) -> Response:
    """Show the filing or certificate that carries the route, with contract, PIPIA and consent."""
    return respond(await caller.do(ATTACH, ShowArgs(declaration_id=declaration_id, shown=form)))


@router.post("/declarations/{declaration_id}/assessment", **answers(SUBMIT, DeclarationView))
async def submit(declaration_id: Id, caller: CallerDep, form: PapersForm) -> Response:
    """Hand in what a security assessment needs."""
    return respond(await caller.do(SUBMIT, PapersArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/renew", **answers(RENEW, DeclarationView))
async def renew(declaration_id: Id, caller: CallerDep, form: RenewForm) -> Response:
    """Go on under an extended document; sixty working days before the end at the latest."""
    return respond(await caller.do(RENEW, RenewArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/complete", **answers(COMPLETE, DeclarationView))
async def complete(declaration_id: Id, caller: CallerDep) -> Response:
    """Say that all that was to go has gone and was received."""
    return respond(await caller.do(COMPLETE, DeclarationArgs(declaration_id=declaration_id)))


@router.post("/declarations/{declaration_id}/withdraw", **answers(WITHDRAW, DeclarationView))
async def withdraw(declaration_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Take back what is not cleared yet; its lists of persons are destroyed."""
    return respond(await caller.do(WITHDRAW, WhyArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/untake", **answers(UNTAKE, DeclarationView))
async def untake(declaration_id: Id, caller: CallerDep) -> Response:
    """Give back what one has taken up, as its officer: another may take it."""
    return respond(await caller.do(UNTAKE, DeclarationArgs(declaration_id=declaration_id)))


@router.post("/declarations/{declaration_id}/take", **answers(TAKE, DeclarationView))
async def take(declaration_id: Id, caller: CallerDep) -> Response:
    """Take a declaration up, as an officer, or over from who has had it for more than two working days."""
    return respond(await caller.do(TAKE, DeclarationArgs(declaration_id=declaration_id)))


@router.post("/declarations/{declaration_id}/scan", **answers(SCAN, DeclarationView))
async def scan(declaration_id: Id, caller: CallerDep) -> Response:
    """Take a sample of what is sold, as an officer: a field that was not declared so halts what lives."""
    return respond(await caller.do(SCAN, DeclarationArgs(declaration_id=declaration_id)))


@router.post("/declarations/{declaration_id}/clear", **answers(CLEAR, DeclarationView))
async def clear(declaration_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Clear what was checked or reviewed, as the officer who took it up."""
    return respond(await caller.do(CLEAR, WhyArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/return", **answers(RETURN, DeclarationView))
async def send_back(declaration_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Return a declaration to its exporter, to be declared again."""
    return respond(await caller.do(RETURN, WhyArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/reject", **answers(REJECT, DeclarationView))
async def reject(declaration_id: Id, caller: CallerDep, form: CodedForm) -> Response:
    """Reject a declaration."""
    return respond(await caller.do(REJECT, CodedArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/reroute", **answers(REROUTE, DeclarationView))
async def reroute(declaration_id: Id, caller: CallerDep, form: RerouteForm) -> Response:
    """Put a declaration on a stricter route."""
    return respond(await caller.do(REROUTE, RerouteArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/pass", **answers(PASS, DeclarationView))
async def pass_assessment(declaration_id: Id, caller: CallerDep, form: PassForm) -> Response:
    """State that the security assessment was passed, by its number on the register."""
    return respond(await caller.do(PASS, PassArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/fail", **answers(FAIL, DeclarationView))
async def fail_assessment(declaration_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """State that the security assessment was not passed."""
    return respond(await caller.do(FAIL, WhyArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/halt", **answers(HALT, DeclarationView))
async def halt(declaration_id: Id, caller: CallerDep, form: CodedForm) -> Response:
    """Stop at once what leaves under a declaration."""
    return respond(await caller.do(HALT, CodedArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/resume", **answers(RESUME, DeclarationView))
async def resume(declaration_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Let what was halted go on."""
    return respond(await caller.do(RESUME, WhyArgs(declaration_id=declaration_id, **dict(form))))


@router.post("/declarations/{declaration_id}/revoke", **answers(REVOKE, DeclarationView))
async def revoke(declaration_id: Id, caller: CallerDep, form: CodedForm) -> Response:
    """End for good what was halted."""
    return respond(await caller.do(REVOKE, CodedArgs(declaration_id=declaration_id, **dict(form))))


@router.get("/trades/{trade_id}/customs")
async def of_trade(trade_id: Id, caller: CallerDep, s: ReadDep) -> ForeseenView:
    """What customs would decide of a trade's delivery now, and what it needs; for its parties."""
    trade = await visible(s, caller, trade_id)
    return ForeseenView(**(await foresee_trade(s, trade, now=caller.node.clock.now())).document())


@router.get("/customs-documents")
async def documents(
    caller: CallerDep, s: ReadDep, after: Annotated[Id | None, Query()] = None, limit: Limit = 50
) -> list[CustomsDocumentView]:
    """The authority's register, for customs; of an exporter what names it."""
    own = None if caller.actor.roles & LOOKERS else caller.actor.org_id
    rows = await repository.documents(s, exporter_id=own, after=after, limit=limit)
    return [CustomsDocumentView.of(row) for row in rows]


@router.post("/customs-documents", **answers(ENTER, CustomsDocumentView))
async def enter(caller: CallerDep, args: DocumentArgs) -> Response:
    """Enter a filing, certificate, assessment, approval, or seat in a zone, as the authority."""
    return respond(await caller.do(ENTER, args))


@router.post("/customs-documents/{document_id}/end", **answers(END, CustomsDocumentView))
async def end_document(document_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Take a document off the register, as the authority."""
    return respond(await caller.do(END, EndDocumentArgs(document_id=document_id, **dict(form))))


@router.get("/negative-lists")
async def negative_lists(s: ReadDep) -> list[NegativeListView]:
    """Every version of the free-trade zones' negative lists, for anybody."""
    return [NegativeListView.of(row) for row in await repository.negative_lists(s)]


@router.post("/negative-lists", **answers(LIST, NegativeListView))
async def enter_list(caller: CallerDep, args: ListArgs) -> Response:
    """Enter a version of a zone's negative list, as the authority."""
    return respond(await caller.do(LIST, args))


@router.get("/customs-networks")
async def networks(s: ReadDep) -> NetworksView | None:
    """The networks that are known to be abroad, as they are in force; for anybody."""
    row = await networks_in_force(s)
    return None if row is None else NetworksView.of(row)


@router.post("/customs-networks", **answers(NETWORKS, NetworksView))
async def enter_networks(caller: CallerDep, args: NetworksArgs) -> Response:
    """Enter the networks that are abroad, whole, as the authority: who asks from one reads there."""
    return respond(await caller.do(NETWORKS, args))


@router.get("/customs-endpoint")
async def endpoint(caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """Where the exchange takes one to be, and where one said that one's systems receive."""
    found = await repository.places_of(s, org_id=caller.actor.org_id)
    return {"region": found[0] if found else None, "endpoint": found[1] if found else None}


@router.post("/customs-endpoint", **answers(ENDPOINT, EndpointView))
async def declare_endpoint(caller: CallerDep, args: EndpointArgs) -> Response:
    """Say where one's systems receive and read from: to read from abroad is to export."""
    return respond(await caller.do(ENDPOINT, args))
