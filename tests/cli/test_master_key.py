"""Turning over the master key: all opens under the next one, nothing under the old, whenever it is killed."""

import base64
import secrets
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import LargeBinary, select
from sqlmodel import SQLModel

from base.db import Database
from base.errors import Malformed
from base.files import FileStore
from base.settings import SecretUnsafe, Settings
from base.signing import marking_part, sealing_part, unwrap
from cases.reporters import mark_of_code
from cli import master_key
from cli.backup_database import DatabaseInUse
from cli.master_key import ROTATE, SealedLost, name_of_key, turn_over
from cli.sealed import FILES, SECRETS
from identity.natural import mark_of
from identity.second_factor import Factors, confirm, offer
from identity.sign_in import sign_in
from identity.totp import code_at, step_of
from ledger.reader import statements_of
from tests.cli.drilling import Drill, everything_in
from tests.cli.test_backup import KilledError, drill, founded, kill, simple  # noqa: F401 - fixtures
from tests.houses import some_id_number
from tests.web.nodes import PASSWORD, opened
from web.node import open_node

MASTER = bytes(range(32))
# Files that are never opened again: those handed in under another name, and those that are to be destroyed.
NOT_OPENED = {"market_person_lists.source_file_id", "market_customs_leftovers.file_id"}


def test_every_sealed_column_and_every_stored_file_is_known() -> None:
    tables = SQLModel.metadata.tables.values()
    sealed = {
        f"{column.table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and "sealed" in column.name
    }
    assert sealed == {f"{one.table.name}.{one.column}" for one in SECRETS}
    stored = {
        f"{column.table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if column.name.endswith("file_id") and not column.foreign_keys
    }
    assert stored - NOT_OPENED == {f"{one.table.name}.{one.file_id}" for one in FILES}


async def cells(settings: Settings) -> AsyncIterator[tuple[bytes, bytes]]:
    """Each sealed secret, and what it is bound to."""
    database = Database(settings.database_dsn)
    try:
        async with database.engine.connect() as connection:
            for one in SECRETS:
                for row in await connection.execute(select(one.table)):
                    if getattr(row, one.column):
                        yield getattr(row, one.column), one.purpose(row)
    finally:
        await database.dispose()


async def opening_with(settings: Settings, master: bytes) -> set[bool]:
    """Whether the sealed secrets open under a key: {True}, {False}, or both."""
    found = set()
    async for sealed, purpose in cells(settings):
        try:
            unwrap(master, sealed, purpose)
        except Malformed:
            found.add(False)
        else:
            found.add(True)
    return found


async def files_opening_with(settings: Settings, master: bytes, clock: Any) -> set[bool]:
    database, found = Database(settings.database_dsn), set()
    store = FileStore(settings.files_dir, master, clock)
    try:
        async with database.engine.connect() as connection:
            for table in FILES:
                for row in await connection.execute(select(table.table)):
                    try:
                        await store.check(table.file(row))
                    except Exception:  # noqa: BLE001 - whatever says that it does not open
                        found.add(False)
                    else:
                        found.add(True)
    finally:
        await database.dispose()
    return found


async def furnish(drill: Drill) -> dict[str, Any]:  # noqa: F811
    """A member whose key rests here, with a second factor, an access key's mark and a file."""
    async with opened(drill.folder, drill.clock, **drill.more) as served:
        person = await served.admit("owner", {"PROVIDER"}, login="owner")
        node, now = served.node, served.clock.now()
        factors = Factors(node.safe)
        async with node.database.write() as s:
            said = {"user_id": person.user_id, "login": "owner", "issuer": "x"}
            offered = await offer(s, factors, **said, now=now)
        secret = base64.b32decode(offered.secret)
        async with node.database.write() as s:
            codes = await confirm(
                s, factors, user_id=person.user_id, code=code_at(secret, step_of(now)), now=now
            )
        number = some_id_number()
        await served.settle_down()
        return {"codes": codes, "number": number, "mark": node.safe.mark(number), "person": person}


async def test_what_was_sealed_opens_under_the_next_key_alone(drill: Drill) -> None:  # noqa: F811
    made = await furnish(drill)
    old = drill.settings.master_key()
    done = await turn_over(drill.settings, clock=drill.clock)
    new = drill.settings.master_key()
    assert done.name == name_of_key(new)
    assert (done.secrets >= 2, done.damaged) == (True, ())
    assert (len(new), marking_part(new), sealing_part(new) != sealing_part(old)) == (64, old, True)
    assert await opening_with(drill.settings, new) == {True}
    assert await opening_with(drill.settings, old) == {False}
    if drill.server is None:
        assert done.files == 1
        assert await files_opening_with(drill.settings, new, drill.clock) == {True}
        assert await files_opening_with(drill.settings, old, drill.clock) == {False}
    assert not drill.settings.next_master_key_path.exists()

    async with opened(drill.folder, drill.clock, **drill.more) as served:  # marks are found, codes are good
        assert served.node.safe.mark(made["number"]) == made["mark"]
        factors = Factors(served.node.safe)
        said = {"login": "owner", "password": PASSWORD, "code": made["codes"][0], "factors": factors}
        await sign_in(served.node.database, served.clock, served.node.tokens, **said)
        async with served.node.database.read() as s:
            (stated,) = await statements_of(s, object_id=done.name)
        assert (stated.event, stated.object_id) == (ROTATE, done.name)
        await served.admit("later", {"BUYER"}, login="later")
        await served.settle_down()
    again = await turn_over(drill.settings, clock=drill.clock)
    assert (again.secrets, again.files) == (done.secrets + 1, done.files)
    assert await opening_with(drill.settings, new) == {False}
    assert marking_part(drill.settings.master_key()) == old
    assert await drill.audited() == "CLEAN"


@pytest.mark.parametrize(
    "at",
    ["record", "rewrap", *(pytest.param(name, marks=pytest.mark.soak) for name in ("seal", "sync_folder"))],
)
async def test_killed_in_the_middle_it_goes_on_where_it_was(simple: Drill, at: str) -> None:  # noqa: F811
    old = simple.settings.master_key()
    before = await simple.events()
    where: Any = {"seal": master_key.Node, "rewrap": FileStore}.get(at, master_key)
    with patch.object(where, at, kill), pytest.raises(KilledError):
        await turn_over(simple.settings, clock=simple.clock)
    if at != "sync_folder":  # the name is there, and perhaps not yet on the disk
        with pytest.raises(SecretUnsafe, match="rotate-master"):
            async with open_node(simple.settings, clock=simple.clock):
                raise AssertionError
        with pytest.raises(SecretUnsafe, match="rotate-master"):
            await simple.back_up("meanwhile.backup")
        assert await opening_with(simple.settings, old) == {at == "record"}
        await turn_over(simple.settings, clock=simple.clock)
    assert await opening_with(simple.settings, simple.settings.master_key()) == {True}
    assert await files_opening_with(simple.settings, simple.settings.master_key(), simple.clock) == {True}
    assert await opening_with(simple.settings, old) == {False}
    assert (await simple.events())[len(before) :] == [ROTATE]
    async with opened(simple.folder, simple.clock) as served:
        await served.settle_down()


async def test_a_refusal_leaves_the_present_key_and_no_other(simple: Drill) -> None:  # noqa: F811
    database = Database(simple.settings.database_dsn)
    try:
        await database.ping()
        before = everything_in(simple.settings)
        with pytest.raises(DatabaseInUse):
            await turn_over(simple.settings, clock=simple.clock)
        assert everything_in(simple.settings) == before
    finally:
        await database.dispose()
    await simple.asked(
        "UPDATE identity_keys SET sealed_private = x'00112233445566778899aabbccddeeff'"
        " WHERE sealed_private IS NOT NULL"
    )
    before = everything_in(simple.settings)
    with pytest.raises(SealedLost) as refused:
        await turn_over(simple.settings, clock=simple.clock)
    assert refused.value.facts["table"] == "identity_keys"
    assert everything_in(simple.settings) == before


async def test_once_the_secrets_are_under_the_next_key_no_refusal_removes_it(simple: Drill) -> None:  # noqa: F811
    with patch.object(FileStore, "rewrap", kill), pytest.raises(KilledError):
        await turn_over(simple.settings, clock=simple.clock)
    coming = simple.settings.next_master_key_path.read_bytes()
    database = Database(simple.settings.database_dsn)
    try:
        await database.ping()
        with pytest.raises(DatabaseInUse):
            await turn_over(simple.settings, clock=simple.clock)
    finally:
        await database.dispose()
    assert simple.settings.next_master_key_path.read_bytes() == coming
    (path,) = simple.settings.files_dir.glob("*/fil_*")
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    done = await turn_over(simple.settings, clock=simple.clock)
    assert done.damaged == (f"{path.name}: form or key",)
    assert simple.settings.master_key() == coming


def test_a_key_of_either_length_marks_alike() -> None:
    turned, number = secrets.token_bytes(32) + MASTER, some_id_number()
    assert mark_of(number, master=turned) == mark_of(number, master=MASTER)
    assert mark_of_code(turned, "ABC") == mark_of_code(MASTER, "ABC")
