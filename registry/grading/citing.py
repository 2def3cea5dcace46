"""Whether the records that are cited carry what is to be done: asked at listing, contract and delivery."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.db import ReadSession
from registry.grading import repository
from registry.grading.errors import AssessmentMissing, ConsentMissing
from registry.grading.states import AssessmentState, ConsentState
from registry.rules import Allowance, Channel, Level, PersonalData, allowance
from registry.withheld.service import withheld_by

_PIPIA: Final = "PIPIA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What is to be done with personal data: of which product, by whom held, for what, for whom, how long.

    Empty `purposes` or `recipients`, or no `now`: not asked here; the clock ends records whose time is over.
    `until` is the last moment of the use.
    """

    object_id: str
    holder_id: str
    level: Level
    now: datetime | None = None
    until: datetime | None = None
    purposes: Collection[str] = ()
    recipients: Collection[str] = ()


def declared_only(level: Level, personal: PersonalData) -> tuple[str, ...]:
    """What is declared of personal data and rests on no record, by the names of the flags."""
    if not personal.contained or personal.anonymised:
        return ()
    flags = []
    if personal.consented and personal.consent_id is None:
        flags.append("consented")
    separate = allowance(level, Channel.TRADE) is Allowance.SEPARATE_CONSENT
    if separate and personal.separately_consented and personal.consent_id is None:
        flags.append("separately_consented")
    if personal.impact_assessed and personal.assessment_id is None:
        flags.append("impact_assessed")
    return tuple(flags)


async def require_records(s: ReadSession, personal: PersonalData, use: Use) -> None:
    """The cited records stand and carry the use, share-locked. Raises ConsentMissing, AssessmentMissing."""
    if not personal.contained or personal.anonymised:
        return
    if personal.consent_id is not None:
        await _require_consent(s, personal.consent_id, use)
    await _require_not_withheld(s, personal.consent_id, use)
    if personal.assessment_id is not None:
        await _require_assessment(s, personal.assessment_id, use)


async def _require_consent(s: ReadSession, consent_id: str, use: Use) -> None:
    row = await repository.consent_of(s, consent_id=consent_id, lock=True)
    separate = allowance(use.level, Channel.TRADE) is Allowance.SEPARATE_CONSENT
    why = None
    if row is None or (row.object_id, row.holder_id) != (use.object_id, use.holder_id):
        why = "of-another"
    elif row.status is not ConsentState.STANDING:
        why = row.status.value.lower()
    elif use.now is not None and not row.valid_from <= use.now <= row.valid_until:
        why = "out-of-time"
    elif use.until is not None and use.until > row.valid_until:
        why = "ends-before-the-use"
    elif separate and not row.separate:
        why = "not-separate"
    elif set(use.purposes) - set(row.purposes):
        why = "another-purpose"
    elif row.recipients and set(use.recipients) - set(row.recipients):
        why = "another-recipient"
    if why is not None:
        raise ConsentMissing("the record does not carry this", consent_id=consent_id, why=why)


async def _require_not_withheld(s: ReadSession, consent_id: str | None, use: Use) -> None:
    """No person has withdrawn whom the cited record was not shown to lack since (PIPL 15, 47)."""
    row = None if consent_id is None else await repository.consent_of(s, consent_id=consent_id)
    given_id = await withheld_by(
        s,
        object_id=use.object_id,
        holder_id=use.holder_id,
        recorded_at=None if row is None else row.recorded_at,
        recipients=use.recipients,
    )
    if given_id is not None:
        raise ConsentMissing(
            "a person has withdrawn", consent_id=consent_id, given_id=given_id, why="withdrawn-by-a-person"
        )


async def _require_assessment(s: ReadSession, assessment_id: str, use: Use) -> None:
    row = await repository.assessment_of(s, assessment_id=assessment_id, lock=True)
    why = None
    if row is None or (row.object_id, row.holder_id) != (use.object_id, use.holder_id):
        why = "of-another"
    elif row.kind != _PIPIA:
        why = "no-impact-assessment"
    elif row.status is not AssessmentState.STANDING:
        why = row.status.value.lower()
    elif use.now is not None and (row.valid_until is None or use.now > row.valid_until):
        why = "out-of-time"
    elif use.now is not None and row.due_at is not None and use.now > row.due_at:
        why = "finding-overdue"
    if why is not None:
        raise AssessmentMissing("the record does not carry this", assessment_id=assessment_id, why=why)
