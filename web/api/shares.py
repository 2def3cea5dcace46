"""Share requests (共享申请): asked, answered, served, closed."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from registry.lists import repository
from registry.lists.sharing_rules import ShareType
from registry.lists.states import ShareState
from web import list_forms as f
from web import list_views as v
from web.acts import Id
from web.api import list_acts as acts
from web.api.lists import After, Limit
from web.deps import CallerDep, ReadDep, answers, respond
from web.lists import LOOKERS, READERS, concerned, send_shared

router = APIRouter(tags=["shares"])


@router.get("/lists/shares")
async def shares(
    *,
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[ShareState | None, Query()] = None,
    kind: Annotated[ShareType | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> list[v.ShareView]:
    """One's own requests and those to answer, newest first (BACKFLOW: 回流); all, for who supervises."""
    caller.require(*READERS)
    own = None if caller.actor.roles & LOOKERS else caller.actor.org_id
    states = () if status is None else (status,)
    rows = await repository.shares(s, of=own, kind=kind, states=states, after=after, limit=limit)
    return [v.ShareView.model_validate(row) for row in rows]


@router.get("/lists/shares/{share_id}")
async def share(share_id: Id, caller: CallerDep, s: ReadDep) -> v.ShareView:
    """A request, for who asked, who is to answer, and who supervises."""
    caller.require(*READERS)
    return v.ShareView.model_validate(await concerned(s, caller, share_id))


@router.get("/lists/shares/{share_id}/file")
async def shared_file(share_id: Id, caller: CallerDep) -> Response:
    """The mounted file of a request that was granted, for who asked; to have it is to be served."""
    return await send_shared(caller, share_id)


@router.post("/lists/shares", **answers(acts.ASK, v.ShareView))
async def ask(caller: CallerDep, args: f.AskArgs) -> Response:
    """Ask for data, for a correction, or for one's own data back; unconditional data is granted at once."""
    return respond(await caller.do(acts.ASK, args))


@router.post("/lists/shares/{share_id}/grant", **answers(acts.GRANT, v.ShareView))
async def grant(share_id: Id, caller: CallerDep, form: f.AnswerForm) -> Response:
    """Grant a request, as its provider; what went up, also as the data authority."""
    return respond(await caller.do(acts.GRANT, f.GrantArgs(share_id=share_id, **dict(form))))


@router.post("/lists/shares/{share_id}/refuse", **answers(acts.REFUSE, v.ShareView))
async def refuse(share_id: Id, caller: CallerDep, form: f.RefuseForm) -> Response:
    """Refuse a request with ground and reason, signed by the provider's chief data officer."""
    return respond(await caller.do(acts.REFUSE, f.RefuseArgs(share_id=share_id, **dict(form))))


@router.post("/lists/shares/{share_id}/contest", **answers(acts.CONTEST, v.ShareView))
async def contest(share_id: Id, caller: CallerDep, form: f.GroundsForm) -> Response:
    """Take a refusal to the data authority, once."""
    return respond(await caller.do(acts.CONTEST, f.ContestArgs(share_id=share_id, **dict(form))))


@router.post("/lists/shares/{share_id}/serve", **answers(acts.SERVE, v.ShareView))
async def serve(share_id: Id, caller: CallerDep, form: f.ServeForm) -> Response:
    """Say that what was granted is there: mounted, or handed over with this digest."""
    return respond(await caller.do(acts.SERVE, f.ServeArgs(share_id=share_id, **dict(form))))


@router.post("/lists/shares/{share_id}/withdraw", **answers(acts.WITHDRAW, v.ShareView))
async def withdraw(share_id: Id, caller: CallerDep) -> Response:
    """Take a request back."""
    return respond(await caller.do(acts.WITHDRAW, f.OfShareArgs(share_id=share_id)))


@router.post("/lists/shares/{share_id}/close", **answers(acts.CLOSE, v.ShareView))
async def close(share_id: Id, caller: CallerDep) -> Response:
    """Close a request that was served or refused."""
    return respond(await caller.do(acts.CLOSE, f.OfShareArgs(share_id=share_id)))
