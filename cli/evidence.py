"""`databourse evidence BUNDLE --out DIR`: the tables that supervision runs on, from a ledger bundle alone.

It needs no network, no database and no secret. It believes the bundle: check it first with
`databourse audit`.

Exit codes: 0 derived, 2 unusable (no bundle, public edition, an entry that is not of its form).
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from base.errors import DomainError
from ledger.bundle import Bundle, Edition
from ledger.errors import BundleFileBad
from supervision.errors import RegulatorEditionNeeded

UNUSABLE: Final = 2


def evidence(
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip, regulator edition")],
    out: Annotated[
        Path, typer.Option("--out", help="The folder for the tables; its old tables are replaced")
    ],
    form: Annotated[str, typer.Option("--format", help="parquet or csv")] = "parquet",
) -> None:
    """Derive the evidence tables from a ledger bundle (regulator edition)."""
    # the engine room is loaded by those who use it
    from supervision.evidence.derive import derive  # noqa: PLC0415
    from supervision.evidence.facts import opened_entries  # noqa: PLC0415
    from supervision.evidence.writer import Form  # noqa: PLC0415

    if form not in tuple(Form):
        raise _stop(f"--format is parquet or csv, not {form!r}")
    try:
        with Bundle(bundle) as opened:
            _, note = opened.manifest_note()
            if note.edition is not Edition.REGULATOR:
                raise RegulatorEditionNeeded(
                    f"{bundle} is the {note.edition.value} edition: it holds no openings, so no prices and "
                    "no terms. Ask for the regulator edition (`databourse export --edition regulator`)."
                )
            derived = derive(opened_entries(opened.records()), out, Form(form))
    except BundleFileBad as error:
        raise _stop(f"{error.title}: {error.detail} ({error.facts.get('path', bundle)})") from None
    except DomainError as error:
        where = f" (seq {error.facts['seq']})" if "seq" in error.facts else ""
        raise _stop(f"{error.title}: {error.detail}{where}") from None
    except OSError as error:
        raise _stop(f"cannot read or write: {error}") from None
    for table, rows in derived.rows.items():
        typer.echo(f"{table:<22}{rows:>10,}")
    typer.echo(f"{derived.entries:,} entries read; the tables are in {out}")
    if derived.openings_missing:
        typer.echo(
            f"{derived.openings_missing:,} openings are not there (erased?): their columns are empty",
            err=True,
        )


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(UNUSABLE)
