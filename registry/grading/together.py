"""What is known of many objects, in as many questions as of one: for the matrix of duties (R76)."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlmodel import SQLModel, col, select

from base.db import ReadSession
from registry.grading import repository
from registry.grading.depending import levels_of_entry
from registry.grading.rules import effective
from registry.grading.states import LIVE, STOPS, AssessmentState, ConsentState
from registry.grading.tables import (
    AssessmentRow,
    ConsentRow,
    GradeRow,
    GradingRow,
    ImportantRow,
    MatchRow,
)
from registry.lists.tables import DataRow
from registry.rules import Level
from registry.tables import ClassificationRow, RightsRow

_Row = TypeVar("_Row", bound=SQLModel)


@dataclass(slots=True)
class Known:
    """One object: its level, and what protects it. `consents` say of each whether it is separate."""

    object_id: str
    level: Level = Level.GENERAL_1
    grade: GradeRow | None = None
    classified: ClassificationRow | None = None
    entry: DataRow | None = None
    gradings: list[GradingRow] = field(default_factory=list)
    consents: dict[str, bool] = field(default_factory=dict)
    assessed: set[str] = field(default_factory=set)
    stopped: bool = False
    has_right: bool = False


async def known_of(s: ReadSession, object_ids: Collection[str]) -> dict[str, Known]:
    """What is known of these objects, by their ids; of one that nobody graded the lowest level."""
    ids = sorted(set(object_ids))
    found = {one: Known(one) for one in ids}
    for grade in await _of(s, GradeRow, "object_id", ids):
        found[grade.object_id].grade = grade
    for classified in await _of(s, ClassificationRow, "product_id", ids):
        found[classified.product_id].classified = classified
    for entry in await _of(s, DataRow, "data_id", ids):
        found[entry.data_id].entry = entry
    for grading in await _of(s, GradingRow, "object_id", ids):
        found[grading.object_id].gradings.append(grading)
    for right in await _of(s, RightsRow, "product_id", ids):
        found[right.product_id].has_right = True
    await _records(s, found, ids)
    matches = (
        select(MatchRow.object_id)
        .join(ImportantRow, col(ImportantRow.entry_id) == col(MatchRow.entry_id))
        .where(
            col(MatchRow.object_id).in_(ids),
            col(MatchRow.status).in_(STOPS),
            col(ImportantRow.status).in_(LIVE),
        )
    )
    for object_id in (await s.exec(matches)).all():
        found[object_id].stopped = True
    live = await repository.live_entries(s) if any(one.entry for one in found.values()) else ()
    for known in found.values():
        levels = [one.level for one in (known.grade, known.classified) if one is not None]
        if known.entry is not None:
            levels += levels_of_entry(known.grade, known.entry, live)
        known.level = effective(*levels) if levels else Level.GENERAL_1
    return found


async def _records(s: ReadSession, found: dict[str, Known], ids: Collection[str]) -> None:
    """The consents and assessments that stand, of who holds the object."""
    for consent in await _of(s, ConsentRow, "object_id", ids):
        known = found[consent.object_id]
        holds = known.grade is not None and known.grade.holder_id == consent.holder_id
        if holds and consent.status is ConsentState.STANDING:
            known.consents[consent.consent_id] = consent.separate
    kinds = defaultdict[str, set[str]](set)
    for one in await _of(s, AssessmentRow, "object_id", ids):
        if one.status is AssessmentState.STANDING and one.outcome != "FAIL":
            kinds[one.object_id].add(one.kind)
    for object_id, kind in kinds.items():
        found[object_id].assessed = kind


async def _of(s: ReadSession, table: type[_Row], name: str, ids: Collection[str]) -> list[_Row]:
    column: Any = getattr(table, name)
    return list((await s.exec(select(table).where(col(column).in_(ids)))).all())
