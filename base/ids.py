"""Typed ids: a prefix that says what it is, a time, and entropy. They sort by time."""

import hmac
import re
import secrets
from datetime import datetime
from functools import lru_cache
from typing import Final

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_OF_TIME: Final = range(40, -1, -10)  # ten digits, two by two, are 50 bits, of which a time has 48 at the end
_OF_CHANCE: Final = range(70, -1, -10)  # sixteen digits, 80 bits
_FORM: Final = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}")


class Seed:
    """Where an act's ids and nonces come from.

    The same secret seed gives the same ids and nonces again, so an act that was prepared for a
    self-held signature can be replayed byte for byte when the signature comes back.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self.secret = secret if secret is not None else secrets.token_bytes(32)
        self._count = 0

    @property
    def place(self) -> int:
        """How much has been drawn from it."""
        return self._count

    def go_back(self, place: int) -> None:
        """Draw the same again from a place on: for an act that is tried again as a whole."""
        self._count = place

    def nonce(self) -> str:
        """256 bits as hex."""
        return self._next().hex()

    def new_id(self, prefix: str, at: datetime) -> str:
        """`prefix` of three letters, 48 bits of milliseconds, 80 bits of entropy."""
        chance = int.from_bytes(self._next()[:10])
        digits = [_PAIRS[chance >> shift & 1023] for shift in _OF_CHANCE]
        return f"{prefix}_{_digits_of(int(at.timestamp() * 1000))}{''.join(digits)}"

    def _next(self) -> bytes:
        self._count += 1
        return hmac.digest(self.secret, self._count.to_bytes(8), "sha256")


@lru_cache(64)
def _digits_of(milliseconds: int) -> str:
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in _OF_TIME])


def is_id(text: str, prefix: str) -> bool:
    """Whether the text has the form of an id with this prefix."""
    return text.startswith(f"{prefix}_") and _FORM.fullmatch(text) is not None
