"""Turning over the master key: all that it has sealed is sealed under another, and it opens nothing more.

1. The next key is written beside the present one (`master.key.next`). As long as it is there no node
   starts, and no backup is taken.
2. Nobody else has the database open.
3. In one transaction every sealed secret is opened and sealed again, and that is stated (MST.ROTATE).
4. Each stored file gets its key anew, one file after the other.
5. The next key takes the present one's name.

It goes forwards alone. Whoever is killed before the end of step 3 has changed nothing in the database;
killed behind it, the same command goes on where it was: whether step 3 is done stands on the ledger, and each
file tells under which key it is. What is made of the key, and not sealed with it: `docs/howto/operator.md`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Final

from sqlalchemy import and_, select, tuple_, update

from base.clock import Clock
from base.db import Database, ReadSession, WriteSession
from base.errors import DomainError
from base.files import FileDamaged, StoredFile
from base.settings import Settings, create_secret
from base.signing import turned, unwrap, wrap
from cli.backup_database import require_alone
from cli.backup_placing import sync_folder
from cli.running import require_schema
from cli.sealed import FILES, SECRETS, FileTable, SealedColumn
from ledger.reader import statements_of
from ledger.recording import record
from ledger.statement import Draft
from web.node import Node, open_node

ROTATE: Final = "MST.ROTATE"
_NAME: Final = b"databourse/master-key-name/"
_AT_ONCE: Final = 500


class SealedLost(DomainError):
    """A sealed secret does not open under the present master key: it would be lost for good."""

    code: ClassVar[str] = "sealed-lost"
    title = "A sealed secret does not open under the present master key"


@dataclass(frozen=True, slots=True)
class Turned:
    """What was sealed anew. `damaged`: files that opened under neither key, as they did before."""

    name: str
    secrets: int
    files: int
    damaged: tuple[str, ...] = ()


def name_of_key(master: bytes) -> str:
    """What the ledger calls a master key: a digest, which tells nothing of 32 random bytes."""
    return f"mst_{sha256(_NAME + master).hexdigest()[:26]}"


async def turn_over(settings: Settings, *, clock: Clock | None = None) -> Turned:
    """Turn over the master key, or go on where that was broken off. Stop the node first.

    Raises DatabaseInUse, SealedLost, LogForked, StoreUnavailable, SecretUnsafe, OSError. Where step 3 is
    refused the next key is removed again, and nothing has changed.
    """
    await require_schema(settings)
    present, coming = settings.master_key_path, settings.next_master_key_path
    old = settings.master_key(turning=True)
    if not coming.exists():
        create_secret(coming, turned(old))
    new = settings.master_key_at(coming)
    try:
        await require_alone(settings)
        async with open_node(settings, clock=clock, turning=True) as node:
            await node.publisher.check_head()
            secrets = await _seal_again(node, old, new)
    except DomainError:
        if not await _is_done(settings, new):
            coming.unlink()
        raise
    async with open_node(settings, clock=clock, turning=True) as node:
        await node.seal()
        await node.publish()
        files, damaged = await _files_again(node, new)
    coming.replace(present)
    await asyncio.to_thread(sync_folder, present.parent)
    return Turned(name_of_key(new), secrets, files, tuple(damaged))


async def _is_done(settings: Settings, new: bytes) -> bool:
    """Whether step 3 is behind us: from then on nothing opens without the next key."""
    database = Database(settings.database_dsn)
    try:
        async with database.read() as s:
            return bool(await statements_of(s, object_id=name_of_key(new)))
    finally:
        await database.dispose()


async def _seal_again(node: Node, old: bytes, new: bytes) -> int:
    """Step 3; answers how many secrets were sealed, 0 where it was done before."""
    async with node.database.write() as s:
        if await statements_of(s, object_id=name_of_key(new)):
            return 0
        sealed = [await _column_again(s, column, old, new) for column in SECRETS]
        public = {"secrets": sum(sealed)}
        await record(s, node.house.exchange_act(), Draft(ROTATE, name_of_key(new), public=public))
        return sum(sealed)


async def _column_again(s: WriteSession, column: SealedColumn, old: bytes, new: bytes) -> int:
    table, sealed = column.table, column.table.c[column.column]
    connection, count = await s.connection(), 0
    async for row in _rows(s, column.table, column.column):
        secret = getattr(row, column.column)
        if not secret:  # a prepared act that was carried out
            continue
        key = {one.name: getattr(row, one.name) for one in table.primary_key}
        try:
            plain = unwrap(old, secret, column.purpose(row))
        except DomainError:
            raise SealedLost("put it in order first", table=table.name, column=sealed.name, **key) from None
        values = {sealed.name: wrap(new, plain, column.purpose(row))}
        here = and_(*(table.c[name] == value for name, value in key.items()))
        await connection.execute(update(table).where(here).values(values))
        count += 1
    return count


async def _files_again(node: Node, new: bytes) -> tuple[int, list[str]]:
    """Step 4: how many files got their key anew, and those that open under neither."""
    await asyncio.to_thread(node.files.home.remove_abandoned, 0)
    count, damaged = 0, []
    for table in FILES:
        async with node.database.read() as s:
            files = [file async for file in _stored(s, table)]
        for file in files:
            try:
                count += await node.files.rewrap(file, new)
            except FileDamaged as error:
                damaged.append(f"{file.file_id}: {error.facts['what']}")
    return count, damaged


async def _stored(s: ReadSession, files: FileTable) -> AsyncIterator[StoredFile]:
    async for row in _rows(s, files.table, files.sha256):
        if getattr(row, files.file_id) is not None:
            yield files.file(row)


async def _rows(s: ReadSession, table: Any, column: str) -> AsyncIterator[Any]:
    """The rows where a column is not NULL, some at once in the order of their key: each may be changed."""
    key = list(table.primary_key)
    query = select(table).where(table.c[column].is_not(None)).order_by(*key).limit(_AT_ONCE)
    connection = await s.connection()
    rows = (await connection.execute(query)).all()
    while rows:
        for row in rows:
            yield row
        last = tuple(getattr(rows[-1], one.name) for one in key)
        rows = (await connection.execute(query.where(tuple_(*key) > last))).all()
