"""Records of consents: what a listing with personal data cites, beside its assessments.

A record holds digests and counts, never a person: the wording's digest, the root of salted pseudonyms that
the holder keeps, how many gave and how many took back. (PIPL 13–15, 23, 29; R58.)
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.clock import rfc3339
from base.db import WriteSession
from base.ids import is_id
from base.jobs import enqueue
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.grading import repository
from registry.grading.describing import subject_of
from registry.grading.errors import GradingMalformed, GradingWrongRole
from registry.grading.falling import expire
from registry.grading.moving import LATE, begin, step
from registry.grading.states import ConsentEvent, ConsentState
from registry.grading.tables import ConsentRow

CONSENT_LOST_JOB: Final = "registry.consent-lost"
"""Payload: object_id, holder_id, consent_id. The market suspends what cites it."""
RECORD_DUE_JOB: Final = "registry.record-due"
MAX_PURPOSES: Final = 20
MAX_RECIPIENTS: Final = 100
MAX_SUBJECTS: Final = 10**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Consents:
    """What a record of consents says. `purposes` are codes of the licence's purposes."""

    wording_sha256: str
    subjects_root: str
    subjects: int
    separate: bool
    purposes: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    recipients: tuple[str, ...] = ()


async def record_consents(s: WriteSession, act: Act, *, object_id: str, consents: Consents) -> ConsentRow:
    """Record the consents behind an object that one holds (CNS.RECORD). Raises GradingMalformed."""
    await _require_held(s, act, object_id)
    wrong = []
    if not 1 <= consents.subjects <= MAX_SUBJECTS:
        wrong.append("subjects")
    if not 1 <= len(set(consents.purposes)) <= MAX_PURPOSES:
        wrong.append("purposes")
    if len(consents.recipients) > MAX_RECIPIENTS:
        wrong.append("recipients")
    if not consents.valid_from < consents.valid_until or consents.valid_until <= act.now:
        wrong.append("valid_until")
    if wrong:
        raise GradingMalformed("purposes, subjects and a period that is not over", fields=wrong)
    row = ConsentRow(
        consent_id=act.new_id("cns"),
        holder_id=act.actor.org_id,
        object_id=object_id,
        status=ConsentState.STANDING,
        wording_sha256=consents.wording_sha256,
        separate=consents.separate,
        purposes=sorted(set(consents.purposes)),
        recipients=sorted(set(consents.recipients)),
        subjects=consents.subjects,
        subjects_root=consents.subjects_root,
        valid_from=consents.valid_from,
        valid_until=consents.valid_until,
        recorded_at=act.occurred_at,
    )
    public = {
        "separate": row.separate,
        "purposes": row.purposes,
        "subjects": row.subjects,
        "valid_from": rfc3339(row.valid_from),
        "valid_until": rfc3339(row.valid_until),
    }
    said = Said(
        public=public,
        opening={"recipients": row.recipients},
        subjects={"wording": row.wording_sha256, "pseudonyms": row.subjects_root},
    )
    await begin(s, act, row, ConsentEvent.RECORD, said)
    await wind_record(s, row.consent_id, row.valid_until)
    return row


async def withdraw_consents(
    s: WriteSession, act: Act, *, consent_id: str, count: int, pseudonyms_root: str
) -> ConsentRow:
    """Note that subjects took their consent back (CNS.WITHDRAW); with the last one it falls (CNS.LOSE).

    Their data leaves the holder's product; what cites a record that fell is stopped at once. The root
    commits to their pseudonyms. Raises GradingMalformed for more than there are.
    """
    row = await _own_consent(s, act, consent_id)
    left = row.subjects - row.withdrawn
    if not 1 <= count <= left:
        raise GradingMalformed("no more than have consented", fields=["count"], left=left)
    last = count == left
    said = Said(
        public={"count": count, "withdrawn": row.withdrawn + count}, subjects={"pseudonyms": pseudonyms_root}
    )
    event = ConsentEvent.LOSE if last else ConsentEvent.WITHDRAW
    recorded = await step(s, act, row, event, said, values={"withdrawn": row.withdrawn + count})
    if last:
        await _tell_lost(s, act, row, recorded.statement_id)
    return row


async def end_consents(s: WriteSession, act: Act, *, consent_id: str, reason_code: str) -> ConsentRow:
    """End a record (CNS.END): from now on nothing rests on it."""
    row = await _own_consent(s, act, consent_id)
    recorded = await step(s, act, row, ConsentEvent.END, Said(public={"reason_code": reason_code}))
    await _tell_lost(s, act, row, recorded.statement_id)
    return row


async def fall_due(s: WriteSession, act: Act, *, record_id: str) -> bool:
    """The clock's end of a record whose time is over (CNS.EXPIRE, PIA.EXPIRE); False where it had ended."""
    if is_id(record_id, "cns"):
        consent = await repository.claim_consent(s, consent_id=record_id)
        if consent.status is not ConsentState.STANDING or act.now <= consent.valid_until:
            return False
        recorded = await step(s, act, consent, ConsentEvent.EXPIRE)
        await _tell_lost(s, act, consent, recorded.statement_id)
        return True
    return await expire(s, act, assessment_id=record_id)


async def wind_record(s: WriteSession, record_id: str, until: datetime) -> None:
    """Have the clock look at a record, or an assessment, when its period is over."""
    payload = {"record_id": record_id}
    await enqueue(s, kind=RECORD_DUE_JOB, key=record_id, run_at=until + LATE, payload=payload)


async def _own_consent(s: WriteSession, act: Act, consent_id: str) -> ConsentRow:
    row = await repository.claim_consent(s, consent_id=consent_id)
    if row.holder_id != act.actor.org_id:
        raise GradingWrongRole("it is another's record", consent_id=consent_id)
    return row


async def _require_held(s: WriteSession, act: Act, object_id: str) -> None:
    await require_member(s, org_id=act.actor.org_id)
    subject = await subject_of(s, object_id=object_id)
    if subject.holder_id != act.actor.org_id:
        raise GradingWrongRole("its holder keeps its records", object_id=object_id)


async def _tell_lost(s: WriteSession, act: Act, row: ConsentRow, key: str) -> None:
    payload = {"object_id": row.object_id, "holder_id": row.holder_id, "consent_id": row.consent_id}
    await enqueue(s, kind=CONSENT_LOST_JOB, key=key, run_at=act.now, payload=payload)
