"""What a province states of its cities, how often, and the receipt that leads from a city to its root."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlmodel import col, update

from base.canonical import canonical
from base.clock import SimulatedClock
from base.db import Database
from base.errors import Malformed
from base.signing import SigningKey
from ledger import reader
from ledger.checkpoint import Cosigner, NoteSigner, Receipt, origin_hash
from ledger.errors import NoteInvalid, ProofInvalid
from ledger.publisher import Publisher
from ledger.recording import Actor, Exchange, ExchangePen
from ledger.sequencer import create_log, seal_all
from ledger.tables import FederatedRow, WitnessedRow
from ledger.tree import inclusion_proof, root_of
from ledger.witness import WitnessDesk
from ledger.witness_federation import Provincial, federate, provincial
from ledger.witness_receipt import FederatedReceipt, verify_federated
from tests.ledger.test_witness import LEAVES, LOG, ORIGIN, body

PROVINCE = NoteSigner("province.example/log", SigningKey.from_bytes(b"p" * 32))
EXCHANGE = Exchange(
    Actor("org_province", frozenset({"EXCHANGE_OPERATOR"})), ExchangePen(SigningKey.from_bytes(b"e" * 32))
)
TOWN = NoteSigner("town.example/log", SigningKey.from_bytes(b"t" * 32))
EVERY = timedelta(minutes=1)
CITY = origin_hash(ORIGIN)


def desk_on(database: Database, clock: SimulatedClock) -> WitnessDesk:
    cosigner = Cosigner("province.example/witness", SigningKey.from_bytes(b"w" * 32))
    return WitnessDesk(database, clock, cosigner, {ORIGIN: [LOG.vkey], TOWN.name: [TOWN.vkey]})


async def begin(database: Database, clock: SimulatedClock) -> WitnessDesk:
    async with database.write() as s:
        await create_log(s, origin=PROVINCE.name, at=clock.now())
    return desk_on(database, clock)


async def publish(database: Database, clock: SimulatedClock, folder: Path) -> None:
    await seal_all(database, clock)
    await Publisher(database, clock, (PROVINCE,), folder).publish()


async def said(database: Database) -> list[dict]:
    async with database.read() as s:
        return [one.payload for one in await reader.statements_of(s, object_id=ORIGIN)]


async def asked(database: Database, size: int) -> Provincial | None:
    async with database.read() as s:
        return await provincial(s, origin_sha256=CITY, size=size)


async def test_a_checkpoint_that_moved_is_stated_at_most_once_in_a_while(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    desk = await begin(database, clock)
    assert await federate(database, EXCHANGE, clock, every=EVERY) == 0
    for old, size in ((0, 3), (3, 5), (5, 9)):
        await desk.add_checkpoint(body(old, size))
        assert await federate(database, EXCHANGE, clock, every=EVERY) == (1 if size == 3 else 0)
    clock.advance(EVERY)
    assert await federate(database, EXCHANGE, clock, every=EVERY) == 1
    clock.advance(EVERY)
    assert await federate(database, EXCHANGE, clock, every=EVERY) == 0  # nothing moved
    await desk.add_checkpoint(body(9, 9))  # nor is it moved by being cosigned again
    assert await federate(database, EXCHANGE, clock, every=EVERY) == 0

    first, last = await said(database)
    assert [one["predicate"]["size"] for one in (first, last)] == [3, 9]
    predicate = last["predicate"]
    assert predicate["origin"] == predicate["object"] == ORIGIN
    assert predicate["root"] == root_of(LEAVES[:9]).hex()
    assert predicate["role"] == "EXCHANGE_OPERATOR"
    assert {"name": "checkpoint", "digest": {"sha256": predicate["note_sha256"]}} in last["subject"]

    assert await asked(database, 3) is None  # stated, and not sealed yet
    await seal_all(database, clock)
    assert await asked(database, 3) is None  # sealed, and under no checkpoint yet
    await publish(database, clock, tmp_path)
    found = [await asked(database, size) for size in (1, 3, 4, 9, 10)]
    assert [one.size if one else None for one in found] == [3, 3, 9, 9, None]
    assert found[3] is not None
    assert sha256(found[3].note.encode()).hexdigest() == predicate["note_sha256"]


async def test_a_note_that_nobody_can_read_is_neither_stated_nor_in_the_way(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    desk = await begin(database, clock)
    for old, size in ((0, 3), (3, 9)):
        await desk.add_checkpoint(body(old, size))
        assert await federate(database, EXCHANGE, clock, every=EVERY) == 1
        clock.advance(EVERY)
    await publish(database, clock, tmp_path)
    unreadable = (await desk.kept(CITY)).decode() + "— x.example AAAAAAAA\n" * 100
    async with database.write() as s:  # as an older version kept it
        await s.exec(update(FederatedRow).where(col(FederatedRow.size) == 3).values(note=unreadable))
    found = await asked(database, 1)
    assert found is not None
    assert found.size == 9
    await desk.add_checkpoint(body(9, 12))
    async with database.write() as s:
        await s.exec(update(WitnessedRow).values(note=unreadable))
    assert await federate(database, EXCHANGE, clock, every=EVERY) == 0


async def chain(database: Database, clock: SimulatedClock, folder: Path) -> FederatedReceipt:
    """The receipt of the city's entry 4 in its tree of 9, under a province with entries of its own."""
    desk = await begin(database, clock)
    await desk.add_checkpoint(body(0, 3))
    await federate(database, EXCHANGE, clock, every=EVERY)
    clock.advance(EVERY)
    await desk.add_checkpoint(body(3, 9))
    await federate(database, EXCHANGE, clock, every=EVERY)
    await publish(database, clock, folder)
    found = await asked(database, 5)
    assert found is not None
    path = inclusion_proof(4, 9, lambda level, at: root_of(LEAVES[at << level : (at + 1) << level]))
    receipt = Receipt(4, tuple(path), found.note.encode()).text()
    return FederatedReceipt(b"entry 4", receipt, found.entry, found.receipt)


async def test_a_city_s_receipt_leads_to_the_province_s_root(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    whole = await chain(database, clock, tmp_path)
    assert FederatedReceipt.parse(whole.text()) == whole
    shown = verify_federated(whole.text(), [LOG.vkey], [PROVINCE.vkey])
    assert (shown.index, shown.city.checkpoint.size) == (4, 9)
    assert (shown.province_index, shown.province.checkpoint.size) == (1, 2)
    assert shown.province.checkpoint.origin == PROVINCE.name
    signed = {"province_exchange": EXCHANGE.pen.key.public}
    assert verify_federated(whole.text(), [LOG.vkey], [PROVINCE.vkey], **signed) == shown
    with pytest.raises(NoteInvalid, match="exchange"):
        verify_federated(whole.text(), [LOG.vkey], [PROVINCE.vkey], province_exchange=LOG.key.public)


async def test_parts_that_do_not_belong_together_are_told_apart(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    whole = await chain(database, clock, tmp_path)
    early = await asked(database, 3)
    assert early is not None
    async with database.read() as s:
        path = await reader.proof(s, seq=1, size=2)
    wrong_place = Receipt(1, tuple(path), Receipt.parse(whole.province_receipt).checkpoint).text()
    other_note = Receipt.parse(whole.receipt)
    lines = other_note.checkpoint.decode().splitlines(keepends=True)
    bare = Receipt(4, other_note.path, "".join(lines[:-1]).encode()).text()  # the witness's line left off
    for changed in (
        FederatedReceipt(whole.entry, whole.receipt, early.entry, early.receipt),  # states size 3
        FederatedReceipt(whole.entry, whole.receipt, early.entry, wrong_place),
        FederatedReceipt(b"entry 5", whole.receipt, whole.province_entry, whole.province_receipt),
        FederatedReceipt(whole.entry, bare, whole.province_entry, whole.province_receipt),
        FederatedReceipt(whole.entry, whole.receipt, whole.entry, whole.receipt),
    ):
        with pytest.raises(Malformed):
            verify_federated(changed.text(), [LOG.vkey], [PROVINCE.vkey])
    for city, province in (([TOWN.vkey], [PROVINCE.vkey]), ([LOG.vkey], [TOWN.vkey]), ([], [])):
        with pytest.raises(NoteInvalid):
            verify_federated(whole.text(), city, province)
    with pytest.raises(ProofInvalid, match="published form"):
        verify_federated(
            FederatedReceipt(whole.entry, whole.receipt, whole.entry, whole.receipt).text(),
            [LOG.vkey],
            [LOG.vkey],
        )


async def test_another_form_is_no_receipt(database: Database, clock: SimulatedClock, tmp_path: Path) -> None:
    good = (await chain(database, clock, tmp_path)).text()
    whole = json.loads(good)
    less = {name: value for name, value in whole.items() if name != "entry"}
    loose = b64encode(b64decode(whole["entry"])).decode()[:-1] + "B="
    others = [less, [whole], whole | {"v": 2}, whole | {"more": ""}]
    others += [whole | {"entry": odd} for odd in (5, "*", loose)]
    for bad in (b"", b"{", good + b" ", json.dumps(whole).encode(), *map(canonical, others)):
        with pytest.raises(NoteInvalid):
            FederatedReceipt.parse(bad)
