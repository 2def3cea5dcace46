"""`databourse check FILE --contract CONTRACT`: whether a delivered copy keeps what was promised.

It measures the copy again by the listing's own declared rules, as the exchange did: the same bytes,
declaration and moment give the same report. That needs no network. With `--trade` what was found becomes the
buyer's own statement on the ledger (DLV.CHECK), signed with `--sign` or held in custody; a copy that differs
is disputed by that.

Exit codes: 0 every promise is kept, 1 one is not, 2 it could not be found out, or not be stated.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from base.errors import DomainError

if TYPE_CHECKING:
    from cli.checking import Checked

BROKEN: Final = 1
UNUSABLE: Final = 2
_URL: Final = "http://127.0.0.1:8000"
_TOKEN: Final = "DATABOURSE_TOKEN"  # noqa: S105 - the name of a variable


def check(
    file: Annotated[Path, typer.Argument(help="The delivered copy: CSV, gzip-compressed CSV or Parquet")],
    contract: Annotated[
        Path, typer.Option("--contract", help="The listing's contract.odcs.yaml, as the exchange gives it")
    ],
    *,
    trade: Annotated[
        str | None, typer.Option(help="State what was found in this trade, as its buyer")
    ] = None,
    sign: Annotated[
        Path | None, typer.Option(help="Your key file, if you hold your key yourself; with --trade")
    ] = None,
    url: Annotated[str, typer.Option(help=f"The exchange; your access token is taken from {_TOKEN}")] = _URL,
    timeout_s: Annotated[float, typer.Option(help="How long the measurement may take", min=1)] = 600,
) -> None:
    """Measure a delivered copy by its listing's quality contract, and say what was kept of each promise."""
    # DuckDB measures in a child; what reads contracts is loaded when it is asked
    from cli.checking import Stating, check_file, read_contract, stated  # noqa: PLC0415

    if sign is not None and trade is None:
        raise typer.BadParameter("it goes with --trade", param_hint="--sign")
    token = os.environ.get(_TOKEN, "")
    if trade is not None and not token:
        raise typer.BadParameter(f"{_TOKEN} holds no access token", param_hint="--trade")
    try:
        promised = read_contract(contract)
        if trade is None:
            found = asyncio.run(check_file(file, promised, timeout_s=timeout_s))
        else:
            with Stating(url, token, trade) as stating:
                sold = stating.sold(promised)
                found = asyncio.run(check_file(file, promised, sold=sold, timeout_s=timeout_s))
                _tell(found)
                for line in stated(stating, found, sign):
                    typer.echo(line)
                raise typer.Exit(0 if found.passed else BROKEN)
    except DomainError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(UNUSABLE) from None
    _tell(found)
    raise typer.Exit(0 if found.passed else BROKEN)


def _tell(found: "Checked") -> None:
    for line in found.lines():
        typer.echo(line)
