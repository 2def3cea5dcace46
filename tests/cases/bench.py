"""Who hears appeals: a review authority, a court, each with a person whose name is on record."""

from dataclasses import dataclass, replace
from typing import Any

from cases.appealing import end_appeal
from ledger.acts import perform
from tests.houses import Party, officer

ROLES = {"REVIEW": "REVIEW_AUTHORITY", "LAWSUIT": "COURT"}


@dataclass
class Bench:
    """A body that hears appeals."""

    scene: Any
    party: Party
    user_id: str

    async def rules(self, case_id, event, *, ruling="复议决定 1 号", fines=None, user_id=None):
        """Rule upon an appeal."""
        actor = replace(self.party.actor, user_id=user_id or self.user_id)
        house = self.scene.house.house
        act = house.act(actor, self.party.act().role, self.party.pen)

        async def bound(s, act):
            return await end_appeal(s, act, case_id=case_id, event=event, ruling=ruling, fines=fines or {})

        return await perform(house, act, bound, attempted=f"CSE.{event.value}", object_id=case_id)


async def bench(scene, way):
    """The review authority, or the court."""
    role = ROLES[way]
    party = await scene.house.admit(f"{role}（测试）", [role])
    user_id = f"usr_{role.lower()}"
    async with scene.database.write() as s:
        row = officer(party.org_id, 200 + sorted(ROLES).index(way), scene.clock)
        row.user_id = row.login = user_id
        row.roles = f'["{role}"]'
        s.add(row)
    return Bench(scene, party, user_id)
