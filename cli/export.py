"""`databourse export`: the log as a bundle that anyone can check."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.bundle import Edition


def export(
    out: Annotated[Path, typer.Option("--out", help="A new folder, or a file ending in .zip")],
    edition: Annotated[
        Edition, typer.Option(help="public: no openings; regulator: with them")
    ] = Edition.PUBLIC,
    shard: Annotated[
        str | None, typer.Option(help="The origin of a closed log; without it the present one")
    ] = None,
) -> None:
    """Write the published log as a bundle: entries, tiles, checkpoints, keys, signed manifest."""
    # a node is loaded by whoever runs one, not by its help
    from cli.exporting import export_from  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    size = run(lambda settings: export_from(settings, out, edition, shard))
    typer.echo(f"{out}: {size} entries, {edition} edition")
