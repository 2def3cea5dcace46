"""The bank's secrets in its folder: made once, readable by their owner only, never half-written."""

import os
import secrets
from pathlib import Path

from base.signing import SigningKey


def secret_file(path: Path, fresh: bytes) -> bytes:
    """The bytes of the file; where there is none it is made of `fresh`, mode 0600, synced, at once whole."""
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return path.read_bytes()


def signing_key(folder: Path) -> SigningKey:
    """The bank's Ed25519 key: 32 raw bytes in `bank.key`."""
    return SigningKey.from_bytes(secret_file(folder / "bank.key", secrets.token_bytes(32)))


def control_token(folder: Path) -> str:
    """The token of the control endpoints, in `control.token`."""
    return secret_file(folder / "control.token", secrets.token_urlsafe(32).encode()).decode()
