"""Security bulletins: issued to members by role, region and sector, read against a receipt."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from base.db import ReadSession
from cases.bulletins import repository
from cases.bulletins.errors import BulletinUnknown
from cases.bulletins.rules import advisory as advisory_of
from cases.bulletins.states import BulletinState
from cases.bulletins.tables import BulletinRow
from cases.incidents.states import OPERATOR
from identity.repository import organisation_names
from web.acts import Id
from web.api.incident_acts import ISSUE, RECEIVE_BULLETIN, SUBSCRIBE, UNSUBSCRIBE, WITHDRAW_BULLETIN
from web.deps import Caller, CallerDep, ReadDep, answers, respond
from web.incident_forms import BulletinArgs, BulletinWhyArgs, IssueArgs, NothingArgs, SubscribeArgs, WhyForm
from web.incident_views import AddresseeView, BulletinView, MyBulletinView, SubscriptionView

router = APIRouter(tags=["bulletins"])
Limit = Annotated[int, Query(ge=1, le=100)]


async def bulletins_for(s: ReadSession, rows: Sequence[BulletinRow], caller: Caller) -> list[MyBulletinView]:
    """Those of these bulletins that one may see: one's own, those for one, all as the exchange."""
    actor, ids = caller.actor, [row.bulletin_id for row in rows]
    issued = [row.bulletin_id for row in rows if row.issued_by == actor.org_id or OPERATOR in actor.roles]
    received = await repository.count_received(s, bulletin_ids=issued)
    mine = await repository.receipts_of(s, bulletin_ids=ids, org_id=actor.org_id)
    views = []
    for row in rows:
        one, more = row.bulletin_id, dict[str, Any]()
        if one in received:
            more |= {"addressed": row.addressed, "received": received[one]}
        if one in mine:
            more |= {"received_at": mine[one].received_at, "reminded_at": mine[one].reminded_at}
        if one in received or one in mine:
            views.append(MyBulletinView(**BulletinView.of(row).model_dump()).model_copy(update=more))
    return views


async def bulletin_for(s: ReadSession, row: BulletinRow, caller: Caller) -> MyBulletinView:
    """A bulletin as who issued it, or whom it is addressed to, sees it. Raises BulletinUnknown."""
    for view in await bulletins_for(s, [row], caller):
        return view
    raise BulletinUnknown("no such bulletin", bulletin_id=row.bulletin_id)


@router.get("/bulletins")
async def bulletins(
    caller: CallerDep, s: ReadDep, after: Annotated[Id | None, Query()] = None, limit: Limit = 50
) -> list[MyBulletinView]:
    """The bulletins that are addressed to one, or that one has issued, newest first; the exchange: all."""
    whose: dict[str, Any] = (
        {}
        if OPERATOR in caller.actor.roles
        else {"reader_id": caller.actor.org_id, "issued_by": caller.actor.org_id}
    )
    rows = await repository.bulletins(s, **whose, after=after, limit=limit)
    return await bulletins_for(s, rows, caller)


@router.get("/bulletins/{bulletin_id}")
async def bulletin(bulletin_id: Id, caller: CallerDep, s: ReadDep) -> MyBulletinView:
    """A bulletin with one's own receipt."""
    return await bulletin_for(s, await repository.get_bulletin(s, bulletin_id=bulletin_id), caller)


@router.get("/bulletins/{bulletin_id}/advisory")
async def advisory(bulletin_id: Id, caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """A bulletin for programs: the simple members of CSAF 2.0."""
    row = await repository.get_bulletin(s, bulletin_id=bulletin_id)
    await bulletin_for(s, row, caller)
    names = await organisation_names(s, org_ids=[row.issued_by])
    return advisory_of(
        bulletin_id=row.bulletin_id,
        title=row.title,
        text=row.text,
        colour=row.colour,
        issued_at=row.issued_at,
        publisher=names.get(row.issued_by, row.issued_by),
        withdrawn=row.status is BulletinState.WITHDRAWN,
        references=row.references,
        remediation=row.remediation,
    )


@router.get("/bulletins/{bulletin_id}/receipts")
async def receipts(bulletin_id: Id, caller: CallerDep, s: ReadDep) -> list[AddresseeView]:
    """Who has stated the receipt and who has not, for who issued it and the exchange."""
    row = await repository.get_bulletin(s, bulletin_id=bulletin_id)
    if row.issued_by != caller.actor.org_id and OPERATOR not in caller.actor.roles:
        raise BulletinUnknown("no such bulletin of yours", bulletin_id=bulletin_id)
    return [AddresseeView.of(one) for one in await repository.addressees(s, bulletin_id=bulletin_id)]


@router.post("/bulletins", **answers(ISSUE, BulletinView))
async def issue(caller: CallerDep, args: IssueArgs) -> Response:
    """Issue a bulletin to every member that it is addressed to."""
    return respond(await caller.do(ISSUE, args))


@router.post("/bulletins/{bulletin_id}/receive", **answers(RECEIVE_BULLETIN, AddresseeView))
async def receive(bulletin_id: Id, caller: CallerDep) -> Response:
    """State that one has read a bulletin."""
    return respond(await caller.do(RECEIVE_BULLETIN, BulletinArgs(bulletin_id=bulletin_id)))


@router.post("/bulletins/{bulletin_id}/withdraw", **answers(WITHDRAW_BULLETIN, BulletinView))
async def withdraw(bulletin_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Take a bulletin back, as who has issued it."""
    args = BulletinWhyArgs(bulletin_id=bulletin_id, reason=form.reason)
    return respond(await caller.do(WITHDRAW_BULLETIN, args))


@router.get("/bulletin-subscription")
async def subscription(caller: CallerDep, s: ReadDep) -> SubscriptionView | None:
    """One's own subscription, if it stands."""
    row = await repository.subscription_of(s, org_id=caller.actor.org_id)
    return None if row is None else SubscriptionView.of(row)


@router.post("/bulletin-subscription", **answers(SUBSCRIBE, SubscriptionView))
async def subscribe(caller: CallerDep, args: SubscribeArgs) -> Response:
    """Ask for bulletins of these sectors; of all without one."""
    return respond(await caller.do(SUBSCRIBE, args))


@router.post("/bulletin-subscription/end", **answers(UNSUBSCRIBE, SubscriptionView))
async def unsubscribe(caller: CallerDep) -> Response:
    """End one's subscription."""
    return respond(await caller.do(UNSUBSCRIBE, NothingArgs()))
