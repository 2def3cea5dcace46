"""Going on after the newest entries of the log were lost: what is ordered, by whom, and the next log.

1. `plan`: what the database holds, and what was published beyond: the order, to be read and signed.
2. `sign`: a data authority signs it with its own key, on its own machine.
3. `apply`: the order is the plan of this moment, and its key is one that the log knows. The old log ends
   where the database stands; entry 0 of the next one carries the order, so every auditor sees it.
"""

from dataclasses import replace
from typing import Any

import orjson

from base.settings import Settings
from base.signing import SigningKey
from cli.backup_evidence import newest_published
from cli.node_keys import next_origin
from identity.repository import get_key
from identity.rules import Custody, KeyStatus, Role
from ledger.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from ledger.errors import LogKeyRefused
from ledger.key_folder import KeyFolder, keep_key
from ledger.log_keys import abandon_log, begin_log, log_keys, shards, signers_of
from ledger.reader import TreeHead, tree_head
from ledger.recovery import Order, read_signed, signed_by
from ledger.rotation import LogKeys
from ledger.sequencer import leadership
from web.node import Node, as_the_log_says, folder_of, open_node


async def plan(settings: Settings, reason: str) -> bytes:
    """The order for this database, as bytes to be signed. Raises LogKeyRefused where nothing is behind."""
    async with open_node(settings) as node:
        head = await _head(node)
        return (await _order(node, head, reason)).payload()


async def apply(settings: Settings, document: Any, origin: str | None = None) -> LogKeys:
    """Let the log end as ordered, and begin the next one. Stop the node first.

    Raises LogKeyRefused where the order is of another moment, or not of a data authority's own key.
    """
    order, envelope = read_signed(document)
    async with open_node(settings) as node, leadership(node.database) as leader:
        if leader is None:
            raise LogKeyRefused("another process leads this log: stop the node first")
        head = await _head(node)
        if order != await _order(node, head, order.reason):
            raise LogKeyRefused("the order is of another database, or of another moment")
        publics = []
        async with node.database.read() as s:
            for signature in envelope.signatures:
                key = await get_key(s, keyid=signature.keyid)
                if key is not None and key.status is KeyStatus.ACTIVE and Role.DATA_AUTHORITY in key.roles:
                    publics += [key.public] if key.custody is Custody.SELF_HELD else []
            number = len(await shards(s)) + 2
            told = await log_keys(s)
        if not signed_by(envelope, publics):
            raise LogKeyRefused("not signed by a self-held key of a data authority")
        held = KeyFolder(node.settings.keys_dir).keys()
        note = sign_checkpoint(
            Checkpoint(head.origin, head.size, bytes.fromhex(head.root)), *signers_of(told, held, head.size)
        )
        name = next_origin(node.settings, origin or f"{node.settings.origin}-{number}")
        signer = NoteSigner(name, SigningKey.generate())
        keep_key(node.settings.keys_dir, signer.key)
        async with node.database.write() as s:
            await abandon_log(s, note=note, now=node.clock.now())
            act = node.house.exchange_act()
            begun = await begin_log(s, act, node.clock, signer=signer, recovery=envelope.document())
        following = replace(node.publisher, signers=(signer,), folder=folder_of(node.settings, name))
        async with node.database.read() as s:
            following = await as_the_log_says(s, node.settings, following)
        await following.publish()
        return begun


async def _head(node: Node) -> TreeHead:
    async with node.database.read() as s:
        return await tree_head(s)


async def _order(node: Node, head: TreeHead, reason: str) -> Order:
    async with node.database.read() as s:
        beyond = await newest_published(s, node.settings)
    if beyond is None:
        raise LogKeyRefused(
            "this database leads to everything that was published: there is nothing to recover"
        )
    return Order(head.origin, head.size, head.root, beyond.size, beyond.root.hex(), reason)


def readable(payload: bytes) -> str:
    """An order as a person reads it before signing."""
    order = Order.read(payload)
    return orjson.dumps(
        {
            "log": order.origin,
            "it ends at": order.size,
            "entries that are lost": f"{order.size} to {order.published_size - 1}",
            "because": order.reason,
        },
        option=orjson.OPT_INDENT_2,
    ).decode()
