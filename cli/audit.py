"""`databourse audit BUNDLE`: check a log offline, and say the first bad entry and why.

Exit codes: 0 when nothing is wrong (a warning such as UNPINNED is printed and does not change that),
1 when something is, 2 when the command was not understood.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from base.errors import Malformed
from ledger.bundle import Bundle
from ledger.checkpoint import VerifierKey
from ledger.errors import BundleFileBad
from supervision.audit import audit as audit_bundle
from supervision.audit_case import Row
from supervision.audit_report import Report

CLEAN = 0
NOT_CLEAN = 1


def audit(
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder, or a zip of it.", exists=True)],
    vkey: Annotated[
        list[str] | None,
        typer.Option(help="A key of the log that you know from elsewhere; may be given again."),
    ] = None,
    last_checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint you saw earlier: the log must still begin with it.", exists=True),
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            help="The exchange's database (an SQLAlchemy URL): its trades must be those of the ledger.",
        ),
    ] = None,
    *,
    signatures: Annotated[bool, typer.Option(help="Also verify what the statements say.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with the whole report as JSON.")] = False,
) -> None:
    """Check a log offline, without trusting the exchange: entries, chain, tree, signatures, keys, files.

    With --db also that the database says of every trade what the ledger says (state, parties, amounts).
    """
    rows = None if db is None else _database_rows(bundle, db)
    code = run(bundle, vkey or [], last_checkpoint, db_rows=rows, signatures=signatures, as_json=as_json)
    raise typer.Exit(code)


def _database_rows(bundle: Path, url: str) -> list[Row] | None:
    """The trades to compare; None for a bundle without a head, of which the audit itself says so.

    Raises typer.BadParameter for a database that cannot be asked.
    """
    # an audit without a database needs nothing that speaks to one
    from cli.audit_database import DatabaseUnusable, rows_of  # noqa: PLC0415

    try:
        with Bundle(bundle) as opened:
            size = opened.head().size
        rows, moved = asyncio.run(rows_of(url, size=size))
    except BundleFileBad:
        return None
    except DatabaseUnusable as error:
        raise typer.BadParameter(error.detail, param_hint="--db") from None
    if moved:
        typer.echo(f"{moved} trades have moved on since the bundle was written: not compared", err=True)
    return rows


def run(
    bundle: Path,
    vkeys: Sequence[str],
    last_checkpoint: Path | None = None,
    *,
    db_rows: Iterable[Row] | None = None,
    signatures: bool = True,
    as_json: bool = False,
) -> int:
    """Audit, print the answer, and return the exit code. `db_rows` are trades of the database, if any.

    Raises typer.BadParameter for a verifier key that is none.
    """
    try:
        report = audit_bundle(
            bundle,
            [VerifierKey.parse(text) for text in vkeys],
            last_checkpoint=last_checkpoint.read_bytes() if last_checkpoint else None,
            rows=db_rows,
            signatures=signatures,
        )
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--vkey") from None
    typer.echo(json.dumps(report.document(), indent=2) if as_json else told(report))
    return CLEAN if report.clean else NOT_CLEAN


def told(report: Report) -> str:
    """The report for people: the verdict, what was checked, what is wrong."""
    first = report.first
    lines = [f"{report.origin or 'unknown log'}, {report.size} entries, root {report.root or 'unknown'}"]
    clean = "CLEAN" if report.pinned else "CLEAN but UNPINNED"
    lines.append(clean if first is None else f"NOT CLEAN: {first}")
    said = "no party signatures (as asked)"
    if report.signatures_checked:
        absent = f" ({report.openings_absent} not in this bundle)" if report.openings_absent else ""
        said = f"{report.signatures} party signatures, {report.openings} openings{absent}"
    lines.append(
        f"checked: {report.entries} entries, {report.files} files, {report.anchors} earlier checkpoints, "
        f"{report.cosignatures} cosignatures, {said}"
    )
    lines += [f"  {problem}" for problem in report.problems if problem is not first]
    more = sum(report.counts.values()) - len(report.problems)
    if more:
        lines.append(f"  and {more} more")
    lines += [f"warning: {warning}" for warning in report.warnings]
    return "\n".join(lines)
