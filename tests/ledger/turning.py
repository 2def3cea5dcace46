"""Small logs whose checkpoint key turns over, honest and not: `make_bundle` with windows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.bundle import Edition, Keys, KeyWindow, write_bundle
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey, sign_checkpoint
from ledger.rotation import keys_at, sign_rotation
from ledger.tree import leaf_hash, root_of
from tests.ledger.make_bundle import LOG_KEY, ORIGIN, Log, key

OLD = LOG_KEY
NEW = NoteSigner(ORIGIN, key("log 2"))
THIRD = NoteSigner(ORIGIN, key("log 3"))


@dataclass
class Turning(Log):
    """A log whose checkpoints are signed by every key whose window holds their size."""

    windows: list[KeyWindow] = field(default_factory=lambda: [KeyWindow(OLD.vkey)])
    owners: list[NoteSigner] = field(default_factory=lambda: [OLD, NEW, THIRD])

    def rotate(self, old: NoteSigner = OLD, new: NoteSigner = NEW, **other: Any) -> int:
        said = {"old_vkey": str(old.vkey), "vkey": str(new.vkey), "note": sign_rotation(old, new)} | other
        seq = self.exchange("LOG.ROTATE", self.origin, **said)
        self.windows.append(KeyWindow(new.vkey, seq + 1))
        return seq

    def retire(self, old: NoteSigner = OLD) -> int:
        seq = self.exchange("LOG.RETIRE", self.origin, vkey=str(old.vkey))
        self.windows = [
            KeyWindow(w.vkey, w.from_size, seq) if w.vkey == old.vkey else w for w in self.windows
        ]
        return seq

    def close(self, reason: str = "shard", old: NoteSigner = OLD, successor: NoteSigner | None = None) -> int:
        said: dict[str, Any] = {"reason": reason}
        if successor is not None:
            note = sign_rotation(old, successor)
            said |= {"vkey": str(old.vkey), "successor": str(successor.vkey), "note": note}
        return self.exchange("LOG.CLOSE", self.origin, **said)

    def signers(self, size: int) -> list[NoteSigner]:
        own = {one.vkey: one for one in self.owners}
        return [own[vkey] for vkey in keys_at(self.windows, size)]

    def checkpoint(self, entries: list[bytes], size: int | None = None) -> bytes:
        leaves = [leaf_hash(entry) for entry in entries[:size]]
        head = Checkpoint(self.origin, len(leaves), root_of(leaves))
        return sign_checkpoint(head, *self.signers(len(leaves)))

    def keys(self) -> Keys:
        return Keys(self.origin, tuple(self.windows))

    def bundle(
        self, out: Path, *, kept: dict[int, bytes] | None = None, checkpoint: bytes | None = None
    ) -> Path:
        """The bundle of the whole log, with the kept checkpoints given or those of every size."""
        entries = self.entries()
        every = {size: self.checkpoint(entries, size) for size in range(1, len(entries))}
        write_bundle(
            out,
            ((seq, entry, self.openings.get(seq)) for seq, entry in enumerate(entries)),
            checkpoint=checkpoint or self.checkpoint(entries),
            keys=self.keys(),
            signer=self.signers(len(entries))[0],
            edition=Edition.REGULATOR,
            kept=every if kept is None else kept,
        )
        return out


def vkeys(*signers: NoteSigner) -> list[VerifierKey]:
    return [signer.vkey for signer in signers]
