"""An exchange that is backed up and put back: on SQLite or on PostgreSQL, in one folder."""

import secrets
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from base.age import Identity
from base.clock import SimulatedClock
from base.db import Database
from base.settings import Settings
from cli.backing_up import back_up
from cli.exporting import export_bundle
from cli.restoring import Restored, restore
from ledger.bundle import Edition
from ledger.reader import TreeHead, tree_head
from supervision.audit import audit
from tests.postgres import Server
from tests.web.nodes import kept_bank_key, lay_foundations, migrated_on, opened, settings_in
from web.node import open_node


@dataclass
class Drill:
    """The exchange of a folder. Its node is open only while an act lasts."""

    folder: Path
    clock: SimulatedClock
    server: Server | None
    settings: Settings
    more: dict[str, Any]
    identity: Identity = field(default_factory=Identity.generate)

    def in_folder(self, folder: Path) -> Settings:
        """The same exchange elsewhere."""
        folder.mkdir()
        return settings_in(folder, kept_bank_key(self.folder), **self.more)

    async def acts(self, name: str) -> None:
        """A member is admitted and gets a key; both are sealed and published."""
        async with opened(self.folder, self.clock, **self.more) as served:
            await served.admit(name, {"BUYER"}, login=f"login-{name}", custody="custodial")
            await served.settle_down()

    async def back_up(self, name: str) -> Path:
        path = self.folder.parent / f"{self.folder.name}-{name}"
        await back_up(self.settings, path, self.identity.recipient, clock=self.clock)
        return path

    async def restore(self, backup: Path, **how: Any) -> Restored:
        return await restore(self.settings, backup, self.identity, **how)

    async def head(self) -> TreeHead:
        database = Database(self.settings.database_dsn)
        try:
            async with database.read() as s:
                return await tree_head(s)
        finally:
            await database.dispose()

    async def lose_the_database(self) -> None:
        if self.server is None:
            (self.folder / "databourse.db").write_bytes(b"not a database any more" * 1000)
        else:
            await self.asked("DROP TABLE ledger_entries CASCADE")

    async def everything(self) -> dict[str, bytes]:
        """All that is stored: the folder's files, and on PostgreSQL each table."""
        found = everything_in(self.settings)
        if self.server is not None:
            tables = await self.asked("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            for (name,) in tables:
                rows = await self.asked(f'SELECT t::text FROM "{name}" t ORDER BY 1')
                found[f"table {name}"] = repr(rows).encode()
        return found

    async def asked(self, question: str) -> list[Any]:
        """What the database answers; a change is kept."""
        database = Database(self.settings.database_dsn)
        try:
            async with database.engine.begin() as connection:
                answer = await connection.execute(text(question))
                return list(answer.all()) if answer.returns_rows else []
        finally:
            await database.dispose()

    async def events(self) -> list[str]:
        return [event for (event,) in await self.asked("SELECT event FROM ledger_statements ORDER BY id")]

    async def audited(self) -> str:
        """What an auditor says of the exported bundle."""
        out = self.folder.parent / f"{self.folder.name}-bundle"
        async with open_node(self.settings, clock=self.clock) as node:
            await export_bundle(node, out, Edition.REGULATOR)
            vkey = node.publisher.signer.vkey
        report = audit(out, [vkey])
        return "CLEAN" if report.clean else str(report.problems)


def everything_in(settings: Settings, *, but: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every file of a data folder; of an SQLite database its rows: its bytes change when it is looked at."""
    folder, found = settings.data_dir, {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() or name in but or name.endswith(("-wal", "-shm")):
            continue
        if name != "databourse.db":
            found[name] = path.read_bytes()
            continue
        with closing(sqlite3.connect(path)) as database:
            found[name] = "\n".join(database.iterdump()).encode()
    return found


@asynccontextmanager
async def opened_drill(
    folder: Path, clock: SimulatedClock, *, founded: Path | None = None, server: Server | None = None
) -> AsyncIterator[Drill]:
    """A founded exchange: a copy of one on SQLite, or a new one on PostgreSQL."""
    folder /= "var"
    more: dict[str, Any] = {}
    name = f"drill_{secrets.token_hex(4)}"
    if server is not None:
        folder.mkdir(parents=True)
        more["database_url"] = await migrated_on(server, name)
        await lay_foundations(folder, clock, **more)
    else:
        assert founded is not None
        shutil.copytree(founded, folder)
    try:
        yield Drill(folder, clock, server, settings_in(folder, kept_bank_key(folder), **more), more)
    finally:
        if server is not None:
            await server.drop(name)
