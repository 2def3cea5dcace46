"""What a regulator signs when a log cannot go on: its newest entries are published, their database lost.

The log ends where the database stands (`size`), is never written again, and the next one goes on from there.
The entries published behind it are named, not denied: their receipts stay evidence. Pure.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.errors import Malformed
from base.signing import Envelope, envelope_signed_by, parse_envelope

PAYLOAD: Final = "application/vnd.databourse.recovery+json"
MEMBER: Final = "recovery"
SIGNER_ROLE: Final = "DATA_AUTHORITY"
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Order:
    """The log by its origin, where it is to end, and what was published beyond. Roots are hex."""

    origin: str
    size: int
    root: str
    published_size: int
    published_root: str
    reason: str

    def payload(self) -> bytes:
        """The bytes that are signed."""
        return canonical({"v": 1, **asdict(self)})

    @classmethod
    def read(cls, payload: bytes) -> "Order":
        """Raises Malformed for anything but the canonical bytes of an order."""
        try:
            said: dict[str, Any] = orjson.loads(payload)
            found = cls(**{name: value for name, value in said.items() if name != "v"})
            fits = (
                type(found.size) is int
                and type(found.published_size) is int
                and 0 < found.size < found.published_size
                and 0 < len(found.reason) <= MAX_REASON
                and found.payload() == payload
            )
        except (ValueError, TypeError, AttributeError):
            raise Malformed("not an order of recovery") from None
        if not fits:
            raise Malformed("not an order of recovery")
        return found


def read_signed(document: Any) -> tuple[Order, Envelope]:
    """An order in its envelope, whose signatures are not verified yet. Raises Malformed."""
    envelope = parse_envelope(document)
    if envelope.payload_type != PAYLOAD or not envelope.signatures:
        raise Malformed("not an order of recovery")
    return Order.read(envelope.payload), envelope


def signed_by(envelope: Envelope, publics: Iterable[bytes]) -> bool:
    """Whether one of these raw public keys signed it."""
    return any(envelope_signed_by(envelope, public) for public in publics)
