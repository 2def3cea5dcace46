"""The one place where an object's level changes: highest wins, at once, and down to what was made of it.

A product's level is also written where every act on its listings asks it (`registry_classification`), so
that a raise bites at the very next act. What is listed, open or cleared above is suspended by the handlers
of `registry.level-raised`: the registry knows neither listing nor open entry.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from sqlmodel import select

from base.db import ReadSession, WriteSession, exclusive_lock
from base.ids import is_id
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.grading import repository
from registry.grading.falling import end_of_changed
from registry.grading.moving import note_change
from registry.grading.rules import effective
from registry.grading.tables import GradeRow, LineageRow
from registry.grading.twins import level_of_bytes, twins_of
from registry.rules import Hint, HintKind, Level, PersonalData, rank, screen
from registry.tables import ClassificationRow

LEVEL_RAISED_JOB: Final = "registry.level-raised"
"""Payload: object_id, level (now) and before. Handlers suspend what depends on the object."""
LEVEL_EVENT: Final = "GRD.LEVEL"


async def set_parts(
    s: WriteSession, act: Act, *, object_id: str, holder_id: str, cause: str, **values: Any
) -> GradeRow:
    """Write parts of what is known of an object, and let its level follow; `cause` is said with it.

    A level that changed is stated by the exchange (GRD.LEVEL), and handed down the lineage; a raised one
    also to the jobs. Values are members of GradeRow; `declared` is never below a grading under way.
    """
    row = await repository.claim_grade(s, object_id=object_id)
    if row is None:
        row = GradeRow(
            object_id=object_id, holder_id=holder_id, level=Level.GENERAL_1, changed_at=act.occurred_at
        )
        before = None
        s.add(row)
    else:
        before = row.level
    file_before = row.file_sha256
    if "declared" in values and cause != "decided":
        under_way = await repository.open_grading(s, object_id=object_id)
        if under_way is not None:  # nothing else takes back what is declared there
            values["declared"] = effective(values["declared"], under_way.computed)
    row.sqlmodel_update(values)
    if "inherited" not in values:
        row.inherited = None if row.decided else await inherited(s, object_id=object_id)
    row.same_bytes = await level_of_bytes(s, row)
    await _settle(s, act, row, before, cause)
    if row.file_sha256 != file_before:
        changed = {"before": file_before, "file_sha256": row.file_sha256}
        await end_of_changed(s, act, object_id=object_id, holder_id=holder_id, **changed)
    if before is not row.level:
        await _hand_down(s, act, row)
    return row


async def set_sources(s: WriteSession, *, object_id: str, sources: Iterable[str]) -> None:
    """Remember what an object was made from; what was said before stays said."""
    known = set(await repository.sources_of(s, object_id=object_id))
    s.add_all(LineageRow(object_id=object_id, source=one) for one in sorted(set(sources) - known))
    await s.flush()


async def ancestors_of(s: ReadSession, *, object_id: str) -> set[str]:
    """All that an object was made from, near and far, by id and by digest; a circle ends where it closes."""
    seen: set[str] = set()
    todo = await repository.sources_of(s, object_id=object_id)
    while todo:
        source = todo.pop()
        if source in seen or source == object_id:
            continue
        seen.add(source)
        if "_" in source:
            todo += await repository.sources_of(s, object_id=source)
        else:
            todo += [one for one in await repository.objects_of_file(s, sha256=source) if one not in seen]
    return seen


async def inherited(s: ReadSession, *, object_id: str) -> Level | None:
    """The highest of its sources, near and far; a source whose level people decided stands for its own."""
    seen, levels = {object_id}, []
    todo = await repository.sources_of(s, object_id=object_id)
    while todo:
        source = todo.pop()
        if source in seen:
            continue
        seen.add(source)
        if "_" not in source:
            todo += await repository.objects_of_file(s, sha256=source)
            continue
        row = await repository.grade_of(s, object_id=source)
        if row is None:
            todo += await repository.sources_of(s, object_id=source)
            continue
        levels.append(effective(row.declared, row.scanned, row.decided, row.matched))
        if row.decided is None:
            todo += await repository.sources_of(s, object_id=source)
    return effective(*levels) if levels else None


async def _settle(s: WriteSession, act: Act, row: GradeRow, before: Level | None, cause: str) -> None:
    row.level = effective(row.declared, row.scanned, row.decided, row.matched, row.inherited, row.same_bytes)
    row.changed_at = act.occurred_at
    s.add(row)
    await s.flush()
    if is_id(row.object_id, "prd"):
        await _write_classification(s, row.object_id, row.level)
    if before is None or before is row.level:
        return
    said = {"object_id": row.object_id, "before": before.value, "level": row.level.value, "cause": cause}
    recorded = await record(s, act.as_exchange(), Draft(LEVEL_EVENT, row.object_id, public=said))
    if rank(row.level) > rank(before):
        payload = {"object_id": row.object_id, "level": row.level.value, "before": before.value}
        key = f"{recorded.statement_id} {row.object_id}"
        await enqueue(s, kind=LEVEL_RAISED_JOB, key=key, run_at=act.now, payload=payload)


async def _write_classification(s: WriteSession, product_id: str, level: Level) -> None:
    query = exclusive_lock(select(ClassificationRow).where(ClassificationRow.product_id == product_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None or row.level is level:
        return
    hints = [Hint(**{**one, "kind": HintKind(one["kind"])}) for one in row.hints]
    outcome = screen(level, hints, PersonalData(**row.personal))
    row.level, row.passed, row.reasons = level, outcome.passed, list(outcome.reasons)
    s.add(row)
    await s.flush()


async def _hand_down(s: WriteSession, act: Act, risen: GradeRow) -> None:
    """What was made of it, and the same bytes under other names, are graded anew, each once.

    One whose level people decided waits for them: its review falls due.
    """
    made = await _made_of(s, risen.object_id)
    twins = await twins_of(s, risen)
    done, todo = {risen.object_id}, [*made, *twins]
    while todo:
        one = todo.pop()
        if one in done:
            continue
        done.add(one)
        row = await repository.claim_grade(s, object_id=one)
        if row is None:
            todo += await _made_of(s, one)
            continue
        before, row.same_bytes = row.level, await level_of_bytes(s, row)
        if row.decided is None:
            row.inherited = await inherited(s, object_id=one)
        elif one not in twins or one in made:
            await note_change(s, act, object_id=one, why="source-graded-anew")
        elif rank(risen.level) > rank(row.level):
            await note_change(s, act, object_id=one, why="same-bytes-graded-higher")
        await _settle(s, act, row, before, "same-bytes" if one in twins else "source")
        if row.decided is None or before is not row.level:
            todo += await _made_of(s, one)


async def _made_of(s: ReadSession, object_id: str) -> list[str]:
    row = await repository.grade_of(s, object_id=object_id)
    names = {object_id, *([row.file_sha256] if row and row.file_sha256 else [])}
    return await repository.made_from(s, sources=names)


def hints_kept(hints: Iterable[Hint]) -> list[dict[str, Any]]:
    """Hints as JSON."""
    return [asdict(hint) for hint in hints]
