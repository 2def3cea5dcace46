"""The door of a registration's state: one table, one conditional UPDATE, one statement (`REG.<event>`).

A step is claimed in the UPDATE that finds the state it was decided on. When a registration stops carrying
what rests on it, each dependent right is handed to the job that suspends its listings.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.doors import Said
from registry.ending import ENDED_JOB, REFERENCE_FELL_JOB
from registry.registration import repository
from registry.registration.errors import (
    RegistrarUnknown,
    RegistrationTooLate,
    RegistrationWrongRole,
    RegistrationWrongState,
)
from registry.registration.rules import ends_at
from registry.registration.states import RegistrationEvent, RegistrationState, may_move
from registry.registration.tables import RegistrationRow

DUE_JOB: Final = "registry.registration-due"
RIGHT_DUE_JOB: Final = "registry.registration-right-due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""
_S = RegistrationState
_FALLEN: Final = frozenset({_S.DISPUTED, _S.EXPIRED, _S.CANCELLED, _S.REVOKED})


async def begin(s: WriteSession, act: Act, row: RegistrationRow, said: Said) -> Recorded:
    """State an application that has just been stored (REG.APPLY), and wind its clock."""
    recorded = await _state(s, act, row, RegistrationEvent.APPLY, said, before=None)
    await _wind(s, row)
    return recorded


async def step(
    s: WriteSession,
    act: Act,
    event: RegistrationEvent,
    row: RegistrationRow,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a registration that is claimed. Raises RegistrationWrongState, RegistrationWrongRole."""
    before = row.status
    after = may_move(before, event, act.role)
    found = (
        col(RegistrationRow.registration_id) == row.registration_id,
        col(RegistrationRow.status) == before,
    )
    changed = await s.exec(update(RegistrationRow).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise RegistrationWrongState(
            "the registration has moved on", registration_id=row.registration_id, event=event.value
        )
    await s.refresh(row)
    recorded = await _state(s, act, row, event, said or Said(), before=before)
    if before is _S.REGISTERED and after in _FALLEN:
        await _fell(s, act, row, recorded)
    await _wind(s, row)
    return recorded


async def claim_of_registrar(
    s: WriteSession, act: Act, registration_id: str, event: RegistrationEvent
) -> RegistrationRow:
    """A registration, locked, in which this step is its registrar's to take.

    Raises RegistrationUnknown, RegistrationWrongState, RegistrationWrongRole.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, event, act.role)
    await require_registrar(s, act, row)
    return row


async def require_registrar(s: WriteSession, act: Act, row: RegistrationRow) -> None:
    """A registrar acts on what was filed with it, while it is recognised.

    Raises RegistrationWrongRole, RegistrarUnknown.
    """
    if act.actor.org_id != row.registrar_id:
        raise RegistrationWrongRole(
            "it was filed with another registrar", registration_id=row.registration_id
        )
    if await repository.registrar_named(s, org_id=row.registrar_id) is None:
        raise RegistrarUnknown("this registrar's recognition has ended", registrar_id=row.registrar_id)


def check_applicant(act: Act, row: RegistrationRow) -> None:
    """An applicant acts on its own application. Raises RegistrationWrongRole."""
    if act.actor.org_id != row.applicant_id:
        raise RegistrationWrongRole("this is another's application", registration_id=row.registration_id)


def check_in_time(until: datetime | None, act: Act) -> None:
    """When the exchange has it counts, not the date of a document. Raises RegistrationTooLate."""
    if until is not None and act.now > until:
        raise RegistrationTooLate("the period is over", until=rfc3339(until))


async def wind_rights(s: WriteSession, row: RegistrationRow) -> None:
    """Have the clock look at a registration when each of its rights is over that has an end of its own."""
    claims = await repository.claims_of(s, registration_id=row.registration_id)
    for until in sorted({claim.until for claim in claims if claim.until is not None}):
        at = ends_at(until)
        payload = {"registration_id": row.registration_id, "until": until}
        await enqueue(
            s, kind=RIGHT_DUE_JOB, key=f"{row.registration_id} {until}", run_at=at + LATE, payload=payload
        )


async def _fell(s: WriteSession, act: Act, row: RegistrationRow, recorded: Recorded) -> None:
    resting = await repository.dependents(s, registration_id=row.registration_id, number=row.number)
    for product_id, holder_id in resting:
        payload = {"product_id": product_id, "holder_id": holder_id}
        key = f"{recorded.statement_id} {product_id} {holder_id}"
        await enqueue(s, kind=ENDED_JOB, key=key, run_at=act.now, payload=payload)
    await tell_reference(s, act, row, recorded)


async def tell_reference(s: WriteSession, act: Act, row: RegistrationRow, recorded: Recorded) -> None:
    """Have the joint products looked at that cite a registration's number."""
    if row.number is not None:
        payload = {"reference": row.number}
        await enqueue(s, kind=REFERENCE_FELL_JOB, key=recorded.statement_id, run_at=act.now, payload=payload)


async def _wind(s: WriteSession, row: RegistrationRow) -> None:
    """Have the clock look at it when the present period, or the registration itself, is over."""
    standing = row.status in {_S.REGISTERED, _S.DISPUTED}
    run_at = row.valid_to if standing else row.due_at
    if run_at is None:
        return
    payload = {"registration_id": row.registration_id, "state": row.status.value, "at": rfc3339(run_at)}
    key = f"{row.registration_id} {row.status.value} {rfc3339(run_at)}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=run_at + LATE, payload=payload)


async def _state(
    s: WriteSession,
    act: Act,
    row: RegistrationRow,
    event: RegistrationEvent,
    said: Said,
    *,
    before: RegistrationState | None,
) -> Recorded:
    public = {
        "registration_id": row.registration_id,
        "kind": row.kind.value,
        "data_id": row.data_id,
        "applicant_id": row.applicant_id,
        **said.public,
    }
    draft = Draft(
        f"REG.{event.value}",
        row.registration_id,
        public=public,
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
