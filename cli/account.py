"""`databourse account STATEMENT BUNDLE`: a statement of account against what the log says.

Offline, and without trusting the exchange. It believes the bundle: check it first with `databourse audit`.

Exit codes: 0 the statement is what the log says and the exchange signed for it, 1 it is not, 2 unusable.
"""

from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from base.errors import DomainError
from base.money import yuan
from ledger.bundle import Bundle

_OTHERWISE: Final = 1
_UNUSABLE: Final = 2
_MOST: Final = 64 * 1024 * 1024


def account(
    statement: Annotated[Path, typer.Argument(help="The statement: `document` as it was signed, in a file")],
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip, of any edition")],
) -> None:
    """Check a statement of account against a bundle: every line, every sum, and that nothing is left out."""
    from supervision.account import check_account  # noqa: PLC0415 - the engine room is loaded by its users

    try:
        with statement.open("rb") as file:
            document = file.read(_MOST)
        with Bundle(bundle) as opened:
            checked = check_account(document, opened.records())
    except DomainError as error:
        typer.echo(f"{error.title}: {error.detail}", err=True)
        raise typer.Exit(_UNUSABLE) from None
    except OSError as error:
        typer.echo(f"cannot read: {error}", err=True)
        raise typer.Exit(_UNUSABLE) from None
    for problem in checked.problems:
        typer.echo(problem)
    if not checked.sound:
        raise typer.Exit(_OTHERWISE)
    told = orjson.loads(document)
    typer.echo(
        f"{told['account']}, {told['from']} to {told['to']}: {checked.lines} lines are what the log says, "
        f"from ¥{yuan(int(told['opening_minor']))} to ¥{yuan(int(told['closing_minor']))}; "
        f"signed for in entry {checked.signed_in}"
    )
