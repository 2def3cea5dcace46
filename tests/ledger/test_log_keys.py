"""The node turns its own keys over, on both databases: stated, sealed, published, audited from outside."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, delete, func, select, update

from base.clock import SimulatedClock
from base.db import Database
from base.signing import SigningKey
from identity.errors import ExchangeFoundedOtherwise, KeyRevoked
from identity.exchange_key import node_keys, retire_exchange_key, rotate_exchange_key
from identity.founding import founded_exchange
from identity.rules import RevocationReason
from ledger import reader
from ledger.acts import House
from ledger.bundle import BundleWriter, Edition, Keys, KeyWindow
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey, open_checkpoint, sign_checkpoint
from ledger.errors import LogClosed, LogForked, LogKeyMissing, LogKeyRefused
from ledger.key_folder import KeyFolder, keep_key
from ledger.log_keys import (
    begin_log,
    close_log,
    log_keys,
    past_checkpoints,
    past_keys,
    past_rows,
    retire_key,
    rotate_key,
    shards,
)
from ledger.publisher import Publisher
from ledger.recording import Actor, record
from ledger.sequencer import create_log, seal, seal_all
from ledger.statement import Draft
from ledger.suites import SM2_SM3
from ledger.tables import EntryRow, PendingRow
from ledger.witness import WitnessDesk
from ledger.witness_circle import LONGEST_PAUSE_S, Answer
from ledger.witness_guard import OwnKeys, agrees
from supervision.audit import audit
from supervision.audit_row import audit_in_a_row
from tests.databases import on_sqlite
from tests.houses import ORIGIN, TestHouse, make_house
from tests.ledger.witnesses import Wire, circle, cosigner

NEXT_ORIGIN = "exchange.example/test-2"


@dataclass
class Scene:
    """A founded exchange with a key folder and a publisher over it."""

    house: TestHouse
    keys: Path
    folder: Path
    first: NoteSigner

    @property
    def database(self) -> Database:
        return self.house.database

    def publisher(self, signer: NoteSigner | None = None, folder: Path | None = None) -> Publisher:
        held = KeyFolder(self.keys)
        signers = (signer or self.first,)
        return Publisher(self.database, self.house.clock, signers, folder or self.folder, held=held)

    async def say(self, name: str, count: int = 1) -> None:
        """The exchange states something, and it is sealed."""
        async with self.database.write() as s:
            for number in range(count):
                await record(
                    s, self.house.house.exchange_act(), Draft("FLG.SET", f"{name}_{number}", public={})
                )
        await seal_all(self.database, self.house.clock)

    async def rotate(self, new: NoteSigner, old: NoteSigner | None = None) -> int:
        """Rotate to a key that is put into the folder; answers the size at which it begins."""
        keep_key(self.keys, new.key)
        async with self.database.write() as s:
            act = self.house.house.exchange_act()
            keys = await rotate_key(s, act, self.house.clock, old=old or self.first, new=new)
        return keys.windows[-1].from_size

    async def close(self, **how) -> None:
        async with self.database.write() as s:
            await close_log(s, self.house.house.exchange_act(), self.house.clock, **how)

    async def begin(self, signer: NoteSigner) -> None:
        async with self.database.write() as s:
            await begin_log(s, self.house.house.exchange_act(), self.house.clock, signer=signer)

    async def bundle(self, out: Path, number: int | None = None) -> Path:
        """The bundle of the present log, or of a closed one."""
        async with self.database.read() as s:
            if number is None:
                head = await reader.checkpoint(s)
                assert head is not None
                note, size = head.note.encode(), head.size
                kept = {row.size: row.note.encode() for row in await reader.checkpoints(s, limit=100)}
                windows = (await log_keys(s, size=size)).windows
                rows = [row async for row in reader.export_rows(s, size=size)]
            else:
                (shard,) = (one for one in await shards(s) if one.number == number)
                note, size = shard.note, shard.size
                kept = await past_checkpoints(s, number=number)
                windows = (await past_keys(s, number=number)).windows
                rows = [row async for row in past_rows(s, number=number)]
        kept.pop(size, None)
        own = {key.public: key for key in KeyFolder(self.keys).keys()}  # noqa: SIM118 - no dict
        vkey = next(window.vkey for window in reversed(windows) if window.vkey.kind == 1)
        signer = NoteSigner(vkey.name, own[vkey.public])
        keys = Keys(signer.name, tuple(windows))
        writer = BundleWriter(
            out, checkpoint=note, keys=keys, signer=signer, edition=Edition.REGULATOR, kept=kept
        )
        for seq, entry, opening in rows:
            writer.add(seq, entry, opening)
        await asyncio.to_thread(writer.finish)
        return out


@pytest.fixture
async def scene(database: Database, clock: SimulatedClock, tmp_path: Path) -> Scene:
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=clock.now())
    house = await make_house(database, clock)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    keep_key(keys, house.log_key.key)
    await seal_all(database, clock)
    return Scene(house, keys, tmp_path / "log", house.log_key)


def signer(origin: str = ORIGIN) -> NoteSigner:
    return NoteSigner(origin, SigningKey.generate())


def signed_by(scene: Scene, *keys: NoteSigner, folder: Path | None = None) -> tuple[int, set[VerifierKey]]:
    note = ((folder or scene.folder) / "checkpoint").read_bytes()
    opened = open_checkpoint(note, [key.vkey for key in keys])
    return opened.checkpoint.size, set(opened.signed_by)


async def test_in_the_overlap_both_keys_sign_and_then_the_new_one_alone(scene: Scene, tmp_path: Path) -> None:
    publisher, new, old = scene.publisher(), signer(), scene.first
    await publisher.publish()
    begins = await scene.rotate(new)
    await publisher.publish()  # the very publisher that was there before: it sees the new key
    assert signed_by(scene, old, new) == (begins, {old.vkey, new.vkey})
    await scene.say("within", 3)
    await publisher.publish()
    assert signed_by(scene, old, new) == (begins + 3, {old.vkey, new.vkey})
    async with scene.database.write() as s:
        keys = await retire_key(s, scene.house.house.exchange_act(), scene.house.clock, vkey=old.vkey)
    await publisher.publish()
    assert signed_by(scene, old, new) == (begins + 4, {new.vkey})
    assert keys.windows == [KeyWindow(old.vkey, 0, begins + 3), KeyWindow(new.vkey, begins)]
    await publisher.check_head()  # and it still knows what the old key signed
    bundle = await scene.bundle(tmp_path / "bundle")
    for pinned in (old, new):
        for evidence in (bundle, scene.folder):  # the tiles come without a list of keys
            report = audit(evidence, [pinned.vkey])
            assert (report.clean, report.pinned) == (True, True), report.problems


async def test_the_thief_of_a_retired_key_does_not_halt_the_log(
    scene: Scene, sqlite_template: Path, tmp_path: Path
) -> None:
    """A witness that was not told of the retirement cosigns what the thief shows: no evidence of anything."""
    old, new = scene.first, signer()
    clock, place = scene.house.clock, tmp_path / "witness.db"
    await scene.rotate(new)
    async with scene.database.write() as s:
        keys = await retire_key(s, scene.house.house.exchange_act(), clock, vkey=old.vkey)
    ended = keys.windows[0].to_size
    assert ended is not None
    await scene.say("after", 3)
    async with on_sqlite(sqlite_template, place) as theirs:
        desk = WitnessDesk(theirs, clock, cosigner("a"), {ORIGIN: [old.vkey, new.vkey]})
        asked, time = circle(Wire({"a": desk}), 1, "a")
        one = replace(scene.publisher(new), circle=asked, earlier=[old.vkey])
        stolen = sign_checkpoint(Checkpoint(ORIGIN, 900, b"\7" * 32), old)
        await desk.add_checkpoint(b"old 0\n\n" + stolen)
        await one.check_head()
        assert await one.publish() is not None
        await scene.say("more")
        time[0] += LONGEST_PAUSE_S
        assert await one.publish() is not None
        async with scene.database.read() as s:
            now = await reader.witnessing(s)
        assert (now.halted, now.witnessed) == (None, False)
        assert now.witnesses[0].problem == "it does not agree: 409"
        # what it signed while it was ours is evidence still, and so is what the new key signs
        for size, thief in ((ended, old), (900, new)):
            forged = sign_checkpoint(Checkpoint(ORIGIN, size, b"\7" * 32), thief)
            shown = Answer(asked.asked[0], 0, evidence=forged)
            async with scene.database.read() as s:
                windows = (await log_keys(s)).windows
            own = OwnKeys(one.known, {window.vkey: window.to_size for window in windows if window.to_size})
            with pytest.raises(LogForked):
                await agrees(scene.database, shown, own)


async def test_a_checkpoint_is_not_published_with_a_key_missing(scene: Scene) -> None:
    new = signer()
    await scene.publisher().publish()
    before = (scene.folder / "checkpoint").read_bytes()
    await scene.rotate(new)
    (lost,) = [path for path in scene.keys.iterdir() if new.key.keyid[:16] in path.name]
    aside = lost.rename(lost.with_name("aside"))
    with pytest.raises(LogKeyMissing):
        await scene.publisher().publish()
    assert (scene.folder / "checkpoint").read_bytes() == before
    aside.rename(lost)
    assert await scene.publisher().publish() is not None


async def test_an_sm2_line_is_published_beside(scene: Scene, tmp_path: Path) -> None:
    pytest.importorskip("gmssl_pyx")
    chinese = NoteSigner(ORIGIN, SM2_SM3.generate())
    await scene.rotate(chinese)
    await scene.publisher().publish()
    assert (scene.folder / "checkpoint").read_bytes().count(f"— {ORIGIN} ".encode()) == 2
    assert signed_by(scene, scene.first, chinese)[1] == {scene.first.vkey}
    report = audit(await scene.bundle(tmp_path / "bundle"), [scene.first.vkey])
    assert report.clean, report.problems


async def count(scene: Scene) -> tuple[int, int]:
    async with scene.database.read() as s:
        sealed = (await s.exec(select(func.count()).select_from(EntryRow))).one()
        waiting = (await s.exec(select(func.count()).select_from(PendingRow))).one()
    return sealed, waiting


async def test_what_no_auditor_would_accept_is_taken_back_whole(scene: Scene) -> None:
    before = await count(scene)
    act, clock, stranger = scene.house.house.exchange_act(), scene.house.clock, signer()
    for change in (
        lambda s: rotate_key(s, act, clock, old=stranger, new=signer()),
        lambda s: rotate_key(s, act, clock, old=scene.first, new=scene.first),
        lambda s: rotate_key(s, act, clock, old=scene.first, new=signer(NEXT_ORIGIN)),
        lambda s: retire_key(s, act, clock, vkey=scene.first.vkey),
        lambda s: retire_key(s, act, clock, vkey=stranger.vkey),
        lambda s: close_log(s, act, clock, reason="shard", old=stranger, successor=signer(NEXT_ORIGIN)),
        lambda s: begin_log(s, act, clock, signer=signer(NEXT_ORIGIN)),
    ):
        with pytest.raises(LogKeyRefused):
            async with scene.database.write() as s:
                await change(s)
        assert await count(scene) == before


async def test_nothing_is_sealed_into_a_closed_log_and_what_waits_goes_into_the_next(
    scene: Scene, tmp_path: Path
) -> None:
    publisher, following = scene.publisher(), signer(NEXT_ORIGIN)
    await scene.say("before", 2)
    await scene.close(reason="compromised")
    size = (await count(scene))[0]
    await publisher.publish()
    await scene.say("waits", 3)
    assert await count(scene) == (size, 3), "recorded, and not sealed"
    with pytest.raises(LogClosed):
        async with scene.database.write() as s:
            await seal(s, scene.house.clock)
    assert await publisher.publish() is None
    assert signed_by(scene, scene.first)[0] == size
    keep_key(scene.keys, following.key)
    await scene.begin(following)
    assert await count(scene) == (1, 3)
    await seal_all(scene.database, scene.house.clock)
    await scene.publisher(following, tmp_path / "next").publish()
    assert signed_by(scene, following, folder=tmp_path / "next") == (4, {following.vkey})
    assert signed_by(scene, scene.first)[0] == size, "the closed log's files stay as they were"
    bundles = [await scene.bundle(tmp_path / "one", 1), await scene.bundle(tmp_path / "two")]
    reports = audit_in_a_row(bundles, [scene.first.vkey, following.vkey])
    assert [report.clean for report in reports] == [True, True], [report.problems for report in reports]
    assert [report.entries for report in reports] == [size, 4]


async def test_a_log_that_is_divided_leads_auditors_on(scene: Scene, tmp_path: Path) -> None:
    seller = await scene.house.admit("粤能数科", {"PROVIDER"})
    following = signer(NEXT_ORIGIN)
    keep_key(scene.keys, following.key)
    await scene.close(reason="shard", old=scene.first, successor=following)
    with pytest.raises(LogKeyRefused, match="not published"):
        await scene.begin(following)
    await scene.publisher().publish()
    with pytest.raises(LogKeyRefused, match="been there before"):
        await scene.begin(signer())
    await scene.begin(following)
    async with scene.database.read() as s:
        assert [(one.number, one.origin) for one in await shards(s)] == [(1, ORIGIN)]
        assert (await log_keys(s)).present == following.vkey
    public = {"listing_id": "lst_1", "seller_id": seller.org_id}
    async with scene.database.write() as s:  # with a key that was registered in the log before
        act = scene.house.house.act(Actor(seller.org_id, frozenset({"PROVIDER"})), "PROVIDER", seller.pen)
        await record(s, act, Draft("LST.DRAFT", "lst_1", public=public))
    await scene.say("after", 2)
    await scene.publisher(following, tmp_path / "next").publish()
    bundles = [await scene.bundle(tmp_path / "one", 1), await scene.bundle(tmp_path / "two")]
    reports = audit_in_a_row(bundles, [scene.first.vkey])
    assert [(report.clean, report.pinned) for report in reports] == [(True, True)] * 2, reports


async def test_an_entry_leaves_the_live_log_for_the_shelf_and_in_no_other_way(scene: Scene) -> None:
    for change in (
        delete(EntryRow).where(col(EntryRow.seq) == 0),
        update(EntryRow).where(col(EntryRow.seq) == 0).values(entry=b"{}"),
    ):
        with pytest.raises(DBAPIError, match="insert-only"):
            async with scene.database.write() as s:
                await s.exec(change)
    assert (await count(scene))[0] > 0


# --- the exchange's own statement key


async def test_the_exchange_s_key_is_rotated_with_an_overlap_and_bites_in_every_process(
    scene: Scene, tmp_path: Path
) -> None:
    house, new = scene.house.house, SigningKey.generate()
    async with scene.database.write() as s:
        before = await rotate_exchange_key(s, house.exchange_act(), new=new)
    async with scene.database.write() as s:
        again = await rotate_exchange_key(s, house.exchange_act(), new=new)
        assert again.key_id == before.key_id, "safe to repeat"
        restarted = House(scene.database, house.clock, await founded_exchange(s, key=new))
    await scene.say("old", 1)  # a process that was started before the rotation
    async with scene.database.write() as s:
        await record(s, restarted.exchange_act(), Draft("FLG.SET", "new_0", public={}))
    async with scene.database.read() as s:
        keys = await node_keys(s, operator_id=house.exchange.actor.org_id)
    old = next(key for key in keys if key.keyid != new.keyid)
    async with scene.database.write() as s:
        await retire_exchange_key(
            s, restarted.exchange_act(), key_id=old.key_id, reason=RevocationReason.COMPROMISED
        )
    before_count = await count(scene)
    with pytest.raises(KeyRevoked):
        await scene.say("late", 1)
    assert await count(scene) == before_count
    async with scene.database.write() as s:
        await record(s, restarted.exchange_act(), Draft("FLG.SET", "new_1", public={}))
        with pytest.raises(ExchangeFoundedOtherwise, match="retired"):
            await founded_exchange(s, key=house.exchange.pen.key)
    await seal_all(scene.database, house.clock)
    await scene.publisher().publish()
    report = audit(await scene.bundle(tmp_path / "bundle"), [scene.first.vkey])
    assert report.clean, report.problems


async def test_the_key_that_signs_now_is_not_retired(scene: Scene) -> None:
    house = scene.house.house
    async with scene.database.write() as s:
        (key,) = await node_keys(s, operator_id=house.exchange.actor.org_id)
        with pytest.raises(Exception, match="register the next one first"):
            await retire_exchange_key(
                s, house.exchange_act(), key_id=key.key_id, reason=RevocationReason.LOST
            )


async def test_signing_as_the_exchange_and_ending_its_key_wait_for_each_other(
    postgresql_database: Database, clock: SimulatedClock
) -> None:
    """So nothing that the old key signed is recorded, and sealed, behind its revocation."""
    house, new = (await make_house(postgresql_database, clock)).house, SigningKey.generate()
    async with postgresql_database.write() as s:
        old = (await node_keys(s, operator_id=house.exchange.actor.org_id))[0]
        await rotate_exchange_key(s, house.exchange_act(), new=new)
        following = House(postgresql_database, clock, await founded_exchange(s, key=new))

    async def retire(s) -> None:
        await s.exec(text("SET LOCAL lock_timeout = '50ms'"))
        act = following.exchange_act()
        await retire_exchange_key(s, act, key_id=old.key_id, reason=RevocationReason.SUPERSEDED)

    async with postgresql_database.write() as signing:
        await record(signing, house.exchange_act(), Draft("FLG.SET", "flg_1", public={}))
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with postgresql_database.write() as s:
                await retire(s)
    async with postgresql_database.write() as retiring:
        await retire(retiring)
        with pytest.raises(DBAPIError, match="lock timeout"):
            async with postgresql_database.write() as s:
                await s.exec(text("SET LOCAL lock_timeout = '50ms'"))
                await record(s, house.exchange_act(), Draft("FLG.SET", "flg_2", public={}))
    with pytest.raises(KeyRevoked):
        async with postgresql_database.write() as s:
            await record(s, house.exchange_act(), Draft("FLG.SET", "flg_3", public={}))


async def test_a_lock_that_a_savepoint_gave_back_is_taken_again(scene: Scene) -> None:
    """A refusal is stated as the exchange after the verb was rolled back, and with it its locks."""
    house = scene.house.house
    asked = []
    async with scene.database.write() as s:
        listened = s.sync_session.get_bind()
        event.listen(listened, "before_cursor_execute", lambda *a: asked.append("identity_keys" in a[2]))
        await record(s, house.exchange_act(), Draft("FLG.SET", "flg_1", public={}))
        await record(s, house.exchange_act(), Draft("FLG.SET", "flg_2", public={}))
        assert asked.count(True) == 1, "once a transaction"
        savepoint = await s.begin_nested()
        await record(s, house.exchange_act(), Draft("FLG.SET", "flg_3", public={}))
        await savepoint.rollback()
        assert asked.count(True) == 2, "and again inside a savepoint, whose locks may go"
