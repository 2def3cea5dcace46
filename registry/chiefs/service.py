"""An agency appoints its chief data officer and ends the appointment; who follows replaces who stood.

The ledger names the appointment and the agency, never the person: who it is stands in the opening, and in
the register as the holder of a public office. A person signs from the moment it was recorded.
"""

from datetime import date, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.calendar import end_of_day_shanghai, shanghai_day
from base.clock import parse_rfc3339, rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from identity.repository import lock_organisation
from identity.rosters import lock_person
from identity.rules import OrganisationStatus, Role
from identity.service import insert, own_logins, require_identified
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.chiefs import repository
from registry.chiefs.errors import (
    ChiefMalformed,
    ChiefSelfAppointed,
    ChiefWrongRole,
    ChiefWrongState,
)
from registry.chiefs.states import GIVEN, ChiefEnd, ChiefEvent, ChiefState, may_move
from registry.chiefs.tables import ChiefRow

TERM_JOB: Final = "registry.chief-term"
_LATE: Final = timedelta(milliseconds=1)  # the last moment of a term belongs to it


async def appoint_chief(
    s: WriteSession,
    act: Act,
    *,
    user_id: str,
    document_sha256: str,
    appointed_on: date,
    until: date | None = None,
) -> ChiefRow:
    """Appoint a person of one's own agency its chief data officer (CDO.APPOINT); who stood is replaced.

    `appointed_on` is the day of the document, `until` the last day of the term. Raises ChiefMalformed,
    ChiefWrongRole, ChiefSelfAppointed, `person-not-identified`, ChiefWrongState.
    """
    may_move(None, ChiefEvent.APPOINT, act.role)
    agency_id, today = act.actor.org_id, shanghai_day(act.now)
    if appointed_on > today or (until is not None and until < max(today, appointed_on)):
        raise ChiefMalformed("a document of today or before, and a term that is not over", fields=["until"])
    # Alone: of two appointments at once the second replaces the first.
    agency = await lock_organisation(s, org_id=agency_id, alone=True)
    if (
        agency is None
        or agency.status is not OrganisationStatus.ACTIVE
        or Role.PUBLIC_AGENCY not in agency.roles
    ):
        raise ChiefWrongRole("an active public agency appoints", org_id=agency_id)
    person = await lock_person(s, user_id=user_id)
    if person is None or person.org_id != agency_id or not person.active:
        raise ChiefWrongRole("one of the agency's own people, whose login is open", user_id=user_id)
    await require_identified(s, user_id=user_id)
    if act.actor.user_id is not None and act.actor.user_id in await own_logins(s, user_id=user_id):
        raise ChiefSelfAppointed("somebody else of the agency appoints", user_id=user_id)
    before = await repository.claim_standing(s, agency_id=agency_id)
    if before is not None:
        await _end(s, act, before, ChiefEnd.REPLACED)
    row = ChiefRow(
        chief_id=act.new_id("cdo"),
        agency_id=agency_id,
        user_id=user_id,
        name=person.name,
        status=ChiefState.STANDING,
        document_sha256=document_sha256,
        appointed_on=appointed_on.isoformat(),
        began_at=act.now,
        until=None if until is None else end_of_day_shanghai(until),
    )
    await insert(s, row, ChiefWrongState("another was appointed meanwhile", agency_id=agency_id))
    ends = None if row.until is None else rfc3339(row.until)
    public: dict[str, Any] = {
        "chief_id": row.chief_id,
        "agency_id": agency_id,
        "appointed_on": row.appointed_on,
        "until": ends,
        "replaces": None if before is None else before.chief_id,
    }
    draft = Draft(
        "CDO.APPOINT",
        row.chief_id,
        public=public,
        opening={"user_id": user_id, "name": person.name},
        subjects={"document": document_sha256},
        before=None,
        after=row.status.value,
    )
    await record(s, act, draft)
    if row.until is not None:
        payload = {"chief_id": row.chief_id, "at": ends}
        await enqueue(s, kind=TERM_JOB, key=row.chief_id, run_at=row.until + _LATE, payload=payload)
    return row


async def end_chief(s: WriteSession, act: Act, *, chief_id: str, reason: ChiefEnd) -> ChiefRow:
    """End an appointment of one's own agency (CDO.END). Raises ChiefUnknown and its kinds."""
    row = await repository.claim_chief(s, chief_id=chief_id)
    may_move(row.status, ChiefEvent.END, act.role)
    if row.agency_id != act.actor.org_id:
        raise ChiefWrongRole("this is another agency's appointment", chief_id=chief_id)
    if reason not in GIVEN:
        raise ChiefMalformed("an agency gives another reason", fields=["reason"])
    await _end(s, act, row, reason)
    return row


async def term_over(s: WriteSession, act: Act, *, chief_id: str, at: str) -> bool:
    """End an appointment whose term is over; False where it has ended before."""
    row = await repository.claim_chief(s, chief_id=chief_id)
    if row.status is not ChiefState.STANDING or row.until is None or act.now <= parse_rfc3339(at):
        return False
    await _end(s, act, row, ChiefEnd.TERM_OVER)
    return True


async def _end(s: WriteSession, act: Act, row: ChiefRow, reason: ChiefEnd) -> None:
    before = row.status
    after = may_move(before, ChiefEvent.END, act.role)
    found = col(ChiefRow.chief_id) == row.chief_id, col(ChiefRow.status) == before
    values = {"status": after, "ended_at": act.now, "ended_as": reason}
    if (await s.exec(update(ChiefRow).where(*found).values(**values))).rowcount != 1:
        raise ChiefWrongState("the appointment has ended", chief_id=row.chief_id)
    await s.refresh(row)
    draft = Draft(
        "CDO.END",
        row.chief_id,
        public={"chief_id": row.chief_id, "agency_id": row.agency_id, "reason_code": reason.value},
        before=before.value,
        after=after.value,
    )
    await record(s, act, draft)
