"""A bulletin is issued to whom it concerns, read against a receipt, reminded of, perhaps withdrawn.

What it says stands in the opening: the log has how urgent it is, how many it is for, and each receipt.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlmodel import col, update

from base.canonical import sha256_hex
from base.clock import parse_rfc3339, rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from cases.bulletins import repository
from cases.bulletins.errors import (
    BulletinMalformed,
    BulletinReachesNobody,
    BulletinReceivedBefore,
    BulletinUnknown,
    BulletinWrongRole,
    BulletinWrongState,
)
from cases.bulletins.rules import (
    MAX_LIST,
    MAX_TEXT,
    MAX_TITLE,
    Address,
    Colour,
    check_address,
    is_addressed,
    receive_by,
)
from cases.bulletins.states import READERS, BulletinEvent, BulletinState, may_move
from cases.bulletins.tables import AddresseeRow, BulletinRow, SubscriptionRow
from cases.incidents import repository as incidents
from cases.incidents.errors import IncidentUnknown
from cases.incidents.moving import LATE
from cases.incidents.seeing import reach_of
from identity.repository import list_organisations
from identity.rules import OrganisationStatus
from ledger.recording import Act, record
from ledger.statement import Draft

REMIND_JOB: Final = "bulletin.remind"
_E = BulletinEvent
_ONCE: Final = 100


async def issue(
    s: WriteSession,
    act: Act,
    *,
    title: str,
    text: str,
    colour: Colour,
    address: Address,
    remediation: str = "",
    references: Sequence[str] = (),
    incident_id: str | None = None,
) -> BulletinRow:
    """Issue a bulletin (BUL.ISSUE) to every member that it is addressed to.

    Raises BulletinWrongRole, BulletinMalformed, BulletinReachesNobody, IncidentUnknown for a hidden one.
    """
    state = may_move(None, _E.ISSUE, act.role)
    check_address(address)
    _check(title, MAX_TITLE, "title")
    _check(text, MAX_TEXT, "text")
    if len(references) > MAX_LIST:
        raise BulletinMalformed("too many references", member="references")
    if incident_id is not None:
        of = await incidents.get_incident(s, incident_id=incident_id)
        if not await reach_of(act.actor).covers(s, of):
            raise IncidentUnknown("no such incident", incident_id=incident_id)
    readers = [one for one in await _readers(s, address) if one != act.actor.org_id]
    if not readers:
        raise BulletinReachesNobody("no member is of these roles, regions and sectors")
    row = BulletinRow(
        bulletin_id=act.new_id("bul"),
        status=state,
        colour=colour,
        title=title,
        text=text,
        remediation=remediation,
        references=list(references),
        address=address.document(),
        addressed=len(readers),
        incident_id=incident_id,
        issued_by=act.actor.org_id,
        issued_at=act.now,
        receive_by=receive_by(colour, act.now),
    )
    s.add(row)
    await s.flush()
    s.add_all([AddresseeRow(bulletin_id=row.bulletin_id, org_id=one) for one in readers])
    await s.flush()
    listed = sha256_hex("\n".join(readers).encode())
    opening = {
        "title": title,
        "text": text,
        "remediation": remediation,
        "references": list(references),
        "address": address.document(),
        "incident_id": incident_id,
        "addressees_sha256": listed,
    }
    public = {
        "bulletin_id": row.bulletin_id,
        "level": colour.value,
        "addressed": len(readers),
        "receive_by": rfc3339(row.receive_by),
    }
    said = Draft("BUL.ISSUE", row.bulletin_id, public=public, opening=opening, after=state.value)
    await record(s, act, said)
    payload = {"bulletin_id": row.bulletin_id, "receive_by": rfc3339(row.receive_by)}
    await enqueue(s, kind=REMIND_JOB, key=row.bulletin_id, run_at=row.receive_by + LATE, payload=payload)
    return row


async def receive(s: WriteSession, act: Act, *, bulletin_id: str) -> AddresseeRow:
    """State that one has read a bulletin that is addressed to one (BUL.RECEIVE), once.

    Raises BulletinUnknown for everybody else, BulletinReceivedBefore, BulletinWrongState.
    """
    row = await repository.claim_bulletin(s, bulletin_id=bulletin_id)
    mine = await repository.addressee(s, bulletin_id=bulletin_id, org_id=act.actor.org_id)
    if mine is None:
        raise BulletinUnknown("no such bulletin", bulletin_id=bulletin_id)
    may_move(row.status, _E.RECEIVE, act.role)
    if mine.received_at is not None:
        raise BulletinReceivedBefore("you have stated it before", bulletin_id=bulletin_id)
    mine.received_at, mine.received_by = act.now, act.actor.user_id or act.actor.org_id
    s.add(mine)
    await s.flush()
    await _state(s, act, row, _E.RECEIVE, {"late": act.now > row.receive_by})
    return mine


async def withdraw(s: WriteSession, act: Act, *, bulletin_id: str, reason: str) -> BulletinRow:
    """Take a bulletin back (BUL.WITHDRAW), as who has issued it.

    Raises BulletinUnknown, BulletinWrongState, BulletinWrongRole.
    """
    row = await repository.claim_bulletin(s, bulletin_id=bulletin_id)
    if row.issued_by != act.actor.org_id:
        raise BulletinUnknown("no such bulletin of yours", bulletin_id=bulletin_id)
    after = may_move(row.status, _E.WITHDRAW, act.role)
    _check(reason, MAX_TEXT, "reason")
    found = (col(BulletinRow.bulletin_id) == bulletin_id, col(BulletinRow.status) == row.status)
    values = {"status": after, "withdrawn_at": act.now, "reason": reason}
    changed = await s.exec(update(BulletinRow).where(*found).values(**values))
    if changed.rowcount != 1:
        raise BulletinWrongState("the bulletin has moved on", bulletin_id=bulletin_id)
    await s.refresh(row)
    await _state(s, act, row, _E.WITHDRAW, {}, before=BulletinState.ISSUED, opening={"reason": reason})
    return row


async def remind(s: WriteSession, act: Act, *, bulletin_id: str, receive_by: str) -> int:
    """State how many have not read it in time (BUL.REMIND); each is shown so. Answers how many."""
    row = await repository.claim_bulletin(s, bulletin_id=bulletin_id)
    if row.status is not BulletinState.ISSUED or act.now <= parse_rfc3339(receive_by):
        return 0
    waiting = await repository.addressees(s, bulletin_id=bulletin_id, waiting=True)
    fresh = [one for one in waiting if one.reminded_at is None]
    if not fresh:
        return 0
    for one in fresh:
        one.reminded_at = act.now
        s.add(one)
    await s.flush()
    listed = sha256_hex("\n".join(sorted(one.org_id for one in fresh)).encode())
    opening = {"waiting_sha256": listed}
    await _state(s, act, row, _E.REMIND, {"waiting": len(fresh)}, opening=opening)
    return len(fresh)


async def subscribe(s: WriteSession, act: Act, *, sectors: Collection[str]) -> SubscriptionRow:
    """Ask for bulletins of these sectors, or for those of all (BUL.SUBSCRIBE). Raises BulletinMalformed."""
    _require_reader(act)
    named = tuple(sorted(set(sectors)))
    check_address(Address(sectors=named))
    row = SubscriptionRow(org_id=act.actor.org_id, sectors=list(named), since=act.now)
    merged: SubscriptionRow = await s.merge(row)
    merged.ended_at = None
    s.add(merged)
    await s.flush()
    await record(s, act, Draft("BUL.SUBSCRIBE", act.actor.org_id, public={"sectors": list(named)}))
    return merged


async def unsubscribe(s: WriteSession, act: Act) -> SubscriptionRow:
    """End one's subscription (BUL.UNSUBSCRIBE). Raises BulletinUnknown where there is none."""
    _require_reader(act)
    row = await repository.subscription_of(s, org_id=act.actor.org_id)
    if row is None:
        raise BulletinUnknown("you have not subscribed")
    row.ended_at = act.now
    s.add(row)
    await s.flush()
    await record(s, act, Draft("BUL.UNSUBSCRIBE", act.actor.org_id, public={}))
    return row


def _require_reader(act: Act) -> None:
    if act.role not in READERS:
        raise BulletinWrongRole("this role reads no bulletins", role=act.role)


def _check(text: str, most: int, member: str) -> None:
    if not text.strip() or len(text) > most:
        raise BulletinMalformed(f"a text of 1 to {most} characters is asked for", member=member)


async def _readers(s: WriteSession, address: Address) -> list[str]:
    """Every active member that is addressed, sorted."""
    subscribed = await repository.subscriptions(s)
    found: list[str] = []
    after: str | None = None
    while page := await list_organisations(s, after=after, limit=_ONCE):
        found += [
            one.org_id
            for one in page
            if one.status is OrganisationStatus.ACTIVE
            and {role.value for role in one.roles} & READERS
            and is_addressed(
                address,
                roles={role.value for role in one.roles},
                region=one.region,
                sectors=subscribed.get(one.org_id),
            )
        ]
        after = page[-1].org_id
    return sorted(found)


async def _state(
    s: WriteSession,
    act: Act,
    row: BulletinRow,
    event: BulletinEvent,
    public: Mapping[str, object],
    *,
    before: BulletinState | None = None,
    opening: Mapping[str, object] | None = None,
) -> None:
    draft = Draft(
        f"BUL.{event.value}",
        row.bulletin_id,
        public={"bulletin_id": row.bulletin_id, **public},
        opening=opening,
        before=(before or row.status).value,
        after=row.status.value,
    )
    await record(s, act, draft)
