"""What rests encrypted under the house's master key, each secret bound to its purpose."""

import secrets
from dataclasses import dataclass, field
from typing import Final

from base.errors import Malformed
from base.ids import Seed
from base.signing import MASTER_BYTES, SigningKey, unwrap, wrap
from identity.natural import mark_of

_LENGTHS: Final = frozenset({MASTER_BYTES, 2 * MASTER_BYTES})


@dataclass(frozen=True, slots=True)
class Safe:
    """Seals and opens custodial keys, seeds of prepared acts, and documents.

    The master key is 32 bytes; 64 once it was turned over (`base.signing.turned`).
    """

    master: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.master) not in _LENGTHS:
            raise Malformed("a master key has 32 bytes, or 64", length=len(self.master))

    @classmethod
    def generate(cls) -> "Safe":
        """A safe with a new master key."""
        return cls(secrets.token_bytes(MASTER_BYTES))

    def mark(self, id_number: str) -> str:
        """What is kept of an identity number (`identity.natural`). Raises IdNumberInvalid."""
        return mark_of(id_number, master=self.master)

    def seal_key(self, private: SigningKey) -> bytes:
        """A custodial private key at rest, bound to its keyid."""
        return wrap(self.master, private.to_bytes(), key_purpose(private.keyid))

    def open_key(self, *, keyid: str, sealed: bytes) -> SigningKey:
        """The reverse of `seal_key`. Raises Malformed when the master key or the keyid is another."""
        return SigningKey.from_bytes(unwrap(self.master, sealed, key_purpose(keyid)))

    def seal_seed(self, *, prepared_id: str, seed: Seed) -> bytes:
        """The seed of a prepared act, bound to the act."""
        return wrap(self.master, seed.secret, seed_purpose(prepared_id))

    def open_seed(self, *, prepared_id: str, sealed: bytes) -> Seed:
        """The seed from its beginning, so that the act can be played again."""
        return Seed(unwrap(self.master, sealed, seed_purpose(prepared_id)))

    def seal_document(self, *, name: str, document: bytes) -> bytes:
        """A document at rest, bound to its name."""
        return wrap(self.master, document, document_purpose(name))

    def open_document(self, *, name: str, sealed: bytes) -> bytes:
        """The reverse of `seal_document`. Raises Malformed when the master key or the name is another."""
        return unwrap(self.master, sealed, document_purpose(name))


def key_purpose(keyid: str) -> bytes:
    """What a private key is bound to."""
    return b"databourse/custodial-key/" + keyid.encode()


def seed_purpose(prepared_id: str) -> bytes:
    """What the seed of a prepared act is bound to."""
    return b"databourse/prepared-seed/" + prepared_id.encode()


def document_purpose(name: str) -> bytes:
    """What a document is bound to."""
    return b"databourse/document/" + name.encode()
