"""All checkpoints of one log are consistent, by proofs out of its tiles; one of a rewritten log is not."""

from itertools import accumulate, combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.signing import SigningKey
from ledger.checkpoint import Checkpoint, NoteSigner, open_checkpoint, sign_checkpoint
from ledger.errors import ProofInvalid
from ledger.tiles import Tile, TileNodes, grow
from ledger.tree import Frontier, consistency_proof, leaf_hash, verify_consistency

SIGNER = NoteSigner("consistent.test/log", SigningKey.from_bytes(b"\x05" * 32))
LEAVES = [leaf_hash(b"%d" % number) for number in range(1200)]
STEPS = st.lists(st.integers(1, 300), min_size=1, max_size=4)


class Published:
    """A log as it was published step by step: its tiles, and every checkpoint it signed."""

    def __init__(self, steps: list[int], leaves: list[bytes]) -> None:
        self.tiles: dict[Tile, bytes] = {}
        self.notes: list[bytes] = []
        frontier, done = Frontier(), 0
        for size in accumulate(steps):
            self.tiles |= grow(self.tiles.__getitem__, done, leaves[done:size])
            frontier.extend(leaves[done:size])
            head = Checkpoint(SIGNER.name, size, frontier.root())
            self.notes.append(sign_checkpoint(head, SIGNER))
            done = size

    def heads(self) -> list[Checkpoint]:
        return [open_checkpoint(note, [SIGNER.vkey]).checkpoint for note in self.notes]

    def proof(self, old: int, size: int) -> list[bytes]:
        return consistency_proof(old, size, TileNodes(self.tiles.__getitem__, size))


@settings(max_examples=25)
@given(STEPS)
def test_every_pair_of_checkpoints_is_consistent(steps: list[int]) -> None:
    log = Published(steps, LEAVES)
    for small, large in combinations_with_replacement(log.heads(), 2):
        proof = log.proof(small.size, large.size)
        verify_consistency(small.size, large.size, small.root, large.root, proof)


@settings(max_examples=25)
@given(STEPS, STEPS, st.data())
def test_no_checkpoint_is_consistent_with_one_of_a_log_that_was_rewritten(
    steps: list[int], others: list[int], data: st.DataObject
) -> None:
    """Whoever rewrites entry n can prove nothing against any checkpoint that was seen beyond n."""
    log = Published(steps, LEAVES)
    changed = data.draw(st.integers(0, sum(steps) - 1))
    other = Published(others, [*LEAVES[:changed], leaf_hash(b"rewritten"), *LEAVES[changed + 1 :]])
    for seen in log.heads():
        for shown in other.heads():
            if seen.size <= shown.size:
                proof = other.proof(seen.size, shown.size)
                if seen.size > changed:
                    with pytest.raises(ProofInvalid):
                        verify_consistency(seen.size, shown.size, seen.root, shown.root, proof)
                else:
                    verify_consistency(seen.size, shown.size, seen.root, shown.root, proof)
