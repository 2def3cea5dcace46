"""SM2 signatures with SM3 (GB/T 32918.2, .5; GB/T 32905), in the one form that the ledger takes.

A public key is 65 bytes, `04 ‖ X ‖ Y`, an uncompressed point (GM/T 0009). A signature is 64 bytes,
`r ‖ s`, both big-endian: one signature has one spelling, which DER does not promise. The signer's id is
GM/T 0009's default, so nobody can sign under another one. The arithmetic is GmSSL's, through
`gmssl_pyx`, which is there on Linux x86-64 and on Windows and is loaded when it is first needed.
"""

import importlib
from functools import cache
from typing import Any, Final

from base.errors import Malformed
from base.signing import keyid_of
from ledger.errors import SuiteUnavailable

PUBLIC_BYTES: Final = 65
PRIVATE_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SIGNER_ID: Final = b"1234567812345678"
# GB/T 32918.5 §2: the recommended curve y² = x³ + ax + b over the prime field, of prime order n (cofactor 1).
P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_UNCOMPRESSED: Final = 0x04
_HALF: Final = 32
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_SIGN_BIT: Final = 0x80
_TRIAL: Final = b"databourse/sm2/does this pair belong together?"


class Sm2Key:
    """An SM2 private key with its public key and keyid; signing draws a fresh random number each time."""

    suite: Final = "sm2-sm3"

    def __init__(self, private: bytes, public: bytes) -> None:
        """From 32 bytes `d` and the 65-byte public key. Raises Malformed when they do not belong together."""
        check_public(public)
        if len(private) != PRIVATE_BYTES or not 1 <= int.from_bytes(private) <= N - 2:
            raise Malformed("not an SM2 private key")
        self._private = private
        self.public = public
        self.keyid = keyid_of(public)
        if not holds(public, _TRIAL, self.sign(_TRIAL)):
            raise Malformed("the private key is not that of the public key")

    @classmethod
    def generate(cls) -> "Sm2Key":
        """A new random key. Raises SuiteUnavailable."""
        public, private = _library().sm2_key_generate()
        return cls(private, bytes([_UNCOMPRESSED]) + public)

    def to_bytes(self) -> bytes:
        return self._private

    def sign(self, message: bytes) -> bytes:
        der = _library().sm2_sign(self._private, self.public[1:], message, SIGNER_ID)
        return _from_der(der)


def check_public(public: bytes) -> None:
    """Raises Malformed unless the bytes are a point of the curve in its one form; needs no library."""
    x, y = int.from_bytes(public[1 : 1 + _HALF]), int.from_bytes(public[1 + _HALF :])
    if len(public) != PUBLIC_BYTES or public[0] != _UNCOMPRESSED or x >= P or y >= P:
        raise Malformed("an SM2 public key is 04 and two coordinates of 32 bytes", length=len(public))
    if (y * y - (x * x * x + A * x + B)) % P:
        raise Malformed("not a point of the SM2 curve")


def holds(public: bytes, message: bytes, sig: bytes) -> bool:
    """Whether `sig` is this key's signature of the message. Raises SuiteUnavailable without the library.

    Keys and signatures of another form are refused before the library sees them: a point off the curve,
    r or s of zero or beyond the order, r + s a multiple of it (GB/T 32918.2 §7.1, B1, B2, B5).
    """
    r, s = int.from_bytes(sig[:_HALF]), int.from_bytes(sig[_HALF:])
    if len(sig) != SIGNATURE_BYTES or not (1 <= r < N and 1 <= s < N) or (r + s) % N == 0:
        return False
    try:
        check_public(public)
    except Malformed:
        return False
    return bool(_library().sm2_verify(public[1:], message, _to_der(r, s), SIGNER_ID))


def available() -> bool:
    """Whether this machine can make and check SM2 signatures."""
    try:
        _library()
    except SuiteUnavailable:
        return False
    return True


@cache
def _library() -> Any:
    """The wrapper of GmSSL, loaded once. Raises SuiteUnavailable where it is not installed."""
    try:
        return importlib.import_module("gmssl_pyx")
    except ImportError:
        raise SuiteUnavailable("SM2 needs the package gmssl-pyx, which is not installed here") from None


def _to_der(r: int, s: int) -> bytes:
    """GM/T 0009's SM2Signature: a SEQUENCE of two INTEGERs, each as short as it can be."""
    body = b"".join(_der_integer(value) for value in (r, s))
    return bytes([_SEQUENCE, len(body)]) + body


def _der_integer(value: int) -> bytes:
    raw = value.to_bytes(_HALF).lstrip(b"\0")
    if raw[0] & _SIGN_BIT:
        raw = b"\0" + raw
    return bytes([_INTEGER, len(raw)]) + raw


def _from_der(der: bytes) -> bytes:
    """`r ‖ s` of a signature that the library has just made."""
    end = 4 + der[3]
    r, s = int.from_bytes(der[4:end]), int.from_bytes(der[end + 2 :])
    assert _to_der(r, s) == der
    return r.to_bytes(_HALF) + s.to_bytes(_HALF)
