"""`databourse trace FILE`: which delivery a leaked copy came from, and how sure that is.

On the node it asks about every marked copy. With `--opened-by` it makes the same test for one copy, offline,
by what the exchange has handed out to prove its claim (`--proof`). Anyone can make such a proof for any file,
so it is held against the `--commitment` that the ledger stated before the delivery began.

Exit codes: 0 the file names a delivery, 1 it names none, 2 it could not be asked.
"""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from base.settings import Settings
    from market.delivery.marking.finding import Found

NONE_NAMED: Final = 1
UNUSABLE: Final = 2
_MOST_PROOF: Final = 64 * 1024 * 1024


def trace(
    file: Annotated[Path, typer.Argument(help="The leaked file: CSV, gzip-compressed CSV or Parquet")],
    *,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="THEIRS=OURS", help="A column of the file that was renamed; as often as needed"),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            help="Write what opens the mark of the surest name, so that anyone can make the same test"
        ),
    ] = None,
    opened_by: Annotated[
        Path | None, typer.Option(help="Make the test for the one copy that such a proof opens, offline")
    ] = None,
    commitment: Annotated[
        str | None,
        typer.Option(
            help="What --opened-by is held against: the commitment that the delivery's DLV.MARK states"
        ),
    ] = None,
) -> None:
    """Name the delivery that a leaked copy came from, with its confidence."""
    # a node is loaded by whoever runs one, not by its help
    from cli.prepared import plain  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    renamed = _renamed(rename or [])
    if (opened_by is None) != (commitment is None):
        raise typer.BadParameter(
            "a proof is one only of the commitment that the ledger's DLV.MARK states: name both, or neither",
            param_hint="--opened-by, --commitment",
        )
    if opened_by is not None and commitment is not None:
        found = run(lambda _: _offline(file, renamed, opened_by, commitment))
    else:
        found = run(lambda settings: _on_node(settings, file, renamed))
    for line in found.lines():
        typer.echo(plain(line))  # a proof is a stranger's
    if not found.named:
        raise typer.Exit(NONE_NAMED)
    if proof is not None:
        proof.write_bytes(found.proof())
        typer.echo(f"proof: {proof} (it opens the mark: hand it out when the claim is made)")


def _renamed(options: list[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    if not all(theirs and ours for theirs, _, ours in pairs):
        raise typer.BadParameter("THEIRS=OURS is expected", param_hint="--rename")
    return {theirs: ours for theirs, _, ours in pairs}


def _offline(
    file: Path, renamed: dict[str, str], proof: Path, commitment: str
) -> "Coroutine[Any, Any, Found]":
    from market.delivery.marking.finding import find_by_proof  # noqa: PLC0415

    try:
        with proof.open("rb") as stream:
            document = stream.read(_MOST_PROOF)
        file.open("rb").close()
    except OSError as error:
        raise _unreadable(error) from None
    return find_by_proof(file, document, rename=renamed, commitment=commitment)


async def _on_node(settings: "Settings", file: Path, renamed: dict[str, str]) -> "Found":
    from base.db import Database  # noqa: PLC0415
    from cli.running import require_schema  # noqa: PLC0415
    from market.delivery.marking.finding import find_source  # noqa: PLC0415

    try:
        file.open("rb").close()
    except OSError as error:
        raise _unreadable(error) from None
    await require_schema(settings)
    database = Database(settings.database_dsn)
    try:
        return await find_source(database, settings.master_key(), file, rename=renamed)
    finally:
        await database.dispose()


def _unreadable(error: OSError) -> typer.Exit:
    typer.echo(f"{error.filename}: {error.strerror}", err=True)
    return typer.Exit(UNUSABLE)
