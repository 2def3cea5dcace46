"""Who vouched for whom, on record: beside whom a login does not decide, and whose word adds nothing."""

from sqlmodel import col, or_, select

from base.db import ReadSession
from identity.hands import Hand, alike
from identity.repository import Person, get_person, logins_of
from identity.tables import PersonRow


async def bound_to(s: ReadSession, *, person: Person) -> frozenset[str]:
    """The ids of the logins that enrolled or identified this one, or that it has, under whatever login."""
    known = await _known(s, person)
    of_one_hand = {one for one in alike(person.user_id, known) if known[one].org_id == person.org_id}
    return frozenset(await _at_once(s, person) | of_one_hand)


async def adds_nothing(s: ReadSession, *, person: Person, user_id: str) -> bool:
    """Whether this one's word for that person is no other's than those it rests on already, or its own."""
    other = await get_person(s, user_id=user_id)
    if other is None or user_id == person.user_id or (other.mark is not None and other.mark == person.mark):
        return True
    known = await _known(s, person, user_id)
    return user_id in await _at_once(s, person) | alike(person.user_id, known)


async def _at_once(s: ReadSession, person: Person) -> set[str]:
    row = (await s.exec(select(PersonRow).where(PersonRow.user_id == person.user_id))).first()
    by = set() if row is None else {row.enrolled_by, row.identified_by} - {None}
    found = {user_id for user_id in by if user_id is not None}
    for user_id in sorted(found):
        maker = await get_person(s, user_id=user_id)
        found |= set() if maker is None else {one.user_id for one in await logins_of(s, person=maker)}
    own = [one.user_id for one in await logins_of(s, person=person)]
    made = or_(col(PersonRow.enrolled_by).in_(own), col(PersonRow.identified_by).in_(own))
    return found | set(await s.exec(select(PersonRow.user_id).where(made)))


async def _known(s: ReadSession, person: Person, *beside: str) -> dict[str, Hand]:
    """All logins of its organisation, those beside it, and whoever vouched for them, from hand to hand."""
    known: dict[str, Hand] = {}
    asked = select(PersonRow).where(
        or_(col(PersonRow.org_id) == person.org_id, col(PersonRow.user_id).in_(beside))
    )
    while True:
        rows = (await s.exec(asked)).all()
        known |= {row.user_id: _hand(row) for row in rows}
        missing = {by for hand in known.values() for by in hand.makers} - known.keys()
        if not rows or not missing:
            return known
        asked = select(PersonRow).where(col(PersonRow.user_id).in_(sorted(missing)))


def _hand(row: PersonRow) -> Hand:
    housed = row.enrolled_by is None
    by = {row.enrolled_by, row.identified_by, row.confirmed_by}
    makers = frozenset[str]() if housed and row.identified_by is None else frozenset(one for one in by if one)
    return Hand(row.org_id, row.mark or f"named {row.name}", makers, housed)
