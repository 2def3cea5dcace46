"""Ed25519 public keys as foreign verifiers write them: Multikey and `did:key`.

A Multikey (W3C Controlled Identifiers v1.0, §2.2.2) is multibase base58-btc over the bytes ed 01 and the
raw key; `did:key` puts it behind a prefix, and its one verification method repeats it as the fragment.
Each thing has one spelling here: what would be written otherwise is refused. Pure.
"""

from typing import Final

from base.errors import Malformed
from base.signing import check_key_strength

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE: Final = {letter: number for number, letter in enumerate(_ALPHABET)}
_BASE58: Final = "z"
_ED25519: Final = b"\xed\x01"
_RAW_KEY: Final = 32
_DID: Final = "did:key:"
_MOST_CHARS: Final = 128  # a signature has 88; decoding costs the square of the length


def multibase(raw: bytes) -> str:
    """Bytes as multibase base58-btc."""
    number, digits = int.from_bytes(raw), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    return _BASE58 + _ALPHABET[0] * zeros + digits


def from_multibase(text: str) -> bytes:
    """The reverse of `multibase`. Raises Malformed."""
    digits = text[1:]
    if not text.startswith(_BASE58) or len(digits) > _MOST_CHARS or not set(digits) <= _VALUE.keys():
        raise Malformed("not multibase base58-btc", text=text[:_MOST_CHARS])
    number = 0
    for digit in digits:
        number = number * 58 + _VALUE[digit]
    zeros = len(digits) - len(digits.lstrip(_ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def multikey(public: bytes) -> str:
    """A raw Ed25519 public key (32 bytes) as a Multikey."""
    return multibase(_ED25519 + public)


def parse_multikey(text: str) -> bytes:
    """The raw key of a Multikey. Raises Malformed for another kind of key, KeyWeak for a small point."""
    raw = from_multibase(text)
    if len(raw) != len(_ED25519) + _RAW_KEY or not raw.startswith(_ED25519):
        raise Malformed("not an Ed25519 Multikey")
    public = raw.removeprefix(_ED25519)
    check_key_strength(public)
    return public


def did_key(public: bytes) -> str:
    """The `did:key` of a raw Ed25519 public key."""
    return _DID + multikey(public)


def public_of(did: str) -> bytes:
    """The raw key that a `did:key` is. Raises Malformed, KeyWeak."""
    if not did.startswith(_DID):
        raise Malformed("not a did:key", did=did[:_MOST_CHARS])
    return parse_multikey(did.removeprefix(_DID))


def method_of(did: str) -> str:
    """The one verification method of a `did:key`: itself, and its key as the fragment."""
    return f"{did}#{did.removeprefix(_DID)}"


def did_of_method(method: str) -> str:
    """The `did:key` of a verification method. Raises Malformed, KeyWeak."""
    did = method.partition("#")[0]
    public_of(did)
    if method != method_of(did):
        raise Malformed("a did:key has one verification method", method=method[: 2 * _MOST_CHARS])
    return did
