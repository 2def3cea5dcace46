"""The age v1 file format (C2SP age): an open form for a file that only one key opens.

Of its recipients X25519 alone. A file is a header, which wraps the file's key for its recipients, and a
payload: 16 bytes of nonce and chunks of 64 KiB under ChaCha20-Poly1305. The two are made and read apart here,
so that a payload can be had by one who has no header yet; `cat HEADER PAYLOAD | age -d -i IDENTITY` opens it.
Pure: bytes in, bytes out.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from base.errors import Malformed

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 16
FILE_KEY_BYTES: Final = 16
SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES
MAX_HEADER_BYTES: Final = 16 * 1024
_VERSION: Final = b"age-encryption.org/v1\n"
_X25519: Final = b"age-encryption.org/v1/X25519"
_RECIPIENT: Final = "age"
_IDENTITY: Final = "age-secret-key-"
_KEY_BYTES: Final = 32
_NO_NONCE: Final = bytes(12)
_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


class KeyDoesNotOpen(Malformed):
    """A header, a payload and an identity that do not belong together, or were changed."""

    code = "package-does-not-open"
    title = "This package does not open with this key"


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """An X25519 private key; `str` is its own form (`AGE-SECRET-KEY-1…`)."""

    private: X25519PrivateKey

    @classmethod
    def generate(cls) -> "Identity":
        return cls(X25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> "Identity":
        """The first identity in a file of identities, as age-keygen writes it. Raises Malformed."""
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                return cls(X25519PrivateKey.from_private_bytes(_from_bech32(line.strip(), _IDENTITY)))
        raise Malformed("no age identity")

    def __str__(self) -> str:
        return _to_bech32(_IDENTITY, self.private.private_bytes_raw()).upper()

    @property
    def recipient(self) -> str:
        """The public half (`age1…`)."""
        return _to_bech32(_RECIPIENT, self.private.public_key().public_bytes_raw())


def header_for(file_key: bytes, recipient: str) -> bytes:
    """The header of a file for one recipient. Raises Malformed for what is no recipient."""
    public = _from_bech32(recipient, _RECIPIENT)
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    wrapped = ChaCha20Poly1305(_wrapping(ephemeral, public, share + public)).encrypt(
        _NO_NONCE, file_key, None
    )
    told = _VERSION + b"-> X25519 " + _text(share) + b"\n" + _text(wrapped) + b"\n---"
    return told + b" " + _text(_mac(file_key, told)) + b"\n"


def file_key_of(header: bytes, identity: Identity) -> bytes:
    """What a header wraps for an identity. Raises KeyDoesNotOpen."""
    told, mark, mac = header.rpartition(b"\n--- ")
    if not header.startswith(_VERSION) or not mark or not mac.endswith(b"\n"):
        raise KeyDoesNotOpen("not the header of an age file")
    public = identity.private.public_key().public_bytes_raw()
    for stanza in told[len(_VERSION) :].removeprefix(b"-> ").split(b"\n-> "):
        arguments, _, body = stanza.partition(b"\n")
        kind, _, share = arguments.partition(b" ")
        if kind != b"X25519":
            continue
        try:
            raw = _bytes(share, _KEY_BYTES)
            key = _wrapping(identity.private, raw, raw + public)
            file_key = ChaCha20Poly1305(key).decrypt(
                _NO_NONCE, _bytes(body, FILE_KEY_BYTES + TAG_BYTES), None
            )
        except (InvalidTag, Malformed):
            continue  # another recipient's
        if not hmac.compare_digest(_bytes(mac[:-1], _KEY_BYTES), _mac(file_key, told + b"\n---")):
            raise KeyDoesNotOpen("the header was changed")
        return file_key
    raise KeyDoesNotOpen("this package's key was released to another identity")


class Payload:
    """The chunks of one payload, behind its nonce; each seals 64 KiB, the final one what is left."""

    def __init__(self, file_key: bytes, nonce: bytes) -> None:
        self._cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))

    def seal(self, number: int, plain: bytes | memoryview, *, final: bool) -> bytes:
        return self._cipher.encrypt(_counter(number, final=final), plain, None)

    def open(self, number: int, sealed: bytes | memoryview, *, final: bool) -> bytes:
        """Raises KeyDoesNotOpen for a chunk that was changed, moved or cut."""
        try:
            return self._cipher.decrypt(_counter(number, final=final), sealed, None)
        except (InvalidTag, ValueError):
            raise KeyDoesNotOpen("a part of the package was changed", chunk=number) from None


def payload_length(plain_bytes: int) -> int:
    """How long a payload is for so many bytes (at least one)."""
    return NONCE_BYTES + plain_bytes + -(-plain_bytes // CHUNK_BYTES) * TAG_BYTES


def check_recipient(text: str) -> None:
    """Raise Malformed for what is no X25519 recipient, or one that everybody could open for."""
    try:
        X25519PrivateKey.generate().exchange(
            X25519PublicKey.from_public_bytes(_from_bech32(text, _RECIPIENT))
        )
    except ValueError:
        raise Malformed("this recipient is a point of small order") from None


def _wrapping(private: X25519PrivateKey, public: bytes, salt: bytes) -> bytes:
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Malformed("a point of small order") from None
    return _derived(shared, salt, _X25519)


def _mac(file_key: bytes, told: bytes) -> bytes:
    return hmac.new(_derived(file_key, b"", b"header"), told, hashlib.sha256).digest()


def _derived(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt, info).derive(secret)


def _counter(number: int, *, final: bool) -> bytes:
    return number.to_bytes(11) + (b"\x01" if final else b"\x00")


def _text(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _bytes(text: bytes, length: int) -> bytes:
    """Base64 without padding, in its one spelling. Raises Malformed."""
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise KeyDoesNotOpen("not the header of an age file") from None
    if len(raw) != length or _text(raw) != text:
        raise KeyDoesNotOpen("not the header of an age file")
    return raw


def _to_bech32(prefix: str, raw: bytes) -> str:
    """BIP 173, as age writes its keys."""
    words = _regrouped(raw, 8, 5)
    check = _checksum(prefix, [*words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [(check >> 5 * (5 - n)) & 31 for n in range(6)]
    return prefix + "1" + "".join(_LETTERS[word] for word in words)


def _from_bech32(text: str, prefix: str) -> bytes:
    """32 bytes. Raises Malformed."""
    if text not in {text.lower(), text.upper()}:
        raise Malformed("an age key is written in one case")
    found, _, letters = text.lower().rpartition("1")
    words = [_LETTERS.find(letter) for letter in letters]
    if found != prefix or min(words, default=-1) < 0 or _checksum(prefix, words) != 1:
        raise Malformed(f"this does not look like {prefix}1…, or has an error in it")
    raw = bytes(_regrouped(words[:-6], 5, 8))
    if len(raw) != _KEY_BYTES or _to_bech32(prefix, raw) != text.lower():
        raise Malformed("an age key has 32 bytes")
    return raw


def _regrouped(values: "bytes | list[int]", bits: int, into: int) -> list[int]:
    """Groups of `bits` as groups of `into`; what is left is filled up with zeros, or dropped going back."""
    gathered, count, groups = 0, 0, []
    for value in values:
        gathered, count = gathered << bits | value, count + bits
        while count >= into:
            count -= into
            groups.append(gathered >> count & ((1 << into) - 1))
    if count and into < bits:
        groups.append(gathered << (into - count) & ((1 << into) - 1))
    return groups


def _checksum(prefix: str, words: list[int]) -> int:
    check = 1
    spread = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    for value in (*spread, *words):
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for n, generator in enumerate(_GENERATOR):
            check ^= generator if top >> n & 1 else 0
    return check
