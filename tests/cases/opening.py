"""An investigation as it comes about: a finding is filed, triaged, verified, opened by another officer."""

from dataclasses import replace

from cases.intake import triage_case, verify_report
from cases.rules import Matter
from cases.service import dismiss_case, file_case, open_case
from identity.repository import get_person
from tests.houses import officer

OF = {
    "SAMR": Matter.UNFAIR_COMPETITION,
    "DATA_AUTHORITY": Matter.MARKET_RULE,
    "CAC": Matter.PERSONAL_INFORMATION,
}


async def staff(s, act):
    """The two officers of an authority: who handles a case, and a chief."""
    names = []
    for number, name in ((71, "handler"), (72, "chief")):
        user_id = f"usr_{name}_{act.role.lower()}"
        if await get_person(s, user_id=user_id) is None:
            row = officer(act.actor.org_id, number + 10 * sorted(OF).index(act.role), _At(act.now))
            row.user_id = row.login = user_id
            row.roles = f'["{act.role}"]'
            s.add(row)
        names.append(user_id)
    await s.flush()
    return [replace(act, actor=replace(act.actor, user_id=name)) for name in names]


class _At:
    def __init__(self, at):
        self._at = at

    def now(self):
        return self._at


async def verified(s, act, *, finding):
    """A report that one officer verifies, ready to be opened by another."""
    handler, _ = await staff(s, act)
    case = await file_case(s, act, finding=finding)
    await triage_case(s, act, case_id=case.case_id, matter=OF[act.role])
    return await verify_report(s, handler, case_id=case.case_id)


async def investigate(s, act, *, finding):
    """An open investigation of a finding."""
    _, chief = await staff(s, act)
    case = await verified(s, act, finding=finding)
    return await open_case(s, chief, case_id=case.case_id)


async def drop(s, act, *, case_id):
    """A chief officer closes an investigation without result."""
    _, chief = await staff(s, act)
    return await dismiss_case(s, chief, case_id=case_id)
