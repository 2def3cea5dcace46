"""What is asked about levels, gradings, the important-data catalogue and the records."""

from collections.abc import Collection, Sequence
from typing import Final, TypeVar

from sqlalchemy import bindparam, or_
from sqlmodel import SQLModel, col, func, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.grading.errors import GradingRecordUnknown, GradingUnknown, ImportantEntryUnknown
from registry.grading.states import (
    LIVE,
    OPEN,
    STANDING,
    STOPS,
    AssessmentState,
    EntryState,
    GradingState,
    MatchState,
)
from registry.grading.tables import (
    AssessmentRow,
    ConsentRow,
    EvidenceRow,
    GradeRow,
    GradingRow,
    ImportantRow,
    LineageRow,
    MatchRow,
)
from registry.lists.tables import DataRow

_Row = TypeVar("_Row", bound=SQLModel)
_GRADE: Final = select(GradeRow).where(col(GradeRow.object_id) == bindparam("object_id"))
_GRADE_LOCKED: Final = share_lock(_GRADE).execution_options(populate_existing=True)


async def grade_of(s: ReadSession, *, object_id: str, lock: bool = False) -> GradeRow | None:
    """What is known of an object's level; `lock` share-locks it for an act that depends on it."""
    return (await s.exec(_GRADE_LOCKED if lock else _GRADE, params={"object_id": object_id})).first()


async def claim_grade(s: WriteSession, *, object_id: str) -> GradeRow | None:
    """What is known of an object's level, locked against every act that rests on it."""
    query = exclusive_lock(select(GradeRow).where(GradeRow.object_id == object_id))
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def grades_after(s: ReadSession, *, after: str, limit: int) -> Sequence[GradeRow]:
    """Known objects in the order of their ids, from one on."""
    query = select(GradeRow).where(col(GradeRow.object_id) > after)
    return (await s.exec(query.order_by(col(GradeRow.object_id)).limit(limit))).all()


async def grades_held(
    s: ReadSession, *, holder_id: str | None, after: str = "", limit: int
) -> Sequence[GradeRow]:
    """Known objects of a holder, or of all, in the order of their ids, from one on."""
    query = select(GradeRow).where(col(GradeRow.object_id) > after)
    if holder_id is not None:
        query = query.where(GradeRow.holder_id == holder_id)
    return (await s.exec(query.order_by(col(GradeRow.object_id)).limit(limit))).all()


async def objects_of_file(s: ReadSession, *, sha256: str) -> list[str]:
    """Known objects of the same bytes."""
    query = select(GradeRow.object_id).where(GradeRow.file_sha256 == sha256)
    return list(await s.exec(query.order_by(col(GradeRow.object_id))))


async def grades_of_file(s: ReadSession, *, sha256: str, but: str) -> Sequence[GradeRow]:
    """What is known of the other objects whose newest file has these bytes."""
    query = select(GradeRow).where(GradeRow.file_sha256 == sha256, col(GradeRow.object_id) != but)
    return (await s.exec(query.order_by(col(GradeRow.object_id)))).all()


async def evidence_of_file(s: ReadSession, *, sha256: str, but: str = "") -> Sequence[EvidenceRow]:
    """What these bytes showed under every name but one, whoever brought them."""
    query = select(EvidenceRow).where(EvidenceRow.file_sha256 == sha256, col(EvidenceRow.object_id) != but)
    return (await s.exec(query.order_by(col(EvidenceRow.object_id), col(EvidenceRow.holder_id)))).all()


async def evidence_of(s: ReadSession, *, object_id: str) -> Sequence[EvidenceRow]:
    """Every file that was brought of an object, newest first."""
    query = select(EvidenceRow).where(EvidenceRow.object_id == object_id)
    newest = (col(EvidenceRow.shown_at).desc(), col(EvidenceRow.holder_id), col(EvidenceRow.file_sha256))
    return (await s.exec(query.order_by(*newest))).all()


async def decided_on_file(s: ReadSession, *, sha256: str, but: str) -> Sequence[GradingRow]:
    """The newest decision on these bytes of each other object, also one that a newer file superseded."""
    query = select(GradingRow).where(
        GradingRow.file_sha256 == sha256,
        col(GradingRow.object_id) != but,
        col(GradingRow.status).in_([*STANDING, GradingState.SUPERSEDED]),
    )
    rows = (await s.exec(query.order_by(col(GradingRow.version)))).all()
    return list({row.object_id: row for row in rows}.values())


async def entries_of_file(s: ReadSession, *, sha256: str) -> list[str]:
    """Data entries that are mounted to the same bytes."""
    query = select(DataRow.data_id).where(DataRow.resource_sha256 == sha256)
    return list(await s.exec(query.order_by(col(DataRow.data_id))))


async def entries_saying(s: ReadSession, *, words: Collection[str], limit: int) -> list[str]:
    """Data entries whose name or abstract has one of the words, and that grading does not know."""
    if not words:
        return []
    said = [
        member.contains(word, autoescape=True)
        for word in sorted(words)
        for member in (col(DataRow.name), col(DataRow.abstract))
    ]
    known = col(DataRow.data_id).in_(select(GradeRow.object_id))
    query = select(DataRow.data_id).where(or_(*said), ~known)
    return list(await s.exec(query.order_by(col(DataRow.data_id)).limit(limit)))


async def entries_of_import(s: ReadSession, *, import_id: str, after: str, limit: int) -> Sequence[DataRow]:
    """Data entries that an import made or changed last, in the order of their ids, from one on."""
    query = select(DataRow).where(DataRow.import_id == import_id, col(DataRow.data_id) > after)
    return (await s.exec(query.order_by(col(DataRow.data_id)).limit(limit))).all()


async def sources_of(s: ReadSession, *, object_id: str) -> list[str]:
    """What an object was made from."""
    query = select(LineageRow.source).where(LineageRow.object_id == object_id)
    return list(await s.exec(query.order_by(col(LineageRow.source))))


async def made_from(s: ReadSession, *, sources: Collection[str]) -> list[str]:
    """The objects that were made from any of these."""
    query = select(LineageRow.object_id).where(col(LineageRow.source).in_(sorted(sources)))
    return list(await s.exec(query.distinct().order_by(col(LineageRow.object_id))))


async def get_grading(s: ReadSession, *, grading_id: str) -> GradingRow:
    """A grading by id. Raises GradingUnknown."""
    row = await s.get(GradingRow, grading_id, populate_existing=True)
    if row is None:
        raise GradingUnknown("no such grading", grading_id=grading_id)
    return row


async def claim_grading(s: WriteSession, *, grading_id: str) -> GradingRow:
    """A grading, locked. Raises GradingUnknown."""
    row = await _claimed(s, GradingRow, "grading_id", grading_id)
    if row is None:
        raise GradingUnknown("no such grading", grading_id=grading_id)
    return row


async def gradings_of(s: ReadSession, *, object_id: str) -> Sequence[GradingRow]:
    """Every version of an object's grading, newest first: its history."""
    query = select(GradingRow).where(GradingRow.object_id == object_id)
    return (await s.exec(query.order_by(col(GradingRow.version).desc()))).all()


async def open_grading(s: ReadSession, *, object_id: str) -> GradingRow | None:
    """The grading of an object that is under way."""
    query = select(GradingRow).where(GradingRow.object_id == object_id, col(GradingRow.status).in_(OPEN))
    return (await s.exec(query)).first()


async def standing_grading(s: WriteSession, *, object_id: str) -> GradingRow | None:
    """The grading of an object whose level counts, locked."""
    query = select(GradingRow).where(GradingRow.object_id == object_id, col(GradingRow.status).in_(STANDING))
    return (await s.exec(exclusive_lock(query).execution_options(populate_existing=True))).first()


async def last_version(s: ReadSession, *, object_id: str) -> int:
    """The number of the newest version of an object's grading; 0 before the first."""
    query = select(func.max(GradingRow.version)).where(GradingRow.object_id == object_id)
    return (await s.exec(query)).one() or 0


async def gradings(
    s: ReadSession,
    *,
    holder_id: str | None = None,
    states: Collection[GradingState] = (),
    after: str | None = None,
    limit: int = 50,
) -> Sequence[GradingRow]:
    """Gradings, newest first: of this holder, in these states."""
    query = select(GradingRow)
    if holder_id is not None:
        query = query.where(GradingRow.holder_id == holder_id)
    if states:
        query = query.where(col(GradingRow.status).in_(sorted(states)))
    if after is not None:
        query = query.where(col(GradingRow.grading_id) < after)
    return (await s.exec(query.order_by(col(GradingRow.grading_id).desc()).limit(limit))).all()


async def get_entry(s: ReadSession, *, entry_id: str) -> ImportantRow:
    """An entry of the catalogue. Raises ImportantEntryUnknown."""
    row = await s.get(ImportantRow, entry_id, populate_existing=True)
    if row is None:
        raise ImportantEntryUnknown("no such entry", entry_id=entry_id)
    return row


async def claim_entry(s: WriteSession, *, entry_id: str) -> ImportantRow:
    """An entry of the catalogue, locked. Raises ImportantEntryUnknown."""
    row = await _claimed(s, ImportantRow, "entry_id", entry_id)
    if row is None:
        raise ImportantEntryUnknown("no such entry", entry_id=entry_id)
    return row


async def entries_of_department(
    s: ReadSession, *, department_id: str, entry_ids: Collection[str]
) -> set[str]:
    """Which of these entries of the catalogue are a department's."""
    query = select(ImportantRow.entry_id).where(ImportantRow.department_id == department_id)
    return set(await s.exec(query.where(col(ImportantRow.entry_id).in_(sorted(entry_ids)))))


async def live_entries(s: ReadSession) -> Sequence[ImportantRow]:
    """Every entry that stops trade."""
    query = select(ImportantRow).where(col(ImportantRow.status).in_(LIVE))
    return (await s.exec(query.order_by(col(ImportantRow.entry_id)))).all()


async def entries(
    s: ReadSession,
    *,
    department_id: str | None = None,
    states: Collection[EntryState] = (),
    after: str | None = None,
    limit: int = 50,
) -> Sequence[ImportantRow]:
    """Entries of the catalogue, newest first: of this department, in these states."""
    query = select(ImportantRow)
    if department_id is not None:
        query = query.where(ImportantRow.department_id == department_id)
    if states:
        query = query.where(col(ImportantRow.status).in_(sorted(states)))
    if after is not None:
        query = query.where(col(ImportantRow.entry_id) < after)
    return (await s.exec(query.order_by(col(ImportantRow.entry_id).desc()).limit(limit))).all()


async def stopping(s: ReadSession, *, object_id: str) -> tuple[MatchRow, ImportantRow] | None:
    """The match that stops an object, with its live entry: the highest level first."""
    query = (
        select(MatchRow, ImportantRow)
        .join(ImportantRow, col(ImportantRow.entry_id) == col(MatchRow.entry_id))
        .where(
            MatchRow.object_id == object_id,
            col(MatchRow.status).in_(STOPS),
            col(ImportantRow.status).in_(LIVE),
        )
        .order_by(col(ImportantRow.level), col(MatchRow.match_id))  # "core" before "important"
    )
    return (await s.exec(query)).first()


async def undecided(s: ReadSession, *, object_id: str) -> MatchRow | None:
    """A resemblance to a live entry that no person has decided."""
    query = (
        select(MatchRow)
        .join(ImportantRow, col(ImportantRow.entry_id) == col(MatchRow.entry_id))
        .where(
            MatchRow.object_id == object_id,
            MatchRow.status == MatchState.NEAR,
            col(ImportantRow.status).in_(LIVE),
        )
    )
    return (await s.exec(query.order_by(col(MatchRow.match_id)))).first()


async def matches_of(
    s: ReadSession, *, object_id: str | None = None, entry_id: str | None = None, limit: int = 200
) -> Sequence[MatchRow]:
    """Matches of an object, or of an entry, newest first."""
    query = select(MatchRow)
    if object_id is not None:
        query = query.where(MatchRow.object_id == object_id)
    if entry_id is not None:
        query = query.where(MatchRow.entry_id == entry_id)
    return (await s.exec(query.order_by(col(MatchRow.match_id).desc()).limit(limit))).all()


async def matched_objects(s: ReadSession, *, entry_id: str) -> list[str]:
    """Every object that an entry covers, resembles, or once did: as many as there are."""
    query = select(MatchRow.object_id).where(MatchRow.entry_id == entry_id)
    return list(await s.exec(query.order_by(col(MatchRow.object_id))))


async def match_between(s: WriteSession, *, entry_id: str, object_id: str) -> MatchRow | None:
    """What was found of an entry and an object before, locked."""
    query = select(MatchRow).where(MatchRow.entry_id == entry_id, MatchRow.object_id == object_id)
    return (await s.exec(exclusive_lock(query).execution_options(populate_existing=True))).first()


async def claim_match(s: WriteSession, *, match_id: str) -> MatchRow:
    """A match, locked. Raises ImportantEntryUnknown."""
    row = await _claimed(s, MatchRow, "match_id", match_id)
    if row is None:
        raise ImportantEntryUnknown("no such match", match_id=match_id)
    return row


async def consent_of(s: ReadSession, *, consent_id: str, lock: bool = False) -> ConsentRow | None:
    """A record of consents; `lock` share-locks it for an act that rests on it."""
    query = select(ConsentRow).where(ConsentRow.consent_id == consent_id)
    asked = share_lock(query) if lock else query
    return (await s.exec(asked.execution_options(populate_existing=True))).first()


async def claim_consent(s: WriteSession, *, consent_id: str) -> ConsentRow:
    """A record of consents, locked. Raises GradingRecordUnknown."""
    row = await _claimed(s, ConsentRow, "consent_id", consent_id)
    if row is None:
        raise GradingRecordUnknown("no such record", consent_id=consent_id)
    return row


async def consents_of(s: ReadSession, *, holder_id: str, limit: int = 100) -> Sequence[ConsentRow]:
    """A holder's records of consents, newest first."""
    query = select(ConsentRow).where(ConsentRow.holder_id == holder_id)
    return (await s.exec(query.order_by(col(ConsentRow.consent_id).desc()).limit(limit))).all()


async def assessment_of(s: ReadSession, *, assessment_id: str, lock: bool = False) -> AssessmentRow | None:
    """A record of an assessment; `lock` share-locks it for an act that rests on it."""
    query = select(AssessmentRow).where(AssessmentRow.assessment_id == assessment_id)
    asked = share_lock(query) if lock else query
    return (await s.exec(asked.execution_options(populate_existing=True))).first()


async def claim_assessment(s: WriteSession, *, assessment_id: str) -> AssessmentRow:
    """A record of an assessment, locked. Raises GradingRecordUnknown."""
    row = await _claimed(s, AssessmentRow, "assessment_id", assessment_id)
    if row is None:
        raise GradingRecordUnknown("no such record", assessment_id=assessment_id)
    return row


async def assessments_of(
    s: ReadSession, *, holder_id: str | None = None, object_id: str | None = None, limit: int = 100
) -> Sequence[AssessmentRow]:
    """Records of assessments, newest first: of a holder, of an object."""
    query = select(AssessmentRow)
    if holder_id is not None:
        query = query.where(AssessmentRow.holder_id == holder_id)
    if object_id is not None:
        query = query.where(AssessmentRow.object_id == object_id)
    return (await s.exec(query.order_by(col(AssessmentRow.assessment_id).desc()).limit(limit))).all()


async def stood_of(s: WriteSession, *, object_id: str, holder_id: str) -> Sequence[AssessmentRow]:
    """The assessments of a holder's object that stand, or are suspended, locked."""
    stood = col(AssessmentRow.status).in_([AssessmentState.STANDING, AssessmentState.SUSPENDED])
    of = AssessmentRow.object_id == object_id, AssessmentRow.holder_id == holder_id
    query = select(AssessmentRow).where(*of, stood)
    query = exclusive_lock(query.order_by(col(AssessmentRow.assessment_id)))
    return (await s.exec(query.execution_options(populate_existing=True))).all()


async def standing_of(
    s: ReadSession, *, object_id: str, holder_id: str, lock: bool = True
) -> Sequence[AssessmentRow]:
    """The assessments of a holder's object that stand, share-locked for an act that rests on them."""
    query = select(AssessmentRow).where(
        AssessmentRow.object_id == object_id,
        AssessmentRow.holder_id == holder_id,
        AssessmentRow.status == AssessmentState.STANDING,
    )
    query = query.order_by(col(AssessmentRow.assessment_id).desc())
    query = share_lock(query) if lock else query
    return (await s.exec(query.execution_options(populate_existing=True))).all()


async def _claimed(s: WriteSession, table: type[_Row], key: str, value: str) -> _Row | None:
    query = exclusive_lock(select(table).where(getattr(table, key) == value))
    return (await s.exec(query.execution_options(populate_existing=True))).first()
