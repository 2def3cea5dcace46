"""What a scan of the real file showed, beside what people say; and what else may change under a decision."""

from collections.abc import Sequence
from typing import Any, Final

from base.db import WriteSession
from base.ids import is_id
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.grading import repository
from registry.grading.comparing import compare_object
from registry.grading.describing import note_entry
from registry.grading.errors import GradingMalformed, GradingUnknown
from registry.grading.moving import note_change
from registry.grading.raising import hints_kept, set_parts
from registry.grading.tables import EvidenceRow, GradeRow
from registry.grading.templates import floor_of
from registry.lists.importing import DATA_IMPORTED_JOB
from registry.rules import Hint, Level, graded, rank

SCAN_EVENT = "GRD.SCAN"
_AT_ONCE: Final = 200


async def record_scan(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    file_sha256: str,
    hints: Sequence[Hint],
    fields: Sequence[str],
) -> GradeRow:
    """State what a scan of a data entry's mounted file showed (GRD.SCAN), as the exchange.

    The level follows at once; another file or other fields than those decided on make a review due. Raises
    GradingUnknown, GradingMalformed where the bytes are not those that are mounted.
    """
    row = await note_entry(s, act, data_id=object_id) if is_id(object_id, "dat") else None
    if row is None:
        raise GradingUnknown("no such data entry", object_id=object_id)
    if row.file_sha256 != file_sha256:
        raise GradingMalformed("these are not the mounted bytes", object_id=object_id, fields=["file_sha256"])
    level = graded(Level.GENERAL_1, hints)
    found = sorted({hint.kind.value for hint in hints if hint.flagged})
    public = {"object_id": object_id, "scanned": level.value, "kinds": found}
    draft = Draft(SCAN_EVENT, object_id, public=public, subjects={"file": file_sha256})
    await record(s, act.as_exchange(), draft)
    return await take_scan(
        s,
        act,
        object_id=object_id,
        holder_id=row.holder_id,
        level=level,
        hints=hints,
        file_sha256=file_sha256,
        fields=fields,
    )


async def take_entry(s: WriteSession, act: Act, *, data_id: str, what: str) -> None:
    """An entry's file, fields or words are others now: its level and the catalogue follow, a review is due.

    A file that is the one decided on makes no review due. The scan's word stays until the new file is
    scanned.
    """
    row = await note_entry(s, act, data_id=data_id)
    if row is None:
        return
    decided = await repository.standing_grading(s, object_id=data_id)
    if what == "fields" or (
        what == "file" and decided is not None and decided.file_sha256 != row.file_sha256
    ):
        await note_change(s, act, object_id=data_id, why=what)
    await compare_object(s, act, object_id=data_id)


async def take_import(s: WriteSession, act: Act, *, import_id: str, after: str) -> None:
    """Look at what an import made or changed, some hundred at a time: the rest is a job again.

    Looked at is what grading knows, and what begins high: personal fields, a base library, video and sensors.
    """
    rows = await repository.entries_of_import(s, import_id=import_id, after=after, limit=_AT_ONCE)
    for row in rows:
        high = floor_of(kind=row.kind, base_library=row.base_library) is not Level.GENERAL_1
        personal = any(one.get("personal") for one in row.fields)
        if high or personal or await repository.grade_of(s, object_id=row.data_id) is not None:
            await take_entry(s, act, data_id=row.data_id, what="fields")
    if len(rows) == _AT_ONCE:
        last = rows[-1].data_id
        payload = {"import_id": import_id, "after": last}
        await enqueue(s, kind=DATA_IMPORTED_JOB, key=f"{import_id} {last}", run_at=act.now, payload=payload)


async def take_scan(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    holder_id: str,
    level: Level,
    hints: Sequence[Hint],
    file_sha256: str,
    fields: Sequence[str],
    said: Level | None = None,
    **parts: object,
) -> GradeRow:
    """Let an object's level follow what the scan of its file showed; `parts` are further members.

    `said` is what its holder declares of this very file.
    """
    await keep_evidence(
        s, act, object_id=object_id, holder_id=holder_id, file_sha256=file_sha256, hints=hints, said=said
    )
    decided = await repository.standing_grading(s, object_id=object_id)
    if decided is not None and decided.file_sha256 not in {None, file_sha256}:
        await note_change(s, act, object_id=object_id, why="file")
    row = await set_parts(
        s,
        act,
        object_id=object_id,
        holder_id=holder_id,
        cause="scan",
        scanned=level,
        hints=hints_kept(hints),
        file_sha256=file_sha256,
        scanned_sha256=file_sha256,
        fields=sorted(set(fields)),
        scanned_at=act.now,
        **parts,
    )
    await compare_object(s, act, object_id=object_id)
    return row


async def keep_evidence(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    holder_id: str,
    file_sha256: str,
    hints: Sequence[Hint],
    said: Level | None,
) -> None:
    """Remember what a holder's file of an object showed; it is what the bytes are known by elsewhere."""
    row = await s.get(EvidenceRow, (object_id, holder_id, file_sha256), with_for_update=True)
    shown: dict[str, Any] = {"declared": said, "scanned": graded(Level.GENERAL_1, hints), "shown_at": act.now}
    if row is None:
        s.add(EvidenceRow(object_id=object_id, holder_id=holder_id, file_sha256=file_sha256, **shown))
    else:
        row.sqlmodel_update(shown)
    await s.flush()


async def take_others(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    holder_id: str,
    file_sha256: str,
    hints: Sequence[Hint],
    said: Level,
    known: Level,
) -> bool:
    """Keep what another than its holder brings of a known object; whether it shows more than is known.

    It moves no level of the object. Where it shows more, a decided grading falls due for its officers.
    """
    about = {"object_id": object_id, "holder_id": holder_id, "file_sha256": file_sha256}
    await keep_evidence(s, act, **about, hints=hints, said=said)
    if rank(graded(said, hints)) <= rank(known):
        return False
    await note_change(s, act, object_id=object_id, why="another-holders-file")
    return True
