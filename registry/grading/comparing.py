"""Objects beside the important-data catalogue: what an entry covers is stopped, what resembles it is shown.

An entry that is notified is compared at once with what it names, with the same bytes and with what was made
of them; with every other known object by a job, some hundred at a time.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from base.db import ReadSession, WriteSession
from base.ids import is_id
from base.jobs import enqueue
from ledger.recording import Act
from registry.doors import Said
from registry.grading import repository
from registry.grading.depending import covering
from registry.grading.describing import note_entry
from registry.grading.errors import ImportantDataUndecided
from registry.grading.matching import EXACT, Answer, Covered, How, compared
from registry.grading.moving import HANDLER_JOB, begin, step
from registry.grading.raising import ancestors_of, set_parts
from registry.grading.states import LIVE, STOPS, MatchEvent, MatchState
from registry.grading.tables import GradeRow, ImportantRow, MatchRow
from registry.rules import Level

SWEEP_JOB: Final = "registry.important-sweep"
_AT_ONCE: Final = 200
_MOST_MET: Final = 500


async def compare_object(s: WriteSession, act: Act, *, object_id: str) -> Sequence[MatchRow]:
    """Compare a known object with every live entry; answers its matches. Its level follows."""
    row = await repository.grade_of(s, object_id=object_id)
    if row is None:
        return ()
    found = await _covered(s, row)
    for entry in await repository.live_entries(s):
        await _note(s, act, entry, object_id, compared(covering(entry), found))
    await settle_matches(s, act, object_id=object_id)
    return await repository.matches_of(s, object_id=object_id)


async def compare_entry_now(s: WriteSession, act: Act, entry: ImportantRow) -> None:
    """An entry was notified or changed: what it names stops at once, the rest is looked through by a job."""
    named = set(entry.objects)
    for digest in entry.digests:
        named |= set(await repository.objects_of_file(s, sha256=digest))
        named |= set(await repository.entries_of_file(s, sha256=digest))
        named |= {one.object_id for one in await repository.evidence_of_file(s, sha256=digest)}
    todo, seen = [*named, *entry.digests], set[str]()
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += await repository.made_from(s, sources=[one])
    former = set(await repository.matched_objects(s, entry_id=entry.entry_id))
    for object_id in sorted(one for one in seen | former if "_" in one):
        await _know(s, act, object_id)
        await _compare(s, act, entry, object_id)
    await _sweep_from(s, act, entry, "")


async def sweep(s: WriteSession, act: Act, *, entry_id: str, version: int, after: str) -> None:
    """Compare an entry with the next known objects; it stops where the entry has moved on."""
    entry = await repository.get_entry(s, entry_id=entry_id)
    if entry.version != version or entry.status not in LIVE:
        return
    if not after:  # data entries that grading has not met, of which a keyword is said
        for data_id in await repository.entries_saying(s, words=entry.keywords, limit=_MOST_MET):
            await _know(s, act, data_id)
    rows = await repository.grades_after(s, after=after, limit=_AT_ONCE)
    for row in rows:
        await _compare(s, act, entry, row.object_id)
    if len(rows) == _AT_ONCE:
        await _sweep_from(s, act, entry, rows[-1].object_id)


async def foreseen(
    s: ReadSession,
    *,
    object_id: str,
    file_sha256: str,
    sector: str,
    words: str,
    fields: Collection[str],
) -> Sequence[Level]:
    """The levels of the live entries that would stop an object if it were this. Nothing is written."""
    found = Covered(
        object_id=object_id,
        file_sha256=file_sha256,
        sector=sector,
        words=words,
        fields=frozenset(fields),
        ancestors=frozenset(await ancestors_of(s, object_id=object_id)),
    )
    answers = [(one, compared(covering(one), found)) for one in await repository.live_entries(s)]
    return [one.level for one, answer in answers if answer is not None and answer.stops]


async def settle_matches(s: WriteSession, act: Act, *, object_id: str) -> None:
    """An object's level follows the live entries that cover it."""
    row = await repository.grade_of(s, object_id=object_id)
    if row is None:
        return
    found = await repository.stopping(s, object_id=object_id)
    matched = None if found is None else found[1].level
    if row.matched is not matched:
        about: dict[str, Any] = {"object_id": object_id, "holder_id": row.holder_id}
        await set_parts(s, act, **about, cause="important-data-catalogue", matched=matched)


async def require_decided(s: ReadSession, *, object_id: str) -> None:
    """No resemblance to a live entry waits for a person. Raises ImportantDataUndecided."""
    found = await repository.undecided(s, object_id=object_id)
    if found is not None:
        raise ImportantDataUndecided(
            "a person decides first whether this is important data",
            object_id=object_id,
            entry_id=found.entry_id,
            match_id=found.match_id,
        )


async def _covered(s: ReadSession, row: GradeRow) -> Covered:
    return Covered(
        object_id=row.object_id,
        file_sha256=row.file_sha256,
        sector=row.sector,
        words=row.words,
        fields=frozenset(row.fields),
        ancestors=frozenset(await ancestors_of(s, object_id=row.object_id))
        | {one.file_sha256 for one in await repository.evidence_of(s, object_id=row.object_id)},
    )


async def _know(s: WriteSession, act: Act, object_id: str) -> None:
    if is_id(object_id, "dat") and await repository.grade_of(s, object_id=object_id) is None:
        await note_entry(s, act, data_id=object_id)


async def _compare(s: WriteSession, act: Act, entry: ImportantRow, object_id: str) -> None:
    row = await repository.grade_of(s, object_id=object_id)
    if row is None:
        return
    await _note(s, act, entry, object_id, compared(covering(entry), await _covered(s, row)))
    await settle_matches(s, act, object_id=object_id)


async def _note(
    s: WriteSession, act: Act, entry: ImportantRow, object_id: str, answer: Answer | None
) -> None:
    """Keep what was found.

    What a person dismissed is found again by identity, bytes or lineage, and where entry or file are others.
    """
    row = await repository.match_between(s, entry_id=entry.entry_id, object_id=object_id)
    system = act.as_exchange()
    if answer is None:
        if row is not None and row.status in {*STOPS, MatchState.NEAR}:
            await step(s, system, row, MatchEvent.LAPSE, values={"reason": "no longer covered"})
        return
    facts: dict[str, Any] = {"how": answer.how.value, "grounds": list(answer.grounds)}
    said = Said(public={"how": answer.how.value, "level": entry.level.value})
    event = MatchEvent.MATCH if answer.stops else MatchEvent.NEAR
    if row is None:
        row = MatchRow(
            match_id=act.new_id("imm"),
            entry_id=entry.entry_id,
            object_id=object_id,
            status=MatchState.MATCHED if answer.stops else MatchState.NEAR,
            found_at=act.now,
            **facts,
        )
        await begin(s, system, row, event, said)
        if answer.stops:
            await enqueue(s, kind=HANDLER_JOB, key=row.match_id, run_at=act.now, payload={})
        return
    again = row.status is MatchState.LAPSED
    newly_exact = answer.how in EXACT and How(row.how) not in EXACT
    raised = row.status is MatchState.NEAR and answer.stops
    only_partly = row.status is MatchState.MATCHED and not answer.stops
    found_anew = row.status is MatchState.DISMISSED and (newly_exact or await _is_another(s, entry, row))
    if again or raised or only_partly or found_anew:
        await step(s, system, row, event, said, values=facts)


async def _is_another(s: ReadSession, entry: ImportantRow, row: MatchRow) -> bool:
    """Whether the entry says other things, or the object is another file, than when a person decided."""
    known = await repository.grade_of(s, object_id=row.object_id)
    return entry.version != row.entry_version or (known is not None and known.file_sha256 != row.file_sha256)


async def _sweep_from(s: WriteSession, act: Act, entry: ImportantRow, after: str) -> None:
    payload = {"entry_id": entry.entry_id, "version": entry.version, "after": after}
    key = f"{entry.entry_id} {entry.version} {after}"
    await enqueue(s, kind=SWEEP_JOB, key=key, run_at=act.now, payload=payload)
