"""Data entries: listed, changed, mounted to a real resource or flagged, retired (编目/挂接)."""

import re
from datetime import date
from typing import Any, Final

from sqlmodel import col, select

from base.calendar import shanghai_day
from base.clock import rfc3339
from base.db import WriteSession, exclusive_lock
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.lists import repository
from registry.lists.contents import entry_values
from registry.lists.entering import check_system_link
from registry.lists.errors import EntryInUse, LinkBroken, ListMalformed
from registry.lists.keeping import (
    check_own,
    check_standing,
    check_version,
    listed_as,
    own_agency,
    retire,
    say,
    state,
    words,
)
from registry.lists.renewing import mounted_since
from registry.lists.rules import DataEntry, DataKind, DemandState, Listed, check_entry, key_of
from registry.lists.states import UNDER_WAY, ItemState
from registry.lists.tables import DataRow, DemandRow, ItemRow, ShareRow
from registry.rules import Level, rank

LEVEL_RAISED_JOB: Final = "registry.level-raised"
"""What `registry.grading` asks for too: whoever rests on the level looks again."""
DATA_CHANGED_JOB: Final = "registry.data-changed"
"""Payload: data_id, and what changed ("file" or "fields"): grading looks at the entry again."""
_INTERFACE: Final = re.compile(r"https?://[^\s<>\"']{1,500}")


async def enter_data(s: WriteSession, act: Act, *, entry: DataEntry) -> DataRow:
    """List data (DAT.ENTER), as the agency that holds it; what was retired comes back.

    The level is at least what its kind and library ask. Raises ListMalformed, LinkBroken,
    EntryListedBefore, ListWrongRole, `member-not-active`.
    """
    agency_id = await own_agency(s, act)
    await _check_entry(s, agency_id, entry)
    key, values = key_of(entry.code, entry.name), entry_values(entry)
    new_id = act.new_id("dat")
    row = await listed_as(s, DataRow, agency_id, key)
    row = row or DataRow(
        data_id=new_id,
        agency_id=agency_id,
        key=key,
        version=0,
        status=Listed.RETIRED,
        listed_at=act.occurred_at,
        content_sha256="",
        **values,
    )
    await say(s, act, row, key, {**values, "status": Listed.LISTED})
    await state(s, act, "DAT.ENTER", row, data_facts(row))
    return row


async def change_data(s: WriteSession, act: Act, *, data_id: str, version: int, entry: DataEntry) -> DataRow:
    """Say a data entry anew (DAT.CHANGE), from its newest `version` on.

    Raises EntryChanged, EntryRetired, and what `enter_data` does.
    """
    row = await repository.claim_data_entry(s, data_id=data_id)
    check_own(act, row.agency_id)
    check_version(row, version)
    await _check_entry(s, row.agency_id, entry)
    level, fields = row.level, row.fields
    await say(s, act, row, key_of(entry.code, entry.name), entry_values(entry))
    recorded = await state(s, act, "DAT.CHANGE", row, data_facts(row))
    await tell_changed(s, act, row, "words" if row.fields == fields else "fields", recorded.statement_id)
    await level_followed(s, act, row, level, recorded.statement_id)
    return row


async def mount(
    s: WriteSession,
    act: Act,
    *,
    data_id: str,
    file_id: str | None = None,
    interface: str | None = None,
) -> DataRow:
    """Mount an entry to a real resource (DAT.MOUNT): a file that the agency brought, or an interface.

    An interface, a video or a sensor is reached at its address. Raises ListMalformed, LinkBroken.
    """
    row = await repository.claim_data_entry(s, data_id=data_id)
    check_own(act, row.agency_id)
    check_standing(row)
    if (file_id is None) == (interface is None):
        raise ListMalformed("a file or an interface", fields=["file_id", "interface"])
    subjects = {}
    if interface is not None:
        if _INTERFACE.fullmatch(interface) is None:
            raise ListMalformed("an interface is an address of http", fields=["interface"])
    else:
        if row.kind in {DataKind.API, DataKind.VIDEO, DataKind.IOT}:
            raise ListMalformed("this kind of data is reached at an interface", fields=["file_id"])
        file = await repository.list_file(s, file_id=str(file_id))
        if file is None or file.owner_id != row.agency_id:
            raise LinkBroken("this agency has brought no such file", file_id=file_id)
        subjects = {"resource": file.sha256}
    row.resource_file_id, row.resource_sha256 = file_id, subjects.get("resource")
    row.resource_interface = interface
    row.mounted_at = await mounted_since(s, act, data_id, subjects.get("resource"))
    row.flag, row.mount_by = None, None
    s.add(row)
    await s.flush()
    public = {"agency_id": row.agency_id, "version": row.version, "to": "file" if file_id else "interface"}
    opening = None if interface is None else {"interface": interface}
    mounted = Draft("DAT.MOUNT", data_id, public=public, opening=opening, subjects=subjects)
    recorded = await record(s, act, mounted)
    await tell_changed(s, act, row, "file", recorded.statement_id)
    return row


async def flag(s: WriteSession, act: Act, *, data_id: str, reason: str, mount_by: date) -> DataRow:
    """Say why an entry is mounted to nothing, and until when (DAT.FLAG): what it was mounted to is left.

    Raises ListMalformed where the day is over.
    """
    row = await repository.claim_data_entry(s, data_id=data_id)
    check_own(act, row.agency_id)
    check_standing(row)
    if mount_by < shanghai_day(act.now):
        raise ListMalformed("the day is over", fields=["mount_by"])
    row.flag, row.mount_by = words(reason), mount_by
    row.resource_file_id = row.resource_sha256 = row.resource_interface = row.mounted_at = None
    s.add(row)
    await s.flush()
    public = {"agency_id": row.agency_id, "version": row.version, "mount_by": mount_by.isoformat()}
    await record(s, act, Draft("DAT.FLAG", data_id, public=public, opening={"reason": row.flag}))
    return row


async def retire_data(s: WriteSession, act: Act, *, data_id: str, reason: str) -> DataRow:
    """Take data off the list (DAT.RETIRE): demands that it met are gaps again, and the agency sees to them.

    What rests on the data looks again, as when its level is raised: an open entry of it is suspended.

    Raises EntryInUse while a request to share it is under way, or an item is kept in it.
    """
    row = await repository.claim_data_entry(s, data_id=data_id)
    check_own(act, row.agency_id)
    check_standing(row)
    for query in (
        select(ShareRow.share_id).where(ShareRow.data_id == data_id, col(ShareRow.status).in_(UNDER_WAY)),
        select(ItemRow.item_id).where(ItemRow.data_id == data_id, ItemRow.status != ItemState.RETIRED),
    ):
        hanging = (await s.exec(query.limit(1))).first()
        if hanging is not None:
            raise EntryInUse("something rests on this entry", data_id=data_id, entry=hanging)
    met = exclusive_lock(
        select(DemandRow).where(DemandRow.data_id == data_id, DemandRow.status == DemandState.MATCHED)
    )
    demands = (await s.exec(met.order_by(col(DemandRow.demand_id)))).all()
    for demand in demands:
        gap: dict[str, Any] = {
            "data_id": None,
            "status": DemandState.OPEN,
            "owner_id": demand.owner_id or row.agency_id,
        }
        await say(s, act, demand, demand.key, gap)
        await state(s, act, "DEM.REOPEN", demand, {"was": data_id, "owner_id": demand.owner_id})
    await retire(s, act, "DAT.RETIRE", row, reason, reopened=len(demands))
    payload = {"object_id": data_id, "level": row.level.value, "before": row.level.value}
    key = f"{data_id} retired {rfc3339(act.now)}"
    await enqueue(s, kind=LEVEL_RAISED_JOB, key=key, run_at=act.now, payload=payload)
    return row


async def level_followed(s: WriteSession, act: Act, row: DataRow, before: Level, statement_id: str) -> None:
    """Have what rests on an entry look again where its level was raised."""
    if rank(row.level) > rank(before):
        payload = {"object_id": row.data_id, "level": row.level.value, "before": before.value}
        key = f"{statement_id} {row.data_id} {rfc3339(act.now)}"
        await enqueue(s, kind=LEVEL_RAISED_JOB, key=key, run_at=act.now, payload=payload)


async def tell_changed(s: WriteSession, act: Act, row: DataRow, what: str, statement_id: str) -> None:
    """Have grading look at an entry again whose file, fields or words are others now."""
    payload = {"data_id": row.data_id, "what": what}
    await enqueue(s, kind=DATA_CHANGED_JOB, key=statement_id, run_at=act.now, payload=payload)


def data_facts(row: DataRow) -> dict[str, Any]:
    """What is public of a data entry."""
    return {
        "kind": row.kind.value,
        "level": row.level.value,
        "share": row.share.value,
        "base_library": row.base_library.value if row.base_library else None,
        "system_id": row.system_id,
    }


async def _check_entry(s: WriteSession, agency_id: str, entry: DataEntry) -> None:
    """Its form; that its system is the agency's, and its fields' items are of the dictionary."""
    check_entry(entry)
    await check_system_link(s, agency_id, entry.system_id)
    wanted = {one.item_id for one in entry.fields if one.item_id is not None}
    found = await repository.items_named(s, item_ids=wanted)
    missing = sorted(wanted - {one.item_id for one in found.values() if one.status is not ItemState.RETIRED})
    if missing:
        raise LinkBroken("no such item is in the dictionary", item_ids=missing[:10])
