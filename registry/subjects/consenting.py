"""A person's own consent: given for one thing, shown in a record or not, taken back as easily as given.

When it falls, nothing that may carry the person rests on the holder's records of the object any more, from
that very transaction on: the rows of those records are locked. It rests again on records of which one was
shown to lack the person. What is under way in the market stops there (`market.delivery.unconsented`).
"""

from datetime import datetime
from typing import Any, Final

from base.calendar import end_of_day_shanghai, months_after, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from registry.doors import Said
from registry.grading.repository import consent_of
from registry.grading.states import ConsentState
from registry.subjects import repository
from registry.subjects.entering import Spoken, SubjectDesk, speak
from registry.subjects.errors import ConsentGivenBefore, SubjectRecordUnknown, WordingRetired
from registry.subjects.moving import begin, check_holder, step, wind
from registry.subjects.roots import Path, entry_of, shows
from registry.subjects.rules import STOPS, ConsentKind, Wanted, narrowed, salt_of
from registry.subjects.states import FALLEN, GivenEvent, GivenState, WordingState
from registry.subjects.tables import GivenRow, ShownRow
from registry.subjects.terms import due_after
from registry.withheld.service import let_go, withhold

FELL_JOB: Final = "registry.person-withdrew"
"""Payload: given_id. The market stops what it had not, and tells whoever has received."""
SETTLED_JOB: Final = "registry.person-settled"
"""Payload: given_id, consent_id. The market lets go on what carries the person no more."""
_GIVE: Final = "consent.give"
_WITHDRAW: Final = "consent.withdraw"


async def give(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    tie_id: str,
    wording_id: str,
    wanted: Wanted,
    signature: str | None = None,
) -> GivenRow:
    """Consent to what one wording asks, or to less (SGC.GIVE), by the person's own word.

    Raises WordingRetired, ConsentBeyondWording, ConsentGivenBefore, and what `speak` raises.
    """
    wording = await repository.get_wording(s, wording_id=wording_id)
    args = said_of(wording.wording_id, wording.sha256, wanted)
    spoken = await speak(
        s,
        act,
        desk=desk,
        tie_id=tie_id,
        subject_id=subject_id,
        says=_GIVE,
        args=args,
        signature=signature,
    )
    if wording.holder_id != spoken.tie.holder_id:
        raise SubjectRecordUnknown("no such record")
    if wording.status is not WordingState.IN_FORCE:
        raise WordingRetired("another version stands", wording_id=wording_id)
    ends = end_of_day_shanghai(months_after(shanghai_day(act.now), wording.months))
    given = narrowed(wanted, purposes=wording.purposes, recipients=wording.recipients, ends=ends, now=act.now)
    assert given.valid_until is not None
    standing = await repository.givens(
        s, subject_id=subject_id, object_id=wording.object_id, statuses=(GivenState.GIVEN,)
    )
    if any((one.tie_id, one.kind) == (tie_id, wording.kind) for one in standing):
        raise ConsentGivenBefore("withdraw it first to give another", kind=wording.kind.value)
    row = GivenRow(
        given_id=act.new_id("sgc"),
        subject_id=subject_id,
        tie_id=tie_id,
        holder_id=wording.holder_id,
        object_id=wording.object_id,
        wording_id=wording_id,
        kind=wording.kind,
        status=GivenState.GIVEN,
        purposes=list(given.purposes),
        recipients=list(given.recipients),
        salt=salt_of(spoken.word),
        valid_from=act.occurred_at,
        valid_until=given.valid_until,
        word=spoken.word,
        sig=spoken.sig,
    )
    public = {"wording_version": wording.version, "valid_until": rfc3339(row.valid_until)}
    opening = {"purposes": row.purposes, "recipients": row.recipients}
    subjects = spoken.subjects | {"wording": wording.sha256}
    await begin(s, act, row, GivenEvent.GIVE, Said(public=public, opening=opening, subjects=subjects))
    await wind(s, row.given_id, row.valid_until)
    return row


def said_of(wording_id: str, wording_sha256: str, wanted: Wanted) -> dict[str, Any]:
    """What a person signs when it consents."""
    until = wanted.valid_until
    return {
        "purposes": sorted(set(wanted.purposes)),
        "recipients": sorted(set(wanted.recipients)),
        "valid_until": None if until is None else rfc3339(until),
        "wording_id": wording_id,
        "wording_sha256": wording_sha256,
    }


async def withdraw(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    given_id: str,
    signature: str | None = None,
) -> GivenRow:
    """Take a consent back (SGC.WITHDRAW): no reason is asked (PIPL 15).

    Raises SubjectRecordUnknown for another person's, SubjectWrongState, and what `speak` raises.
    """
    seen = await repository.get_given(s, given_id=given_id)
    if seen.subject_id != subject_id:
        raise SubjectRecordUnknown("no such record")
    spoken = await speak(
        s,
        act,
        desk=desk,
        tie_id=seen.tie_id,
        subject_id=subject_id,
        says=_WITHDRAW,
        args={"given_id": given_id},
        signature=signature,
    )
    row = await repository.claim_given(s, given_id=given_id)
    await _fall(s, act, row, GivenEvent.WITHDRAW, spoken)
    return row


async def show(
    s: WriteSession,
    act: Act,
    *,
    given_id: str,
    consent_id: str,
    path: Path,
    subject_id: str | None = None,
) -> GivenRow:
    """Show that a consent's person is in a record of consents, or is not (SGC.SHOW): as its holder, or as
    the person (`subject_id`).

    Where the consent has fallen, and the holder shows a record that stands and lacks the person, that settles
    it (SGC.SETTLE). Raises ProofWrong, SubjectRecordUnknown.
    """
    row = await repository.claim_given(s, given_id=given_id)
    if subject_id is None:
        check_holder(act, row)
    elif row.subject_id != subject_id:
        raise SubjectRecordUnknown("no such record")
    record = await consent_of(s, consent_id=consent_id, lock=True)
    if record is None or (record.holder_id, record.object_id) != (row.holder_id, row.object_id):
        raise SubjectRecordUnknown("no such record")
    tie = await repository.get_tie(s, tie_id=row.tie_id)
    present = shows(record.subjects_root, record.subjects, entry_of(tie.pseudonym, row.salt), path)
    known = await s.get(ShownRow, (given_id, consent_id), populate_existing=True)
    if known is None:
        known = ShownRow(given_id=given_id, consent_id=consent_id, present=present, path={}, shown_at=act.now)
    known.present, known.path, known.shown_at = present, path.document(), act.occurred_at
    s.add(known)
    await s.flush()
    said = Said(public={"consent_id": consent_id, "present": present})
    await step(s, act, row, GivenEvent.SHOW, said)
    if present or subject_id is not None or record.status is not ConsentState.STANDING:
        return row
    if row.status in FALLEN:
        values = {"settled_at": act.occurred_at}
        said = Said(public={"consent_id": consent_id})
        await step(s, act.as_exchange(), row, GivenEvent.SETTLE, said, values=values)
    if row.status is GivenState.SETTLED:
        await let_go(s, given_id=given_id, recorded_at=record.recorded_at)
        payload = {"given_id": given_id, "consent_id": consent_id}
        key = f"{given_id} {consent_id}"
        await enqueue(s, kind=SETTLED_JOB, key=key, run_at=act.now, payload=payload)
    return row


async def fall_due(s: WriteSession, act: Act, *, given_id: str) -> bool:
    """The clock: a consent's period is over (SGC.EXPIRE), or no version without the person (SGC.OVERDUE)."""
    row = await repository.claim_given(s, given_id=given_id)
    if row.status is GivenState.GIVEN and act.now > row.valid_until:
        await _fall(s, act, row, GivenEvent.EXPIRE)
        return True
    if row.status in FALLEN and not row.overdue and row.settle_by is not None and act.now > row.settle_by:
        await step(s, act, row, GivenEvent.OVERDUE, values={"overdue": True})
        return True
    return False


async def _fall(
    s: WriteSession,
    act: Act,
    row: GivenRow,
    event: GivenEvent,
    spoken: Spoken | None = None,
) -> None:
    await repository.claim_records(s, object_id=row.object_id, holder_id=row.holder_id)
    by: datetime = due_after(act.now, "SUB-WDR", "new_version")
    values: dict[str, Any] = {"fallen_at": act.occurred_at, "settle_by": by}
    if spoken is not None:
        values |= {"withdrawn_word": spoken.word, "withdrawn_sig": spoken.sig}
    said = Said(public={"settle_by": rfc3339(by)}, subjects={} if spoken is None else spoken.subjects)
    recorded = await step(s, act, row, event, said, values=values)
    if row.kind in STOPS or row.kind is ConsentKind.EXPORT:
        await withhold(
            s,
            given_id=row.given_id,
            object_id=row.object_id,
            holder_id=row.holder_id,
            since=act.occurred_at,
            recipients=row.recipients,
            abroad=row.kind is ConsentKind.EXPORT,
        )
    payload = {"given_id": row.given_id}
    await enqueue(s, kind=FELL_JOB, key=recorded.statement_id, run_at=act.now, payload=payload)
    await wind(s, row.given_id, by)
