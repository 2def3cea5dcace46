"""The counters of an exporter group: distinct persons since 1 January, sensitive apart, pending ones too.

Who declares without a list of hashes is counted in full, as if every person were new. Lists are counted as
one: the work is done outside any transaction, and taken only if meanwhile nobody of the group declared.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from base.db import Database, ReadSession, WriteSession
from base.files import FileDamaged, FileStore, StoredFile
from identity.groups import group_of, members_of
from identity.repository import lock_organisation
from market.customs import repository
from market.customs.destroying import note_keyed
from market.customs.errors import PersonsFileRefused
from market.customs.holding import Held, hold_against
from market.customs.persons import WIDTH, PersonList, count_union, key_of, take_in_stream
from market.customs.routing import Counts, Way
from market.customs.scanning import goods_of
from market.customs.states import DeclarationState
from market.customs.tables import DeclarationRow, PersonListRow
from market.listings.repository import get_file
from market.listings.tables import ListingFile

_PIECE: Final = 2**20
Seen = list[list[Any]]  # [declaration, sensitive] of every list that was counted


@dataclass(frozen=True, slots=True)
class CustomsDesk:
    """Where lists of persons are kept and counted. `master` is the node's key."""

    files: FileStore
    scratch: Callable[[], Path]
    master: bytes


@dataclass(frozen=True, slots=True)
class Tally:
    """What the lists of a group came to, and which lists those were."""

    persons: int = 0
    sensitive: int = 0
    seen: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Against:
    """What came of holding a declaration's own lists against its goods: asked for or not, and the numbers."""

    asked: bool = False
    held: Held | None = None

    def risk(self, *, whole: bool) -> str | None:
        """Why an officer looks: it could not be done, or the numbers contradict the lists."""
        if self.held is None:
            return "list-not-held" if self.asked else None
        return "list-contradicts-data" if self.held.contradicts(whole=whole) else None

    def document(self) -> dict[str, Any]:
        """As a declaration keeps it until it is routed: what was handed in may be gone by then."""
        return {"asked": self.asked, "held": None if self.held is None else self.held.document()}


def against_from(document: Mapping[str, Any]) -> Against:
    """The reverse of `Against.document`."""
    held = document["held"]
    return Against(document["asked"], None if held is None else Held(**held))


@dataclass(frozen=True, slots=True)
class Counting:
    """What came of counting for one declaration: its own lists, or what was wrong with one."""

    tally: Tally
    own: tuple[tuple[bool, StoredFile, PersonList], ...] = ()
    problem: str | None = None
    against: Against = Against()


async def hold_group(s: WriteSession, *, org_id: str) -> str:
    """Hold the counters of an organisation's group, as it is controlled now, until the transaction ends.

    Everybody up to the top is share-locked, so nobody is taken over while its group is counted: who is bought
    at that moment is counted before, in its old group, or after, in the new one. Answers the group's name.
    """
    seen: set[str] = set()
    above: str | None = org_id
    while above is not None and above not in seen:
        seen.add(above)
        found = await lock_organisation(s, org_id=above)
        above = None if found is None else found.controller_id
    group_id = await group_of(s, org_id=org_id)
    await repository.lock_group(s, group_id=group_id)
    return group_id


def of_group(
    row: DeclarationRow, others: Sequence[DeclarationRow], *, zones: bool = False
) -> list[DeclarationRow]:
    """The declarations that count, this one among them: all whose way is not exempt by rows 3 to 8.

    With `zones` also what a free-trade zone exempted: its negative list counts those.
    """
    zone = Way.EXEMPT_ZONE if zones else None
    counted = [one for one in others if one.way is None or one.way.counts or one.way is zone]
    return [one for one in counted if one.declaration_id != row.declaration_id] + [row]


def counts_from(rows: Sequence[DeclarationRow], lists: Sequence[PersonListRow], tally: Tally) -> Counts:
    """The counters: the union of the lists, and in full whatever comes without one."""
    listed = {(one.declaration_id, one.sensitive) for one in lists if one.problem is None}
    plain = sum(one.persons for one in rows if (one.declaration_id, False) not in listed)
    sensitive = sum(one.sensitive_persons for one in rows if (one.declaration_id, True) not in listed)
    return Counts(
        persons=tally.persons + plain,
        sensitive=tally.sensitive + sensitive,
        by=tuple(sorted(one.declaration_id for one in rows)),
    )


async def lists_counted(
    s: ReadSession, row: DeclarationRow
) -> tuple[list[DeclarationRow], Sequence[PersonListRow]]:
    """The declarations of a declaration's group that count in its year, and their lists.

    Another's list that was not taken in (it waits, or was refused) counts nothing: its persons count in full.
    """
    members = await members_of(s, org_id=row.exporter_id)
    others = await repository.counted_in(s, group_id=row.group_id, members=members, year=row.year)
    rows = of_group(row, others)
    lists = await repository.lists_of(s, declaration_ids=[one.declaration_id for one in rows])
    own = row.declaration_id
    return rows, [one for one in lists if one.file_id is not None or one.declaration_id == own]


async def zone_persons(s: ReadSession, row: DeclarationRow) -> int:
    """The persons of a group's year in full, with those that free-trade zones exempted."""
    members = await members_of(s, org_id=row.exporter_id)
    others = await repository.counted_in(s, group_id=row.group_id, members=members, year=row.year)
    return all_of(of_group(row, others, zones=True))


def all_of(rows: Iterable[DeclarationRow]) -> int:
    """The persons of some declarations in full, as if each were another one."""
    return sum(one.persons + one.sensitive_persons for one in rows)


async def count_for(desk: CustomsDesk, database: Database, declaration_id: str, now: datetime) -> Counting:
    """Take a declaration's own lists in, and count the union with those of its group. No transaction."""
    async with database.read() as s:
        row = await repository.get_declaration(s, declaration_id=declaration_id)
        if row.status is not DeclarationState.DECLARED:
            return Counting(Tally())
        _, lists = await lists_counted(s, row)
        wanted = {
            one.sensitive: await get_file(s, file_id=one.source_file_id, owner_id=row.exporter_id)
            for one in lists
            if one.declaration_id == declaration_id and one.file_id is None
        }
        goods = [await get_file(s, file_id=one.file_id) for one in await goods_of(s, row)]
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="customs-", dir=desk.scratch()))
    try:
        own: list[tuple[bool, StoredFile, PersonList]] = []
        for sensitive, source in sorted(wanted.items()):
            raw = StoredFile(source.file_id, source.bytes, source.sha256)
            try:
                taken = await _taken_in(desk, raw, folder / f"own-{sensitive}")
            except PersonsFileRefused as refusal:
                return Counting(Tally(), problem=refusal.detail)
            except FileDamaged:
                return Counting(Tally(), problem="the list that was handed in is damaged: hand it in again")
            file_id = desk.files.new_id()
            async with database.write() as s:
                await note_keyed(
                    s, file_id=file_id, declaration_id=declaration_id, sensitive=sensitive, now=now
                )
            most = taken.persons * WIDTH
            kept = await desk.files.put(_pieces(taken.path), limit_bytes=most, file_id=file_id)
            own.append((sensitive, kept, taken))
        known = {(declaration_id, sensitive): taken for sensitive, _, taken in own}
        counted = {}
        for of_sensitive in (False, True):
            found = []
            for n, one in enumerate(one for one in lists if one.sensitive is of_sensitive):
                mine = known.get((one.declaration_id, one.sensitive))
                found.append(mine or await _fetched(desk, one, folder / f"list-{of_sensitive}-{n}"))
            counted[of_sensitive] = await asyncio.to_thread(count_union, found)
        seen = tuple(sorted((one.declaration_id, one.sensitive) for one in lists))
        against = await _held(desk, goods, [taken for *_, taken in own], folder)
        return Counting(Tally(counted[False], counted[True], seen), tuple(own), against=against)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def count_lists(desk: CustomsDesk, lists: Sequence[PersonListRow]) -> Tally:
    """The union of lists that were taken in, sensitive ones apart. No transaction."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="customs-", dir=desk.scratch()))
    try:
        counted = {}
        for sensitive in (False, True):
            of_kind = [one for one in lists if one.sensitive is sensitive]
            found = [await _fetched(desk, one, folder / f"{sensitive}-{n}") for n, one in enumerate(of_kind)]
            counted[sensitive] = await asyncio.to_thread(count_union, found)
        seen = tuple(sorted((one.declaration_id, one.sensitive) for one in lists))
        return Tally(counted[False], counted[True], seen)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _held(
    desk: CustomsDesk, goods: Sequence[ListingFile], own: Sequence[PersonList], folder: Path
) -> Against:
    """Hold a declaration's lists against its goods, where one of them says what it was made of."""
    origins = {one.origin for one in own if one.origin is not None}
    if not origins or not goods:
        return Against()
    if len(origins) > 1:
        return Against(asked=True)
    try:
        files = [StoredFile(one.file_id, one.bytes, one.sha256) for one in goods]
        return Against(True, await hold_against(desk.files, files, own, folder, key_of(desk.master)))
    except FileDamaged:
        return Against(asked=True)


async def _taken_in(desk: CustomsDesk, source: StoredFile, folder: Path) -> PersonList:
    await asyncio.to_thread(folder.mkdir)
    return await take_in_stream(
        desk.files.read(source), folder, key_of(desk.master), into=folder / "sorted", run=asyncio.to_thread
    )


async def _fetched(desk: CustomsDesk, row: PersonListRow, path: Path) -> PersonList:
    assert row.file_id is not None
    assert row.sha256 is not None
    await desk.files.copy_to(StoredFile(row.file_id, row.bytes, row.sha256), path)
    return PersonList(path, tuple(row.starts), row.digest or "")


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
