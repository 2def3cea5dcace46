"""What may sign a statement: the suites, and the one place where a signature is verified by its key.

A public key's raw form tells its suite (32 bytes: `ed25519-sha256`; 65 bytes that begin with 04:
`sm2-sm3`), and a keyid is the hash of that form: nobody can claim another suite for a key. Both
suites' signatures have 64 bytes. The tree is hashed with SHA-256 whatever signs.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from base import signing
from base.errors import Malformed
from base.signing import SigningKey
from ledger import sm2


class PrivateKey(Protocol):
    """A key that signs, of whatever suite."""

    @property
    def suite(self) -> str: ...

    @property
    def public(self) -> bytes: ...

    @property
    def keyid(self) -> str: ...

    def sign(self, message: bytes) -> bytes: ...

    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Suite:
    """One way to sign. `check` raises Malformed for what is no safe public key of this suite."""

    name: str
    public_bytes: int
    check: Callable[[bytes], None]
    holds: Callable[[bytes, bytes, bytes], bool]
    generate: Callable[[], PrivateKey]
    restore: Callable[[bytes, bytes], PrivateKey]
    """From the private key's 32 bytes and its public key. Raises Malformed, SuiteUnavailable."""


def _check_ed25519(public: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise Malformed("not an Ed25519 public key") from None
    signing.check_key_strength(public)


def _restore_ed25519(private: bytes, public: bytes) -> SigningKey:
    try:
        key = SigningKey.from_bytes(private)
    except ValueError:
        raise Malformed("not an Ed25519 private key") from None
    if key.public != public:
        raise Malformed("the private key is not that of the public key")
    return key


ED25519_SHA256: Final = Suite(
    "ed25519-sha256", 32, _check_ed25519, signing.signature_holds, SigningKey.generate, _restore_ed25519
)
SM2_SM3: Final = Suite(
    "sm2-sm3", sm2.PUBLIC_BYTES, sm2.check_public, sm2.holds, sm2.Sm2Key.generate, sm2.Sm2Key
)
SUITES: Final = {suite.name: suite for suite in (ED25519_SHA256, SM2_SM3)}
_BY_LENGTH: Final = {suite.public_bytes: suite for suite in SUITES.values()}


def suite_named(name: str) -> Suite:
    """Raises Malformed for a suite that is none of ours."""
    if name not in SUITES:
        raise Malformed("unknown suite", known=sorted(SUITES))
    return SUITES[name]


def suite_of(public: bytes) -> Suite:
    """The suite of a raw public key, by its form. Raises Malformed."""
    suite = _BY_LENGTH.get(len(public))
    if suite is None:
        raise Malformed("not a public key of a known suite", length=len(public))
    return suite


def can_verify(public: bytes) -> bool:
    """Whether signatures of this key can be checked on this machine."""
    return len(public) != sm2.PUBLIC_BYTES or sm2.available()


def signature_holds(public: bytes, message: bytes, sig: bytes) -> bool:
    """Whether `sig` is this key's signature of the message, in the suite of the key.

    Raises SuiteUnavailable for an SM2 signature where it cannot be checked: no verdict is not a good one.
    """
    suite = _BY_LENGTH.get(len(public))
    return suite is not None and suite.holds(public, message, sig)


def parse_party_key(text: str) -> bytes:
    """Base64 of a raw public key of either suite, spelt as it would be written. Raises KeyWeak, Malformed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if not raw or base64.b64encode(raw).decode() != text:
        raise Malformed("a public key is base64 of its raw bytes")
    suite_of(raw).check(raw)
    return raw
