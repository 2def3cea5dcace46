"""`databourse keys …`: self-held keys in files of one's own; the exchange never sees the private half.

A key file is JSON: `keyid`, `public_key` and either `private_key` (base64 of the 32-byte seed of
RFC 8032) or, with a passphrase, `sealed_private_key` and the `kdf` that opens it.
"""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from base.errors import DomainError, Malformed
from base.signing import SigningKey, unwrap, wrap

MAX_FILE_BYTES: Final = 64 * 1024
FAILED: Final = 2
_SALT_BYTES: Final = 16
_KDF: Final = {"name": "scrypt", "n": 2**15, "r": 8, "p": 1}  # 32 MiB, some 0.1 s

app = typer.Typer(help="Make and look at self-held keys.", no_args_is_help=True)


@app.command()
def new(
    out: Annotated[Path, typer.Option("--out", help="The key file to write; it must not exist yet")],
    *,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase")] = False,
) -> None:
    """Make a new Ed25519 key in a file that only you can read."""
    words = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True) if passphrase else None
    key = SigningKey.generate()
    try:
        write_key_file(out, key, passphrase=words)
    except DomainError as error:
        raise _failed(error) from None
    _describe(key.keyid, base64.b64encode(key.public).decode())


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A key file")]) -> None:
    """Print the keyid and the public key of a key file: what you register with the exchange."""
    try:
        document = _load(file)
        keyid, public = document["keyid"], document["public_key"]
    except DomainError as error:
        raise _failed(error) from None
    _describe(keyid, public)


def write_key_file(path: Path, key: SigningKey, *, passphrase: str | None = None) -> None:
    """Write a key file with mode 0600. Raises Malformed when it exists or cannot be written."""
    document: dict[str, Any] = {
        "keyid": key.keyid,
        "public_key": base64.b64encode(key.public).decode(),
    }
    if passphrase is None:
        document["private_key"] = base64.b64encode(key.to_bytes()).decode()
    else:
        salt = secrets.token_bytes(_SALT_BYTES)
        document["kdf"] = {**_KDF, "salt": base64.b64encode(salt).decode()}
        sealed = wrap(_stretched(passphrase, salt), key.to_bytes(), _purpose(key.keyid))
        document["sealed_private_key"] = base64.b64encode(sealed).decode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Malformed(f"the key file cannot be written: {error.strerror}", file=str(path)) from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def is_sealed(path: Path) -> bool:
    """Whether a key file asks for a passphrase. Raises Malformed for what is no key file."""
    return "sealed_private_key" in _load(path)


def read_key_file(path: Path, *, passphrase: str | None = None) -> SigningKey:
    """The key of a file. Raises Malformed for what is no key file, or a passphrase that does not open it."""
    document = _load(path)
    try:
        if "sealed_private_key" in document:
            if passphrase is None:
                raise Malformed("this key file needs its passphrase", file=str(path))
            salt = base64.b64decode(document["kdf"]["salt"], validate=True)
            sealed = base64.b64decode(document["sealed_private_key"], validate=True)
            raw = unwrap(_stretched(passphrase, salt), sealed, _purpose(document["keyid"]))
        else:
            raw = base64.b64decode(document["private_key"], validate=True)
        key = SigningKey.from_bytes(raw)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise Malformed("not a key file", file=str(path)) from None
    if key.keyid != document["keyid"]:
        raise Malformed("the key file's keyid is not that of its key", file=str(path))
    return key


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            document = orjson.loads(stream.read(MAX_FILE_BYTES))
    except OSError as error:
        raise Malformed(f"the key file cannot be read: {error.strerror}", file=str(path)) from None
    except ValueError:
        raise Malformed("not a key file", file=str(path)) from None
    if not isinstance(document, dict) or not all(
        isinstance(document.get(name), str) for name in ("keyid", "public_key")
    ):
        raise Malformed("not a key file", file=str(path))
    return document


def _stretched(passphrase: str, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1)
    return kdf.derive(passphrase.encode())


def _purpose(keyid: str) -> bytes:
    return b"databourse/key-file/" + keyid.encode()


def _describe(keyid: str, public: str) -> None:
    typer.echo(f"keyid       {keyid}\npublic key  {public}")


def _failed(error: DomainError) -> typer.Exit:
    typer.echo(f"{error.code}: {error.detail}", err=True)
    return typer.Exit(FAILED)
