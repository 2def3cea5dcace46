"""`databourse keys …`: self-held keys in files of one's own; the exchange never sees the private half.

A key file is JSON: `keyid`, `public_key` (whose form tells the suite) and either `private_key` (base64 of
32 bytes: the seed of RFC 8032, or SM2's d) or, with a passphrase, `sealed_private_key` and the `kdf` that
opens it.
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
from base.signing import unwrap, wrap
from cli.keys_of_node import COMMANDS
from ledger.suites import ED25519_SHA256, PrivateKey, suite_named, suite_of

MAX_FILE_BYTES: Final = 64 * 1024
FAILED: Final = 2
_SALT_BYTES: Final = 16
_KDF: Final = {"name": "scrypt", "n": 2**15, "r": 8, "p": 1}  # 32 MiB, some 0.1 s

app = typer.Typer(help="Make and look at self-held keys; turn over the node's own.", no_args_is_help=True)


@app.command()
def new(
    out: Annotated[Path, typer.Option("--out", help="The key file to write; it must not exist yet")],
    *,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase")] = False,
    suite: Annotated[str, typer.Option(help="ed25519-sha256 or sm2-sm3")] = ED25519_SHA256.name,
) -> None:
    """Make a new key in a file that only you can read."""
    words = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True) if passphrase else None
    try:
        key = suite_named(suite).generate()
        write_key_file(out, key, passphrase=words)
    except DomainError as error:
        raise _failed(error) from None
    _describe(key.keyid, key.public)


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A key file")]) -> None:
    """Print the keyid and the public key of a key file: what you register with the exchange."""
    try:
        document = _load(file)
        public = base64.b64decode(document["public_key"])
        suite_of(public)
    except (DomainError, binascii.Error, ValueError) as error:
        raise _failed(error if isinstance(error, DomainError) else Malformed("not a key file")) from None
    _describe(document["keyid"], public)


def write_key_file(path: Path, key: PrivateKey, *, passphrase: str | None = None) -> None:
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


def read_key_file(path: Path, *, passphrase: str | None = None) -> PrivateKey:
    """The key of a file. Raises Malformed for what is no key file, or a passphrase that does not open it.

    Raises SuiteUnavailable for an SM2 key on a machine without the library.
    """
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
        public = base64.b64decode(document["public_key"], validate=True)
        key = suite_of(public).restore(raw, public)
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


def _describe(keyid: str, public: bytes) -> None:
    typer.echo(f"keyid       {keyid}\npublic key  {base64.b64encode(public).decode()}")
    if suite_of(public) is not ED25519_SHA256:
        typer.echo(f"suite       {suite_of(public).name}")


def _failed(error: DomainError) -> typer.Exit:
    typer.echo(f"{error.code}: {error.detail}", err=True)
    return typer.Exit(FAILED)


for command in COMMANDS:
    app.command()(command)
