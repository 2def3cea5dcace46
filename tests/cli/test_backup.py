"""The restore drill: what was backed up comes back whole; what is behind, cut or foreign moves nothing."""

import asyncio
import errno
import io
import os
import re
import sqlite3
import tarfile
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from base.age import NONCE_BYTES, SEALED_BYTES, Identity, KeyDoesNotOpen
from base.clock import SimulatedClock
from base.db import Database
from base.files import StoredFile
from base.signing import SigningKey
from cli import backing_up, backup_database, backup_placing, restoring
from cli.backup_archive import BackupBad, BackupWriter, unpack
from cli.backup_database import BackupOfAnotherKind, DatabaseInUse
from cli.backup_evidence import GIVEN, IN_PLACE, BackupBehind, NothingToCompare
from cli.backup_placing import add, brought
from cli.restoring import KeysDiffer, restore, state_restored
from identity.rules import Role
from ledger.checkpoint import Checkpoint, NoteSigner, Receipt, sign_checkpoint
from ledger.errors import LogForked, NoteInvalid
from market.listings.tables import ListingFile
from tests.cli.drilling import Drill, everything_in, opened_drill
from tests.postgres import Server
from tests.web.market import upload
from tests.web.nodes import PASSWORD, Served, lay_foundations, opened
from web.main import create_app
from web.node import load_keys, open_node
from web.reading import LogBehind

AT = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exchange with a member, and with a file in its store."""
    folder = tmp_path_factory.mktemp("founded") / "var"
    folder.mkdir()

    async def build() -> None:
        clock = SimulatedClock(AT)
        await lay_foundations(folder, clock)
        async with opened(folder, clock) as served:
            seller = await served.admit("seller", {"PROVIDER"}, login="seller")
            await upload(served, seller, "a.csv", b"a,b\n1,2\n")
            await served.settle_down()

    asyncio.run(build())
    return folder


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=(pytest.mark.postgresql, pytest.mark.soak))]
)
async def drill(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SimulatedClock, founded: Path
) -> AsyncIterator[Drill]:
    server: Server | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    async with opened_drill(tmp_path, clock, founded=founded, server=server) as made:
        yield made


@pytest.fixture
async def simple(tmp_path: Path, clock: SimulatedClock, founded: Path) -> AsyncIterator[Drill]:
    async with opened_drill(tmp_path, clock, founded=founded) as made:
        yield made


async def test_the_drill(drill: Drill) -> None:
    """Acts, a backup, more acts: the older backup is refused, the newest comes back and its log is clean."""
    old = await drill.back_up("old.backup")
    await drill.acts("two")
    before, lost = await drill.everything(), await drill.head()
    with pytest.raises(BackupBehind) as refused:
        await drill.restore(old)
    assert (refused.value.code, refused.value.facts["published"]) == ("backup-behind", lost.size)
    assert await drill.everything() == before
    new = await while_files_come(drill)
    newest, before = await drill.head(), await drill.everything()
    last = "replace_sqlite" if drill.server is None else "_put"
    really = restoring._put

    def put_and_kill(*arguments: object) -> None:
        really(*arguments)  # everything but the commit
        raise KilledError

    with (
        patch.object(restoring, last, kill if drill.server is None else put_and_kill),
        pytest.raises(KilledError),
    ):
        await drill.restore(new)
    assert await drill.everything() == before
    await drill.lose_the_database()
    for sealed in drill.settings.data_dir.rglob("fil_*"):
        sealed.unlink()
    done = await drill.restore(new)
    assert await files_that_open(drill) >= 2, "those that were there before it began"
    assert (done.behind, done.pinned, done.manifest.size) == (None, True, newest.size)
    head = await drill.head()
    assert (head.size, head.root) == (newest.size, newest.root)
    await state_restored(drill.settings, done, clock=drill.clock)
    await drill.acts("three")  # the exchange goes on
    assert await drill.audited() == "CLEAN"
    assert (await drill.events())[-3:] == ["BAK.RESTORE", "ORG.ADMIT", "KEY.REGISTER"]


async def while_files_come(drill: Drill) -> Path:
    """A backup, while a member brings files before, during and after the copy of the database."""
    really = backing_up.dump
    async with opened(drill.folder, drill.clock, **drill.more) as served:
        seller = await served.admit("bringer", {"PROVIDER"}, login="bringer", custody="custodial")
        await served.settle_down()

        async def bring(*names: str) -> None:
            for name in names:
                await upload(served, seller, f"{name}.csv", f"a,b\n1,{name}\n".encode())

        async def dumped(*arguments: Any) -> Any:
            await bring("before-1", "before-2")
            taken, _ = await asyncio.gather(really(*arguments), bring("at-1", "at-2", "at-3"))
            await bring("after")
            return taken

        with patch.object(backing_up, "dump", dumped):
            return await drill.back_up("new.backup")


async def files_that_open(drill: Drill) -> int:
    """How many files the database knows: every one of them is there, whole, and opens."""
    async with open_node(drill.settings, clock=drill.clock) as node:
        async with node.database.read() as s:
            rows = (await s.exec(select(ListingFile))).all()
        for row in rows:
            file = StoredFile(row.file_id, row.bytes, row.sha256)
            assert sum([len(part) async for part in node.files.read(file)]) == row.bytes
    return len(rows)


class KilledError(BaseException):
    pass


def kill(*_: object, **__: object) -> None:
    raise KilledError


async def test_a_backup_behind_the_database_in_place_or_behind_nothing_known_is_refused(
    simple: Drill,
) -> None:
    old = await simple.back_up("old.backup")
    newest = (simple.folder / "log" / "checkpoint").read_bytes()
    await simple.acts("two")
    there = await simple.head()
    later = (simple.folder / "log" / "checkpoint").read_bytes()
    (simple.folder / "log" / "checkpoint").unlink()
    before = raw_in(simple.folder)
    with pytest.raises(BackupBehind) as refused:
        await simple.restore(old)
    assert refused.value.facts == {"published": there.size, "database": there.size - 2, "told_by": IN_PLACE}
    assert raw_in(simple.folder) == before
    await simple.lose_the_database()
    before = raw_in(simple.folder)
    with pytest.raises(NothingToCompare) as alone:
        await simple.restore(old)
    assert (alone.value.code, alone.value.facts) == (
        "nothing-to-compare-with",
        {"witnesses": 0, "answered": 0},
    )
    with pytest.raises(BackupBehind, match="published log is ahead"):
        await simple.restore(old, checkpoint=later)
    with pytest.raises(BackupBehind, match="published log is ahead"):  # what a member has kept
        await simple.restore(old, checkpoint=Receipt(0, (), later).text())
    stranger = NoteSigner("exchange.test", SigningKey.generate())
    forged = sign_checkpoint(Checkpoint("exchange.test", 1, bytes(32)), stranger)
    for bad in (forged, b"no note"):
        with pytest.raises(NoteInvalid):
            await simple.restore(old, checkpoint=bad)
    assert (await simple.restore(old, check=True)).compared.told == ()
    assert raw_in(simple.folder) == before
    assert (await simple.restore(old, checkpoint=newest)).compared.told == ((GIVEN, there.size - 2),)
    await simple.lose_the_database()
    assert (await simple.restore(old, though_uncompared=True)).behind is None


async def test_a_refusal_changes_no_byte_though_keys_and_files_are_missing(simple: Drill) -> None:
    old = await simple.back_up("old.backup")
    await simple.acts("two")
    new = await simple.back_up("new.backup")
    gone = [simple.settings.keys_dir / "exchange.key", *simple.settings.files_dir.glob("*/*")]
    for path in gone:
        path.unlink()
    before = raw_in(simple.folder)
    with pytest.raises(BackupBehind):
        await simple.restore(old)
    assert raw_in(simple.folder) == before
    database = Database(simple.settings.database_dsn)
    try:
        await database.ping()
        before = raw_in(simple.folder)
        with pytest.raises(DatabaseInUse):
            await simple.restore(new)
        assert raw_in(simple.folder) == before
    finally:
        await database.dispose()
    before = raw_in(simple.folder)
    full = OSError(errno.ENOSPC, "No space left on device")
    with patch.object(backup_placing.os, "fsync", side_effect=full), pytest.raises(OSError, match="No space"):
        await simple.restore(new)
    assert raw_in(simple.folder) == before
    await simple.restore(new)
    assert all(path.exists() for path in gone)
    assert not list(simple.folder.rglob("*.part"))


def test_a_file_goes_to_another_volume_whole_or_not_at_all(tmp_path: Path) -> None:
    """What a rename across volumes answers is played: two volumes are not at hand everywhere."""
    staged, target = tmp_path / "staged", tmp_path / "keys" / "a.key"
    staged.write_bytes(b"secret")
    really = Path.rename

    def rename(path: Path, to: Path) -> Path:
        if path.parent != to.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return really(path, to)

    with patch.object(Path, "rename", rename):
        with (
            patch.object(backup_placing.shutil, "copyfileobj", kill),
            pytest.raises(KilledError),
            brought([(staged, target)]) as parts,
        ):
            add(parts)
        assert list(target.parent.iterdir()) == []
        with brought([(staged, target)]) as parts:
            assert not target.exists()
            add(parts)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"secret", 0o600)
    assert list(target.parent.iterdir()) == [target]


def raw_in(folder: Path) -> dict[str, bytes]:
    """Every byte of a folder; but a shared-memory index, which is rebuilt."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }


async def test_what_is_put_back_though_behind_is_read_and_not_written(simple: Drill) -> None:
    old = await simple.back_up("old.backup")
    await simple.acts("two")
    done = await simple.restore(old, though_behind=True)
    assert done.behind == "the published log is ahead"
    async with open_node(simple.settings, clock=simple.clock) as node:
        with pytest.raises(LogForked):
            await node.publisher.check_head()
    before = await simple.everything()
    async with open_node(simple.settings, clock=simple.clock, reading=True) as node:
        served = Served(node, create_app(node, reading=True), SigningKey.generate())
        async with served.client() as http:
            log = await http.get("/api/v1/ledger/entries")
            assert (log.status_code, log.json()[0]["seq"]) == (200, done.manifest.size - 1)
            for path in ("/zh/", "/zh/ledger", "/zh/login", "/api/v1/listings"):
                assert (await http.get(path)).status_code == 200, path
            people = await simple.asked("SELECT user_id, org_id FROM identity_users LIMIT 1")
            token = node.tokens.issue(user_id=people[0][0], org_id=people[0][1], roles=[Role.PROVIDER])
            known = {"authorization": f"Bearer {token.access_token}"}
            assert (await http.get("/api/v1/trades", headers=known)).status_code == 401
            for path in ("/token", "/listings", "/witness"):
                answer = await http.post(f"/api/v1{path}", headers=known)
                assert (answer.status_code, answer.json()["code"]) == (503, "log-behind"), path
            for path in ("/delta-sharing/files/a/b/c/d/part-0.parquet", "/gateway/ent_1/x"):
                assert (await http.get(path)).json()["code"] == "log-behind", path
            form = {"login": "login-two", "password": PASSWORD, **await form_of(http)}
            page = await http.post("/zh/login", data=form)
            assert page.status_code == 503
            assert page.headers["content-type"].startswith("text/html")
        with pytest.raises(LogBehind):
            await node.seal()
        with pytest.raises(LogBehind):
            async with node.database.write_rows():
                pass
    assert await simple.everything() == before


async def form_of(http: httpx.AsyncClient) -> dict[str, str]:
    found = re.search(r'name="csrf" value="([^"]+)"', (await http.get("/zh/login")).text)
    assert found is not None
    return {"csrf": found[1]}


async def test_a_backup_that_was_changed_or_cut_moves_nothing(simple: Drill) -> None:
    whole = (await simple.back_up("whole.backup")).read_bytes()
    at = whole.index(b"\n", whole.index(b"\n---") + 1) + 1 + NONCE_BYTES
    half = len(whole) // 2
    changed = {
        "flipped": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "cut": whole[:-1000],
        "cut at a chunk": whole[: at + SEALED_BYTES],
        "without its header": whole[at:],
        "longer": whole + bytes(100),
        "empty": b"",
    }
    before = await simple.everything()
    bad = simple.folder.parent / "bad.backup"
    for kind, raw in changed.items():
        bad.write_bytes(raw)
        with pytest.raises((KeyDoesNotOpen, BackupBad)):
            await simple.restore(bad)
        assert await simple.everything() == before, kind
    bad.write_bytes(whole)
    with pytest.raises(KeyDoesNotOpen):
        await restore(simple.settings, bad, Identity.generate())
    assert await simple.everything() == before


@pytest.mark.soak
async def test_a_backup_comes_back_into_an_empty_folder_and_says_whose_it_is(simple: Drill) -> None:
    backup = await simple.back_up("a.backup")
    vkey = load_keys(simple.settings).checkpoint.vkey
    new = simple.in_folder(simple.folder.parent / "new")
    assert (await restore(new, backup, simple.identity, check=True)).pinned is False
    stranger = NoteSigner(vkey.name, SigningKey.generate()).vkey
    with pytest.raises(BackupBad, match="signature does not hold"):
        await restore(new, backup, simple.identity, vkeys=[stranger])
    assert list(new.data_dir.iterdir()) == []
    with pytest.raises(NothingToCompare):
        await restore(new, backup, simple.identity, vkeys=[vkey])
    assert list(new.data_dir.iterdir()) == []
    kept = (simple.folder / "log" / "checkpoint").read_bytes()
    done = await restore(new, backup, simple.identity, vkeys=[vkey], checkpoint=kept)
    assert (done.pinned, done.compared.told) == (True, ((GIVEN, done.manifest.size),))
    async with open_node(new, clock=simple.clock) as node:  # its keys came along
        await node.publisher.check_head()
        await node.publish()
    kept = ("keys/", "files/", "log/checkpoint", "databourse.db")
    there, found = everything_in(simple.settings), everything_in(new)
    assert {name for name in there if name.startswith("files/")}
    for name in there:
        if name.startswith(kept[:3]):
            assert found[name] == there[name], name


@pytest.mark.soak
async def test_other_keys_or_an_open_database_or_another_kind_move_nothing(simple: Drill) -> None:
    backup = await simple.back_up("a.backup")
    other = simple.settings.model_copy(update={"database_url": "postgresql+asyncpg://u@127.0.0.1/x"})
    with pytest.raises(BackupOfAnotherKind):
        await restore(other, backup, simple.identity)
    database = Database(simple.settings.database_dsn)
    try:
        await database.ping()
        before = everything_in(simple.settings)
        with pytest.raises(DatabaseInUse):
            await simple.restore(backup)
        assert everything_in(simple.settings) == before
    finally:
        await database.dispose()
    (simple.settings.keys_dir / "exchange.key").write_bytes(os.urandom(32))
    before = everything_in(simple.settings)
    with pytest.raises(KeysDiffer) as refused:
        await simple.restore(backup)
    assert refused.value.facts == {"names": ["exchange.key"]}
    assert everything_in(simple.settings) == before


@pytest.mark.soak
async def test_a_log_that_does_not_fit_its_manifest_is_refused(simple: Drill) -> None:
    """Whoever made the backup holds the log's key: the log in it is hashed anew all the same."""
    really = backup_database._copy_sqlite

    def tampered(path: Path, copy: Path) -> None:
        really(path, copy)
        with closing(sqlite3.connect(copy)) as database, database:
            for (name,) in database.execute(TRIGGERS).fetchall():
                database.execute(f"DROP TRIGGER {name}")
            database.execute("UPDATE ledger_entries SET entry = CAST(entry || ' ' AS BLOB) WHERE seq = 1")

    with patch.object(backup_database, "_copy_sqlite", tampered):
        backup = await simple.back_up("a.backup")
    before = await simple.everything()
    with pytest.raises(BackupBad, match="not the one of its manifest"):
        await simple.restore(backup)
    assert await simple.everything() == before


# --- the archive, read as a stranger's


def archive(folder: Path, identity: Identity, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """An age file with any tar inside, as somebody could send one who knows the recipient."""
    path = folder / "strange.backup"
    path.unlink(missing_ok=True)
    writer = BackupWriter(path, identity.recipient)
    for entry, raw in members:
        writer._tar.addfile(entry, io.BytesIO(raw))
    writer._tar.close()
    writer._sealing.close()
    writer.discard()
    return path


def entry(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type = size, kind
    return made


@pytest.mark.parametrize(
    "name",
    [
        "../keys/master.key",
        "/etc/passwd",
        "keys/../../x",
        "keys/.hidden",
        "files/aa/fil_1",
        "database.sqlite/x",
        "x",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    identity = Identity.generate()
    with pytest.raises(BackupBad, match="no file of a backup"):
        unpack(archive(tmp_path, identity, [(entry(name, 1), b"x")]), identity, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_link_and_a_member_twice_are_refused(tmp_path: Path) -> None:
    identity = Identity.generate()
    link = entry("keys/master.key", 0, tarfile.SYMTYPE)
    link.linkname = "/etc/passwd"
    once = (entry("keys/a", 1), b"x")
    for members in ([(link, b"")], [once, once]):
        with pytest.raises(BackupBad):
            unpack(archive(tmp_path, identity, members), identity, tmp_path / "into")
        assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


@settings(max_examples=40)
@given(raw=st.binary(max_size=4096), inside=st.booleans())
def test_whatever_bytes_come_they_are_a_bad_backup_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, *, inside: bool
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    identity = Identity.generate()
    path = folder / "a"
    if inside:
        writer = BackupWriter(path, identity.recipient)
        writer._sealing.write(raw)
        writer._sealing.close()
        writer.discard()
    else:
        path.write_bytes(b"age-encryption.org/v1\n" + raw)
    with pytest.raises((BackupBad, KeyDoesNotOpen)):
        unpack(path, identity, folder / "into")
