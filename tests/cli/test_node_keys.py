"""`databourse keys …` on a node: a step that was broken off is done again safely; refusals move nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from base.clock import SimulatedClock
from base.db import Database
from base.settings import Settings
from base.signing import SigningKey
from cli.exporting import export_bundle, export_closed
from cli.node_keys import (
    close,
    next_log,
    present_vkey,
    retire_exchange_of,
    retire_of_log,
    rotate_exchange_of,
    rotate_log,
    status,
    told,
)
from identity.exchange_key import rotate_exchange_key
from identity.founding import Operator
from identity.rules import RevocationReason
from ledger.bundle import Edition
from ledger.checkpoint import NoteSigner
from ledger.errors import LogKeyRefused
from ledger.key_folder import keep_key
from ledger.log_keys import SHARD, log_keys, shards
from ledger.reader import tree_head
from migrations.run import migrate
from supervision.audit_row import audit_in_a_row
from tests.houses import some_uscc
from web.node import Node, found, open_node

ORIGIN = "keys.test/log"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("DATA_DIR", "DATABASE_URL", "ORIGIN", "CLOCK"):
        monkeypatch.delenv(f"DATABOURSE_{name}", raising=False)
    return Settings(
        data_dir=tmp_path, origin=ORIGIN, database_url=f"sqlite+aiosqlite:///{tmp_path}/databourse.db"
    )


@pytest.fixture
async def node(settings: Settings, clock: SimulatedClock) -> AsyncIterator[Node]:
    database = Database(settings.database_dsn)
    await migrate(database)
    await found(settings, database, clock, Operator("密钥测试", some_uscc()))
    await database.dispose()
    async with open_node(settings, clock=clock) as node:
        await node.seal()
        await node.publish()
        yield node


async def size_of(node: Node) -> int:
    async with node.database.read() as s:
        return (await tree_head(s)).size


def files(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.keys_dir.iterdir())


async def test_a_rotation_that_is_refused_leaves_no_key_behind(node: Node, settings: Settings) -> None:
    before, size = files(settings), await size_of(node)
    with pytest.raises(Exception, match="unknown suite"):
        await rotate_log(node, "rsa")
    await close(node, "compromised")
    with pytest.raises(Exception, match="closed"):
        await rotate_log(node, "ed25519-sha256")
    assert files(settings) == before
    assert await size_of(node) == size + 1
    with pytest.raises(LogKeyRefused, match="not a key of this log"):
        await retire_of_log(node, "nobody's")


async def test_the_node_starts_again_under_its_new_keys(
    node: Node, settings: Settings, clock: SimulatedClock
) -> None:
    old = node.publisher.signer.vkey
    keys = await rotate_log(node, "ed25519-sha256")
    new = keys.windows[-1].vkey
    assert told(keys)[1:] == [f"sizes    0- {old}", f"sizes    {keys.windows[-1].from_size}- {new}"]
    async with open_node(settings, clock=clock) as again:
        assert again.publisher.vkeys == [new, old], "the newest first: that one is to be pinned"
        await retire_of_log(again, str(old))
        assert await present_vkey(settings) == new, "what `databourse node --vkey` prints"
    async with open_node(settings, clock=clock) as again:
        assert again.publisher.vkeys == [new]
        assert old in again.publisher.known
        await again.publisher.check_head()
        assert await again.publisher.publish() is None


async def test_the_exchange_s_key_is_turned_over_though_it_was_broken_off(
    node: Node, settings: Settings, clock: SimulatedClock
) -> None:
    present = (settings.keys_dir / "exchange.key").read_bytes()
    coming = SigningKey.generate()
    (settings.keys_dir / "exchange-next.key").write_bytes(coming.to_bytes())
    async with node.database.write() as s:
        await rotate_exchange_key(s, node.house.exchange_act(), new=coming)  # and here the machine stopped
    size = await size_of(node) + await node.seal()
    assert (await rotate_exchange_of(node)).keyid == coming.keyid
    await node.seal()
    assert await size_of(node) == size, "it is registered once"
    kept = settings.keys_dir / f"exchange-{node.house.exchange.pen.key.keyid[:16]}.key"
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (present, 0o600)
    assert (settings.keys_dir / "exchange.key").read_bytes() == coming.to_bytes()
    async with open_node(settings, clock=clock) as again:
        assert again.house.exchange.pen.key.keyid == coming.keyid
        ended = await retire_exchange_of(again, RevocationReason.SUPERSEDED)
        assert ended == [node.house.exchange.pen.key.keyid]
        assert await retire_exchange_of(again, RevocationReason.SUPERSEDED) == []
        lines = await status(again)
        assert sum(", revoked " in line for line in lines) == 1


@pytest.mark.parametrize(
    "origin",
    ["keys.test/tile", "keys.test/checkpoint", "elsewhere.test/log", "Not An Origin", ORIGIN, "x/taken"],
)
async def test_an_origin_whose_prefix_is_taken_is_refused(
    node: Node, settings: Settings, origin: str
) -> None:
    (settings.log_dir / "taken").mkdir()
    before, size = files(settings), await size_of(node)
    with pytest.raises(LogKeyRefused):
        await next_log(node, origin)
    assert (files(settings), await size_of(node)) == (before, size)


async def test_the_next_log_begins_though_it_was_broken_off(
    node: Node, settings: Settings, clock: SimulatedClock, tmp_path: Path
) -> None:
    first = node.publisher.signer.vkey
    following = NoteSigner(f"{ORIGIN}-2", SigningKey.generate())
    keep_key(settings.keys_dir, following.key)
    await close(node, SHARD, following)  # and here the machine stopped
    async with open_node(settings, clock=clock) as again:
        keys = await next_log(again)
        assert keys.present == following.vkey
        with pytest.raises(LogKeyRefused):
            await next_log(again, f"{ORIGIN}-2")
    async with open_node(settings, clock=clock) as again:
        assert again.publisher.signer.vkey == following.vkey
        assert again.publisher.folder == settings.log_dir / "log-2"
        await next_log(again, "keys.test/2027")
    async with open_node(settings, clock=clock) as again:
        async with again.database.read() as s:
            assert [one.origin for one in await shards(s)] == [ORIGIN, f"{ORIGIN}-2"]
            assert (await log_keys(s)).origin == "keys.test/2027"
        out = [tmp_path / name for name in ("one", "two", "three")]
        await export_closed(again, out[0], Edition.REGULATOR, ORIGIN)
        await export_closed(again, out[1], Edition.PUBLIC, f"{ORIGIN}-2")
        await export_bundle(again, out[2], Edition.REGULATOR)
    reports = audit_in_a_row(out, [first])
    assert [(report.clean, report.pinned) for report in reports] == [(True, True)] * 3, reports
    published = [settings.log_dir, settings.log_dir / "log-2", settings.log_dir / "2027"]
    origins = [(folder / "checkpoint").read_text().split("\n")[0] for folder in published]
    assert origins == [ORIGIN, f"{ORIGIN}-2", "keys.test/2027"]
