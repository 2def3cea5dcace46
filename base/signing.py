"""Ed25519 keys and DSSE envelopes (secure-systems-lab/dsse v1), and how a custodial key rests.

Whether a signature holds is what `cryptography` says. libsodium is asked first, because it needs half the
time: what it takes `cryptography` takes too, and what it refuses is asked again (`docs/decisions/0010`).
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_sign, crypto_sign_open
from nacl.exceptions import CryptoError

from base.canonical import canonical, sha256_hex
from base.errors import Malformed

_RAW_KEY: Final = 32
_SIGNATURE: Final = 64
_NONCE: Final = 12
MASTER_BYTES: Final = 32  # of each part of a master key
_FIELD: Final = 2**255 - 19
# y-coordinates of edwards25519's points whose order divides 8; a test computes them again.
_ORDER_8: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
_MUST_REFUSE: Final = (  # public key, message, R and S: vectors 4 and 6 of ed25519-speccheck
    (  # good only when the equation is multiplied by eight
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (  # S is not reduced
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
)


class KeyWeak(Malformed):
    """A point of small order: anybody could sign for it."""

    code = "key-weak"
    title = "This public key is not safe to use"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope: whose key (hex SHA-256 of the raw public key) and 64 raw bytes."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope over stored payload bytes; never re-serialise the payload."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form of the DSSE specification (base64 with padding)."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": s.keyid, "sig": base64.b64encode(s.sig).decode()} for s in self.signatures
            ],
        }

    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON form: the envelope's name in the ledger."""
        return sha256_hex(canonical(self.document()))


class Signs(Protocol):
    """What signs an envelope: an Ed25519 key, or a key of another suite (`ledger.suites`)."""

    @property
    def keyid(self) -> str: ...

    def sign(self, message: bytes) -> bytes: ...


class SigningKey:
    """An Ed25519 private key with its keyid."""

    suite: Final = "ed25519-sha256"

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.keyid = keyid_of(self.public)
        self._pair = private.private_bytes_raw() + self.public  # as libsodium takes a private key

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "SigningKey":
        """From the 32-byte seed of RFC 8032."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        return self._private.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same from every library (RFC 8032 leaves no choice); libsodium is the quickest."""
        return crypto_sign(message, self._pair)[:_SIGNATURE]


def keyid_of(public: bytes) -> str:
    """Hex SHA-256 of the raw public key (32 bytes for Ed25519)."""
    return sha256_hex(public)


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """DSSE's PAE: what is really signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(payload_type: str, payload: bytes, *keys: Signs) -> Envelope:
    """Sign the payload with every key, in the order given."""
    message = pre_authentication(payload_type, payload)
    return Envelope(payload_type, payload, tuple(Signature(k.keyid, k.sign(message)) for k in keys))


def _sodium_takes(public: bytes, message: bytes, sig: bytes) -> bool:
    try:
        crypto_sign_open(sig + message, public)
    except CryptoError:
        return False
    return True


def _sodium_is_strict() -> bool:
    """Whether this libsodium refuses what it must. Later ones than 1.0.20 do not: nobody asks those."""
    vectors = [tuple(map(bytes.fromhex, vector)) for vector in _MUST_REFUSE]
    return not any(_sodium_takes(public, message, r + s) for public, message, r, s in vectors)


_ASK_SODIUM: Final = _sodium_is_strict()


def signature_holds(public: bytes, message: bytes, sig: bytes) -> bool:
    """Whether `sig` is this key's Ed25519 signature of the message."""
    of_size = len(public) == _RAW_KEY and len(sig) == _SIGNATURE
    if _ASK_SODIUM and of_size and _sodium_takes(public, message, sig):
        return True
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(sig, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def envelope_signed_by(envelope: Envelope, public: bytes) -> bool:
    """Whether the envelope carries a valid signature of this public key under its keyid."""
    keyid = keyid_of(public)
    message = pre_authentication(envelope.payload_type, envelope.payload)
    return any(s.keyid == keyid and signature_holds(public, message, s.sig) for s in envelope.signatures)


def parse_envelope(document: Any) -> Envelope:
    """Read the JSON form of an envelope. Raises Malformed on any deviation."""
    try:
        if set(document) != {"payload", "payloadType", "signatures"}:
            raise ValueError("members")
        signatures = []
        for item in document["signatures"]:
            if set(item) != {"keyid", "sig"} or not isinstance(item["keyid"], str):
                raise ValueError("signature members")
            raw = base64.b64decode(item["sig"], validate=True)
            if len(raw) != _SIGNATURE:
                raise ValueError("signature length")
            signatures.append(Signature(item["keyid"], raw))
        if not signatures or not isinstance(document["payloadType"], str):
            raise ValueError("no signature")
        payload = base64.b64decode(document["payload"], validate=True)
        envelope = Envelope(document["payloadType"], payload, tuple(signatures))
        if envelope.document() != document:
            raise ValueError("base64 in another spelling than the standard one")
    except (TypeError, KeyError, ValueError, binascii.Error) as error:
        raise Malformed("not a DSSE envelope", reason=str(error)) from None
    return envelope


def parse_public_key(text: str) -> bytes:
    """Base64 of a raw 32-byte Ed25519 public key. Raises KeyWeak, and Malformed on anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Malformed("a public key is base64 of 32 raw bytes") from None
    if len(raw) != _RAW_KEY or base64.b64encode(raw).decode() != text:
        raise Malformed("a public key is base64 of 32 raw bytes", length=len(raw))
    try:
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise Malformed("not an Ed25519 public key") from None
    check_key_strength(raw)
    return raw


def check_key_strength(public: bytes) -> None:
    """Refuse Ed25519 points of small order: for them a signature can be made without a secret."""
    y = int.from_bytes(public, "little") & (2**255 - 1)
    if y % _FIELD in _SMALL_ORDER:
        raise KeyWeak("the public key is a point of small order")


def sealing_part(master: bytes) -> bytes:
    """What a master key seals with, and makes short-lived proofs with: its first 32 bytes."""
    return master[:MASTER_BYTES]


def marking_part(master: bytes) -> bytes:
    """What a master key makes marks with that nobody can make anew (`turned`): its last 32 bytes."""
    return master[-MASTER_BYTES:]


def turned(master: bytes) -> bytes:
    """The next master key, 64 bytes: it seals anew, and knows again whom the present one has marked.

    Of an identity number, a code or a hash of a person a digest alone is kept: under another key none of
    them would be found again.
    """
    return secrets.token_bytes(MASTER_BYTES) + marking_part(master)


def wrap(master: bytes, secret: bytes, purpose: bytes) -> bytes:
    """Encrypt a secret at rest: 12-byte nonce, then AES-256-GCM bound to its purpose."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(sealing_part(master)).encrypt(nonce, secret, purpose)


def unwrap(master: bytes, sealed: bytes, purpose: bytes) -> bytes:
    """The reverse of `wrap`. Raises Malformed when key, purpose or bytes are not the ones sealed."""
    try:
        return AESGCM(sealing_part(master)).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose)
    except (InvalidTag, ValueError):
        raise Malformed("a sealed secret does not open") from None
