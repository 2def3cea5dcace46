"""The desk at which certificates are written: the safe that seals keys and words, and our public address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.credential.bitstring import ENTRIES
from base.ids import Seed
from base.signing import SigningKey
from identity.safe import Safe
from registry.vouchers.errors import VoucherListFull, VoucherWrongState
from registry.vouchers.tables import VoucherIssuerRow, VoucherRow

_MOST_TAKEN: Final = ENTRIES // 4
_PLACE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class VoucherDesk:
    """Seals, opens and addresses what belongs to certificates on this node."""

    safe: Safe
    public_url: str

    def url(self, voucher_id: str) -> str:
        """A certificate's own address: where anybody asks whether it stands."""
        return f"{self.public_url}/verify/{voucher_id}"

    def list_url(self, number: int) -> str:
        """The status list of an issuing key."""
        return f"{self.public_url}/vouchers/status/{number}"

    def key_of(self, issuer: VoucherIssuerRow) -> SigningKey:
        return self.safe.open_key(keyid=issuer.keyid, sealed=issuer.sealed_private)

    def holder_key(self, row: VoucherRow) -> SigningKey:
        """The key of a wallet that is kept here. Raises VoucherWrongState where the subject keeps its own."""
        if row.sealed_holder is None or row.holder_keyid is None:
            raise VoucherWrongState("the holder's key is not kept here", voucher_id=row.voucher_id)
        return self.safe.open_key(keyid=row.holder_keyid, sealed=row.sealed_holder)

    def seal(self, voucher_id: str, credential: dict[str, Any], disclosures: Sequence[Any]) -> bytes:
        """The whole document of a wallet, sealed."""
        whole = canonical({"credential": credential, "disclosures": list(disclosures)})
        return self.safe.seal_document(name=voucher_name(voucher_id), document=whole)

    def open(self, row: VoucherRow) -> dict[str, Any]:
        """The whole document: {credential, disclosures}. Raises VoucherWrongState before there is one."""
        if row.sealed is None:
            raise VoucherWrongState("there is no document", voucher_id=row.voucher_id)
        raw = self.safe.open_document(name=voucher_name(row.voucher_id), sealed=row.sealed)
        document: dict[str, Any] = orjson.loads(raw)
        return document

    def seal_presentation(self, voucher_id: str, raw: bytes) -> bytes:
        return self.safe.seal_document(name=presentation_name(voucher_id), document=raw)

    def open_presentation(self, row: VoucherRow) -> bytes:
        """What the user is given. Raises VoucherWrongState where there is nothing, or nothing any more."""
        if row.sealed_presentation is None:
            raise VoucherWrongState("nothing is presented", voucher_id=row.voucher_id)
        return self.safe.open_document(name=presentation_name(row.voucher_id), sealed=row.sealed_presentation)


def voucher_name(voucher_id: str) -> str:
    """What a whole document at rest is bound to."""
    return f"voucher/{voucher_id}"


def presentation_name(voucher_id: str) -> str:
    """What a presentation at rest is bound to."""
    return f"presentation/{voucher_id}"


def draw_place(seed: Seed, taken: set[int]) -> int:
    """A place of a list that nobody has had, at random: it tells neither when it was given nor to whom.

    Raises VoucherListFull.
    """
    if len(taken) >= _MOST_TAKEN:
        raise VoucherListFull("a quarter of the list is taken", places=len(taken), limit=_MOST_TAKEN)
    while True:
        place = int.from_bytes(bytes.fromhex(seed.nonce())[:_PLACE_BYTES]) % ENTRIES
        if place not in taken:
            return place
