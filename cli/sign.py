"""`databourse sign FILE --key KEYFILE`: see what a prepared act says, and sign it with your own key.

It needs no network and no database: what is checked and shown is in `cli.prepared`.

Exit codes: 0 signed, 1 not signed (mismatch, expiry, declined), 2 unreadable or malformed.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from base.errors import DomainError, Malformed
from base.signing import sign_envelope
from cli.keys import is_sealed, read_key_file
from cli.prepared import PreparedMismatch, ToSign, describe, examine, refuse_late
from ledger.statement import PAYLOAD_TYPE
from ledger.suites import PrivateKey

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
NOT_SIGNED: Final = 1
UNREADABLE: Final = 2


def sign(
    file: Annotated[Path, typer.Argument(help="The prepared act, as JSON")],
    key: Annotated[list[Path], typer.Option("--key", help="Your key file; twice for a registration")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Where the signed envelope goes")] = None,
) -> None:
    """Check a prepared act, show what it says, and sign it with your own key."""
    try:
        prepared = examine(_read(file))
        refuse_late(prepared, datetime.now(UTC))
        for line in describe(prepared):
            typer.echo(line)
        keys = [read_key_file(path, passphrase=_passphrase(path)) for path in key]
        _refuse_strangers(prepared, keys)
    except Malformed as error:
        raise _stop(error, UNREADABLE) from None
    except DomainError as error:
        raise _stop(error, NOT_SIGNED) from None
    if not yes and not typer.confirm("\nSign this?"):
        typer.echo("not signed", err=True)
        raise typer.Exit(NOT_SIGNED)
    envelope = sign_envelope(PAYLOAD_TYPE, prepared.payload, *keys)
    target = out or file.with_suffix(".dsse.json")
    target.write_bytes(orjson.dumps(envelope.document(), option=orjson.OPT_APPEND_NEWLINE))
    typer.echo(f"\nsigned: {target}\nenvelope sha256 {envelope.digest()}")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Malformed(f"the prepared act cannot be read: {error.strerror}", file=str(file)) from None
    if len(raw) > MAX_FILE_BYTES:
        raise Malformed("the prepared act is too large", limit=MAX_FILE_BYTES)
    return raw


def _refuse_strangers(prepared: ToSign, keys: list[PrivateKey]) -> None:
    strangers = [key.keyid for key in keys if prepared.signers and key.keyid not in prepared.signers]
    if strangers:
        raise PreparedMismatch(f"this act is not to be signed with key {strangers[0]}")


def _passphrase(path: Path) -> str | None:
    return str(typer.prompt(f"Passphrase of {path.name}", hide_input=True)) if is_sealed(path) else None


def _stop(error: DomainError, code: int) -> typer.Exit:
    typer.echo(f"{error.code}: {error.detail}", err=True)
    return typer.Exit(code)
