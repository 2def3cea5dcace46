"""What a simulation stored and published, read back by code of its own and judged."""

import base64
import hashlib
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

from ledger.checkpoint import VerifierKey, open_checkpoint
from ledger.tiles import Tile, TileNodes
from ledger.tree import consistency_proof, verify_consistency

ORIGIN: Final = "simulated.test/log"


class Wrong(AssertionError):
    """Something that must hold does not."""


def require(holds: object, what: str) -> None:
    if not holds:
        raise Wrong(what)


@dataclass(frozen=True)
class Found:
    """The log as it is stored: its leaves' hashes, its entries, its root, and what it says by act."""

    leaves: list[bytes]
    entries: list[bytes]
    root: bytes
    facts: dict[int, str]


class View:
    """Looks at one log over all lives of its process, and remembers what anybody may have seen."""

    def __init__(self, log: VerifierKey, witness: VerifierKey) -> None:
        self._keys = [log, witness]
        self.store, self.folder = Path(), Path()
        self.answered = 0  # the largest size whose publishing was answered
        self.seen: list[tuple[int, bytes]] = []
        self._before: list[bytes] = []

    def move(self, store: Path, folder: Path) -> None:
        self.store, self.folder = store, folder

    def read(self) -> Found:
        """Everything that is stored. Raises Wrong where it does not fit together."""
        with closing(sqlite3.connect(self.store)) as base:
            tree = base.execute("SELECT size, root, previous, halted FROM ledger_tree").fetchone()
            rows = base.execute(
                "SELECT seq, statement_row, leaf_hash, entry FROM ledger_entries ORDER BY seq"
            ).fetchall()
            statements = base.execute(
                "SELECT id, statement_id, envelope_sha256, envelope, opening_sha256 FROM ledger_statements"
            ).fetchall()
            pending = [row for (row,) in base.execute("SELECT id FROM ledger_pending")]
            tiles = base.execute("SELECT level, number, hashes FROM ledger_tiles").fetchall()
            openings = dict(base.execute("SELECT sha256, document FROM ledger_openings").fetchall())
            batches = base.execute("SELECT batch_id, statement_id FROM ledger_posting_batches").fetchall()
            legs = base.execute("SELECT batch_id, amount_minor FROM ledger_postings").fetchall()
            kept = base.execute("SELECT size, note FROM ledger_checkpoints").fetchall()
        leaves = self._chain(rows)
        root = tree_root(leaves)
        last = leaves[-1].hex() if leaves else "0" * 64
        require(tree == (len(leaves), root.hex(), last, None), f"the tree row says {tree}")
        expected = {(level, number): b"".join(part) for level, number, part in hash_tiles(leaves)}
        require({(a, b): c for a, b, c in tiles} == expected, "the tiles are not those of the leaves")
        sealed = [row[1] for row in rows]
        require(sorted(sealed + pending) == sorted(row[0] for row in statements), "sealed and queued are all")
        require(sealed == sorted(sealed), "one writer's statements are sealed in the order of their ids")
        facts = self._said(statements, openings, batches, legs)
        envelopes = {row[0]: row[3] for row in statements}
        for row in rows:
            require(
                b',"envelope":' + envelopes[row[1]] + b',"node":' in row[3], "the stored bytes are sealed"
            )
        for size, note in kept:
            head = open_checkpoint(note.encode(), self._keys).checkpoint
            require(
                (head.size, head.root) == (size, tree_root(leaves[:size])), f"kept {size} is another tree"
            )
        return Found(leaves, [row[3] for row in rows], root, facts)

    @staticmethod
    def _chain(rows: list[Any]) -> list[bytes]:
        leaves: list[bytes] = []
        times = []
        for number, (seq, _, leaf, entry) in enumerate(rows):
            document = json.loads(entry)
            previous = leaves[-1].hex() if leaves else "0" * 64
            says = (document["seq"], document["prev"], document["node"], document["v"])
            require(seq == number and says == (number, previous, ORIGIN, 1), f"entry {number} is {says}")
            require(leaf == hashlib.sha256(b"\0" + entry).digest(), f"the hash of entry {number}")
            leaves.append(leaf)
            times.append(document["at"])
        require(times == sorted(times), "the sealing time goes back")
        return leaves

    @staticmethod
    def _said(
        statements: list[Any], openings: dict[str, bytes], batches: list[Any], legs: list[Any]
    ) -> dict[int, str]:
        facts: dict[int, str] = {}
        settled = set()
        for _, statement_id, digest, envelope, opening in statements:
            require(hashlib.sha256(envelope).hexdigest() == digest, "an envelope's name")
            predicate = json.loads(base64.b64decode(json.loads(envelope)["payload"]))["predicate"]
            number = int(predicate["object"].partition("_")[2])
            require(number not in facts, f"act {number} is stated twice")
            facts[number] = predicate["event"]
            if predicate["event"] == "TST.SETTLE":
                settled.add(statement_id)
            require(predicate.get("opening", {}).get("sha256") == opening, "a statement's commitment")
            if opening is not None:
                require(hashlib.sha256(openings[opening]).hexdigest() == opening, "an opening's digest")
        named = Counter(statement_id for _, statement_id in batches)
        require(named == Counter(settled), "each settlement has its postings, and each posting its statement")
        sums: Counter[str] = Counter()
        for batch_id, amount in legs:
            sums[batch_id] += amount
        require(set(sums) == {batch for batch, _ in batches} and not any(sums.values()), "legs sum to zero")
        require(len(legs) == 2 * len(batches), "two legs each")
        return facts

    # --- what is published

    def published(self) -> tuple[int, bytes]:
        """Size and root of the checkpoint that anybody may fetch now; where there is none, of no leaves."""
        path = self.folder / "checkpoint"
        if not path.exists():
            return 0, hashlib.sha256(b"").digest()
        head = open_checkpoint(path.read_bytes(), self._keys).checkpoint
        return head.size, head.root

    def remember(self, found: Found, dice: Random) -> None:
        """Nothing sealed was changed, nothing is published that is not sealed, and all of it can be read."""
        require(found.leaves[: len(self._before)] == self._before, "what was sealed is another, or gone")
        self._before = found.leaves
        size, root = self.published()
        require(size <= len(found.leaves), "published ahead of what is sealed")
        require(size >= self.answered, f"published {size}, though {self.answered} was answered")
        require(root == tree_root(found.leaves[:size]), "published another tree")
        self._files(found, size)
        if size and (size, root) not in self.seen:
            self.seen.append((size, root))
        for _ in range(min(3, len(self.seen))):
            self._consistent(*sorted(dice.choices(self.seen, k=2)), size)

    def _files(self, found: Found, size: int) -> None:
        """Every tile of the checkpoint is there, or the full tile that its partial one became."""
        wanted = {
            Tile(level, number, len(part)): b"".join(part)
            for level, number, part in hash_tiles(found.leaves[:size])
        }
        for first in range(0, size, 256):
            part = found.entries[first : min(first + 256, size)]
            packed = b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)
            wanted[Tile(-1, first // 256, len(part))] = packed
        for tile, data in wanted.items():
            require(self._file(tile)[: len(data)] == data, f"{tile.path} is another")

    def _file(self, tile: Tile) -> bytes:
        for path in (tile.path, Tile(tile.level, tile.index).path):
            if (self.folder / path).exists():
                return (self.folder / path).read_bytes()
        raise Wrong(f"{tile.path} is not there")

    def _consistent(self, small: tuple[int, bytes], large: tuple[int, bytes], size: int) -> None:
        """A proof made from the published files leads from one checkpoint that was seen to another."""
        if large[0] > size:
            return  # seen by a name that a power cut took back: its tiles come again

        def read(tile: Tile) -> bytes:
            return self._file(tile)[: tile.width * 32]

        proof = consistency_proof(small[0], large[0], TileNodes(read, large[0]))
        verify_consistency(small[0], large[0], small[1], large[1], proof)

    def kept_as_published(self) -> None:
        """The newest checkpoint that the database keeps, for receipts, is the one that is published."""
        with closing(sqlite3.connect(self.store)) as base:
            (newest,) = base.execute("SELECT max(size) FROM ledger_checkpoints").fetchone()
        size, _ = self.published()
        require((newest or 0) == size, f"the newest checkpoint kept is {newest}, published is {size}")

    def at_rest(self, witnessed: bytes | None) -> None:
        """All is sealed, published, kept and cosigned, and all pairs of checkpoints are consistent."""
        found = self.read()
        size, _ = self.published()
        require(size == len(found.leaves) == len(found.facts), "all is sealed and published")
        for small, large in [(a, b) for a in self.seen for b in self.seen if a[0] <= b[0]]:
            self._consistent(small, large, size)
        require([a for a, b in pairwise(sorted(self.seen)) if a[0] == b[0]] == [], "two roots of one size")
        if not size:
            return
        self.kept_as_published()
        file = open_checkpoint((self.folder / "checkpoint").read_bytes(), self._keys)
        require(len(file.cosigned) == 1, "the file bears the witness's cosignature")
        theirs = open_checkpoint(witnessed or b"", self._keys)
        require(theirs.checkpoint == file.checkpoint and theirs.cosigned, "the witness keeps the same")


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def hash_tiles(leaves: list[bytes]) -> list[tuple[int, int, list[bytes]]]:
    """Level, number and hashes of each tile of the tree."""
    found, level, row = [], 0, leaves
    while row:
        found += [(level, at // 256, row[at : at + 256]) for at in range(0, len(row), 256)]
        full = [row[at : at + 256] for at in range(0, len(row) // 256 * 256, 256)]
        level, row = level + 1, [tree_root(part) for part in full]
    return found
