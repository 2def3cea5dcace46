"""The checkpoint that a reader saw last, kept in the reader's own browser: the log must still begin with it.

A cookie serves readers without a script; `static/verify.js` keeps one of its own, which no answer of ours
can overwrite.
"""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from ledger.checkpoint import MAX_SIZE, VerifierKey
from ledger.tree import HASH_BYTES
from web.pages.session import is_secure
from web.pages.visiting import Visitor

COOKIE: Final = "databourse_seen"
_YEAR_S: Final = 365 * 24 * 3600
_PARTS: Final = 3
_KEY_ID_BYTES: Final = 4
_DIGITS: Final = 19


@dataclass(frozen=True, slots=True)
class Seen:
    """Size and root of a checkpoint, and the id of the key that signed it."""

    key_id: bytes
    size: int
    root: bytes

    def text(self) -> str:
        """As the cookie has it: `<key id in hex>.<size>.<root in hex>`."""
        return f"{self.key_id.hex()}.{self.size}.{self.root.hex()}"

    @classmethod
    def read(cls, text: str) -> "Seen | None":
        """What a cookie says; None for what says nothing."""
        parts = text.split(".")
        if (
            len(parts) != _PARTS
            or not parts[1].isascii()
            or not parts[1].isdecimal()
            or len(parts[1]) > _DIGITS
        ):
            return None
        try:
            key_id, root = bytes.fromhex(parts[0]), bytes.fromhex(parts[2])
        except ValueError:
            return None
        size = int(parts[1])
        if len(key_id) != _KEY_ID_BYTES or len(root) != HASH_BYTES or not 0 < size <= MAX_SIZE:
            return None
        return cls(key_id, size, root)


def seen_by(visitor: Visitor) -> Seen | None:
    """What this browser remembers."""
    return Seen.read(visitor.request.cookies.get(COOKIE, ""))


def remember(visitor: Visitor, response: Response, vkey: VerifierKey, size: int, root: bytes) -> None:
    """Leave what was shown and held with the reader, unless a larger tree under the same key is there."""
    known, now = seen_by(visitor), Seen(vkey.key_id, size, root)
    if known is not None and known.key_id == now.key_id and known.size >= size:
        return
    response.set_cookie(
        COOKIE,
        now.text(),
        max_age=_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=is_secure(visitor.node),
    )


def forget(response: Response) -> None:
    """The reader starts anew."""
    response.delete_cookie(COOKIE)
