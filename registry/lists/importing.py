"""Imports: a file that was read is kept with its report, and its rows are entered by one signed statement.

A row that says what the entry says changes nothing; another one makes its next version. Nothing is retired by
an import. The rows go in a thousand at a time, in one transaction.
"""

from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, Final, TypeAlias

import orjson
from sqlmodel import SQLModel, col, insert, select, update

from base.db import WriteSession
from base.files import StoredFile
from base.jobs import enqueue
from base.rows import Insert as InsertRows
from base.rows import write_rows
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.lists import repository
from registry.lists.cataloguing import level_followed
from registry.lists.contents import content_of
from registry.lists.errors import ImportWrongState, LinkBroken
from registry.lists.files import keep_list_file
from registry.lists.headings import ListName
from registry.lists.keeping import check_own, id_of, own_agency
from registry.lists.linking import Ready
from registry.lists.reading import Sorted
from registry.lists.rules import DemandState, Listed, content_digest, normal
from registry.lists.tables import (
    DataRow,
    DemandRow,
    ImportFaultRow,
    ImportRow,
    ListFileRow,
    SystemRow,
    VersionRow,
)
from registry.rules import Level

AT_ONCE: Final = 1_000
DATA_IMPORTED_JOB: Final = "registry.data-imported"
"""Payload: import_id, and the id after which grading looks on through the entries that it made or changed."""
Tables: TypeAlias = type[SystemRow] | type[DataRow] | type[DemandRow]
_KINDS: Final[Mapping[ListName, tuple[Tables, str, str]]] = {
    ListName.SYSTEMS: (SystemRow, "system_id", "sys"),
    ListName.DATA: (DataRow, "data_id", "dat"),
    ListName.DEMANDS: (DemandRow, "demand_id", "dem"),
}
_INSERTS: Final = {
    table: InsertRows(
        table, *(column.name for column in SQLModel.metadata.tables[table.__tablename__].columns)
    )
    for table, _, _ in _KINDS.values()
}
_MEMBERS: Final = {"update_rate": "update"}  # where a column goes by another name than its member
_BY_HAND: Final = ("provider_id", "system_id", "data_id", "owner_id", "due_on")


@dataclass(slots=True)
class _Tally:
    raised: list[tuple[DataRow, Level]] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    unchanged: int = 0


async def keep_import(
    s: WriteSession,
    act: Act,
    *,
    list_name: ListName,
    file: ListFileRow,
    read: Sorted,
    ready: Ready,
    rows: StoredFile | None,
) -> ImportRow:
    """Keep what reading a file came to: its report, every bad row, and the good ones to be entered.

    Nothing is stated and nothing is listed yet; `rows` is None where no row is good.
    """
    agency_id = await own_agency(s, act)
    if rows is not None:
        await keep_list_file(s, act, file=rows, name="rows.jsonl", media_type="application/x-ndjson")
    row = ImportRow(
        import_id=act.new_id("imp"),
        agency_id=agency_id,
        list_name=list_name.value,
        file_sha256=file.sha256,
        file_name=file.name,
        form=read.form,
        headings=read.headings,
        ignored=list(read.ignored),
        good=ready.good,
        bad=len(ready.faults),
        rows_file_id=None if rows is None else rows.file_id,
        rows_sha256=ready.sha256,
        read_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    faults = iter(ready.faults)
    while some := list(islice(faults, AT_ONCE)):
        await s.exec(
            insert(ImportFaultRow),
            params=[
                {"import_id": row.import_id, "row": number, "heading": heading, "why": why}
                for number, heading, why in some
            ],
        )
    return row


async def enter_import(
    s: WriteSession, act: Act, *, import_id: str, lines: AsyncIterable[bytes]
) -> ImportRow:
    """Enter the good rows of a file that was read (LIM.ENTER), once; `lines` are those that were kept.

    Raises ImportWrongState where it was entered before or is forgotten, LinkBroken where what a row names is
    gone meanwhile, ListWrongRole.
    """
    row = await repository.claim_import(s, import_id=import_id)
    check_own(act, row.agency_id)
    await own_agency(s, act)
    if row.entered_at is not None or row.rows_file_id is None:
        raise ImportWrongState("the import was entered before, or holds nothing", import_id=import_id)
    tally = _Tally()
    some: list[dict[str, Any]] = []
    async for line in lines:
        some.append(orjson.loads(line))
        if len(some) == AT_ONCE:
            await _enter(s, act, row, some, tally)
            some = []
    if some:
        await _enter(s, act, row, some, tally)
    row.added, row.changed, row.unchanged = tally.added, tally.changed, tally.unchanged
    row.entered_at, row.rows_file_id = act.occurred_at, None
    s.add(row)
    await s.flush()
    recorded = await _state(s, act, row)
    for entry, before in tally.raised:
        await level_followed(s, act, entry, before, recorded.statement_id)
    if row.list_name == ListName.DATA.value and tally.added + tally.changed:
        payload = {"import_id": import_id, "after": ""}
        await enqueue(s, kind=DATA_IMPORTED_JOB, key=import_id, run_at=act.now, payload=payload)
    return row


async def _state(s: WriteSession, act: Act, row: ImportRow) -> Recorded:
    public = {
        "agency_id": row.agency_id,
        "list": row.list_name,
        "good": row.good,
        "bad": row.bad,
        "added": row.added,
        "changed": row.changed,
        "unchanged": row.unchanged,
    }
    subjects = {"file": row.file_sha256, "rows": row.rows_sha256}
    opening = {"file_name": row.file_name, "headings": row.headings}
    return await record(
        s, act, Draft("LIM.ENTER", row.import_id, public=public, opening=opening, subjects=subjects)
    )


async def _enter(
    s: WriteSession, act: Act, imported: ImportRow, lines: Sequence[dict[str, Any]], tally: _Tally
) -> None:
    """Some rows: new ones, and the next versions of those that say something else."""
    list_name = ListName(imported.list_name)
    table, id_name, prefix = _KINDS[list_name]
    await _check_links(s, imported.agency_id, lines)
    if list_name is ListName.SYSTEMS:
        lines = await _with_parents(s, act, imported.agency_id, lines)
    known = {one.key: one for one in await _rows(s, table, imported.agency_id, [one["key"] for one in lines])}
    new: list[dict[str, Any]] = []
    before: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    levels: list[tuple[DataRow, Level]] = []
    for line in lines:
        row = known.get(line["key"])
        content, sha = (line["content"], line["sha"]) if row is None else _beside(row, line)
        if row is not None and row.content_sha256 == sha and row.status.value != Listed.RETIRED.value:
            tally.unchanged += 1
            continue
        values = _values(list_name, content) | {
            "content_sha256": sha,
            "import_id": imported.import_id,
            "changed_at": act.occurred_at,
        }
        if row is None:
            tally.added += 1
            own_id = line.get("id") or act.new_id(prefix)
            kept = {"agency_id": imported.agency_id, "key": line["key"], "version": 1}
            new.append(values | kept | {id_name: own_id, "listed_at": act.occurred_at})
            continue
        tally.changed += 1
        before.append(_before(act, row))
        changed.append(values | {id_name: id_of(row), "version": row.version + 1})
        if isinstance(row, DataRow):
            levels.append((row, row.level))
    if new:
        names = [_MEMBERS.get(column, column) for column in _INSERTS[table].names]
        await write_rows(s, _INSERTS[table], [[one.get(name) for name in names] for one in new])
    if changed:
        await s.exec(insert(VersionRow), params=before)
        await s.exec(update(table), params=changed)  # many, each by its primary key
    keys = [entry.key for entry, _ in levels]
    if keys:  # the rows as they are now, all at once
        await _rows(s, table, imported.agency_id, keys)
    tally.raised += [(entry, level) for entry, level in levels if entry.level is not level]


def _beside(row: Any, line: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What a row says of an entry that is there: what a file never says stays as it was entered.

    The items of fields are linked by hand, and a demand is matched and planned by hand.
    """
    content, sha = line["content"], line["sha"]
    if row.content_sha256 == sha:
        return content, sha
    if isinstance(row, DataRow):
        held = {normal(one["name"]): one for one in row.fields}
        kept = ("type", "meaning", "item_id")
        fields = [
            one | {name: held.get(normal(one["name"]), one)[name] for name in kept if not one[name]}
            for one in content["fields"]
        ]
        content = content | {"fields": fields}
    elif isinstance(row, DemandRow):
        was = content_of(row)
        content = content | {name: was[name] for name in _BY_HAND if content[name] is None}
    return content, content_digest(content)


async def _rows(s: WriteSession, table: Tables, agency_id: str, keys: Sequence[str]) -> Sequence[Any]:
    query: Any = select(table).where(col(table.agency_id) == agency_id, col(table.key).in_(keys))
    found: Sequence[Any] = (await s.exec(query.execution_options(populate_existing=True))).all()
    return found


async def _check_links(s: WriteSession, agency_id: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """What the rows named when they were read still stands, share-locked. Raises LinkBroken."""
    systems = {one["content"].get("system_id") for one in lines} - {None}
    if systems:
        query = select(SystemRow.system_id).where(
            col(SystemRow.system_id).in_(sorted(systems)),
            SystemRow.agency_id == agency_id,
            SystemRow.status == Listed.LISTED,
        )
        missing = systems - set((await s.exec(query.with_for_update(read=True))).all())
        if missing:
            raise LinkBroken("a system is listed no more: read the file again", ids=sorted(missing)[:10])
    entries = {one["content"].get("data_id") for one in lines} - {None}
    if entries:
        asked = select(DataRow.data_id).where(
            col(DataRow.data_id).in_(sorted(entries)), DataRow.status == Listed.LISTED
        )
        missing = entries - set((await s.exec(asked.with_for_update(read=True))).all())
        if missing:
            raise LinkBroken("an entry is listed no more: read the file again", ids=sorted(missing)[:10])


async def _with_parents(
    s: WriteSession, act: Act, agency_id: str, lines: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Systems with the ids of what stands above them, which may be a row of the same file."""
    query = select(SystemRow.key, SystemRow.system_id).where(SystemRow.agency_id == agency_id)
    ids = dict((await s.exec(query)).all())
    done = []
    for line in lines:
        own_id = ids.setdefault(line["key"], act.new_id("sys"))
        parent = line["parent"]
        if parent is not None and parent not in ids:
            raise LinkBroken("a system is listed no more: read the file again", ids=[])
        content = line["content"] | {"parent_id": ids.get(parent or "")}
        done.append({**line, "id": own_id, "content": content, "sha": content_digest(content)})
    return done


def _before(act: Act, row: SystemRow | DataRow | DemandRow) -> dict[str, Any]:
    return {
        "object_id": id_of(row),
        "version": row.version,
        "content": content_of(row),
        "content_sha256": row.content_sha256,
        "import_id": row.import_id,
        "until": act.occurred_at,
    }


def _values(list_name: ListName, content: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a row fills."""
    if list_name is ListName.DATA:
        return {**content, "status": Listed.LISTED}
    if list_name is ListName.SYSTEMS:
        return {**content, "since": _day(content["since"]), "status": Listed.LISTED}
    status = DemandState.OPEN if content["data_id"] is None else DemandState.MATCHED
    return {**content, "due_on": _day(content["due_on"]), "status": status}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
