"""Opening public data: the open list, conditional access, checks against reality, and the plan by demand."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field

from base.db import WriteSession
from base.errors import Forbidden, NotFound
from ledger.acts import perform
from ledger.recording import Act
from registry.opening import planning, repository
from registry.opening.repository import Entry
from registry.opening.rules import Mode, Use
from registry.opening.states import STANDING, USERS, OpenState
from registry.opening.taking import ACCESS_EVENT, EVERYBODY, Taken, take
from web.acts import Asked, Id
from web.api.dcat import hold_back, send
from web.api.opening_acts import (
    DECLINE,
    END,
    NAME,
    OFFER,
    PROPOSE,
    PUBLISH,
    PUBLISH_PLAN,
    REFUSE,
    RELEASE,
    RETIRE,
    REVIEW,
    REVISE_PLAN,
    SIGN,
    SUSPEND,
    UNNAME,
)
from web.crossing import require_at_home
from web.deps import Caller, CallerDep, ReadDep, answers, respond
from web.opening_checks import run_check
from web.opening_forms import (
    AgreementTextArgs,
    EntryArgs,
    NotOpenArgs,
    NotOpenForm,
    OfferArgs,
    OfferForm,
    OpenAgreementView,
    OpenCheckView,
    OpenDataView,
    OpenEntryView,
    OpenPlanView,
    OpenUserView,
    PlanArgs,
    ProposeArgs,
    SignArgs,
    SignForm,
    SuspendArgs,
    SuspendForm,
    TextArgs,
    TextForm,
    UnnameArgs,
    UserArgs,
    UserForm,
)
from web.views import View

router = APIRouter(tags=["opening"])
LOOKERS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR"})
Limit = Annotated[int, Query(ge=1, le=100)]


class OpenPageView(View):
    entries: list[OpenDataView]
    next_after: str | None


class RankedView(View):
    """A row of the ranking: its points, and what each is for."""

    rank: int
    data_id: str
    name: str
    score: int
    mode: str
    reasons: list[dict[str, Any]]


class PlanDoneView(OpenPlanView):
    """A plan, and how much of it is done now."""

    done: list[str]
    missing: list[str]
    share: str | None


def _page(rows: Sequence[Entry], limit: int) -> OpenPageView:
    shown = [OpenDataView.with_data(row, data) for row, data in rows]
    return OpenPageView(entries=shown, next_after=rows[-1][0].open_id if len(rows) == limit else None)


class OpenSearch(Asked):
    """What a search of the open catalogue may name; every member narrows it."""

    q: str = Field(default="", max_length=200, pattern=rf"^\s*(\S+\s*){{0,{repository.MOST_WORDS}}}$")
    mode: Mode | None = None
    theme: str | None = Field(default=None, max_length=100)
    agency_id: Id | None = None
    after: Id | None = None
    limit: int = Field(default=50, ge=1, le=100)


@router.get("/open-entries")
async def open_entries(request: Request, s: ReadDep, asked: Annotated[OpenSearch, Query()]) -> OpenPageView:
    """The public open catalogue: what stands open, to everybody, to named users or by agreement.

    A search is for eight words at most, and held back by address as downloads are.
    """
    if asked.q:
        hold_back(request)
    rows = await repository.entries(
        s,
        states=STANDING,
        words=asked.q,
        mode=asked.mode,
        theme=asked.theme,
        agency_id=asked.agency_id,
        after=asked.after,
        limit=asked.limit,
    )
    return _page(rows, asked.limit)


@router.get("/open-list")
async def open_list(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[OpenState | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> OpenPageView:
    """The open list in every state: one's own part, for an agency; all of it, for who supervises."""
    states = () if status is None else (status,)
    rows = await repository.entries(s, states=states, agency_id=_whose(caller), after=after, limit=limit)
    return _page(rows, limit)


@router.get("/open-entries/{open_id}")
async def open_entry(open_id: Id, s: ReadDep) -> OpenDataView:
    """One entry that stands open."""
    row, data = await repository.entry_with_data(s, open_id=open_id)
    if row.status not in STANDING:
        raise NotFound("no such entry is open", open_id=open_id)
    return OpenDataView.with_data(row, data)


@router.get("/open-list/{open_id}")
async def listed_entry(open_id: Id, caller: CallerDep, s: ReadDep) -> OpenDataView:
    """One entry in whatever state, for its agency and who supervises."""
    row, data = await repository.entry_with_data(s, open_id=open_id)
    if _whose(caller) not in {None, row.agency_id}:
        raise NotFound("no such entry of the open list", open_id=open_id)
    return OpenDataView.with_data(row, data)


@router.get("/open-entries/{open_id}/file")
async def take_file(
    open_id: Id,
    request: Request,
    caller: CallerDep,
    purpose: Annotated[Use | None, Query()] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file of an entry, for a purpose: for its named users, and for parties of an agreement in force.

    What is not open to everybody is read within the mainland alone.
    """
    hold_back(request)
    node, roles = caller.node, sorted(caller.actor.roles & USERS)
    if not roles:
        raise Forbidden("your role uses no data", roles=sorted(USERS))

    async def taken(s: WriteSession, act: Act) -> Taken:
        found = await take(s, act, open_id=open_id, purpose=purpose)
        if found.taker != EVERYBODY:
            await require_at_home(s, org_id=act.actor.org_id, object_id=open_id)
        return found

    act = node.house.act(caller.actor, roles[0], node.house.exchange.pen)
    found = await perform(node.house, act, taken, attempted=ACCESS_EVENT, object_id=open_id)
    return await send(request, node, found, if_range)


@router.get("/open-entries/{open_id}/uses")
async def uses(open_id: Id, s: ReadDep) -> list[dict[str, Any]]:
    """How often an entry was had on each day, and how much of it; by whom is not told."""
    await repository.entry(s, open_id=open_id)
    rows = await repository.uses_of(s, open_id=open_id)
    return [{"day": day.isoformat(), "downloads": n, "bytes": str(size)} for day, n, size in rows]


@router.get("/open-list/{open_id}/users")
async def users(open_id: Id, caller: CallerDep, s: ReadDep) -> list[OpenUserView]:
    """The named users of an entry: all, for its agency and who supervises; oneself, for a user."""
    row = await repository.entry(s, open_id=open_id)
    found = await repository.users_of(s, open_id=open_id)
    mine = caller.actor.org_id
    sees_all = mine == row.agency_id or caller.actor.roles & LOOKERS
    return [OpenUserView.of(one) for one in found if sees_all or one.user_id == mine]


@router.get("/open-agreements")
async def agreements(
    caller: CallerDep, s: ReadDep, open_id: Annotated[Id | None, Query()] = None
) -> list[OpenAgreementView]:
    """Agreements: one's own; on an entry of one's own; on any entry, for who supervises."""
    mine = caller.actor.org_id
    user_id: str | None = mine
    if open_id is not None:
        row = await repository.entry(s, open_id=open_id)
        user_id = None if mine == row.agency_id or caller.actor.roles & LOOKERS else mine
    rows = await repository.agreements_of(s, open_id=open_id, user_id=user_id)
    return [OpenAgreementView.of(row) for row in rows]


@router.get("/open-agreements/{agreement_id}/policy")
async def policy(agreement_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """What an agreement says, as the ODRL document whose digest both sign."""
    row = await repository.agreement(s, agreement_id=agreement_id)
    if caller.actor.org_id not in {row.agency_id, row.user_id} and not caller.actor.roles & LOOKERS:
        raise NotFound("no such agreement", agreement_id=agreement_id)
    return Response(row.policy, media_type="application/ld+json")


@router.post("/open-entries", **answers(PROPOSE, OpenEntryView))
async def propose(caller: CallerDep, args: ProposeArgs) -> Response:
    """Propose to open data of one's own list, as its agency."""
    return respond(await caller.do(PROPOSE, args))


@router.post("/open-entries/{open_id}/review", **answers(REVIEW, OpenEntryView))
async def review(open_id: Id, caller: CallerDep) -> Response:
    """Review an entry, as the agency's chief data officer; also one that was suspended."""
    return respond(await caller.do(REVIEW, EntryArgs(open_id=open_id)))


@router.post("/open-entries/{open_id}/publish", **answers(PUBLISH, OpenEntryView))
async def publish(open_id: Id, caller: CallerDep) -> Response:
    """Open what was reviewed, in the mode that was."""
    return respond(await caller.do(PUBLISH, EntryArgs(open_id=open_id)))


@router.post("/open-entries/{open_id}/refuse", **answers(REFUSE, OpenEntryView))
async def refuse(open_id: Id, caller: CallerDep, form: NotOpenForm) -> Response:
    """Say that data is not opened, and by which law, as the chief data officer."""
    return respond(await caller.do(REFUSE, NotOpenArgs(open_id=open_id, **dict(form))))


@router.post("/open-entries/{open_id}/suspend", **answers(SUSPEND, OpenEntryView))
async def suspend(open_id: Id, caller: CallerDep, form: SuspendForm) -> Response:
    """Take an entry out of the catalogue, as its agency or an authority, which then holds it."""
    return respond(await caller.do(SUSPEND, SuspendArgs(open_id=open_id, **dict(form))))


@router.post("/open-entries/{open_id}/release", **answers(RELEASE, OpenEntryView))
async def release(open_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """Let an entry go that this authority suspended; its agency reviews it anew."""
    return respond(await caller.do(RELEASE, TextArgs(open_id=open_id, text=form.text)))


@router.post("/open-entries/{open_id}/retire", **answers(RETIRE, OpenEntryView))
async def retire(open_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """End an entry, as its agency."""
    return respond(await caller.do(RETIRE, TextArgs(open_id=open_id, text=form.text)))


@router.post("/open-entries/{open_id}/users", **answers(NAME, OpenUserView))
async def name_user(open_id: Id, caller: CallerDep, form: UserForm) -> Response:
    """Name a user of a targeted opening, for purposes, until a day."""
    return respond(await caller.do(NAME, UserArgs(open_id=open_id, **dict(form))))


@router.post("/open-entries/{open_id}/users/{user_id}/end", **answers(UNNAME, OpenUserView))
async def unname_user(open_id: Id, user_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """Name a user no longer."""
    return respond(await caller.do(UNNAME, UnnameArgs(open_id=open_id, user_id=user_id, text=form.text)))


@router.post("/open-entries/{open_id}/agreements", **answers(OFFER, OpenAgreementView))
async def offer(open_id: Id, caller: CallerDep, form: OfferForm) -> Response:
    """Offer a user an agreement on an authorised opening, as its agency."""
    return respond(await caller.do(OFFER, OfferArgs(open_id=open_id, **dict(form))))


@router.post("/open-agreements/{agreement_id}/sign", **answers(SIGN, OpenAgreementView))
async def sign(agreement_id: Id, caller: CallerDep, form: SignForm) -> Response:
    """Sign an agreement by the digest of its policy, as the user whom it names."""
    return respond(await caller.do(SIGN, SignArgs(agreement_id=agreement_id, **dict(form))))


@router.post("/open-agreements/{agreement_id}/decline", **answers(DECLINE, OpenAgreementView))
async def decline(agreement_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """Decline an agreement."""
    args = AgreementTextArgs(agreement_id=agreement_id, text=form.text)
    return respond(await caller.do(DECLINE, args))


@router.post("/open-agreements/{agreement_id}/end", **answers(END, OpenAgreementView))
async def end_agreement(agreement_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """End an agreement, or take its offer back, as the agency or the user."""
    return respond(await caller.do(END, AgreementTextArgs(agreement_id=agreement_id, text=form.text)))


@router.get("/open-checks")
async def checks(s: ReadDep, caller: CallerDep) -> list[OpenCheckView]:
    """Checks of the open list against reality, newest first."""
    own = None if caller.actor.roles & LOOKERS else caller.actor.org_id
    return [OpenCheckView.of(row) for row in await repository.checks(s, agency_id=own)]


@router.post("/open-checks", status_code=201, response_model=OpenCheckView)
async def check(caller: CallerDep) -> Response:
    """Check the open list against reality, now: all of it, or an agency its own part.

    Every file that is open is read to its end. What is damaged, or closed by its level, is suspended.
    """
    return respond(await run_check(caller))


@router.get("/open-priorities")
async def priorities(
    caller: CallerDep, s: ReadDep, agency_id: Annotated[Id | None, Query()] = None, limit: Limit = 50
) -> list[RankedView]:
    """What an agency opens first, by demand and livelihood; each row says why."""
    whose = _whose(caller) or agency_id
    if whose is None:
        raise NotFound("name an agency")
    rows = await planning.ranked(s, agency_id=whose, at=caller.node.clock.now())
    return [RankedView(**row.document()) for row in rows[:limit]]


@router.get("/open-plans")
async def plans(
    caller: CallerDep, s: ReadDep, agency_id: Annotated[Id | None, Query()] = None
) -> list[PlanDoneView]:
    """Yearly opening plans, and how much of each is done by now."""
    now = caller.node.clock.now()
    found = []
    for row in await repository.plans(s, agency_id=agency_id):
        done = await planning.done_of(s, row, until=now)
        said = OpenPlanView.of(row).model_dump()
        share = None if done.share is None else str(done.share)
        found.append(PlanDoneView(**said, done=list(done.done), missing=list(done.missing), share=share))
    return found


@router.post("/open-plans", **answers(PUBLISH_PLAN, OpenPlanView))
async def publish_plan(caller: CallerDep, args: PlanArgs) -> Response:
    """Publish a year's opening plan: the first rows of the ranking, as the chief data officer."""
    return respond(await caller.do(PUBLISH_PLAN, args))


@router.post("/open-plans/revise", **answers(REVISE_PLAN, OpenPlanView))
async def revise_plan(caller: CallerDep, args: PlanArgs) -> Response:
    """Rank a year's plan anew; what was opened of it stays in it."""
    return respond(await caller.do(REVISE_PLAN, args))


def _whose(caller: Caller) -> str | None:
    """None for who supervises, and sees all; else one's own organisation."""
    return None if caller.actor.roles & LOOKERS else caller.actor.org_id
