"""Officers of the exchange, and whom they are related to: nobody decides on a trade of one's own side.

Related to a party is who declared a tie to it (DSP.RECUSE) or has a login with it, under whatever login of
the one natural person; who is its controller by name; and who is employed where either is true. To an
organisation of the same controller as well (`identity.service.same_controller`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from base.db import ReadSession
from identity.repository import Person, get_organisation, get_person, has_person_named, logins_of
from identity.service import same_controller
from ledger.recording import Act
from market.orders.errors import OfficerRelated
from market.orders.statements import parties_of
from market.orders.tables import OfficerTie, Trade


@dataclass(frozen=True, slots=True)
class Officer:
    """A person who would decide, or a key that is nobody's, and which parties of the trade are related.

    `logins` are all that are, or may be, this natural person's.
    """

    user_id: str | None
    related_to: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()

    def check(self) -> None:
        """Raises OfficerRelated."""
        if self.related_to:
            raise OfficerRelated("this officer is related to a party", parties=sorted(self.related_to))


async def require_unrelated(s: ReadSession, act: Act, trade: Trade, *, also: Collection[str] = ()) -> Officer:
    """Who acts for the exchange on a trade, and is no side of it, nor of these. Raises OfficerRelated."""
    officer = await officer_on(s, trade, org_id=act.actor.org_id, user_id=act.actor.user_id, also=also)
    officer.check()
    return officer


async def officer_on(
    s: ReadSession, trade: Trade, *, org_id: str, user_id: str | None, also: Collection[str] = ()
) -> Officer:
    """Somebody of an organisation, as that person stands now to the parties of a trade and those beside it.

    Who is owed a reward in it is beside it always.
    """
    person = None if user_id is None else await get_person(s, user_id=user_id)
    own = [] if person is None else await logins_of(s, person=person)
    logins = frozenset({one.user_id for one in own} | ({user_id} if user_id is not None else set()))
    sides = {org_id, *(one.org_id for one in own)}
    sides |= {tie.org_id for tie in await ties_of(s, officer_ids=logins)}
    related = set()
    beside = {*also, *([trade.reward_to] if trade.reward_to else [])}
    for party in sorted({*parties_of(trade), *beside}):
        if (person is not None and await _knows(s, party, person)) or await _kin(s, party, sides):
            related.add(party)
    return Officer(user_id, frozenset(related), logins)


async def ties_of(s: ReadSession, *, officer_ids: Collection[str]) -> Sequence[OfficerTie]:
    """The ties that an officer has declared, under any of these logins."""
    query = select(OfficerTie).where(col(OfficerTie.officer_id).in_(sorted(officer_ids)))
    return (await s.exec(query.order_by(col(OfficerTie.org_id)))).all()


async def _kin(s: ReadSession, party: str, sides: Collection[str]) -> bool:
    """Whether one of these is a party, or has its controller."""
    return any([await same_controller(s, side, party) for side in sorted(sides)])


async def _knows(s: ReadSession, org_id: str, person: Person) -> bool:
    """Whether the name is its controller's; or, of somebody nobody has identified, one of its people's."""
    organisation = await get_organisation(s, org_id=org_id)
    controls = organisation is not None and organisation.controller_id == person.name
    return controls or (person.mark is None and await has_person_named(s, org_id=org_id, name=person.name))
