"""The doors of an incident's and a warning's state: one table each, one conditional UPDATE, one statement.

A step is claimed in the UPDATE that finds the state it was decided on, and stated as `INC.<event>` or
`WRN.<event>`. Texts, persons and what it is about stand in the opening; the log has levels and times.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from cases.incidents import repository
from cases.incidents.counting import tell_counts
from cases.incidents.errors import (
    IncidentMalformed,
    IncidentSameOfficer,
    IncidentUnknown,
    IncidentWrongRole,
    IncidentWrongState,
    WarningWrongState,
)
from cases.incidents.rules import MAX_TEXT, Duty, Facts, Kind, Matter, Standing
from cases.incidents.states import (
    OPERATOR,
    OVER,
    RECEIVERS,
    IncidentEvent,
    IncidentState,
    WarningEvent,
    WarningState,
    may_move,
    may_move_warning,
)
from cases.incidents.tables import DutyRow, IncidentRow, WarningRow
from identity.service import require_identified, require_unbound
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.rules import Level as DataLevel

DUE_JOB: Final = "incident.due"
ACK_JOB: Final = "incident.warning-due"
_OF_AUTHORITIES: Final = frozenset({IncidentEvent.RECEIVE, IncidentEvent.FORWARD, IncidentEvent.ORDER_NOTICE})
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a time belongs to it: the clock looks when it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says beside which incident it is: in public, in the opening, of which digests."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)


async def begin(s: WriteSession, act: Act, row: IncidentRow, said: Said) -> Recorded:
    """State an incident that has just been stored (INC.DETECT)."""
    return await _state(s, act, row, IncidentEvent.DETECT, said, before=None)


async def step(
    s: WriteSession,
    act: Act,
    event: IncidentEvent,
    row: IncidentRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move an incident that is claimed. Raises IncidentWrongState, IncidentWrongRole."""
    before = row.status
    after = may_move(before, event, act.role)
    found = (col(IncidentRow.incident_id) == row.incident_id, col(IncidentRow.status) == before)
    changed = await s.exec(update(IncidentRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise IncidentWrongState("the incident has moved on", incident_id=row.incident_id)
    await s.refresh(row)
    return await _state(s, act, row, event, said or Said(), before=before)


async def claim_for(s: WriteSession, act: Act, incident_id: str, event: IncidentEvent) -> IncidentRow:
    """An incident, locked, in which this step is the actor's to take: its owner's, or the exchange's.

    Raises IncidentUnknown (also for who knows nothing of it), IncidentWrongState, IncidentWrongRole.
    """
    row = await repository.claim_incident(s, incident_id=incident_id)
    if not await may_see(s, row, org_id=act.actor.org_id, roles=frozenset({act.role})):
        raise IncidentUnknown("no such incident", incident_id=incident_id)
    may_move(row.status, event, act.role)
    if event in _OF_AUTHORITIES and row.org_id == act.actor.org_id:
        raise IncidentWrongRole("an authority decides nothing about its own incident", role=act.role)
    return row


async def claim_owned(s: WriteSession, act: Act, incident_id: str, event: IncidentEvent) -> IncidentRow:
    """`claim_for`, for whom the incident has befallen, and the exchange. Raises IncidentUnknown."""
    row = await claim_for(s, act, incident_id, event)
    if act.actor.org_id != row.org_id and act.role != OPERATOR:
        raise IncidentUnknown("this is another's incident", incident_id=incident_id)
    return row


async def may_see(s: WriteSession, row: IncidentRow, *, org_id: str | None, roles: frozenset[str]) -> bool:
    """Its owner, the exchange, and who has had a report of it."""
    if row.org_id == org_id or OPERATOR in roles:
        return True
    told = RECEIVERS & roles
    return bool(told) and await repository.was_reported_to(s, incident_id=row.incident_id, receivers=told)


async def second_person(s: WriteSession, act: Act, *others: str | None) -> str:
    """The natural person who acts, another one than these; answers the login.

    Raises IncidentSameOfficer, `person-not-identified`, `persons-bound`.
    """
    officer = await require_identified(s, user_id=act.actor.user_id)
    before = [await require_identified(s, user_id=one) for one in others if one is not None]
    if officer.mark in {one.mark for one in before}:
        raise IncidentSameOfficer("another person does this")
    await require_unbound(s, user_id=officer.user_id, others=[one.user_id for one in before])
    return officer.user_id


def check_text(text: str, *, most: int = MAX_TEXT) -> str:
    """A text that says something. Raises IncidentMalformed."""
    if not text.strip() or len(text) > most:
        raise IncidentMalformed(f"a text of 1 to {most} characters is asked for", member="text")
    return text


async def wind(s: WriteSession, row: IncidentRow, wanted: Iterable[Duty]) -> None:
    """Begin times that are not running yet, or set them anew; each is looked at when it is over.

    What was reported to this receiver before is met by that report.
    """
    for one in wanted:
        known = await repository.duty(s, incident_id=row.incident_id, matter=one.matter)
        met_at = None if known is None else known.met_at
        if one.receiver is not None:
            told = await repository.first_report(s, incident_id=row.incident_id, receiver=one.receiver)
            met_at = None if told is None else told.reported_at
        await s.merge(
            DutyRow(
                incident_id=row.incident_id,
                matter=one.matter,
                receiver=one.receiver,
                due_at=one.due_at,
                cited=one.cited,
                met_at=met_at,
                overdue_at=None if known is None else known.overdue_at,
            )
        )
        payload = {
            "incident_id": row.incident_id,
            "matter": one.matter.value,
            "due_at": rfc3339(one.due_at),
        }
        key = f"{row.incident_id} {one.matter.value} {rfc3339(one.due_at)}"
        await enqueue(s, kind=DUE_JOB, key=key, run_at=one.due_at + LATE, payload=payload)
    await s.flush()


async def meet(s: WriteSession, act: Act, row: IncidentRow, *matters: Matter) -> bool:
    """End times by what they awaited; whether one of them was over by then."""
    late = False
    for matter in matters:
        known = await repository.duty(s, incident_id=row.incident_id, matter=matter)
        if known is None or known.met_at is not None or known.dropped_at is not None:
            continue
        late = late or act.now > known.due_at
        await run_out(s, act, row, known)
        known.met_at = act.now
        s.add(known)
    await s.flush()
    return late


async def run_out(s: WriteSession, act: Act, row: IncidentRow, known: DutyRow) -> bool:
    """State, as the exchange, that a time is over (INC.OVERDUE), once; whether it is and was not stated."""
    settled = known.met_at is not None or known.dropped_at is not None or known.overdue_at is not None
    if settled or row.status in OVER or act.now <= known.due_at:
        return False
    known.overdue_at = act.now
    s.add(known)
    await s.flush()
    said = Said(public={"matter": known.matter.value, "due_at": rfc3339(known.due_at)})
    await step(s, act.as_exchange(), IncidentEvent.OVERDUE, row, said)
    await tell_counts(s, row)
    return True


def facts_of(row: IncidentRow) -> Facts:
    """What is known, as the rules take it."""
    said = row.facts
    level = said.get("data_level")
    return Facts(
        kind=Kind(said["kind"]),
        persons=said["persons"],
        sensitive_persons=said["sensitive_persons"],
        data_level=None if level is None else DataLevel(level),
        outage_minutes=said["outage_minutes"],
        partial_minutes=said["partial_minutes"],
        loss_minor=int(said["loss_minor"]),
        records_altered=said["records_altered"],
        public_harm=said["public_harm"],
        standing=Standing(said["standing"]),
    )


async def step_warning(
    s: WriteSession,
    act: Act,
    event: WarningEvent,
    row: WarningRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a warning that is claimed. Raises WarningWrongState, WarningWrongRole."""
    before = row.status
    after = may_move_warning(before, event, act.role)
    found = (col(WarningRow.warning_id) == row.warning_id, col(WarningRow.status) == before)
    changed = await s.exec(update(WarningRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise WarningWrongState("the warning has moved on", warning_id=row.warning_id)
    await s.refresh(row)
    return await _state_warning(s, act, row, event, said or Said(), before=before)


async def begin_warning(s: WriteSession, act: Act, row: WarningRow, said: Said) -> Recorded:
    """State a warning that has just been stored (WRN.RAISE), and wind its clock."""
    recorded = await _state_warning(s, act, row, WarningEvent.RAISE, said, before=None)
    await wind_warning(s, row)
    return recorded


async def wind_warning(s: WriteSession, row: WarningRow) -> None:
    """Have the clock look whether somebody has acknowledged it."""
    payload = {"warning_id": row.warning_id, "ack_by": rfc3339(row.ack_by)}
    key = f"{row.warning_id} {rfc3339(row.ack_by)}"
    await enqueue(s, kind=ACK_JOB, key=key, run_at=row.ack_by + LATE, payload=payload)


async def _state(
    s: WriteSession,
    act: Act,
    row: IncidentRow,
    event: IncidentEvent,
    said: Said,
    *,
    before: IncidentState | None,
) -> Recorded:
    draft = Draft(
        f"INC.{event.value}",
        row.incident_id,
        public={"incident_id": row.incident_id, **said.public},
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)


async def _state_warning(
    s: WriteSession,
    act: Act,
    row: WarningRow,
    event: WarningEvent,
    said: Said,
    *,
    before: WarningState | None,
) -> Recorded:
    draft = Draft(
        f"WRN.{event.value}",
        row.warning_id,
        public={"warning_id": row.warning_id, **said.public},
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
