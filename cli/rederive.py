"""`databourse dossier` and `databourse rederive`: a finding with its proofs, and the accused's own check.

Both are offline, with no secret. `dossier` takes a bundle of either edition; `rederive` the public one.

Exit codes of `rederive`: 0 the very finding comes out again, 1 it does not (what could not be seen is named),
2 unusable. Of `dossier`: 0 written, 2 unusable.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from base.errors import DomainError
from ledger.bundle import Bundle

_OTHERWISE: Final = 1
_UNUSABLE: Final = 2
_MOST: Final = 256 * 1024 * 1024
_NAMED: Final = 30


def dossier(
    findings: Annotated[Path, typer.Argument(help="The findings, as `databourse supervise` wrote them")],
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip, of any edition")],
    *,
    finding: Annotated[str, typer.Option("--finding", help="Its id (fnd_…)")],
    out: Annotated[Path, typer.Option("--out", help="A new folder")],
) -> None:
    """Hand a finding over: every entry it cites, and the proof that it stands in the log."""
    from supervision.dossier import make_dossier  # noqa: PLC0415 - the engine room is loaded by its users
    from supervision.report import load_report  # noqa: PLC0415

    try:
        with Bundle(bundle) as opened:
            made = make_dossier(load_report(findings), finding, opened)
        out.mkdir(parents=True)
        for name, content in made.files().items():
            (out / name).write_bytes(content)
    except DomainError as error:
        raise _stop(f"{error.title}: {error.detail}") from None
    except OSError as error:
        raise _stop(f"cannot read or write: {error}") from None
    typer.echo(f"{made.finding.rule_id}: {len(made.entries)} entries with their proofs in {out}")


def rederive(
    folder: Annotated[Path, typer.Argument(help="The dossier that was handed over", metavar="DOSSIER")],
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip; the public edition does")],
    openings: Annotated[
        list[Path] | None,
        typer.Option(
            "--openings", help="Openings of your own trades, as the API gives them; may be repeated"
        ),
    ] = None,
) -> None:
    """Derive a finding again from the public log and one's own openings, or say what cannot be seen."""
    from supervision.dossier import check_dossier, read_dossier  # noqa: PLC0415 - as above
    from supervision.rederiving import parse_openings  # noqa: PLC0415
    from supervision.rederiving import rederive as run  # noqa: PLC0415

    try:
        handed = read_dossier(folder)
        own: dict[str, bytes] = {}
        for path in openings or ():
            with path.open("rb") as file:
                own |= parse_openings(file.read(_MOST))
        with Bundle(bundle) as opened:
            wrong = check_dossier(handed, opened)
            came = run(handed, opened.records(), own)
    except DomainError as error:
        where = f" (seq {error.facts['seq']})" if "seq" in error.facts else ""
        raise _stop(f"{error.title}: {error.detail}{where}") from None
    except OSError as error:
        raise _stop(f"cannot read: {error}") from None
    for problem in wrong:
        typer.echo(f"evidence does not hold: {problem}", err=True)
    typer.echo(f"{len(handed.entries)} entries cited; {came.openings_used} openings of yours fit the log")
    if came.same and not wrong:
        typer.echo(f"{handed.finding.finding_id}: the very finding comes out again")
        return
    if came.differs:
        typer.echo(f"the finding comes out with another {', '.join(came.differs)}")
    elif not came.found:
        typer.echo("the finding does not come out of what you can see")
    for one in came.unseen[:_NAMED]:
        typer.echo(
            f"not seen: entry {one.seq}, {one.event} on {one.object_id}, of {', '.join(one.of) or 'others'}"
        )
    if len(came.unseen) > _NAMED:
        typer.echo(f"not seen: {len(came.unseen) - _NAMED} more")
    raise typer.Exit(_OTHERWISE)


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(_UNUSABLE)
