"""Share requests (共享申请): asked, granted or refused, served, contested, closed; and what is late.

An unconditional entry below general-3 is granted as it is asked. What a provider does not answer in time is
overdue, counts against it, and goes up to the data authority; so does a refusal that is contested.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import NotFound
from identity.service import require_member
from ledger.recording import Act
from registry.chiefs.depending import require_chief
from registry.doors import Said
from registry.lists import repository
from registry.lists.errors import (
    LinkBroken,
    ListMalformed,
    ListWrongRole,
    ShareAsked,
    ShareClosed,
    ShareWrongState,
)
from registry.lists.handing import check_open, was_there
from registry.lists.keeping import words
from registry.lists.moving import LATE, begin_share, step_share
from registry.lists.rules import MAX_FIELDS, Listed, ShareKind, normal
from registry.lists.sharing_rules import RefusalGround, ShareType, at_once, check_ground, due_after
from registry.lists.states import AUTHORITY, GRANTED, UNDER_WAY, ShareEvent, ShareState, move_share
from registry.lists.tables import DataRow, ShareRow
from registry.rules import Level, highest

_E = ShareEvent
_S = ShareState


async def ask(
    s: WriteSession,
    act: Act,
    *,
    data_id: str,
    kind: ShareType,
    purpose: str,
    basis: str,
    fields: Sequence[str] = (),
    demand_id: str | None = None,
    level: Level = Level.GENERAL_1,
) -> ShareRow:
    """Ask another agency for data, for a correction, or for its own data back (SHR.SUBMIT, SHR.TAKE).

    `fields` are names of the entry's fields; none: all. `level` is what gradings make of the entry, whose
    own word counts too: what is granted as it is asked is below general-3. Raises ShareClosed, ShareAsked,
    LinkBroken, ListMalformed, ListWrongRole.
    """
    entry = await repository.resting_on_entry(s, data_id=data_id)
    taken = at_once(kind, entry.share, highest([entry.level, level]))
    event = _E.TAKE if taken else _E.SUBMIT
    status = move_share(None, event, act.role)
    requester = act.actor.org_id
    await require_member(s, org_id=requester)
    row = ShareRow(
        share_id=act.new_id("shr"),
        data_id=data_id,
        requester_id=requester,
        provider_id=entry.agency_id,
        kind=kind,
        demand_id=demand_id,
        purpose=words(purpose, "purpose"),
        basis=words(basis, "basis"),
        fields=list(fields),
        status=status,
        submitted_at=act.occurred_at,
    )
    await repository.in_turn(s, f"share/{requester}")  # of the same asked at once one is kept
    await _check_asked(s, row, entry)
    if taken:
        row.answered_at, row.serve_by = act.occurred_at, due_after("serve", act.now)
    else:
        row.answer_by = due_after("correct" if kind is ShareType.CORRECTION else "answer", act.now)
    row.due_at = row.serve_by or row.answer_by
    s.add(row)
    await s.flush()
    due = {"serve_by": rfc3339(row.serve_by)} if row.serve_by else {"answer_by": rfc3339(_due(row))}
    opening = {"purpose": row.purpose, "basis": row.basis, "fields": row.fields}
    await begin_share(s, act, event, row, Said(public=due, opening=opening))
    return row


async def grant(s: WriteSession, act: Act, *, share_id: str, answer: str = "") -> ShareRow:
    """Grant a request (SHR.GRANT): the provider; of one that went up also the data authority.

    Raises ShareWrongState, ListWrongRole.
    """
    row = await _answering(s, act, share_id, _E.GRANT)
    serve_by = due_after("serve", act.now)
    late = _is_late(row, act.now)
    said = Said(
        public={"serve_by": rfc3339(serve_by), "late": late},
        opening={"answer": words(answer, "answer")} if answer.strip() else None,
    )
    values = {"serve_by": serve_by, "due_at": serve_by, "ground": None, "answer": answer.strip() or None}
    await step_share(s, act, _E.GRANT, row, said, **values, **_answered(row, act, late=late))
    return row


async def refuse(s: WriteSession, act: Act, *, share_id: str, ground: RefusalGround, reason: str) -> ShareRow:
    """Refuse a request (SHR.REFUSE), with a ground and a reason.

    The provider's chief data officer signs it in person; of one that went up the data authority decides.
    Raises ChiefWanted, ShareWrongState, ListWrongRole, ListMalformed.
    """
    row = await _answering(s, act, share_id, _E.REFUSE)
    check_ground(row.kind, ground)
    said = words(reason)
    chief_id = row.chief_id
    if act.role not in AUTHORITY:
        chief_id = await require_chief(s, act, agency_id=row.provider_id)
    late = _is_late(row, act.now)
    public = {"ground": ground.value, "chief_id": chief_id, "late": late}
    values = {"ground": ground, "answer": said, "chief_id": chief_id, "due_at": None}
    await step_share(
        s,
        act,
        _E.REFUSE,
        row,
        Said(public=public, opening={"reason": said}),
        **values,
        **_answered(row, act, late=late),
    )
    return row


async def contest(s: WriteSession, act: Act, *, share_id: str, grounds: str) -> ShareRow:
    """Take a refusal to the data authority (SHR.CONTEST), as who asked, once."""
    row = await repository.claim_share(s, share_id=share_id)
    move_share(row.status, _E.CONTEST, act.role)
    _check_requester(act, row)
    if row.contested:
        raise ShareWrongState("a refusal is contested once", share_id=share_id, state=row.status.value)
    due_at = due_after("coordinate", act.now)
    said = Said(public={"decide_by": rfc3339(due_at)}, opening={"grounds": words(grounds, "grounds")})
    values = {"contested": True, "escalated_at": act.occurred_at, "due_at": due_at}
    await step_share(s, act, _E.CONTEST, row, said, **values)
    return row


async def serve(s: WriteSession, act: Act, *, share_id: str, served_sha256: str | None = None) -> ShareRow:
    """Say that what was granted is there (SHR.SERVE): mounted, or handed over with this digest.

    The exchange says so of a mounted file that was had. Raises ShareClosed where there is nothing to have,
    ShareWrongState, ListWrongRole.
    """
    row = await repository.claim_share(s, share_id=share_id)
    move_share(row.status, _E.SERVE, act.role)
    entry = await repository.resting_on_entry(s, data_id=row.data_id)
    if act.role == "PUBLIC_AGENCY" and act.actor.org_id != row.provider_id:
        raise ListWrongRole("the provider serves what was granted", share_id=share_id)
    digest = served_sha256 or entry.resource_sha256
    if digest is None and entry.mounted_at is None:
        raise ShareClosed("the entry is mounted to nothing: mount it, or name the digest", share_id=share_id)
    late = row.serve_by is not None and act.now > row.serve_by
    said = Said(
        public={"late": late, "version": entry.version}, subjects={"served": digest} if digest else {}
    )
    values = {"served_at": act.occurred_at, "served_sha256": digest, "due_at": None}
    await step_share(s, act, _E.SERVE, row, said, **values, late_service=late or row.late_service)
    return row


async def had(s: WriteSession, act: Act, *, share_id: str, level: Level, served_sha256: str) -> ShareRow:
    """Say that a file was had (SHR.SERVE), as the exchange: the first of those who have it together says so.

    Raises ShareClosed, ShareWrongState, NotFound where it is granted no more.
    """
    row = await repository.claim_share(s, share_id=share_id)
    if row.status not in GRANTED:
        raise NotFound("no such request, or nothing was granted", share_id=share_id)
    check_open(row, await repository.resting_on_entry(s, data_id=row.data_id), level)
    if row.status is _S.SERVED:
        return row
    return await serve(s, act, share_id=share_id, served_sha256=served_sha256)


async def withdraw(s: WriteSession, act: Act, *, share_id: str) -> ShareRow:
    """Take a request back (SHR.WITHDRAW), as who asked."""
    return await _end(s, act, share_id, _E.WITHDRAW)


async def close(s: WriteSession, act: Act, *, share_id: str) -> ShareRow:
    """Close a request that was served or refused (SHR.CLOSE), as who asked."""
    return await _end(s, act, share_id, _E.CLOSE)


async def share_fell_due(s: WriteSession, act: Act, *, share_id: str, state: str, at: str) -> bool:
    """A period of a request is over: no answer, still none, or not served; returns whether that was stated.

    What stands mounted as a file, and could be had, was there: the exchange says so (SHR.SERVE). A correction
    is said to be done by its agency alone.
    """
    row = await repository.claim_share(s, share_id=share_id)
    due = row.due_at
    if row.status.value != state or due is None or rfc3339(due) != at or act.now < due + LATE:
        return False
    public: dict[str, Any] = {"due_at": at}
    if row.status is _S.SUBMITTED:
        following = due_after("escalate", act.now)
        await step_share(s, act, _E.OVERDUE, row, Said(public=public), late_answer=True, due_at=following)
    elif row.status is _S.OVERDUE:
        following = due_after("coordinate", act.now)
        said = Said(public=public | {"decide_by": rfc3339(following)})
        await step_share(s, act, _E.ESCALATE, row, said, escalated_at=act.occurred_at, due_at=following)
    elif row.status is _S.ANSWERED_GRANT:
        entry = await repository.data_entry(s, data_id=row.data_id)
        if await was_there(s, row, entry):
            said = Said(public={"late": False, "version": entry.version})
            whole = None if row.fields else entry.resource_sha256
            values = {"served_at": due, "served_sha256": whole, "due_at": None}
            await step_share(s, act, _E.SERVE, row, said, **values)
        else:
            await step_share(s, act, _E.LATE, row, Said(public=public), late_service=True, due_at=None)
    else:
        return False
    return True


async def _end(s: WriteSession, act: Act, share_id: str, event: ShareEvent) -> ShareRow:
    row = await repository.claim_share(s, share_id=share_id)
    move_share(row.status, event, act.role)
    _check_requester(act, row)
    await step_share(s, act, event, row, Said(), closed_at=act.occurred_at, due_at=None)
    return row


async def _answering(s: WriteSession, act: Act, share_id: str, event: ShareEvent) -> ShareRow:
    """A request, locked, that the actor may answer: as its provider, or as the data authority."""
    row = await repository.claim_share(s, share_id=share_id)
    move_share(row.status, event, act.role)
    if act.role == "PUBLIC_AGENCY" and act.actor.org_id != row.provider_id:
        raise ListWrongRole("the provider answers", share_id=share_id, provider_id=row.provider_id)
    if act.role in AUTHORITY and act.actor.org_id in {row.provider_id, row.requester_id}:
        raise ListWrongRole("nobody decides a request of its own", share_id=share_id)
    return row


def _check_requester(act: Act, row: ShareRow) -> None:
    if act.actor.org_id != row.requester_id:
        raise ListWrongRole("who asked ends it", share_id=row.share_id)


async def _check_asked(s: WriteSession, row: ShareRow, entry: DataRow) -> None:
    """It stands, is another's, is shared, has these fields, and is not asked already."""
    if entry.status is not Listed.LISTED:
        raise LinkBroken("no such entry is listed", data_id=entry.data_id)
    if entry.agency_id == row.requester_id:
        raise ListMalformed("this agency's own data", fields=["data_id"])
    if entry.share is ShareKind.NOT_SHARED:
        raise ShareClosed("this data is not shared", data_id=entry.data_id, basis=entry.share_reason)
    names = {normal(one["name"]) for one in entry.fields}
    unknown = [one for one in row.fields if normal(one) not in names]
    if unknown or len(row.fields) > MAX_FIELDS:
        raise ListMalformed("no such field in this entry", fields=["fields"], unknown=unknown[:10])
    if row.demand_id is not None:
        demand = await repository.demand(s, demand_id=row.demand_id)
        if demand.agency_id != row.requester_id or demand.data_id != entry.data_id:
            raise LinkBroken("this demand is not met by this entry", demand_id=row.demand_id)
    same = select(ShareRow.share_id).where(
        ShareRow.data_id == entry.data_id,
        ShareRow.requester_id == row.requester_id,
        ShareRow.kind == row.kind,
        col(ShareRow.status).in_(UNDER_WAY),
    )
    asked = (await s.exec(same)).first()
    if asked is not None:
        raise ShareAsked("this is asked already", share_id=asked)


def _answered(row: ShareRow, act: Act, *, late: bool) -> dict[str, Any]:
    """The first answer is what counts; one after a refusal that was contested is no later one."""
    if row.answered_at is not None:
        return {}
    return {"answered_at": act.occurred_at, "late_answer": late}


def _is_late(row: ShareRow, now: datetime) -> bool:
    return row.late_answer or (row.answered_at is None and row.answer_by is not None and now > row.answer_by)


def _due(row: ShareRow) -> datetime:
    assert row.due_at is not None
    return row.due_at
