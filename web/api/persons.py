"""Persons' data: what a data subject says and asks, what its holder answers, what a receiver confirms."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from registry.subjects import repository
from registry.subjects.errors import SubjectRecordUnknown
from registry.subjects.states import HOLDERS
from web import persons
from web.acts import Id
from web.api.person_acts import (
    ANSWER,
    CONFIRM,
    FINISH,
    INVITE,
    PUBLISH,
    RECALL,
    REFUSE,
    RETIRE,
    SHOW,
)
from web.deps import CallerDep, NodeDep, ReadDep, answers, respond
from web.person_forms import (
    AnswerArgs,
    CodeForm,
    ComplaintForm,
    ConfirmArgs,
    ConfirmForm,
    GiveForm,
    InvitationForm,
    InviteArgs,
    OfRequestArgs,
    OfWordingArgs,
    PathForm,
    RefuseArgs,
    RefuseForm,
    RequestForm,
    ShowArgs,
    SignedForm,
    TextForm,
    TieArgs,
    WordingArgs,
    desk_of,
    person_of,
)
from web.person_views import (
    AcceptedView,
    ComplainedView,
    DeletionView,
    FullGivenView,
    FullRequestView,
    GivenView,
    MyDataView,
    OwnTieView,
    RequestView,
    SessionView,
    TieView,
    ToldView,
    WordingView,
    given_view,
    my_data,
    request_view,
)
from web.proceedings import held_up

router = APIRouter(tags=["persons"])
PersonDep = Annotated[str, Depends(person_of)]
After = Annotated[Id | None, Query()]
Limit = Annotated[int, Query(ge=1, le=100)]
_SUPERVISORS: Final = frozenset({"DATA_AUTHORITY", "CAC", "AUDITOR"})


# -- the person


@router.post("/my-data/accounts", status_code=201)
async def open_account(request: Request, node: NodeDep, form: InvitationForm) -> AcceptedView:
    """Answer a holder's invitation as a new person; the code that comes back is told once."""
    held_up(request)
    return await persons.accept(node, form)


@router.post("/my-data/session")
async def sign_in(request: Request, node: NodeDep, form: CodeForm) -> SessionView:
    """Sign in by a code, for half an hour."""
    held_up(request)
    return await persons.sign_in(node, form.code)


@router.post("/my-data/sign-out", status_code=204)
async def sign_out(node: NodeDep, subject_id: PersonDep) -> None:
    """End every session of one's own."""
    await persons.sign_out(node, subject_id)


@router.post("/my-data/ties", status_code=201)
async def tie(node: NodeDep, subject_id: PersonDep, form: InvitationForm) -> OwnTieView:
    """Answer a further holder's invitation."""
    return OwnTieView.model_validate(await persons.accept_another(node, subject_id, form))


@router.get("/my-data")
async def own(node: NodeDep, s: ReadDep, subject_id: PersonDep) -> MyDataView:
    """Who knows one under which pseudonym, what they ask, what one has consented to and asked."""
    return await my_data(node, s, subject_id)


@router.post("/my-data/consents", status_code=201)
async def give(node: NodeDep, subject_id: PersonDep, form: GiveForm) -> GivenView:
    """Consent to what one wording asks, or to less."""
    return GivenView.of(await persons.give(node, subject_id, form))


@router.get("/my-data/consents/{given_id}")
async def consent(given_id: Id, s: ReadDep, subject_id: PersonDep) -> FullGivenView:
    """One's own consent with its proof, and who was told to delete."""
    row = await repository.get_given(s, given_id=given_id)
    if row.subject_id != subject_id:
        raise SubjectRecordUnknown("no such record")
    return await given_view(s, row)


@router.post("/my-data/consents/{given_id}/withdraw")
async def withdraw(given_id: Id, node: NodeDep, subject_id: PersonDep, form: SignedForm) -> GivenView:
    """Take a consent back; no reason is asked, and what rests on it stops at once."""
    return GivenView.of(await persons.withdraw(node, subject_id, given_id, form.signature))


@router.post("/my-data/consents/{given_id}/show")
async def show_own(given_id: Id, node: NodeDep, subject_id: PersonDep, form: PathForm) -> GivenView:
    """Show by a Merkle path that one is in a record of consents, or is not."""
    return GivenView.of(await persons.show(node, subject_id, given_id, form))


@router.post("/my-data/requests", status_code=201)
async def ask(node: NodeDep, subject_id: PersonDep, form: RequestForm) -> RequestView:
    """Ask a holder for access, a copy, a correction, deletion, portability, an explanation, a restriction."""
    return RequestView.model_validate(await persons.ask(node, subject_id, form))


@router.post("/my-data/requests/{request_id}/finish")
async def finish_own(request_id: Id, node: NodeDep, subject_id: PersonDep, form: SignedForm) -> RequestView:
    """Say that what was answered is done."""
    return RequestView.model_validate(await persons.finish(node, subject_id, request_id, form.signature))


@router.post("/my-data/requests/{request_id}/complain", status_code=201)
async def complain(
    request_id: Id, node: NodeDep, subject_id: PersonDep, form: ComplaintForm
) -> ComplainedView:
    """Complain to the authority of a refusal, an answer or silence."""
    return await persons.complain(node, subject_id, request_id, form.text, form.signature)


# -- the holder


@router.get("/persons")
async def ties(caller: CallerDep, s: ReadDep, after: After = None, limit: Limit = 50) -> list[TieView]:
    """The persons whom one knows here, by pseudonym."""
    caller.require(*HOLDERS)
    rows = await repository.ties(s, holder_id=caller.actor.org_id, after=after, limit=limit)
    return [TieView.of(row) for row in rows]


@router.post("/persons", **answers(INVITE, TieView))
async def invite(caller: CallerDep, args: InviteArgs) -> Response:
    """Invite a person whom one knows under a pseudonym; the code is one's own to make and to hand over."""
    return respond(await caller.do(INVITE, args))


@router.post("/persons/{tie_id}/recall", **answers(RECALL, TieView))
async def recall(tie_id: Id, caller: CallerDep) -> Response:
    """Take an invitation back."""
    return respond(await caller.do(RECALL, TieArgs(tie_id=tie_id)))


@router.get("/consent-wordings")
async def wordings(
    caller: CallerDep, s: ReadDep, holder_id: Annotated[Id | None, Query()] = None
) -> list[WordingView]:
    """What a holder asks of persons; one's own where none is named, old versions included."""
    mine = holder_id in {None, caller.actor.org_id}
    rows = await repository.wordings(s, holder_ids=[holder_id or caller.actor.org_id], standing=not mine)
    return [WordingView.of(row) for row in rows]


@router.post("/consent-wordings", **answers(PUBLISH, WordingView))
async def publish(caller: CallerDep, args: WordingArgs) -> Response:
    """Ask persons for one thing, in a new version."""
    return respond(await caller.do(PUBLISH, args))


@router.post("/consent-wordings/{wording_id}/retire", **answers(RETIRE, WordingView))
async def retire(wording_id: Id, caller: CallerDep) -> Response:
    """Ask this no more."""
    return respond(await caller.do(RETIRE, OfWordingArgs(wording_id=wording_id)))


@router.get("/person-consents")
async def givens(caller: CallerDep, s: ReadDep, after: After = None, limit: Limit = 50) -> list[GivenView]:
    """The consents that persons have given to the caller."""
    caller.require(*HOLDERS)
    rows = await repository.givens(s, holder_id=caller.actor.org_id, after=after, limit=limit)
    return [GivenView.of(row) for row in rows]


@router.get("/person-consents/{given_id}")
async def given(given_id: Id, caller: CallerDep, s: ReadDep) -> FullGivenView:
    """A consent with its proof, for the holder to whom it was given."""
    row = await repository.get_given(s, given_id=given_id)
    if row.holder_id != caller.actor.org_id:
        raise SubjectRecordUnknown("no such record")
    return await given_view(s, row)


@router.post("/person-consents/{given_id}/show", **answers(SHOW, GivenView))
async def show(given_id: Id, caller: CallerDep, form: PathForm) -> Response:
    """Show that a person is in a record of consents, or is not; the latter settles a withdrawal."""
    args = ShowArgs(given_id=given_id, **form.model_dump())
    return respond(await caller.do(SHOW, args))


@router.get("/person-requests")
async def requests(
    caller: CallerDep, node: NodeDep, s: ReadDep, after: After = None, limit: Limit = 50
) -> list[FullRequestView]:
    """What persons have asked of the caller, with their words."""
    caller.require(*HOLDERS)
    rows = await repository.asked(s, holder_id=caller.actor.org_id, after=after, limit=limit)
    return [request_view(desk_of(node), row, node.clock.now()) for row in rows]


@router.post("/person-requests/{request_id}/answer", **answers(ANSWER, RequestView))
async def answer(request_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """Answer a person."""
    return respond(await caller.do(ANSWER, AnswerArgs(request_id=request_id, text=form.text)))


@router.post("/person-requests/{request_id}/refuse", **answers(REFUSE, RequestView))
async def refuse(request_id: Id, caller: CallerDep, form: RefuseForm) -> Response:
    """Refuse a person, with the ground that the person is told."""
    return respond(await caller.do(REFUSE, RefuseArgs(request_id=request_id, **dict(form))))


@router.post("/person-requests/{request_id}/finish", **answers(FINISH, RequestView))
async def finish(request_id: Id, caller: CallerDep) -> Response:
    """Say that what was answered is carried out."""
    return respond(await caller.do(FINISH, OfRequestArgs(request_id=request_id)))


# -- the receiver


@router.get("/person-deletions")
async def told(
    caller: CallerDep, s: ReadDep, after: After = None, limit: Limit = 50
) -> list[ToldView | DeletionView]:
    """Persons whose rows the caller deletes; those told on the caller's account, for a holder."""
    org_id = caller.actor.org_id
    if caller.actor.roles & _SUPERVISORS:
        rows = await repository.deletions(s, after=after, limit=limit)
        return [DeletionView.of(row) for row in rows]
    mine = await repository.deletions(s, receiver_id=org_id, after=after, limit=limit)
    caused = await repository.deletions(s, holder_id=org_id, after=after, limit=limit)
    return [*map(ToldView.model_validate, mine), *map(DeletionView.of, caused)][:limit]


@router.post("/person-deletions/{deletion_id}/confirm", **answers(CONFIRM, DeletionView))
async def confirm(deletion_id: Id, caller: CallerDep, form: ConfirmForm) -> Response:
    """Confirm that a person's rows are deleted."""
    return respond(await caller.do(CONFIRM, ConfirmArgs(deletion_id=deletion_id, **dict(form))))
