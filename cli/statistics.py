"""`databourse statistics DIR --month 2026-05 --out REPORT`: a month's statistics from evidence tables.

It needs no network, no database and no secret. The report has HTML in both languages, a CSV file for every
table and `figures.json`. With `--bundle` the ledger's own statements of settlement are added up beside it.

Exit codes: 0 written and every total ties, 1 written and some do not (they are named), 2 unusable.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from base.errors import DomainError

if TYPE_CHECKING:
    from supervision.finding import Words

_OTHERWISE: Final = 1
_UNUSABLE: Final = 2
_NAMED: Final = 20


def statistics(
    folder: Annotated[
        Path, typer.Argument(help="A folder of evidence tables, Parquet or CSV", metavar="DIR")
    ],
    month: Annotated[str, typer.Option("--month", help="A month of Shanghai's calendar, as 2026-05")],
    out: Annotated[Path, typer.Option("--out", help="The folder for the report; an old report is replaced")],
    *,
    edition: Annotated[
        str, typer.Option("--edition", help="regulator: all figures; public: none that tells of one unit")
    ] = "regulator",
    survey_year: Annotated[
        int | None,
        typer.Option("--survey-year", help="Whose survey is in it (default: the newest answered)"),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="The tables' bundle: its settlements are added up, too")
    ] = None,
) -> None:
    """Write a month's statistics: by sector, region, right and level, flows, prices, survey, tie-out."""
    # the engine room is loaded by its users
    from ledger.bundle import Bundle  # noqa: PLC0415
    from supervision.statistics.editions import Edition  # noqa: PLC0415
    from supervision.statistics.figures import gather, month_of  # noqa: PLC0415
    from supervision.statistics.report import FIGURES, make_report, newest_survey  # noqa: PLC0415
    from supervision.statistics.ties import stated, ties  # noqa: PLC0415

    if edition not in tuple(Edition):
        raise _stop(f"--edition is regulator or public, not {edition!r}")
    try:
        period = month_of(month)
    except ValueError:
        raise _stop(f"--month is a month as 2026-05, not {month!r}") from None
    try:
        told = gather(folder, month)
        ledger = None
        if bundle is not None:
            with Bundle(bundle) as opened:
                ledger = stated(opened.records(), period)
        made = make_report(
            told,
            ties(told, ledger),
            edition=Edition(edition),
            namer=_named,
            survey_year=newest_survey(told) if survey_year is None else survey_year,
        )
        _write(out, made.files(), FIGURES)
    except DomainError as error:
        where = f" (seq {error.facts['seq']})" if "seq" in error.facts else ""
        raise _stop(f"{error.title}: {error.detail}{where}") from None
    except OSError as error:
        raise _stop(f"cannot read or write: {error}") from None
    left_out = {name: standing.trades for name, standing in told.standings.items() if name != "counted"}
    besides = f"; left out: {left_out}" if left_out else ""
    typer.echo(f"{month}: {told.total.trades} settled trades count{besides}")
    hold = len(made.ties) - len(made.failed)
    typer.echo(f"{hold} of {len(made.ties)} comparisons hold; the report is in {out}")
    for tie in made.failed[:_NAMED]:
        typer.echo(f"does not tie: {tie.name}: {tie.here} here, {tie.there} there", err=True)
    if made.failed:
        raise typer.Exit(_OTHERWISE)


def _named(vocabulary: str, code: str) -> "Words | None":
    """What the catalogue and the pages call a code."""
    from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS, Label  # noqa: PLC0415
    from supervision.finding import Words as Said  # noqa: PLC0415
    from web.pages.regions import REGIONS  # noqa: PLC0415

    known: dict[str, Mapping[Any, Label]] = {
        "region": REGIONS,
        "category": CATEGORY_LABELS,
        "product_type": PRODUCT_TYPE_LABELS,
    }
    label = known.get(vocabulary, {}).get(code)
    return None if label is None else Said(label.zh, label.en)


def _write(out: Path, files: dict[str, bytes], mark: str) -> None:
    """All files or none; a folder that is there and is no report is not ours to replace."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / mark).is_file())):
        raise OSError(f"{out} is there and is no report")
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=".statistics-", dir=out.parent))
    try:
        for name, content in files.items():
            (work / name).write_bytes(content)
        work.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(_UNUSABLE)
