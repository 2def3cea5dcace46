"""`databourse open PACKAGE KEY`: the data out of a package and the key that was released for it, offline.

Key and package together are an age v1 file (`docs/packages.md`); any of its tools does the same.

Exit codes: 0 the data is there, 2 a file cannot be read or written, 4 they do not belong together, or were
changed.
"""

import hashlib
import os
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from base.age import (
    MAX_HEADER_BYTES,
    NONCE_BYTES,
    SEALED_BYTES,
    Identity,
    KeyDoesNotOpen,
    Payload,
    file_key_of,
)
from base.errors import DomainError, Malformed

UNUSABLE: Final = 2
DIFFERS: Final = 4


def open_it(
    package: Annotated[Path, typer.Argument(help="The package, as it was fetched")],
    key: Annotated[Path, typer.Argument(help="The released key: the `header` of the answer, in a file")],
    *,
    identity: Annotated[Path, typer.Option(help="A file with the age identity that the key was released to")],
    out: Annotated[Path, typer.Option(help="The file to write; it must not exist yet")],
    sha256: Annotated[str | None, typer.Option(help="The digest that the contract names")] = None,
) -> None:
    """Open an encrypted package with the key that was released for it."""
    try:
        with key.open("rb") as file:
            header = file.read(MAX_HEADER_BYTES + 1)
        found = open_package(package, header, identity_in(identity), out, sha256=sha256)
    except KeyDoesNotOpen as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(DIFFERS) from None
    except DomainError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(UNUSABLE) from None
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(UNUSABLE) from None
    typer.echo(f"{out}: sha256 {found}")


def identity_in(path: Path, *, make: bool = False) -> Identity:
    """The age identity in a file; made where it is asked for and none is there. Raises Malformed, OSError."""
    if make and not path.exists():
        made = Identity.generate()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {made.recipient}\n{made}\n")
            file.flush()
            os.fsync(file.fileno())
        return made
    with path.open() as file:
        return Identity.parse(file.read(MAX_HEADER_BYTES))


def open_package(package: Path, header: bytes, identity: Identity, out: Path, *, sha256: str | None) -> str:
    """Write the data to a new private file, in bounded memory; answers its hex SHA-256.

    Raises KeyDoesNotOpen, also for another digest than the one asked for (and leaves nothing), Malformed
    where `out` exists, OSError.
    """
    if out.exists():
        raise Malformed(f"{out} is there already")
    file_key = file_key_of(header, identity)
    aside = out.with_name(out.name + ".opening")
    try:
        with package.open("rb") as sealed, _private(aside) as plain:
            digest = _open_into(sealed, package.stat().st_size, file_key, plain)
            plain.flush()
            os.fsync(plain.fileno())
        if sha256 is not None and digest != sha256:
            raise KeyDoesNotOpen("what is inside is not what was sold", sha256=digest)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return digest


def _open_into(sealed: BinaryIO, size: int, file_key: bytes, plain: BinaryIO) -> str:
    payload, digest = Payload(file_key, sealed.read(NONCE_BYTES)), hashlib.sha256()
    last = (size - NONCE_BYTES - 1) // SEALED_BYTES
    if last < 0:
        raise KeyDoesNotOpen("the package is cut")
    for number in range(last + 1):
        opened = payload.open(number, sealed.read(SEALED_BYTES), final=number == last)
        digest.update(opened)
        plain.write(opened)
    return digest.hexdigest()


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
