"""What a granted request hands over: the file of its entry, as far as it was granted, while it is shared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from base.db import ReadSession
from base.errors import NotFound
from registry.lists import repository
from registry.lists.errors import ShareClosed
from registry.lists.rules import normal
from registry.lists.sharing_rules import check_handed
from registry.lists.tables import DataRow, ListFileRow, ShareRow
from registry.rules import Level, highest

_FORMS: Final = ("csv", "tsv", "txt", "parquet")
"""The files of which columns can be sent alone."""


@dataclass(frozen=True, slots=True)
class Handed:
    """The file of a request, and the columns of it that are sent; none named: the whole file."""

    row: ShareRow
    file: ListFileRow
    columns: tuple[str, ...]


async def handed(s: ReadSession, *, row: ShareRow, level: Level) -> Handed:
    """What a request that was granted hands over now; `level` is the entry's as its gradings have it.

    Raises ShareClosed where it is shared no more, or was never to be handed over; NotFound where the entry is
    mounted to no file of the agency that granted it.
    """
    entry = await repository.data_entry(s, data_id=row.data_id)
    check_open(row, entry, level)
    file = None
    if entry.resource_file_id is not None:
        file = await repository.list_file(s, file_id=entry.resource_file_id)
    if file is None or file.owner_id != row.provider_id:
        raise NotFound("this entry is mounted to no file", data_id=row.data_id)
    return Handed(row, file, await granted_columns(s, row, entry))


async def granted_columns(s: ReadSession, row: ShareRow, entry: DataRow) -> tuple[str, ...]:
    """The fields that were asked; of who asked for all, those of then, where the entry has gained some."""
    if row.fields:
        return tuple(row.fields)
    then: list[dict[str, Any]] = entry.fields
    for version in await repository.versions_of(s, object_id=entry.data_id):
        if row.answered_at is not None and version.until > row.answered_at:
            then = list(_fields(version.content))
            break
    names = {normal(one["name"]) for one in then}
    gained = any(normal(one["name"]) not in names for one in entry.fields)
    return tuple(one["name"] for one in then) if then and gained else ()


def _fields(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = content["fields"]
    return fields


def check_open(row: ShareRow, entry: DataRow, level: Level) -> None:
    """That what was granted may still be handed over. Raises ShareClosed."""
    check_handed(
        row.kind,
        listed=entry.status,
        share=entry.share,
        level=highest([entry.level, level]),
        taken=row.answer_by is None,
    )


async def was_there(s: ReadSession, row: ShareRow, entry: DataRow) -> bool:
    """Whether who asked could have had the file until the request fell due, by what the lists know."""
    due = row.due_at
    if entry.resource_file_id is None or entry.mounted_at is None or due is None or entry.mounted_at > due:
        return False
    try:
        found = await handed(s, row=row, level=entry.level)
    except (ShareClosed, NotFound):
        return False
    return not found.columns or found.file.name.rpartition(".")[2].lower() in _FORMS
