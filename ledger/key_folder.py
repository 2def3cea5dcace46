"""The private keys of a node's logs, in its key folder: one file each, that only its owner may read.

`checkpoint.key` holds the first key's 32 bytes. Further ones are `checkpoint-<keyid>.key`: 32 bytes of an
Ed25519 seed, or 97 of an SM2 private key and its public key. Which key signs for which log, and until
when, stands in the log (`ledger.rotation`).
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from base.settings import SecretUnsafe
from base.signing import SigningKey
from ledger.sm2 import PRIVATE_BYTES, PUBLIC_BYTES, Sm2Key
from ledger.suites import PrivateKey

_SEED: Final = 32
_NAMED: Final = 16


class KeyFolder:
    """The keys in a folder; a key that a rotation brings is seen by whoever holds the folder already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Path, PrivateKey] = {}

    def keys(self) -> list[PrivateKey]:
        """Every key. Raises SecretUnsafe, SuiteUnavailable, Malformed for what is none."""
        paths = sorted(self.folder.glob("checkpoint*.key"))
        self._read = {path: self._read.get(path) or _read(path) for path in paths}
        return list(self._read.values())


def keep_key(folder: Path, key: PrivateKey) -> Path:
    """Write a key into the folder, so that it survives a power cut, and never over another."""
    path = folder / f"checkpoint-{key.keyid[:_NAMED]}.key"
    secret = key.to_bytes() + (b"" if len(key.public) == _SEED else key.public)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return path


def forget_key(path: Path) -> None:
    """Remove the file of a key that never came into use."""
    with suppress(FileNotFoundError):
        path.unlink()


def _read(path: Path) -> PrivateKey:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretUnsafe(f"{path} can be read by others: chmod 600 {path}")
    secret = path.read_bytes()
    if len(secret) == _SEED:
        return SigningKey.from_bytes(secret)
    if len(secret) == PRIVATE_BYTES + PUBLIC_BYTES:
        return Sm2Key(secret[:PRIVATE_BYTES], secret[PRIVATE_BYTES:])
    raise SecretUnsafe(f"{path} does not hold a key of a log")
