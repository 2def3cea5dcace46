"""The data authority recognises registrars: who they are, and their place in the numbers they give."""

from dataclasses import asdict
from typing import Any

from sqlmodel import col, select

from base.calendar import shanghai_day
from base.canonical import sha256_hex
from base.db import WriteSession, exclusive_lock
from identity.service import require_member, same_controller
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.registration.answering import check_leaves, wind_year
from registry.registration.applying import check_served_by
from registry.registration.errors import RegistrarUnfit, RegistrarUnknown, RegistrationWrongRole
from registry.registration.seats import RegistrarFacts, check_registrar, check_seat
from registry.registration.states import STANDING, UNDER_WAY
from registry.registration.tables import ClaimRow, RegistrarRow, RegistrationRow


async def recognise(
    s: WriteSession, act: Act, *, org_id: str, region: str, agency: str, facts: RegistrarFacts
) -> RegistrarRow:
    """Recognise a registrar (RGR.RECOGNISE), as the data authority.

    `region` is two digits, `agency` one character: with them its numbers begin. Raises RegistrarUnfit,
    RegistrationMalformed, `member-not-active`.
    """
    if act.role != "DATA_AUTHORITY":
        raise RegistrationWrongRole("the data authority recognises registrars", role=act.role)
    check_seat(region, agency)
    check_registrar(facts, act.now)
    member = await require_member(s, org_id=org_id)
    if "REGISTRAR" not in {role.value for role in member.roles}:
        raise RegistrarUnfit("this member is no registrar", short=["role"])
    row = await s.get(RegistrarRow, org_id, with_for_update=True)
    taken = select(RegistrarRow).where(
        RegistrarRow.region == region, RegistrarRow.agency == agency, RegistrarRow.org_id != org_id
    )
    if (await s.exec(taken)).first() is not None or (row is not None and row.ended_at is None):
        raise RegistrarUnfit("this seat is taken", short=["agency"])
    row = row or RegistrarRow(org_id=org_id, region="", agency="", facts={}, recognised_at=act.now)
    row.region, row.agency, row.facts = region, agency, asdict(facts)
    row.recognised_at, row.ended_at = act.now, None
    s.add(row)
    await s.flush()
    await wind_year(s, org_id=org_id, year=shanghai_day(act.now).year, now=act.now)
    public = {"org_id": org_id, "region": region, "agency": agency}
    await record(s, act, Draft("RGR.RECOGNISE", org_id, public=public, opening={"facts": row.facts}))
    return row


async def end_recognition(
    s: WriteSession, act: Act, *, org_id: str, reason_code: str, successor_id: str | None = None
) -> RegistrarRow:
    """End a registrar's recognition (RGR.END): what it has registered stands, it registers nothing more.

    What stands and what is under way is handed over to the successor, which the statement commits to; what
    is of the successor's own house is left. What is left, or for which there was no successor yet, is handed
    over by stating the end again. One that leaves (`LEFT`) has told so half a year before. Raises
    RegistrarUnknown, RegistrarLeaving.
    """
    if act.role != "DATA_AUTHORITY":
        raise RegistrationWrongRole("the data authority recognises registrars", role=act.role)
    row = await s.get(RegistrarRow, org_id, with_for_update=True)
    if row is None or (row.ended_at is not None and successor_id is None):
        raise RegistrarUnknown("no such registrar is recognised", registrar_id=org_id)
    if row.ended_at is None:
        await check_leaves(s, org_id=org_id, reason_code=reason_code, now=act.now)
        row.ended_at = act.now
    s.add(row)
    await s.flush()
    public: dict[str, Any] = {"org_id": org_id, "reason_code": reason_code}
    subjects = {}
    if successor_id is not None:
        ids, left = await _hand_over(s, org_id, successor_id)
        public |= {"successor_id": successor_id, "handed_over": len(ids), "left": left}
        subjects = {"registrations": sha256_hex("\n".join(ids).encode())}
    await record(s, act, Draft("RGR.END", org_id, public=public, subjects=subjects))
    return row


async def _hand_over(s: WriteSession, org_id: str, successor_id: str) -> tuple[list[str], int]:
    """Everything of a registrar's that has not ended is its successor's, but what is of that one's own house.

    Answers the ids, in order, and how many are left.
    """
    own = (RegistrationRow.registrar_id == org_id, col(RegistrationRow.status).in_([*UNDER_WAY, *STANDING]))
    live = select(RegistrationRow).where(*own)
    rows = (await s.exec(exclusive_lock(live.order_by(col(RegistrationRow.registration_id))))).all()
    named = select(RegistrationRow.registration_id).where(*own)
    claims = select(ClaimRow.registration_id, ClaimRow.holder_id).where(
        col(ClaimRow.registration_id).in_(named)
    )
    parties = {row.registration_id: {row.applicant_id} for row in rows}
    for registration_id, holder_id in await s.exec(claims):
        parties[registration_id].add(holder_id)
    await check_served_by(s, successor_id, set())
    house = {
        party
        for party in sorted(set().union(*parties.values()))
        if party == successor_id or await same_controller(s, party, successor_id)
    }
    given = [row for row in rows if not parties[row.registration_id] & house]
    for row in given:
        row.registrar_id = successor_id
        s.add(row)
    await s.flush()
    return [row.registration_id for row in given], len(rows) - len(given)
