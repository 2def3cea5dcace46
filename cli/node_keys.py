"""What becomes of a node's own keys and of its log: each step stated on the ledger, and published.

Every step is safe to repeat after it was broken off.
"""

import os
from dataclasses import replace
from typing import Final

from base.clock import rfc3339
from base.db import Database
from base.settings import Settings
from base.signing import SigningKey
from identity.exchange_key import node_keys, retire_exchange_key, rotate_exchange_key
from identity.rules import KeyStatus, RevocationReason
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey
from ledger.errors import LogKeyRefused
from ledger.key_folder import KeyFolder, forget_key, keep_key
from ledger.log_keys import SHARD, begin_log, close_log, log_keys, retire_key, rotate_key, shards
from ledger.reader import tree_head
from ledger.rotation import LogKeys
from ledger.sequencer import leadership
from ledger.suites import suite_named
from web.node import Node, as_the_log_says, folder_of

_TAKEN: Final = frozenset({"tile", "checkpoint"})


async def present_vkey(settings: Settings) -> VerifierKey | None:
    """The key of the present log that is to be pinned; None before entry 0."""
    database = Database(settings.database_dsn)
    try:
        async with database.read() as s:
            return (await log_keys(s)).present
    finally:
        await database.dispose()


async def status(node: Node) -> list[str]:
    """The log's keys with the tree sizes they sign, the exchange's keys, and the closed logs."""
    async with node.database.read() as s:
        lines = told(await log_keys(s))
        for key in await node_keys(s, operator_id=node.house.exchange.actor.org_id):
            ended = "" if key.revoked_at is None else f", revoked {rfc3339(key.revoked_at)}"
            lines.append(f"exchange {key.keyid} since {rfc3339(key.registered_at)}{ended}")
        for shard in await shards(s):
            lines.append(f"closed   {shard.origin} at size {shard.size}, {rfc3339(shard.closed_at)}")
    return lines


async def retire_of_log(node: Node, vkey: str) -> LogKeys:
    """End a key of the log, and publish a checkpoint without it. Raises LogKeyRefused.

    Raises LogForked where the database is not the newest: what the key has signed there is evidence of that,
    and what it signs after its end is none.
    """
    await node.publisher.check_head()
    async with node.database.write() as s:
        known = {str(window.vkey): window.vkey for window in (await log_keys(s)).windows}
        if vkey not in known:
            raise LogKeyRefused("not a key of this log", vkey=vkey)
        keys = await retire_key(s, node.house.exchange_act(), node.clock, vkey=known[vkey])
    await node.publish()
    return keys


def told(keys: LogKeys) -> list[str]:
    """The log's keys and its end, a line each."""
    lines = [f"origin   {keys.origin}"]
    for window in keys.windows:
        until = "" if window.to_size is None else str(window.to_size)
        lines.append(f"sizes    {window.from_size}-{until} {window.vkey}")
    if keys.closed_seq is not None:
        lines.append(f"closed at seq {keys.closed_seq}")
    return lines


async def rotate_log(node: Node, suite: str) -> LogKeys:
    """Make a key, state the rotation, and publish a checkpoint that both have signed."""
    await node.publisher.check_head()
    old = node.publisher.signer
    new = NoteSigner(old.name, suite_named(suite).generate())
    path = keep_key(node.settings.keys_dir, new.key)
    try:
        async with node.database.write() as s:
            keys = await rotate_key(s, node.house.exchange_act(), node.clock, old=old, new=new)
    except Exception:
        forget_key(path)
        raise
    await node.publish()
    return keys


async def rotate_exchange_of(node: Node) -> SigningKey:
    """Register the exchange's next key and put its file in the place of the present one, which is kept."""
    folder = node.settings.keys_dir
    coming, present = folder / "exchange-next.key", folder / "exchange.key"
    if coming.exists():
        new = SigningKey.from_bytes(coming.read_bytes())
    else:
        new = SigningKey.generate()
        with os.fdopen(os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(new.to_bytes())
            file.flush()
            os.fsync(file.fileno())
    async with node.database.write() as s:
        await rotate_exchange_key(s, node.house.exchange_act(), new=new)
    keyid = node.house.exchange.pen.key.keyid
    kept = folder / f"exchange-{keyid[:16]}.key"
    if not kept.exists():
        kept.hardlink_to(present)
    coming.replace(present)
    return new


async def retire_exchange_of(node: Node, reason: RevocationReason) -> list[str]:
    """Revoke every key of the exchange's own in force but the one that signs now; answers which."""
    ended = []
    async with node.database.write() as s:
        for key in await node_keys(s, operator_id=node.house.exchange.actor.org_id):
            if key.status is KeyStatus.ACTIVE and key.keyid != node.house.exchange.pen.key.keyid:
                await retire_exchange_key(s, node.house.exchange_act(), key_id=key.key_id, reason=reason)
                ended.append(key.keyid)
    return ended


async def close(node: Node, reason: str, successor: NoteSigner | None = None) -> Checkpoint:
    """State the log's last entry, and publish the last checkpoint."""
    await node.publisher.check_head()
    old = None if successor is None else node.publisher.signer
    async with node.database.write() as s:
        act = node.house.exchange_act()
        await close_log(s, act, node.clock, reason=reason, old=old, successor=successor)
    await node.publish()
    return await _final(node)


async def next_log(node: Node, origin: str | None = None) -> LogKeys:
    """Close the log where it is open, begin the next one under a new key, and publish it.

    Raises LogKeyRefused where another process leads the log, or the origin cannot be used.
    """
    async with leadership(node.database) as leader:
        if leader is None:
            raise LogKeyRefused("another process leads this log: stop the node first")
        async with node.database.read() as s:
            number = len(await shards(s)) + 2
            keys = await log_keys(s)
        name = next_origin(node.settings, origin or f"{node.settings.origin}-{number}")
        held = {key.public: key for key in KeyFolder(node.settings.keys_dir).keys()}  # noqa: SIM118 - no dict
        if keys.successor is not None:  # it was closed, and broken off
            signer = NoteSigner(keys.successor.name, held[keys.successor.public])
        else:
            signer = NoteSigner(name, SigningKey.generate())
            keep_key(node.settings.keys_dir, signer.key)
            if keys.closed_seq is None:
                await close(node, SHARD, signer)
        await node.publish()
        async with node.database.write() as s:
            begun = await begin_log(s, node.house.exchange_act(), node.clock, signer=signer)
        following = replace(node.publisher, signers=(signer,), folder=folder_of(node.settings, signer.name))
        async with node.database.read() as s:
            following = await as_the_log_says(s, node.settings, following)
        await following.publish()
        return begun


async def _final(node: Node) -> Checkpoint:
    async with node.database.read() as s:
        head = await tree_head(s)
    return Checkpoint(head.origin, head.size, bytes.fromhex(head.root))


def next_origin(settings: Settings, origin: str) -> str:
    """An origin that settings would take, whose last part is free to be a prefix. Raises LogKeyRefused."""
    last = origin.rpartition("/")[2]
    try:
        Settings(origin=origin)
    except ValueError:
        raise LogKeyRefused("an origin looks like exchange.example/log", origin=origin) from None
    if last in _TAKEN or last == settings.origin.rpartition("/")[2] or (settings.log_dir / last).exists():
        raise LogKeyRefused("the last part of an origin is its prefix, and this one is taken", prefix=last)
    return origin
