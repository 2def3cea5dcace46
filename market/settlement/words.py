"""What officers of the exchange have said of a payment in doubt, and whose word counts beside another's."""

from collections.abc import Sequence

from sqlmodel import col, delete, select

from base.db import WriteSession
from identity.repository import get_person
from identity.rules import Role
from identity.service import bound_logins
from market.orders.officers import Officer, officer_on
from market.orders.tables import Trade
from market.settlement.errors import SaidBefore
from market.settlement.tables import Found, OfficerWord


async def others_who_say(
    s: WriteSession, trade: Trade, officer: Officer, *, instruction_id: str, found: Found
) -> Sequence[OfficerWord]:
    """The words of others who found the same, and may say so still; they end with the decision.

    Who has left since, is related to a party by now, or is bound to this officer does not count. Raises
    SaidBefore.
    """
    assert officer.user_id is not None
    query = select(OfficerWord).where(OfficerWord.message_id == instruction_id, OfficerWord.found == found)
    words = (await s.exec(query, execution_options={"populate_existing": True})).all()
    if any(word.officer_id in officer.logins for word in words):
        raise SaidBefore("you have said so", instruction_id=instruction_id)
    bound = await bound_logins(s, user_id=officer.user_id)
    return [
        word
        for word in words
        if word.officer_id not in bound and await _may_say(s, trade, user_id=word.officer_id)
    ]


async def _may_say(s: WriteSession, trade: Trade, *, user_id: str) -> bool:
    """Whether somebody is an officer still, and no side of the trade."""
    person = await get_person(s, user_id=user_id)
    if person is None or not person.active or Role.EXCHANGE_OPERATOR not in person.roles:
        return False
    return not (await officer_on(s, trade, org_id=person.org_id, user_id=user_id)).related_to


async def keep_word(s: WriteSession, officer: Officer, word: OfficerWord) -> None:
    """A person's newest word, under whatever login; an earlier, other one no longer counts."""
    earlier = col(OfficerWord.officer_id).in_(sorted(officer.logins))
    await s.exec(delete(OfficerWord).where(col(OfficerWord.message_id) == word.message_id, earlier))
    s.add(word)
    await s.flush()
