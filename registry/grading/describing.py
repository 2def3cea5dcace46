"""What the registry knows of an object that is graded: who holds it, what it is, of what it was made."""

from collections.abc import Collection
from dataclasses import dataclass

from base.db import ReadSession, WriteSession
from base.ids import is_id
from ledger.recording import Act
from registry.grading import repository
from registry.grading.depending import words_of
from registry.grading.errors import GradingUnknown, GradingWrongRole
from registry.grading.raising import set_parts, set_sources
from registry.grading.tables import GradeRow
from registry.grading.templates import Made, check_not_raw, floor_of, is_sensed
from registry.lists.errors import DataEntryUnknown
from registry.lists.repository import data_entry
from registry.lists.tables import DataRow
from registry.registration.repository import given_here, resting_on_number
from registry.rules import Level, highest


@dataclass(frozen=True, slots=True)
class Subject:
    """An object as grading takes it: its holder, its name, the least level of what it is."""

    object_id: str
    holder_id: str
    name: str
    floor: Level
    public: bool
    sensed: bool = False


async def subject_of(s: ReadSession, *, object_id: str) -> Subject:
    """A product or a data entry. Raises GradingUnknown."""
    if is_id(object_id, "dat"):
        entry = await entry_of(s, data_id=object_id)
        if entry is not None:
            floor = floor_of(kind=entry.kind, base_library=entry.base_library)
            sensed = is_sensed(entry.kind)
            return Subject(object_id, entry.agency_id, entry.name, floor, public=True, sensed=sensed)
    row = await repository.grade_of(s, object_id=object_id)
    if row is None:
        raise GradingUnknown("nothing is known of this", object_id=object_id)
    return Subject(object_id, row.holder_id, row.words.partition("\n")[0], Level.GENERAL_1, public=False)


async def entry_of(s: ReadSession, *, data_id: str) -> DataRow | None:
    """An entry of the data lists, also one that was retired."""
    try:
        return await data_entry(s, data_id=data_id)
    except DataEntryUnknown:
        return None


async def note_entry(s: WriteSession, act: Act, *, data_id: str) -> GradeRow | None:
    """Bring what is known of a data entry up to its newest version; None where there is no such entry."""
    entry = await entry_of(s, data_id=data_id)
    if entry is None:
        return None
    known = await repository.claim_grade(s, object_id=data_id)
    decided = known is not None and known.decided is not None
    floor = Level.GENERAL_1 if decided else floor_of(kind=entry.kind, base_library=entry.base_library)
    scanned = known is not None and known.scanned_sha256 == entry.resource_sha256 is not None
    seen = set(known.fields) if known is not None and scanned else set[str]()  # in the very file
    return await set_parts(
        s,
        act,
        object_id=data_id,
        holder_id=entry.agency_id,
        cause="entry",
        declared=highest([entry.level, floor]),
        words=words_of(entry),
        fields=sorted({str(one["name"]) for one in entry.fields} | seen),
        file_sha256=entry.resource_sha256,
    )


async def note_draft(
    s: WriteSession,
    act: Act,
    *,
    object_id: str,
    holder_id: str,
    level: Level,
    words: str,
    sector: str,
    sources: Collection[str],
) -> None:
    """A product is drafted: from now on it can be graded. What was known of it before stays.

    What it was made of is said by who brought it alone. Raises GradingWrongRole.
    """
    known = await repository.grade_of(s, object_id=object_id)
    if known is not None and known.holder_id != holder_id:
        new = set(sources) - set(await repository.sources_of(s, object_id=object_id))
        if new:
            raise GradingWrongRole("its holder says what it was made of", object_id=object_id)
    await note_sources(s, act, object_id=object_id, sources=sources)
    if known is None:
        await set_parts(
            s,
            act,
            object_id=object_id,
            holder_id=holder_id,
            cause="draft",
            declared=level,
            words=words,
            sector=sector,
        )


async def note_sources(s: WriteSession, act: Act, *, object_id: str, sources: Collection[str]) -> None:
    """Remember what an object was made from; a data entry among it is known from now on."""
    for source in sorted(sources):
        if is_id(source, "dat") and await repository.grade_of(s, object_id=source) is None:
            await note_entry(s, act, data_id=source)
    await set_sources(s, object_id=object_id, sources=sources)


async def basis_sources(s: ReadSession, *, numbers: Collection[str | None]) -> list[str]:
    """The data entries that registrations of these numbers are about."""
    found = []
    for number in numbers:
        if number is None or not await given_here(s, number=number):
            continue
        row = await resting_on_number(s, number=number)
        if row is not None and is_id(row.data_id, "dat"):
            found.append(row.data_id)
    return sorted(set(found))


async def require_not_raw(s: ReadSession, *, made: Made, sources: Collection[str]) -> None:
    """Nothing that a product was made of is a base library that it still is. Raises BaseLibraryRaw."""
    twins = await repository.entries_of_file(s, sha256=made.file_sha256)
    for source in sorted({*sources, *twins}):
        entry = await entry_of(s, data_id=source) if is_id(source, "dat") else None
        if entry is not None:
            check_not_raw(
                made,
                base_library=entry.base_library,
                data_id=entry.data_id,
                resource_sha256=entry.resource_sha256,
                fields=frozenset(str(one["name"]) for one in entry.fields),
            )
