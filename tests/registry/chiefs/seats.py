"""An agency with a chief data officer: what tests of acts that a chief signs begin with.

chief = await seat_chief(house, agency)        # appointed
await by(house, agency, chief, verb, …)        # an act of that person
"""

from dataclasses import dataclass
from itertools import count
from typing import Any

from base.calendar import shanghai_day
from base.db import WriteSession
from identity.tables import PersonRow
from ledger.acts import perform
from ledger.recording import Act, Actor
from registry.chiefs.service import appoint_chief
from registry.chiefs.tables import ChiefRow
from tests.houses import Party, TestHouse

_numbers = count(1)


@dataclass(frozen=True)
class Chief:
    """A person who stands as the chief data officer of an agency."""

    user_id: str
    chief_id: str


async def enrolled(house: TestHouse, party: Party, name: str = "数据官", *, mark: bool = True) -> str:
    """Another person of a member, of whom it is on record who that is; its user id."""
    number = next(_numbers)
    row = PersonRow(
        user_id=f"usr_chief{number}",
        org_id=party.org_id,
        login=f"chief-{number}",
        name=name,
        mark=f"c{number:063x}" if mark else None,
        password_hash="$argon2id$of-no-use",
        roles='["PUBLIC_AGENCY"]',
        enrolled_at=house.clock.now(),
    )
    async with house.database.write() as s:
        s.add(row)
    return row.user_id


async def by(house: TestHouse, party: Party, user_id: str | None, verb: Any, /, **facts: Any) -> Any:
    """An act of one person of a member."""

    async def bound(s: WriteSession, act: Act) -> Any:
        return await verb(s, act, **facts)

    (role,) = party.actor.roles
    act = house.house.act(Actor(party.org_id, party.actor.roles, user_id), role, party.pen)
    return await perform(house.house, act, bound, attempted="CDO.ACT", object_id=party.org_id)


async def seat_chief(house: TestHouse, agency: Party, **more: Any) -> Chief:
    """Enrol somebody at an agency and appoint him or her."""
    user_id = await enrolled(house, agency)
    said = {"document_sha256": "d" * 64, "appointed_on": shanghai_day(house.clock.now())} | more
    row: ChiefRow = await by(house, agency, None, appoint_chief, user_id=user_id, **said)
    return Chief(user_id, row.chief_id)
