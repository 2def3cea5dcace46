"""`databourse accesses LOG BUNDLE`: the exported log of a confidential item, verified against a bundle.

Offline, from either edition, without trusting who handed the log out. It believes the bundle: check it first
with `databourse audit`.

Exit codes: 0 the log is whole, 1 something is missing or false, 2 unusable.
"""

from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from base.errors import DomainError
from ledger.bundle import Bundle

WRONG: Final = 1
UNUSABLE: Final = 2
_MOST_LOG: Final = 64 * 1024 * 1024


def accesses(
    log: Annotated[Path, typer.Argument(help="The log, as /confidential/{item_id}/log exports it")],
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip, either edition")],
) -> None:
    """Verify the exported log of a confidential item against a bundle: none missing, none false."""
    from cli.prepared import plain  # noqa: PLC0415 - the engine room is loaded by its users
    from supervision.access_log import accesses_in, verify_log  # noqa: PLC0415

    try:
        if log.stat().st_size > _MOST_LOG:
            raise _stop("the log is too large")
        document = orjson.loads(log.read_bytes())
        item_id = document.get("item_id") if isinstance(document, dict) else None
        with Bundle(bundle) as opened:
            said = list(accesses_in(opened, str(item_id)))
    except DomainError as error:
        raise _stop(f"{error.title}: {error.detail}") from None
    except (OSError, ValueError) as error:
        raise _stop(f"cannot be read: {error}") from None
    wrong = verify_log(document, said)
    for line in wrong:
        typer.echo(plain(line))
    if wrong:
        raise typer.Exit(WRONG)
    typer.echo(plain(f"{item_id}: {len(said)} accesses, none missing, none false"))


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(UNUSABLE)
