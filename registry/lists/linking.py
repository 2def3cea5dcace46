"""What the names in an imported file's rows stand for: systems, agencies, entries.

A row whose link leads nowhere, or in a circle, is a bad row like any other. Ready rows stand one a line:
`key`, what the entry says (`content`) and its digest (`sha`); a system names what stands above it by its key
(`parent`).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from sqlmodel import col, select

from base.canonical import canonical
from base.db import ReadSession
from identity.rosters import organisations_in_role
from registry.lists.headings import ListName
from registry.lists.reading import Sorted
from registry.lists.rules import (
    MAX_DEPTH,
    Listed,
    content_digest,
    demand_content,
    entry_content,
    normal,
    system_content,
)
from registry.lists.saying import demand_said, entry_said, system_said
from registry.lists.tables import DataRow, SystemRow

_AGENCIES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Links:
    """What can be named: systems by name or code, agencies by name, entries by code (None: several have it).

    `keys` are the systems' keys by name or code, `above` the key that stands above each.
    """

    systems: Mapping[str, str] = field(default_factory=dict)
    agencies: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, str | None] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    above: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """How many rows are ready in which file, its digest, and every row that is not taken."""

    good: int
    rows: Path
    sha256: str
    faults: tuple[tuple[int, str, str], ...]


class _Nowhere(Exception):
    """A link leads nowhere: the member and the reason; control flow of a row."""


async def links_for(s: ReadSession, *, agency_id: str, list_name: ListName) -> Links:
    """What the rows of an agency's file can name."""
    query = select(SystemRow).where(SystemRow.agency_id == agency_id, SystemRow.status == Listed.LISTED)
    systems = (await s.exec(query)).all()
    by_name = {normal(name): row.system_id for row in systems for name in (row.code, row.name) if name}
    if list_name is ListName.SYSTEMS:
        key_by_id = {row.system_id: row.key for row in systems}
        return Links(
            keys={normal(name): row.key for row in systems for name in (row.code, row.name) if name},
            above={row.key: key_by_id.get(row.parent_id or "") for row in systems},
        )
    if list_name is ListName.DATA:
        return Links(systems=by_name)
    entries: dict[str, str | None] = {}
    coded = select(DataRow.code, DataRow.data_id).where(DataRow.status == Listed.LISTED, DataRow.code != "")
    for code, data_id in (await s.exec(coded.order_by(col(DataRow.data_id)))).all():
        entries[normal(code)] = None if normal(code) in entries else data_id
    return Links(systems=by_name, agencies=await _agencies(s), entries=entries)


async def _agencies(s: ReadSession) -> dict[str, str]:
    found: dict[str, str] = {}
    after: str | None = None
    while len(found) < _AGENCIES:
        some = await organisations_in_role(s, role="PUBLIC_AGENCY", after=after)
        if not some:
            break
        found |= {normal(one.name): one.org_id for one in some}
        after = some[-1].org_id
    return found


def link_rows(found: Sorted, list_name: ListName, links: Links) -> Ready:
    """Make a file's good rows ready; what a link names is put in its place."""
    faults = [tuple(orjson.loads(line)) for line in _lines(found.faults)]
    make = _MAKE[list_name]
    digest = hashlib.sha256()
    good = 0
    path = found.rows.with_name("ready.jsonl")
    with path.open("wb") as out:
        for line in _lines(found.rows):
            row = orjson.loads(line)
            try:
                made = make(row, links)
            except _Nowhere as wrong:
                member, why = wrong.args
                faults.append((row["n"], found.headings.get(member, member), why))
                continue
            raw = canonical({"key": row["key"], **made}) + b"\n"
            digest.update(raw)
            out.write(raw)
            good += 1
    return Ready(good, path, digest.hexdigest(), tuple(sorted(faults)))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        yield from lines


def _named(said: Mapping[str, Any], member: str, known: Mapping[str, Any]) -> Any:
    """What a row's link names. Raises _Nowhere."""
    if member not in said:
        return None
    plain = normal(said[member])
    if plain not in known:
        raise _Nowhere(member, "names-nothing")
    if known[plain] is None:
        raise _Nowhere(member, "names-several")
    return known[plain]


def _system(row: Mapping[str, Any], links: Links) -> dict[str, Any]:
    said, key = row["said"], row["key"]
    above = _named(said, "parent", links.keys)
    step, steps = above, 0
    while step is not None:
        steps += 1
        if step == key or steps > MAX_DEPTH:
            raise _Nowhere("parent", "leads-in-a-circle")
        step = links.above.get(step)
    links.above[key] = above
    links.keys.update({normal(name): key for name in (said.get("code", ""), said["name"]) if name})
    return {"content": system_content(system_said(said)), "parent": above}


def _data(row: Mapping[str, Any], links: Links) -> dict[str, Any]:
    said = row["said"]
    content = entry_content(entry_said(said, system_id=_named(said, "system", links.systems)))
    return {"content": content, "sha": content_digest(content)}


def _demand(row: Mapping[str, Any], links: Links) -> dict[str, Any]:
    said = row["said"]
    demand = demand_said(
        said,
        provider_id=_named(said, "provider", links.agencies),
        owner_id=_named(said, "owner", links.agencies),
        system_id=_named(said, "system", links.systems),
        data_id=_named(said, "data", links.entries),
    )
    content = demand_content(demand)
    return {"content": content, "sha": content_digest(content)}


_MAKE: Final[Mapping[ListName, Callable[[Mapping[str, Any], Links], dict[str, Any]]]] = {
    ListName.SYSTEMS: _system,
    ListName.DATA: _data,
    ListName.DEMANDS: _demand,
}
