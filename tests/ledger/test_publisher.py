"""What is published is what was sealed, readable by its files alone; a restored backup may not go on."""

import asyncio
import os
import shutil
from pathlib import Path

import orjson
import pytest

from base.clock import SimulatedClock
from base.db import Database
from base.signing import SigningKey
from ledger import reader
from ledger.checkpoint import Checkpoint, NoteSigner, open_checkpoint, sign_checkpoint
from ledger.errors import LogForked, NoteInvalid
from ledger.publisher import Publisher
from ledger.sequencer import create_log, seal_all
from ledger.tiles import ENTRIES, Tile, TileNodes, tiles_of, unpack_entries
from ledger.tree import leaf_hash, root_of, verify_inclusion
from tests.ledger.seeds import AT, statement

ORIGIN = "exchange.test/log"


async def grow(database: Database, clock: SimulatedClock, names: range) -> None:
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=AT)
        for n in names:
            await statement(s, f"sta_{n}")
    await seal_all(database, clock)


def publisher(database: Database, clock: SimulatedClock, folder: Path) -> Publisher:
    signer = NoteSigner(ORIGIN, SigningKey.from_bytes(b"\x07" * 32))
    return Publisher(database, clock, (signer,), folder)


async def test_the_files_alone_show_every_entry_and_the_root(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    for names in (range(200), range(200, 300), range(300, 520)):
        await grow(database, clock, names)
        await publisher(database, clock, folder).publish()
    head = open_checkpoint(
        (folder / "checkpoint").read_bytes(), [publisher(database, clock, folder).signer.vkey]
    ).checkpoint
    assert head.size == 520
    entries = []
    for tile in tiles_of(520):
        data = (folder / tile.path).read_bytes()
        if tile.level == ENTRIES:
            entries += list(unpack_entries(data))
    assert [orjson.loads(entry)["seq"] for entry in entries] == list(range(520))
    assert root_of(leaf_hash(entry) for entry in entries) == head.root
    nodes = TileNodes(lambda tile: (folder / tile.path).read_bytes(), 520)
    assert nodes(0, 519) == leaf_hash(entries[519])
    assert not (folder / "tile/entries/000.p").exists()
    async with database.read() as s:
        path = await reader.proof(s, seq=3, size=520)
        kept = await reader.checkpoint(s)
    verify_inclusion(3, 520, leaf_hash(entries[3]), path, head.root)
    assert kept is not None
    assert kept.size == 520


async def test_nothing_new_is_nothing_published(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    await grow(database, clock, range(5))
    assert await publisher(database, clock, tmp_path).publish() is not None
    assert await publisher(database, clock, tmp_path).publish() is None


async def test_a_restored_backup_refuses_to_sequence(
    database: Database, clock: SimulatedClock, tmp_path: Path, sqlite_template: Path
) -> None:
    await grow(database, clock, range(5))
    await publisher(database, clock, tmp_path / "log").publish()
    await publisher(database, clock, tmp_path / "log").check_head()
    if not sqlite_template.exists():
        pytest.skip("the template is made by the SQLite variant, which runs first")
    published = (tmp_path / "log" / "checkpoint").read_bytes()
    for names in (range(3), range(100, 124)):  # behind what was published, and beside it
        shutil.copyfile(sqlite_template, tmp_path / "backup.db")
        backup = Database(f"sqlite+aiosqlite:///{tmp_path / 'backup.db'}")
        try:
            await grow(backup, clock, names)
            with pytest.raises(LogForked):
                await publisher(backup, clock, tmp_path / "log").check_head()
            with pytest.raises(LogForked):
                await publisher(backup, clock, tmp_path / "log").publish()
            with pytest.raises(LogForked):  # whoever else has this database open
                await grow(backup, clock, range(200, 201))
            async with backup.read() as s:
                assert (await reader.tree_head(s)).size == len(names)
        finally:
            await backup.dispose()
    assert (tmp_path / "log" / "checkpoint").read_bytes() == published


async def test_a_node_that_was_pointed_at_a_foreign_folder_goes_on_with_its_own(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    await grow(database, clock, range(5))
    await publisher(database, clock, tmp_path / "log").publish()
    strange = Checkpoint(ORIGIN, 9, bytes(32))
    (tmp_path / "strange").mkdir()
    signer = publisher(database, clock, tmp_path).signer
    (tmp_path / "strange" / "checkpoint").write_bytes(sign_checkpoint(strange, signer))
    with pytest.raises(LogForked):
        await publisher(database, clock, tmp_path / "strange").check_head()
    with pytest.raises(LogForked):
        await grow(database, clock, range(5, 6))
    await publisher(database, clock, tmp_path / "log").check_head()
    await grow(database, clock, range(6, 7))


async def test_a_checkpoint_of_another_key_is_not_believed(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    await grow(database, clock, range(2))
    await publisher(database, clock, tmp_path).publish()
    other = Publisher(database, clock, (NoteSigner(ORIGIN, SigningKey.generate()),), tmp_path)
    with pytest.raises(NoteInvalid):
        await other.check_head()


async def test_of_two_that_publish_at_once_the_later_tree_stands(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    """`export` beside `serve`: whoever began with an older tree does not put it over the newer one."""
    folder = tmp_path / "log"
    await grow(database, clock, range(3))
    slow, fast = publisher(database, clock, folder), publisher(database, clock, folder)
    loop = asyncio.get_running_loop()

    async def overtake() -> None:
        await grow(database, clock, range(3, 5))
        await fast.publish()

    class Overtaken(Publisher):
        """Between reading the tree and publishing it, the other one publishes a larger tree."""

        def _write_tile(self, tile: Tile, data: bytes) -> None:
            super()._write_tile(tile, data)
            if not done:
                done.append(True)
                asyncio.run_coroutine_threadsafe(overtake(), loop).result(30)

    done: list[bool] = []
    assert await Overtaken(database, clock, slow.signers, folder).publish() is None
    head = open_checkpoint((folder / "checkpoint").read_bytes(), [fast.signer.vkey]).checkpoint
    assert head.size == 5
    assert await slow.publish() is None


async def test_a_name_is_flushed_with_its_folder_before_the_next_file_is_written(
    database: Database, clock: SimulatedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a checkpoint speaks of is on the disk, names and all, before the checkpoint is."""
    steps: list[str] = []
    kept, moved = os.fsync, Path.replace

    def flushed(handle: int) -> None:
        steps.append(f"flush {Path(f'/proc/self/fd/{handle}').readlink()}")
        kept(handle)

    def named(path: Path, target: Path) -> Path:
        steps.append(f"name {target}")
        return moved(path, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", named)
    await grow(database, clock, range(300))
    await publisher(database, clock, tmp_path / "log").publish()
    names = [step.removeprefix("name ") for step in steps if step.startswith("name ")]
    assert names[-1] == str(tmp_path / "log" / "checkpoint")
    assert len(names) == 6  # two entry tiles, three hash tiles
    for name in names:
        at = steps.index(f"name {name}")
        assert steps[at - 1].startswith(f"flush {Path(name).parent}/.")
        assert steps[at + 1] == f"flush {Path(name).parent}"
    assert f"flush {tmp_path}" in steps  # a folder that was made for it has a name too
