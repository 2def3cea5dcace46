"""A witness after C2SP tlog-witness: every answer of `add-checkpoint`, and two that come at once."""

import asyncio
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select, update

from base.clock import SimulatedClock
from base.db import Database
from base.errors import Malformed, NotFound
from base.signing import SigningKey
from ledger.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Cosigner,
    Note,
    NoteSigner,
    VerifierKey,
    open_checkpoint,
    origin_hash,
    sign_checkpoint,
)
from ledger.errors import (
    CheckpointUntrusted,
    LogNotWitnessed,
    ProofInvalid,
    SubmissionMalformed,
    WitnessAhead,
)
from ledger.tables import WitnessedRow
from ledger.tree import EMPTY_ROOT, consistency_proof, leaf_hash, root_of
from ledger.witness import Cosigned, Submission, WitnessDesk

ORIGIN = "city.example/log"
LOG = NoteSigner(ORIGIN, SigningKey.from_bytes(bytes(range(32))))
STRANGER = NoteSigner(ORIGIN, SigningKey.from_bytes(b"s" * 32))
COSIGNER = Cosigner("province.example/witness", SigningKey.from_bytes(b"w" * 32))
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(40)]
FORKED = [*LEAVES[:3], *(leaf_hash(b"other %d" % number) for number in range(37))]

# Requests of the tests of another witness (FiloSottile/torchwood, internal/witness): a log of sigsum's kind,
# its entries' hashes 2a00…, 2a01… as they stand in the tree, in sizes 1, 3 and 5.
FOREIGN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
FOREIGN_KEY = VerifierKey(
    FOREIGN, bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
)
FOREIGN_1 = f"""old 0

{FOREIGN}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

— {FOREIGN} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=
"""
FOREIGN_3 = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{FOREIGN}
3
RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=

— {FOREIGN} UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=
"""
FOREIGN_5 = f"""old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=
KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{FOREIGN}
5
QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=

— {FOREIGN} UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=
"""


def checkpoint(size: int, leaves: list[bytes] = LEAVES) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(leaves[:size]))


def proof(old: int, size: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    return consistency_proof(old, size, lambda level, at: root_of(leaves[at << level : (at + 1) << level]))


def body(
    old: int,
    size: int,
    leaves: list[bytes] = LEAVES,
    *,
    steps: list[bytes] | None = None,
    signers: tuple[NoteSigner, ...] = (LOG,),
) -> bytes:
    path = (proof(old, size, leaves) if 0 < old <= size else []) if steps is None else steps
    lines = [f"old {old}", *(b64encode(step).decode() for step in path), "", ""]
    return "\n".join(lines).encode() + sign_checkpoint(checkpoint(size, leaves), *signers)


@pytest.fixture
def desk(database: Database, clock: SimulatedClock) -> WitnessDesk:
    return WitnessDesk(database, clock, COSIGNER, {ORIGIN: [LOG.vkey], FOREIGN: [FOREIGN_KEY]})


async def seen(desk: WitnessDesk) -> dict[str, tuple[int, str]]:
    async with desk.database.read() as s:
        return {row.origin: (row.size, row.root) for row in (await s.exec(select(WitnessedRow))).all()}


async def test_a_log_that_grows_is_cosigned_and_the_note_is_kept(
    desk: WitnessDesk, clock: SimulatedClock
) -> None:
    for old, size in ((0, 1), (1, 7), (7, 7), (7, 8), (8, 40)):
        line = await desk.add_checkpoint(body(old, size))
        note = sign_checkpoint(checkpoint(size), LOG) + line.encode()
        opened = open_checkpoint(note, [LOG.vkey, desk.vkey])
        assert [found.at_s for found in opened.cosigned] == [int(clock.now().timestamp())]
        assert await desk.kept(origin_hash(ORIGIN)) == note
        assert await seen(desk) == {ORIGIN: (size, root_of(LEAVES[:size]).hex())}


async def test_the_requests_of_another_witness_s_tests_are_answered_as_there(desk: WitnessDesk) -> None:
    await desk.add_checkpoint(FOREIGN_1.encode())
    line = await desk.add_checkpoint(FOREIGN_5.encode())
    with pytest.raises(WitnessAhead) as ahead:
        await desk.add_checkpoint(FOREIGN_3.encode())
    assert ahead.value.size == 5
    assert await seen(desk) == {
        FOREIGN: (5, "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36")
    }
    note = FOREIGN_5.partition("\n\n")[2] + line
    assert open_checkpoint(note.encode(), [FOREIGN_KEY, desk.vkey]).cosigned[0].key == desk.vkey


async def test_the_empty_tree_is_cosigned_with_the_hash_of_nothing_alone(desk: WitnessDesk) -> None:
    wrong = Checkpoint(ORIGIN, 0, bytes(32))
    with pytest.raises(ProofInvalid):
        await desk.add_checkpoint(b"old 0\n\n" + sign_checkpoint(wrong, LOG))
    assert checkpoint(0).root == EMPTY_ROOT
    await desk.add_checkpoint(body(0, 0))
    assert await seen(desk) == {ORIGIN: (0, EMPTY_ROOT.hex())}


@pytest.mark.parametrize(
    ("submitted", "refusal"),
    [
        (body(4, 9), WitnessAhead),  # another old size
        (body(0, 9), WitnessAhead),
        (body(5, 5, FORKED), ProofInvalid),  # the same size, another root
        (body(5, 9, steps=[]), ProofInvalid),
        (body(5, 9, steps=proof(5, 9)[:-1]), ProofInvalid),
        (body(5, 9, steps=[*proof(5, 9), bytes(32)]), ProofInvalid),
        (body(5, 5, steps=[bytes(32)]), ProofInvalid),
        (body(5, 9, FORKED), ProofInvalid),
        (body(5, 9, signers=(STRANGER,)), CheckpointUntrusted),
        (body(5, 9).replace(ORIGIN.encode(), b"town.example/log"), LogNotWitnessed),
        (body(5, 4), SubmissionMalformed),
        (b"", SubmissionMalformed),
        (body(5, 9)[:-1], SubmissionMalformed),
        (body(5, 9).replace(b"old 5", b"old 05"), SubmissionMalformed),
        (body(5, 9).replace(b"old 5", b"old -5"), SubmissionMalformed),
        (body(5, 9).replace(b"old 5", b"old  5"), SubmissionMalformed),
        (body(5, 9).replace(b"old 5", b"5"), SubmissionMalformed),
        (body(5, 9).replace(b"old 5\n", b"old 5\r\n"), SubmissionMalformed),
        (body(5, 9).replace(b"old 5\n", b"old 5\nAAAA\n"), SubmissionMalformed),
        (body(5, 9, steps=[bytes(32)] * 64), SubmissionMalformed),
        (body(5, 9).replace(b"old 5", b"old " + b"9" * 30), SubmissionMalformed),
        (body(5, 9) + b"x" * 300_000, SubmissionMalformed),
    ],
)
async def test_what_is_not_cosigned_changes_nothing(
    desk: WitnessDesk, submitted: bytes, refusal: type[Exception]
) -> None:
    await desk.add_checkpoint(body(0, 5))
    before = await seen(desk), await desk.kept(origin_hash(ORIGIN))
    with pytest.raises(refusal) as refused:
        await desk.add_checkpoint(submitted)
    if isinstance(refused.value, WitnessAhead):
        assert refused.value.size == 5
    assert (await seen(desk), await desk.kept(origin_hash(ORIGIN))) == before


async def test_the_first_call_comes_from_size_zero_with_an_empty_proof(desk: WitnessDesk) -> None:
    with pytest.raises(WitnessAhead) as ahead:
        await desk.add_checkpoint(body(3, 5))
    assert ahead.value.size == 0
    with pytest.raises(ProofInvalid):
        await desk.add_checkpoint(body(0, 5, steps=[bytes(32)]))
    with pytest.raises(NotFound):
        await desk.kept(origin_hash(ORIGIN))
    assert await seen(desk) == {}


async def test_a_trusted_key_whose_signature_does_not_hold_is_not_helped_by_another(
    desk: WitnessDesk,
) -> None:
    second = NoteSigner(ORIGIN, SigningKey.from_bytes(b"2" * 32))
    both = WitnessDesk(desk.database, desk.clock, COSIGNER, {ORIGIN: [LOG.vkey, second.vkey]})
    good = sign_checkpoint(checkpoint(2), LOG, second).decode()
    line = good.splitlines()[-1]
    broken = good.replace(line, line[:-6] + ("AAAAA=" if line[-6:] != "AAAAA=" else "BBBBA="))
    with pytest.raises(CheckpointUntrusted):
        await both.add_checkpoint(b"old 0\n\n" + broken.encode())
    await both.add_checkpoint(b"old 0\n\n" + good.encode())


async def test_signatures_of_strangers_are_ignored_and_not_kept(desk: WitnessDesk) -> None:
    await desk.add_checkpoint(body(0, 5, signers=(STRANGER, LOG)))
    kept = Note.parse(await desk.kept(origin_hash(ORIGIN)))
    assert [one.key_id for one in kept.signatures] == [LOG.vkey.key_id, desk.vkey.key_id]


async def test_a_line_that_comes_twice_is_refused_and_never_kept(desk: WitnessDesk) -> None:
    """A note has at most 100 lines: whoever repeats the public one would make the kept note unreadable."""
    await desk.add_checkpoint(body(0, 5))
    before = await desk.kept(origin_hash(ORIGIN))
    note = sign_checkpoint(checkpoint(5), LOG)
    line = note.decode().splitlines(keepends=True)[-1]
    for times in (1, 99):
        with pytest.raises(SubmissionMalformed):
            await desk.add_checkpoint(b"old 5\n\n" + note + (line * times).encode())
    assert await desk.kept(origin_hash(ORIGIN)) == before
    stranger = sign_checkpoint(checkpoint(5), STRANGER).decode().splitlines(keepends=True)[-1]
    await desk.add_checkpoint(b"old 5\n\n" + note + (stranger * 99).encode())
    assert await desk.kept(origin_hash(ORIGIN)) == before


async def test_a_checkpoint_that_leaves_no_room_for_our_line_is_refused(desk: WitnessDesk) -> None:
    head = Checkpoint(ORIGIN, 5, root_of(LEAVES[:5]), ("x" * (MAX_NOTE_BYTES - 200),))
    note = sign_checkpoint(head, LOG)
    assert len(note) <= MAX_NOTE_BYTES
    with pytest.raises(SubmissionMalformed, match="room"):
        await desk.add_checkpoint(b"old 0\n\n" + note)
    assert await seen(desk) == {}


async def test_what_was_cosigned_last_gets_the_same_line_again_and_writes_nothing(
    desk: WitnessDesk, clock: SimulatedClock
) -> None:
    second = NoteSigner(ORIGIN, SigningKey.from_bytes(b"2" * 32))
    both = replace(desk, logs={ORIGIN: [LOG.vkey, second.vkey]})
    first = await both.cosign(body(0, 5))
    assert first.new
    clock.advance(timedelta(hours=1))
    assert await both.cosign(body(5, 5)) == Cosigned(first.line, new=False)
    with pytest.raises(CheckpointUntrusted):
        await both.cosign(body(5, 5, signers=(STRANGER,)))
    with pytest.raises(WitnessAhead):
        await both.cosign(body(0, 5))
    # the other key's line of an overlap is taken in, once; then either line alone is an old one
    assert (await both.cosign(body(5, 5, signers=(second,)))).new
    kept = await both.kept(origin_hash(ORIGIN))
    assert open_checkpoint(kept, [LOG.vkey, second.vkey]).signed_by == (LOG.vkey, second.vkey)
    for signers in ((LOG,), (second,), (second, LOG)):
        assert not (await both.cosign(body(5, 5, signers=signers))).new
    assert await both.kept(origin_hash(ORIGIN)) == kept


async def test_a_note_that_an_older_version_kept_and_nobody_can_read_is_replaced(desk: WitnessDesk) -> None:
    await desk.add_checkpoint(body(0, 5))
    good = await desk.kept(origin_hash(ORIGIN))
    line = good.decode().splitlines(keepends=True)[-1]
    async with desk.database.write() as s:
        await s.exec(update(WitnessedRow).values(note=good.decode() + line * 100))
    assert (await desk.cosign(body(5, 5))).new
    assert await desk.kept(origin_hash(ORIGIN)) == good


async def test_of_two_that_come_at_once_one_is_told_of_the_other(desk: WitnessDesk) -> None:
    await desk.add_checkpoint(body(0, 5))
    for old in range(5, 35, 3):  # a shorter and a longer tree, both from the same size, again and again
        submitted = [body(old, old + 1), body(old, old + 3), body(old, old + 2)]
        answers = await asyncio.gather(*map(desk.add_checkpoint, submitted), return_exceptions=True)
        assert [type(one) for one in answers].count(str) == 1
        assert {type(one) for one in answers} == {str, WitnessAhead}
        won = next(at for at, one in enumerate(answers) if isinstance(one, str))
        size = old + (1, 3, 2)[won]
        assert {one.size for one in answers if isinstance(one, WitnessAhead)} == {size}
        assert await seen(desk) == {ORIGIN: (size, root_of(LEAVES[:size]).hex())}
        if size < old + 3:
            await desk.add_checkpoint(body(size, old + 3))


async def test_the_time_of_a_cosignature_never_goes_back(desk: WitnessDesk, clock: SimulatedClock) -> None:
    await desk.add_checkpoint(body(0, 1))
    before = SimulatedClock(clock.now().replace(year=2020))
    line = await WitnessDesk(desk.database, before, COSIGNER, desk.logs).add_checkpoint(body(1, 2))
    opened = open_checkpoint(sign_checkpoint(checkpoint(2), LOG) + line.encode(), [LOG.vkey, desk.vkey])
    assert opened.cosigned[0].at_s == int(clock.now().timestamp())


@given(st.binary(max_size=400) | st.tuples(st.binary(max_size=90), st.just(body(5, 9))).map(b"".join))
def test_no_bytes_are_too_strange_to_be_read(data: bytes) -> None:
    try:
        said = Submission.parse(data)
    except Malformed:
        return
    assert said.old >= 0
    assert len(said.proof) <= 63


@given(st.integers(0, len(body(5, 9)) - 1), st.integers(1, 255))
def test_one_changed_byte_is_never_cosigned(at: int, flip: int) -> None:
    data = bytearray(body(5, 9))
    data[at] ^= flip
    try:
        said = Submission.parse(bytes(data))
        keys = {ORIGIN: [LOG.vkey]}.get(said.checkpoint.origin, [])
        said.note.verify(keys)
    except Malformed:
        return
    good = Submission.parse(body(5, 9))
    assert (said.old, said.proof) != (good.old, good.proof)  # then 409 or 422 says so
    assert said.checkpoint == good.checkpoint
