"""A person objects that somebody else has a login under his or her identity number, and the operator decides.

Whoever writes a number down first keeps nobody else from being enrolled with it; but all logins of a number
count as one person's. So the owner says which are not, and an officer of the operator who has made none of
them looks at the card and strikes them: a login that was struck belongs to nobody on record, and at its
organisation the operator alone writes that number down again.
"""

from collections.abc import Collection, Sequence

from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from identity.errors import ContestDecided, ContestUnknown, NothingContested
from identity.repository import Person, logins_of
from identity.service import require_identified, require_operator, require_unbound
from identity.tables import ContestRow, PersonRow
from ledger.recording import Act


async def contest_identity(s: WriteSession, act: Act) -> ContestRow:
    """Object that another organisation has a login under one's own number. Nothing is stated: it is personal.

    Raises PersonNotIdentified, NothingContested, ContestDecided (one is open).
    """
    person = await require_identified(s, user_id=act.actor.user_id)
    assert person.mark is not None
    if not await _elsewhere(s, person):
        raise NothingContested("no other organisation has a login under this number")
    opened = select(ContestRow).where(ContestRow.mark == person.mark, col(ContestRow.decided_at).is_(None))
    if (await s.exec(opened.limit(1))).first() is not None:
        raise ContestDecided("an objection is open already")
    row = ContestRow(
        contest_id=act.new_id("cnt"), mark=person.mark, user_id=person.user_id, contested_at=act.occurred_at
    )
    s.add(row)
    await s.flush()
    return row


async def decide_contest(
    s: WriteSession, act: Act, *, contest_id: str, struck: Collection[str]
) -> ContestRow:
    """Strike the number from the logins that are somebody else's (none: the objection is dismissed).

    By an officer of the operator who has enrolled or identified none of the logins, and whose own none is.
    Raises OperatorOnly, ContestUnknown, ContestDecided, NothingContested, PersonNotIdentified, PersonsBound.
    """
    require_operator(act)
    query = exclusive_lock(select(ContestRow).where(ContestRow.contest_id == contest_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise ContestUnknown("no such objection", contest_id=contest_id)
    if row.decided_at is not None:
        raise ContestDecided("the objection was decided", contest_id=contest_id)
    officer = await require_identified(s, user_id=act.actor.user_id)
    logins = {one.user_id for one in await bearers(s, mark=row.mark)}
    if not set(struck) <= logins:
        raise NothingContested("only logins of this number are struck", contest_id=contest_id)
    await require_unbound(s, user_id=officer.user_id, others=logins)
    if officer.mark == row.mark:
        raise NothingContested("nobody decides on an own number", contest_id=contest_id)
    nobody = {"mark": None, "identified_by": None, "confirmed_by": None}
    await s.exec(update(PersonRow).where(col(PersonRow.user_id).in_(sorted(struck))).values(nobody))
    row.struck, row.decided_by, row.decided_at = sorted(struck), officer.user_id, act.occurred_at
    s.add(row)
    await s.flush()
    return row


async def open_contests(s: ReadSession) -> Sequence[ContestRow]:
    """The objections that wait for the operator, oldest first (a hundred)."""
    query = select(ContestRow).where(col(ContestRow.decided_at).is_(None))
    return (await s.exec(query.order_by(ContestRow.contest_id).limit(100))).all()


async def bearers(s: ReadSession, *, mark: str) -> list[PersonRow]:
    """Every login under a number."""
    return list(await s.exec(select(PersonRow).where(PersonRow.mark == mark).order_by(PersonRow.user_id)))


async def _elsewhere(s: ReadSession, person: Person) -> bool:
    return any(one.org_id != person.org_id for one in await logins_of(s, person=person))
