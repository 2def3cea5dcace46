"""A grading's way: declared by the holder with grounds, decided by another officer, confirmed where it is
high.

The scan's hints stand beside; the highest wins, and only a proved desensitisation with a scan of the new file
comes below what a former file showed (GB/T 43697-2024; DSL 21).
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from base.clock import rfc3339
from base.db import WriteSession
from base.ids import is_id
from base.jobs import enqueue
from identity.service import own_logins, require_member
from ledger.recording import Act
from registry.doors import Said
from registry.grading import repository
from registry.grading.depending import require_security_review
from registry.grading.describing import Subject, note_entry, subject_of
from registry.grading.errors import (
    AssessmentMissing,
    GradingMalformed,
    GradingOwnDeclaration,
    GradingUnderWay,
    GradingWrongRole,
)
from registry.grading.moving import HANDLER_JOB, begin, step, wind
from registry.grading.raising import inherited, set_parts
from registry.grading.rules import (
    MAX_TEXT,
    Amounts,
    FieldLevel,
    Ground,
    Reason,
    check_decided,
    check_form,
    check_lowering,
    computed,
    effective,
    needs_authority,
)
from registry.grading.states import GRADING_MOVES, GradingEvent, GradingState, may_move
from registry.grading.tables import GradeRow, GradingRow
from registry.grading.templates import class_of
from registry.grading.terms import number, review_at, thresholds
from registry.rules import Level, highest

_E = GradingEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a holder says of its data. `sector` is a section of GB/T 4754, `data_class` of its template.

    `file_sha256` and `desensitised_sha256` are wanted where the level is to come below a former scan.
    """

    level: Level
    sector: str
    data_class: str
    reason: Reason = Reason.FIRST
    grounds: tuple[Ground, ...] = ()
    fields: tuple[FieldLevel, ...] = ()
    amounts: Amounts = field(default_factory=Amounts)
    file_sha256: str | None = None
    desensitised_sha256: str | None = None


async def declare(s: WriteSession, act: Act, *, object_id: str, declared: Declared) -> GradingRow:
    """Declare the level of a product or a data entry that one holds (GRD.DECLARE), with its grounds.

    A declaration whose word, grounds or amounts are above what is known counts at once.
    Raises GradingUnknown, GradingWrongRole, GradingMalformed, GradingUnderWay.
    """
    check_form(declared.grounds, declared.fields, declared.amounts)
    await require_member(s, org_id=act.actor.org_id)
    if is_id(object_id, "dat"):
        await note_entry(s, act, data_id=object_id)
    subject = await subject_of(s, object_id=object_id)
    if subject.holder_id != act.actor.org_id:
        raise GradingWrongRole("its holder declares it", object_id=object_id)
    found = class_of(declared.sector, declared.data_class)
    known = await repository.claim_grade(s, object_id=object_id)
    if await repository.open_grading(s, object_id=object_id) is not None:
        raise GradingUnderWay("a grading of this is under way", object_id=object_id)
    outcome = computed(
        declared.level,
        grounds=declared.grounds,
        fields=declared.fields,
        amounts=declared.amounts,
        thresholds=thresholds(act.now),
        floor=highest([await _floor(s, act, subject), found.floor]),
    )
    row = GradingRow(
        grading_id=act.new_id("grd"),
        object_id=object_id,
        version=await repository.last_version(s, object_id=object_id) + 1,
        holder_id=act.actor.org_id,
        declared_by=act.actor.user_id,
        status=GradingState.DECLARED,
        reason=declared.reason.value,
        declared=declared.level,
        grounds=[_plain(one) for one in declared.grounds],
        fields=[_plain(one) for one in declared.fields],
        sector=declared.sector,
        data_class=declared.data_class,
        persons=declared.amounts.persons,
        sensitive_persons=declared.amounts.sensitive_persons,
        joined=declared.amounts.joined,
        file_sha256=declared.file_sha256,
        desensitised_sha256=declared.desensitised_sha256,
        computed=outcome.level,
        why=list(outcome.why),
        declared_at=act.occurred_at,
    )
    public = {
        "version": row.version,
        "reason": row.reason,
        "declared": declared.level.value,
        "computed": outcome.level.value,
        "sector": declared.sector,
        "data_class": declared.data_class,
    }
    proofs = {"file": declared.file_sha256, "desensitised": declared.desensitised_sha256}
    said = Said(
        public=public,
        opening={"grounds": row.grounds, "fields": row.fields, "amounts": asdict(declared.amounts)},
        subjects={name: digest for name, digest in proofs.items() if digest is not None},
    )
    await begin(s, act, row, _E.DECLARE, said)
    if known is not None:
        higher = effective(known.declared, outcome.level)
        if higher is not known.declared:  # one's own word and its grounds count at once, upwards
            await _set(s, act, row, cause="declared", declared=higher)
    return row


async def withdraw(s: WriteSession, act: Act, *, grading_id: str) -> GradingRow:
    """Take a declaration back that nobody has decided (GRD.WITHDRAW)."""
    row = await repository.claim_grading(s, grading_id=grading_id)
    may_move(GRADING_MOVES, row.status, _E.WITHDRAW, act.role)
    if row.holder_id != act.actor.org_id:
        raise GradingWrongRole("its holder declared it", grading_id=grading_id)
    await step(s, act, row, _E.WITHDRAW)
    return row


async def send_back(s: WriteSession, act: Act, *, grading_id: str, opinion: str) -> GradingRow:
    """Return a declaration with what is wrong with it (GRD.RETURN), as an officer who did not declare it."""
    row, _ = await _for_officer(s, act, grading_id, _E.RETURN)
    said = Said(opening={"opinion": check_text(opinion)})
    values = {"opinion": opinion.strip(), "decided_by": act.actor.user_id, "decided_org": act.actor.org_id}
    await step(s, act, row, _E.RETURN, said, values=values)
    return row


async def decide(s: WriteSession, act: Act, *, grading_id: str, level: Level, opinion: str) -> GradingRow:
    """Decide a declaration (GRD.DECIDE), as another officer than who declared it.

    Important and core, and what comes down from there (also from what its sources are), is proposed to the
    data authority (GRD.PROPOSE).
    Raises GradingOwnDeclaration, GradingBelowGrounds, GradingBelowScan, DesensitisationUnproved.
    """
    row, _ = await _for_officer(s, act, grading_id, _E.DECIDE)
    if is_id(row.object_id, "dat"):  # what is mounted now, not when it was last looked at
        await note_entry(s, act, data_id=row.object_id)
    known = await repository.claim_grade(s, object_id=row.object_id)
    former = await repository.standing_grading(s, object_id=row.object_id)
    scanned = None if known is None else known.scanned
    in_force = None if former is None else former.decided
    check_decided(level, computed_level=row.computed, scanned=scanned)
    check_lowering(
        level,
        in_force=in_force,
        scanned_before=None if former is None else former.scanned,
        file_before=None if former is None else former.file_sha256,
        file_sha256=row.file_sha256,
        scanned_file=_scanned_file(known),
        proof_sha256=row.desensitised_sha256,
    )
    public = {"level": level.value, "scanned": None if scanned is None else scanned.value}
    said = Said(public=public, opening={"opinion": check_text(opinion)})
    values = {
        "decided": level,
        "scanned": scanned,
        "opinion": opinion.strip(),
        "decided_by": act.actor.user_id,
        "decided_org": act.actor.org_id,
        "file_sha256": row.file_sha256 or (None if known is None else known.file_sha256),
    }
    from_sources = await inherited(s, object_id=row.object_id)
    before = highest(one for one in (Level.GENERAL_1, in_force, from_sources) if one is not None)
    if needs_authority(level, in_force=before):
        await step(s, act, row, _E.PROPOSE, said, values=values)
        return row
    await _enter(s, act, row, _E.DECIDE, level=level, former=former, said=said, values=values)
    return row


async def confirm(s: WriteSession, act: Act, *, grading_id: str) -> GradingRow:
    """Confirm a level that was proposed (GRD.CONFIRM), as the data authority, by a third person.

    Raises GradingBelowScan where the file was scanned higher meanwhile.
    """
    row = await repository.claim_grading(s, grading_id=grading_id)
    may_move(GRADING_MOVES, row.status, _E.CONFIRM, act.role)
    await require_other(s, act, row.declared_by, row.decided_by)
    assert row.decided is not None
    known = await repository.claim_grade(s, object_id=row.object_id)
    scanned = None if known is None else known.scanned  # a newer file may show more than was proposed
    check_decided(row.decided, computed_level=row.computed, scanned=scanned)
    former = await repository.standing_grading(s, object_id=row.object_id)
    said = Said(public={"level": row.decided.value})
    values = {"confirmed_by": act.actor.user_id}
    await _enter(s, act, row, _E.CONFIRM, level=row.decided, former=former, said=said, values=values)
    return row


async def decline(s: WriteSession, act: Act, *, grading_id: str, opinion: str) -> GradingRow:
    """Send a proposed level back to be decided anew (GRD.DECLINE), as the data authority."""
    row = await repository.claim_grading(s, grading_id=grading_id)
    said = Said(opening={"opinion": check_text(opinion)})
    await step(s, act, row, _E.DECLINE, said, values={"opinion": opinion.strip(), "decided": None})
    return row


async def require_other(s: WriteSession, act: Act, *others: str | None) -> None:
    """A person acts, and is none of these, under whatever login. Raises GradingOwnDeclaration."""
    user_id = act.actor.user_id
    if user_id is None or await own_logins(s, user_id=user_id) & {one for one in others if one is not None}:
        raise GradingOwnDeclaration("another officer decides this", user_id=user_id or "")


def check_text(text: str) -> str:
    """A text of a bounded length, with something in it. Raises GradingMalformed."""
    said = text.strip()
    if not 1 <= len(said) <= MAX_TEXT:
        raise GradingMalformed("a text of one to two thousand characters", limit=MAX_TEXT)
    return said


async def _for_officer(
    s: WriteSession, act: Act, grading_id: str, event: GradingEvent
) -> tuple[GradingRow, Subject]:
    """A declaration, locked, for an officer whose it is to decide. Raises GradingWrongRole.

    An agency's own officer decides of its data, the exchange's of products, the data authority's of either.
    """
    row = await repository.claim_grading(s, grading_id=grading_id)
    may_move(GRADING_MOVES, row.status, event, act.role)
    subject = await subject_of(s, object_id=row.object_id)
    own = act.role == "PUBLIC_AGENCY" and act.actor.org_id == row.holder_id
    exchange = act.role == "EXCHANGE_OPERATOR" and not subject.public
    if not (own or exchange or act.role == "DATA_AUTHORITY"):
        raise GradingWrongRole("another officer decides of this data", grading_id=grading_id)
    await require_other(s, act, row.declared_by)
    return row, subject


async def _enter(
    s: WriteSession,
    act: Act,
    row: GradingRow,
    event: GradingEvent,
    *,
    level: Level,
    former: GradingRow | None,
    said: Said,
    values: Mapping[str, object],
) -> None:
    """A level comes into force: the version before it is superseded, and the object follows at once."""
    until = review_at(level, act.now)
    public = {**said.public, "review_by": rfc3339(until)}
    values = {**values, "decided_at": act.occurred_at, "review_at": until}
    if former is not None:
        after = Said(public={"by": row.grading_id})
        await step(s, act, former, _E.SUPERSEDE, after)
    entered = Said(public=public, opening=said.opening, subjects=said.subjects)
    await step(s, act, row, event, entered, values=values)
    parts = {"declared": row.declared, "decided": level, "inherited": None, "sector": row.sector}
    await _set(s, act, row, cause="decided", grading_id=row.grading_id, **parts)
    await wind(s, row)
    if row.persons >= number("GRADE-AGG", "important_persons", act.now):
        await enqueue(s, kind=HANDLER_JOB, key=row.grading_id, run_at=act.now, payload={})


def _scanned_file(known: GradeRow | None) -> str | None:
    """The file that the newest scan was of, where it is the one that is there."""
    if known is None or known.scanned is None or known.scanned_sha256 != known.file_sha256:
        return None
    return known.scanned_sha256


def _plain(said: Ground | FieldLevel) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, StrEnum) else value for name, value in asdict(said).items()
    }


async def _floor(s: WriteSession, act: Act, subject: Subject) -> Level:
    """The least level of what it is; of video and sensors a security review of the real data frees (R43)."""
    if subject.sensed:
        with suppress(AssessmentMissing):
            await require_security_review(s, object_id=subject.object_id, now=act.now)
            return Level.GENERAL_1
    return subject.floor


async def _set(s: WriteSession, act: Act, row: GradingRow, *, cause: str, **parts: object) -> None:
    await set_parts(s, act, object_id=row.object_id, holder_id=row.holder_id, cause=cause, **parts)
