"""A package's bytes, whatever range is asked for: the stored file opened, and sealed again for the buyer.

Nothing of it is stored. Key and nonce are the right's own and never change, nor does the file they seal, so
every range of every request is of the same bytes, and no nonce ever seals two texts.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from base.age import (
    CHUNK_BYTES,
    FILE_KEY_BYTES,
    NONCE_BYTES,
    SEALED_BYTES,
    Payload,
    payload_length,
)
from base.canonical import canonical
from base.files import FileStore, StoredFile
from base.signing import unwrap, wrap


@dataclass(frozen=True, slots=True)
class PackageKey:
    """What seals one package: 16 bytes of key, which a release wraps, and the payload's nonce."""

    file_key: bytes = field(repr=False)
    nonce: bytes

    @classmethod
    def generate(cls) -> "PackageKey":
        return cls(secrets.token_bytes(FILE_KEY_BYTES), secrets.token_bytes(NONCE_BYTES))

    def sealed(self, master: bytes, *, entitlement_id: str, file_sha256: str) -> bytes:
        """As it rests, bound to the right and to the file."""
        return wrap(master, self.file_key + self.nonce, package_purpose(entitlement_id, file_sha256))

    @classmethod
    def opened(cls, master: bytes, sealed: bytes, *, entitlement_id: str, file_sha256: str) -> "PackageKey":
        """The reverse of `sealed`."""
        raw = unwrap(master, sealed, package_purpose(entitlement_id, file_sha256))
        return cls(raw[:FILE_KEY_BYTES], raw[FILE_KEY_BYTES:])


async def sealed_range(
    files: FileStore, file: StoredFile, key: PackageKey, start: int, end: int
) -> AsyncGenerator[bytes]:
    """Bytes [start, end) of a package. Raises what `FileStore.read` raises."""
    if start < NONCE_BYTES:
        yield key.nonce[start:end]
    start, end = max(start, NONCE_BYTES) - NONCE_BYTES, end - NONCE_BYTES
    if start >= end:
        return
    payload = Payload(key.file_key, key.nonce)
    first, last = start // SEALED_BYTES, (file.bytes - 1) // CHUNK_BYTES
    upto = min(file.bytes, ((end - 1) // SEALED_BYTES + 1) * CHUNK_BYTES)
    number, skip = first, start - first * SEALED_BYTES
    left = end - start
    async with aclosing(files.read(file, first * CHUNK_BYTES, upto)) as pieces:
        async for plain in pieces:
            sealed = await asyncio.to_thread(_sealed, payload, plain, number, last)
            number += -(-len(plain) // CHUNK_BYTES)
            piece = sealed[skip : skip + left]
            skip, left = 0, left - len(piece)
            yield piece


def _sealed(payload: Payload, plain: bytes, number: int, last: int) -> bytes:
    """The chunks of some plaintext, of which the first has this number."""
    view = memoryview(plain)
    return b"".join(
        payload.seal(number + n, view[at : at + CHUNK_BYTES], final=number + n == last)
        for n, at in enumerate(range(0, len(plain), CHUNK_BYTES))
    )


async def sealed_digest(files: FileStore, file: StoredFile, key: PackageKey) -> str:
    """Hex SHA-256 of a whole package."""
    digest = hashlib.sha256()
    async for piece in sealed_range(files, file, key, 0, payload_length(file.bytes)):
        await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()


def package_purpose(entitlement_id: str, file_sha256: str) -> bytes:
    """What a package's key is bound to: the right and the file."""
    return canonical(["databourse:package:v1", entitlement_id, file_sha256])
