"""Registration of data rights and of public-data resources: from the application to its end."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession
from base.errors import NotFound
from registry.registration import repository
from registry.registration.states import NOTICED, PUBLIC, RegistrationState
from registry.registration.tables import RegistrationRow
from web.acts import Id
from web.api.registration_acts import (
    ACCEPT,
    AGREE,
    APPLY,
    ASK,
    CONFIRM,
    DECLINE,
    DISMISS,
    EXTEND,
    GRANT,
    ISSUE,
    NOTE,
    OBJECT,
    PUBLISH,
    REFUSE,
    RELEASE,
    RESOLVE,
    RESUBMIT,
    REVOKE,
    SUPPLEMENT,
    UPHOLD,
    WITHDRAW,
)
from web.deps import CallerDep, ReadDep, answers, respond
from web.registration_forms import (
    ApplyArgs,
    ClaimView,
    DeclaredForm,
    DeclineArgs,
    DismissArgs,
    DismissForm,
    GapsArgs,
    GapsForm,
    NoteArgs,
    NoteForm,
    NoteView,
    NoticeArgs,
    NoticeForm,
    ObjectionArgs,
    ObjectionForm,
    OfWishArgs,
    ReasonArgs,
    ReasonForm,
    RefusalArgs,
    RefusalForm,
    RegistrationArgs,
    RegistrationObjectionView,
    RegistrationView,
    ReleaseArgs,
    ReleaseForm,
    ResolveArgs,
    ResolveForm,
    ResubmitArgs,
    RevokeArgs,
    RevokeForm,
    UpholdArgs,
    UpholdForm,
    WishArgs,
    WishForm,
    WishView,
)
from web.views import View

router = APIRouter(tags=["registration"])
_LOOKERS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR"})
No = Annotated[str, Field(pattern=r"^(SJ|GS)[0-9A-Z]{13}$")]
Limit = Annotated[int, Query(ge=1, le=100)]


class FullRegistrationView(RegistrationView):
    """With the declaration, who holds what, what was objected, asked and noted."""

    declaration: dict[str, object]
    gaps: list[str] | None
    claims: list[ClaimView]
    objections: list[RegistrationObjectionView]
    wishes: list[WishView]
    notes: list[NoteView]


class NoticeView(View):
    """What the public notice and the register show of a registration."""

    registration_id: str
    kind: str
    status: str
    applicant_id: str
    name: str
    abstract: str | None
    restriction: dict[str, object] | None
    notice_until: str | None
    number: str | None
    valid_to: str | None
    rights: list[ClaimView]


async def full_view(s: ReadSession, row: RegistrationRow) -> FullRegistrationView:
    """A registration with all that belongs to it, for whom it concerns."""
    about = {"registration_id": row.registration_id}
    return FullRegistrationView(
        **RegistrationView.of(row).model_dump(),
        declaration=row.declaration,
        gaps=row.gaps,
        claims=[ClaimView.of(one) for one in await repository.claims_of(s, **about)],
        objections=[RegistrationObjectionView.of(one) for one in await repository.objections_to(s, **about)],
        wishes=[WishView.of(one) for one in await repository.wishes_of(s, **about)],
        notes=[NoteView.of(one) for one in await repository.notes_of(s, **about)],
    )


async def notice_view(s: ReadSession, row: RegistrationRow) -> NoticeView:
    """What is public of a registration; what was withheld is not shown."""
    shown = {name: row.declaration[name] for name in ("abstract", "restriction") if name not in row.withheld}
    claims = await repository.claims_of(s, registration_id=row.registration_id)
    view = RegistrationView.of(row).model_dump(mode="json")
    named = (
        "registration_id",
        "kind",
        "status",
        "applicant_id",
        "name",
        "notice_until",
        "number",
        "valid_to",
    )
    return NoticeView(
        **{name: view[name] for name in named},
        abstract=shown.get("abstract"),
        restriction=shown.get("restriction"),
        rights=[ClaimView.of(one) for one in claims],
    )


@router.get("/registration-notices")
async def notices(
    s: ReadDep, after: Annotated[Id | None, Query()] = None, limit: Limit = 50
) -> list[NoticeView]:
    """Applications on public notice, newest first; whoever knows of a reason against one objects."""
    rows = await repository.registrations(s, states=NOTICED, after=after, limit=limit)
    return [await notice_view(s, row) for row in rows]


@router.get("/registrations")
async def registrations(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[RegistrationState | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> list[RegistrationView]:
    """One's own registrations; those filed with it, for a registrar; all, for who supervises."""
    actor = caller.actor
    own = {} if actor.roles & _LOOKERS else {"org_id": actor.org_id}
    own = {"registrar_id": actor.org_id} if "REGISTRAR" in actor.roles else own
    states = () if status is None else (status,)
    rows = await repository.registrations(s, states=states, after=after, limit=limit, **own)
    return [RegistrationView.of(row) for row in rows]


@router.get("/registrations/by-number/{number}")
async def by_number(number: No, s: ReadDep) -> NoticeView:
    """The registration of a certificate's number, for anybody: whether it stands, and what it says."""
    return await notice_view(s, await repository.registration_numbered(s, number=number))


@router.get("/registrations/{registration_id}")
async def registration(registration_id: Id, caller: CallerDep, s: ReadDep) -> FullRegistrationView:
    """A registration with its file, for its applicant, its holders, its registrar and who supervises."""
    row = await repository.get_registration(s, registration_id=registration_id)
    claims = await repository.claims_of(s, registration_id=registration_id)
    wishes = await repository.wishes_of(s, registration_id=registration_id)
    concerned = {row.applicant_id, row.registrar_id, *(claim.holder_id for claim in claims)}
    concerned |= {org_id for wish in wishes if wish.done is None for org_id in wish.must_agree}
    if caller.actor.org_id not in concerned and not caller.actor.roles & _LOOKERS:
        raise NotFound("no such registration", registration_id=registration_id)
    return await full_view(s, row)


@router.get("/registrations/{registration_id}/notice")
async def notice(registration_id: Id, s: ReadDep) -> NoticeView:
    """What is public of a registration, once it was on notice."""
    row = await repository.get_registration(s, registration_id=registration_id)
    if row.status not in PUBLIC:
        raise NotFound("no such registration", registration_id=registration_id)
    return await notice_view(s, row)


@router.post("/registrations", **answers(APPLY, RegistrationView))
async def apply(caller: CallerDep, args: ApplyArgs) -> Response:
    """Apply for the registration of a data right, or of a public-data resource."""
    return respond(await caller.do(APPLY, args))


@router.post("/registrations/{registration_id}/confirm", **answers(CONFIRM, RegistrationView))
async def confirm(registration_id: Id, caller: CallerDep) -> Response:
    """Say yes to the rights that another's application names for oneself."""
    return respond(await caller.do(CONFIRM, RegistrationArgs(registration_id=registration_id)))


@router.post("/registrations/{registration_id}/accept", **answers(ACCEPT, RegistrationView))
async def accept(registration_id: Id, caller: CallerDep) -> Response:
    """Take an application up, as its registrar; silence for three working days does the same."""
    return respond(await caller.do(ACCEPT, RegistrationArgs(registration_id=registration_id)))


@router.post("/registrations/{registration_id}/supplement", **answers(SUPPLEMENT, RegistrationView))
async def supplement(registration_id: Id, caller: CallerDep, form: GapsForm) -> Response:
    """Tell all that is missing, at once and once, as the registrar."""
    return respond(await caller.do(SUPPLEMENT, GapsArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/resubmit", **answers(RESUBMIT, RegistrationView))
async def resubmit(registration_id: Id, caller: CallerDep, form: DeclaredForm) -> Response:
    """Bring what was missing, as the applicant."""
    return respond(await caller.do(RESUBMIT, ResubmitArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/withdraw", **answers(WITHDRAW, RegistrationView))
async def withdraw(registration_id: Id, caller: CallerDep) -> Response:
    """Take an application back."""
    return respond(await caller.do(WITHDRAW, RegistrationArgs(registration_id=registration_id)))


@router.post("/registrations/{registration_id}/extend", **answers(EXTEND, RegistrationView))
async def extend(registration_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Take ten working days more for the review, once, as the registrar."""
    return respond(await caller.do(EXTEND, ReasonArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/refuse", **answers(REFUSE, RegistrationView))
async def refuse(registration_id: Id, caller: CallerDep, form: RefusalForm) -> Response:
    """Refuse an application for a reason of Art 22, as the registrar."""
    return respond(await caller.do(REFUSE, RefusalArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/publish", **answers(PUBLISH, RegistrationView))
async def publish(registration_id: Id, caller: CallerDep, form: NoticeForm) -> Response:
    """Put an application on public notice, as the registrar."""
    return respond(await caller.do(PUBLISH, NoticeArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/objections", **answers(OBJECT, RegistrationObjectionView))
async def object_to(registration_id: Id, caller: CallerDep, form: ObjectionForm) -> Response:
    """Object by name and with evidence: on notice, or late; a late objection suspends what rests on it."""
    return respond(await caller.do(OBJECT, ObjectionArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/uphold", **answers(UPHOLD, RegistrationView))
async def uphold(registration_id: Id, caller: CallerDep, form: UpholdForm) -> Response:
    """Find an objection on notice right: the application is refused."""
    return respond(await caller.do(UPHOLD, UpholdArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/dismiss", **answers(DISMISS, RegistrationView))
async def dismiss(registration_id: Id, caller: CallerDep, form: DismissForm) -> Response:
    """Find all open objections wrong, with reasons: the notice goes on."""
    return respond(await caller.do(DISMISS, DismissArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/issue", **answers(ISSUE, RegistrationView))
async def issue(registration_id: Id, caller: CallerDep) -> Response:
    """Deposit the evidence and issue the certificate with its number, as the registrar."""
    return respond(await caller.do(ISSUE, RegistrationArgs(registration_id=registration_id)))


@router.post("/registrations/{registration_id}/requests", **answers(ASK, WishView))
async def ask(registration_id: Id, caller: CallerDep, form: WishForm) -> Response:
    """Ask for a change, a transfer, a renewal or a cancellation, as a holder."""
    return respond(await caller.do(ASK, WishArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/requests/{wish_id}/agree", **answers(AGREE, WishView))
async def agree(registration_id: Id, wish_id: Id, caller: CallerDep) -> Response:
    """Say yes to what a holder asked, as whom it concerns."""
    return respond(await caller.do(AGREE, OfWishArgs(registration_id=registration_id, wish_id=wish_id)))


@router.post("/registrations/{registration_id}/requests/{wish_id}/decline", **answers(DECLINE, WishView))
async def decline(registration_id: Id, wish_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Decline what a holder asked, with a reason, as the registrar."""
    about = {"registration_id": registration_id, "wish_id": wish_id}
    return respond(await caller.do(DECLINE, DeclineArgs(**about, reason=form.reason)))


@router.post("/registrations/{registration_id}/requests/{wish_id}/grant", **answers(GRANT, RegistrationView))
async def grant(registration_id: Id, wish_id: Id, caller: CallerDep) -> Response:
    """Enter what a holder asked for, as the registrar."""
    return respond(await caller.do(GRANT, OfWishArgs(registration_id=registration_id, wish_id=wish_id)))


@router.post("/registrations/{registration_id}/notes", **answers(NOTE, NoteView))
async def note(registration_id: Id, caller: CallerDep, form: NoteForm) -> Response:
    """Note a term, an order or a pledge on a registration, as the registrar."""
    return respond(await caller.do(NOTE, NoteArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/notes/{note_id}/release", **answers(RELEASE, NoteView))
async def release(registration_id: Id, note_id: Id, caller: CallerDep, form: ReleaseForm) -> Response:
    """Take a note off, as the registrar."""
    about = {"registration_id": registration_id, "note_id": note_id}
    return respond(await caller.do(RELEASE, ReleaseArgs(**about, **dict(form))))


@router.post("/registrations/{registration_id}/resolve", **answers(RESOLVE, RegistrationView))
async def resolve(registration_id: Id, caller: CallerDep, form: ResolveForm) -> Response:
    """End a dispute over a registration: it is kept, or cancelled."""
    return respond(await caller.do(RESOLVE, ResolveArgs(registration_id=registration_id, **dict(form))))


@router.post("/registrations/{registration_id}/revoke", **answers(REVOKE, RegistrationView))
async def revoke(registration_id: Id, caller: CallerDep, form: RevokeForm) -> Response:
    """Revoke a registration that was obtained or used wrongly, as its registrar."""
    return respond(await caller.do(REVOKE, RevokeArgs(registration_id=registration_id, **dict(form))))
