"""The catalogue's yearly round: each department looks through its entries, sector by sector (DSL 21; R77).

Each live entry is kept, changed or asked to be removed by a due day. Changes go the way of the catalogue
itself (`registry.grading.cataloguing`), where what is listed is compared at once; here is what was answered,
what is missing, and how many entries each department and sector has.
"""

from collections.abc import Collection
from typing import Final

from base.calendar import deadline_after, shanghai_day
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from ledger.recording import Act
from registry.assessments import repository
from registry.assessments.errors import RoundIncomplete, SecurityWrongRole, SecurityWrongState
from registry.assessments.moving import begin, step, wind
from registry.assessments.rules import Answer, digest_of
from registry.assessments.states import ROUND_MOVES, RoundEvent, RoundState, may_move
from registry.assessments.tables import RoundRow
from registry.assessments.terms import number
from registry.chiefs.depending import require_chief
from registry.doors import Said
from registry.grading.cataloguing import REMOVAL
from registry.grading.states import LIVE, EntryState
from registry.grading.tables import ImportantRow

_E = RoundEvent
_S = RoundState
_NEW: Final = (EntryState.IDENTIFIED, EntryState.REPORTED)


async def open_rounds(s: WriteSession, act: Act, *, year: int | None = None) -> list[RoundRow]:
    """Open the year's round of every department and sector with a live entry that has none (ICR.OPEN)."""
    may_move(ROUND_MOVES, None, _E.OPEN, act.role)
    year = year or shanghai_day(act.now).year
    opened = []
    for department_id, sector in await repository.departments(s):
        if await repository.round_of(s, department_id=department_id, sector=sector, year=year) is not None:
            continue
        due_at = deadline_after(act.now, number("CATALOGUE-ROUND", "answer", act.now)).at
        row = RoundRow(
            round_id=act.new_id("icr"),
            department_id=department_id,
            sector=sector,
            year=year,
            status=_S.OPEN,
            opened_at=act.now,
            due_at=due_at,
        )
        await begin(s, act, row, _E.OPEN, Said(public={"due_at": rfc3339(due_at)}))
        await wind(s, row.round_id, due_at)
        opened.append(row)
    return opened


async def open_this_year(s: WriteSession, act: Act) -> list[RoundRow]:
    """Open this year's rounds at once, as who confirms entries. Raises SecurityWrongState: none is due."""
    opened = await open_rounds(s, act)
    if not opened:
        raise SecurityWrongState("every department's round of this year is open or answered")
    return opened


async def answer_round(s: WriteSession, act: Act, *, round_id: str, kept: Collection[str]) -> RoundRow:
    """Answer a round (ICR.ANSWER), as the department's chief data officer in person.

    `kept` are the live entries that stay as they are; what was changed since the round opened, or asked to
    be changed or removed, counts by itself. Raises RoundIncomplete, naming what is missing or cannot be kept.
    """
    row = await repository.claim(s, RoundRow, round_id)
    may_move(ROUND_MOVES, row.status, _E.ANSWER, act.role)
    if row.department_id != act.actor.org_id:
        raise SecurityWrongRole("it is another department's round", round_id=round_id)
    chief_id = await require_chief(s, act, agency_id=row.department_id)
    found = await repository.entries_in(s, department_id=row.department_id, sector=row.sector)
    answers = answers_of(found, row)
    strange = sorted(
        set(kept) - {one.entry_id for one in found if one.status in LIVE} | set(kept) & set(answers)
    )
    if strange:
        raise RoundIncomplete("no live entry that is as it was", entries=strange)
    answers |= dict.fromkeys(kept, Answer.KEEP.value)
    missing = missing_in(found, answers)
    if missing:
        raise RoundIncomplete("entries that nobody answered for", entries=missing)
    added = sum(one.identified_at >= row.opened_at for one in found)
    counts = {one.value.lower(): sum(each == one for each in answers.values()) for one in Answer}
    said = Said(
        public={**counts, "added": added, "chief_id": chief_id, "late": act.now > row.due_at},
        subjects={"answers": digest_of(answers)},
    )
    values = {"answers": answers, "added": added, "chief_id": chief_id, "answered_at": act.now}
    await step(s, act, row, _E.ANSWER, said, values=values)
    return row


def answers_of(entries: Collection[ImportantRow], row: RoundRow) -> dict[str, str]:
    """What became of entries since the round opened: changed, removed, or asked for and not yet entered."""
    found: dict[str, str] = {}
    for one in entries:
        since = one.changed_at >= row.opened_at and one.version > 1
        asked = None if one.asked is None else one.asked["what"]
        if one.status is EntryState.REMOVED and since:
            found[one.entry_id] = Answer.REMOVE.value
        elif one.status in LIVE and asked is not None:
            found[one.entry_id] = (Answer.REMOVE if asked == REMOVAL else Answer.CHANGE).value
        elif one.status is EntryState.CHANGED and since:
            found[one.entry_id] = Answer.CHANGE.value
    return found


def missing_in(entries: Collection[ImportantRow], answers: Collection[str]) -> list[str]:
    """The live entries without an answer."""
    return sorted(one.entry_id for one in entries if one.status in LIVE and one.entry_id not in answers)


async def unanswered(s: ReadSession, row: RoundRow) -> list[ImportantRow]:
    """The live entries of a round that still want an answer."""
    found = await repository.entries_in(s, department_id=row.department_id, sector=row.sector)
    missing = set(missing_in(found, {**answers_of(found, row), **row.answers}))
    return [one for one in found if one.entry_id in missing]


async def fall_due(s: WriteSession, act: Act, *, round_id: str) -> bool:
    """The clock's ICR.OVERDUE; False where it was answered, or is not due."""
    row = await repository.claim(s, RoundRow, round_id)
    if row.status is not _S.OPEN or act.now <= row.due_at:
        return False
    missing = len(await unanswered(s, row))
    await step(s, act, row, _E.OVERDUE, Said(public={"missing": missing}))
    return True
