"""`databourse analyse DIR --out analysis.json`: what a regulator looks at, from evidence tables.

Concentration by month, prices of comparable sales, who sells to whom, what goes abroad: figures that
accuse nobody. It needs no network, no database and no secret.

Exit codes: 0 written, 2 unusable tables or options.
"""

from pathlib import Path
from typing import Annotated

import typer

from base.errors import DomainError
from cli.supervise import moment_of, stop, write_whole


def analyse(
    folder: Annotated[
        Path, typer.Argument(help="A folder of evidence tables, Parquet or CSV", metavar="DIR")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the figures go")] = Path("analysis.json"),
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Look from this time, ISO 8601 (default: the latest in the tables)"),
    ] = None,
    months: Annotated[
        int, typer.Option("--months", min=1, max=120, help="So many months, the running one among them")
    ] = 13,
) -> None:
    """Write concentration by month, prices, flows and exports, as a regulator looks at them."""
    # the engine is loaded by those who use it
    from supervision.analysis import analyse as look  # noqa: PLC0415

    try:
        found = look(folder, as_of=moment_of(as_of), months=months)
        write_whole(out, found.encoded())
    except DomainError as error:
        raise stop(f"{error.title}: {error.detail}") from None
    except OSError as error:
        raise stop(f"cannot read or write: {error}") from None
    typer.echo(f"as of {found.content['as_of']}")
    newest = found.content["concentration"][-1]
    typer.echo(f"{len(newest['markets'])} markets in {newest['month']}, {months} months; in {out}")
