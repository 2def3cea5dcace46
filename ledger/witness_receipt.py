"""A city's receipt that leads on to the province: two proofs, one behind the other, verified offline.

    the entry → the city's checkpoint → the province's entry that states it → the province's checkpoint

Whoever would rewrite the city's log would have to rewrite the province's too, and every witness of both.
"""

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.errors import Malformed
from base.signing import envelope_signed_by, parse_envelope
from ledger.checkpoint import MAX_NOTE_BYTES, OpenedCheckpoint, Receipt, VerifierKey, b64, verify_receipt
from ledger.errors import NoteInvalid, ProofInvalid
from ledger.statement import MAX_ENTRY_BYTES, PREDICATE_PREFIX

EVENT: Final = "FED.CHECKPOINT"
_MEMBERS: Final = ("entry", "receipt", "province_entry", "province_receipt")
_MAX_BYTES: Final = 2 * (MAX_NOTE_BYTES + 2 * MAX_ENTRY_BYTES) * 2


@dataclass(frozen=True, slots=True)
class FederatedReceipt:
    """The exact bytes of both entries, and the `.tlog-proof` of each."""

    entry: bytes
    receipt: bytes
    province_entry: bytes
    province_receipt: bytes

    def text(self) -> bytes:
        """Canonical JSON; all four members are base64."""
        return canonical({"v": 1, **{name: b64(getattr(self, name)) for name in _MEMBERS}})

    @classmethod
    def parse(cls, data: bytes) -> "FederatedReceipt":
        """Read what `text` writes. Raises NoteInvalid on any deviation."""
        try:
            if len(data) > _MAX_BYTES:
                raise ValueError("length")
            document = orjson.loads(data)
            parsed = cls(*(b64decode(document[name], validate=True) for name in _MEMBERS))
            same = parsed.text() == data
        except (ValueError, TypeError, KeyError):
            same = False
        if not same:
            raise NoteInvalid("not a receipt that leads to a province")
        return parsed


@dataclass(frozen=True, slots=True)
class Federated:
    """What was shown: the city's tree head and the province's, each signed and with its cosignatures."""

    index: int
    city: OpenedCheckpoint
    province_index: int
    province: OpenedCheckpoint


def verify_federated(
    data: bytes,
    city: Iterable[VerifierKey],
    province: Iterable[VerifierKey],
    *,
    province_exchange: bytes | None = None,
) -> Federated:
    """Verify offline that a city's entry stands under the province's root.

    `city` and `province` are verifier keys of both logs and, optionally, of their witnesses;
    `province_exchange` is the raw key of the province's exchange, which signs what it states.

    1. the city's entry stands in the tree of the city's checkpoint, which a known key signs;
    2. the province's entry stands in the tree of the province's checkpoint, likewise;
    3. that entry states exactly the city's checkpoint: origin, size, root, and the note's digest;
    4. where the key is given, the province's exchange signed that statement.

    Raises NoteInvalid for the form and the signatures, ProofInvalid for what does not fit together.
    """
    document = FederatedReceipt.parse(data)
    lower = verify_receipt(document.receipt, document.entry, city)
    upper = verify_receipt(document.province_receipt, document.province_entry, province)
    receipt = Receipt.parse(document.receipt)
    index = Receipt.parse(document.province_receipt).index
    sealed, predicate = _stated(document.province_entry)
    if sealed.get("node") != upper.checkpoint.origin or sealed.get("seq") != index:
        raise ProofInvalid("the province's entry stands at another place", index=index)
    head = lower.checkpoint
    told = {name: predicate.get(name) for name in ("origin", "size", "root", "note_sha256")}
    if told != {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "note_sha256": sha256(receipt.checkpoint).hexdigest(),
    }:
        raise ProofInvalid("the province states another checkpoint", origin=head.origin, size=head.size)
    if province_exchange is not None:
        envelope = parse_envelope(sealed["envelope"])
        if not envelope_signed_by(envelope, province_exchange):
            raise NoteInvalid("the province's exchange did not sign this statement")
    return Federated(receipt.index, lower, index, upper)


def _stated(entry: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sealed entry and the predicate of its statement. Raises ProofInvalid for another event."""
    try:
        sealed = orjson.loads(entry)
        payload = orjson.loads(b64decode(sealed["envelope"]["payload"], validate=True))
        event, predicate = payload["predicateType"], payload["predicate"]
        if event != f"{PREDICATE_PREFIX}{EVENT}:v1" or not isinstance(predicate, dict):
            raise ProofInvalid("the province's entry states no checkpoint")
    except Malformed:
        raise
    except (ValueError, TypeError, KeyError):
        raise ProofInvalid("the province's entry is not of the published form") from None
    return sealed, predicate
