"""`databourse audit LOG`: check a log from outside, and say the first bad entry and why.

Exit codes: 0 when nothing is wrong (a warning such as UNPINNED is printed and does not change that),
1 when something is, 2 when the command was not understood.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from base.errors import Malformed
from cli.audit_progress import progress_bar
from ledger.archive import Files
from ledger.bundle import Bundle
from ledger.checkpoint import VerifierKey
from ledger.errors import BundleFileBad
from ledger.witness_policy import Policy
from supervision.audit import audit as audit_bundle
from supervision.audit_case import Row
from supervision.audit_report import Report
from supervision.audit_row import Handing, audit_next, claimed_origin
from supervision.errors import StateUnfit

CLEAN = 0
NOT_CLEAN = 1


def audit(
    log: Annotated[
        str,
        typer.Argument(
            metavar="LOG",
            help="A bundle (a folder, or a zip of it), a folder of tiles as a node publishes it, or its URL.",
        ),
    ],
    *,
    vkey: Annotated[
        list[str] | None,
        typer.Option(help="A key of the log that you know from elsewhere; may be given again."),
    ] = None,
    last_checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint you saw earlier: the log must still begin with it.", exists=True),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="A tlog-policy file: its keys of the log are pinned, and its quorum of witnesses must have "
            "cosigned the last checkpoint.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            help="The exchange's database (an SQLAlchemy URL): its trades must be those of the ledger.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Your own file: a clean audit keeps there what the next one needs to read only what is new.",
            dir_okay=False,
        ),
    ] = None,
    after: Annotated[
        list[Path] | None,
        typer.Option(
            help="A closed log that this one goes on from; again for each of them, the oldest first.",
            exists=True,
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="With a URL: the folder where the tiles are kept, and read from the next time."),
    ] = None,
    only_new: Annotated[
        bool, typer.Option("--only-new", help="With --state: do not even hash what was audited before.")
    ] = False,
    signatures: Annotated[
        bool, typer.Option(help="Also verify what the statements say; the answer names what is left out.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with the whole report as JSON.")] = False,
    progress: Annotated[
        bool,
        typer.Option("--progress", help="Tell on standard error how many entries are done: progress N OF."),
    ] = False,
) -> None:
    """Check a log from outside, without trusting the exchange: entries, chain, tree, signatures, keys, files.

    With --db also that the database says of every trade what the ledger says (state, parties, amounts).
    """
    if db is not None and not signatures:
        why = "the database is compared with what statements say, and they are not read"
        raise typer.BadParameter(why, param_hint="--no-signatures")
    with _opened(log, keep) as source:
        rows = None if db is None else _database_rows(source, db)
        code = run(
            source,
            vkey or [],
            last_checkpoint,
            policy=policy,
            db_rows=rows,
            signatures=signatures,
            as_json=as_json,
            state=state,
            only_new=only_new,
            after=after or (),
            lines=progress,
        )
    raise typer.Exit(code)


@contextmanager
def _opened(log: str, keep: Path | None) -> Iterator[Path | Files]:
    """What is to be audited. Raises typer.BadParameter for what is not there, or no address for a log."""
    if not log.startswith(("http://", "https://")):
        if keep is not None:
            raise typer.BadParameter("only what is read from a URL is kept", param_hint="--keep")
        if not Path(log).exists():
            raise typer.BadParameter(f"there is no {log}", param_hint="LOG")
        yield Path(log)
        return
    # an audit of files needs nothing that speaks HTTP
    from cli.audit_remote import AddressUnsafe, Remote  # noqa: PLC0415

    try:
        source = Remote(log, keep=keep)
    except AddressUnsafe as error:
        raise typer.BadParameter(error.detail, param_hint="LOG") from None
    with source:
        _say_who(source.particulars())
        yield source


def _say_who(particulars: dict[str, Any]) -> None:
    """What a node says of itself, beside the answer: it is no evidence."""
    vkeys = particulars.get("vkeys")
    known = [one.get("vkey") for one in vkeys if isinstance(one, dict)] if isinstance(vkeys, list) else []
    for name, said in [("origin", particulars.get("origin")), *(("vkey", one) for one in known[:8])]:
        if isinstance(said, str) and said.isprintable():
            typer.echo(f"the node says of itself: {name} {said[:300]}", err=True)


def _database_rows(source: Path | Files, url: str) -> list[Row] | None:
    """The trades to compare; None for a bundle without a head, of which the audit itself says so.

    Raises typer.BadParameter for a database that cannot be asked.
    """
    # an audit without a database needs nothing that speaks to one
    from cli.audit_database import DatabaseUnusable, rows_of  # noqa: PLC0415

    try:
        with Bundle(source) as opened:
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
    source: Path | Files,
    vkeys: Sequence[str],
    last_checkpoint: Path | None = None,
    *,
    policy: Path | None = None,
    db_rows: Iterable[Row] | None = None,
    signatures: bool = True,
    as_json: bool = False,
    state: Path | None = None,
    only_new: bool = False,
    after: Sequence[Path] = (),
    lines: bool = False,
) -> int:
    """Audit, print the answer, and return the exit code. `db_rows` are trades of the database, if any.

    The logs it goes on from (`after`) are audited and told before it. Raises typer.BadParameter for a
    verifier key that is none, for a policy that is none or not for this log, and for a state that is not of
    this log.
    """
    if after and state is not None:
        raise typer.BadParameter("a log that goes on from others is read whole", param_hint="--state")
    seen = last_checkpoint.read_bytes() if last_checkpoint else None
    rows = None if db_rows is None else list(db_rows)

    asked = None if policy is None else _policy(policy)
    handing = Handing()

    def audited(keys: Sequence[VerifierKey]) -> Report:
        with progress_bar(lines=lines) as progress:
            options: dict[str, Any] = {
                "last_checkpoint": seen,
                "rows": rows,
                "policy": asked,
                "signatures": signatures,
                "progress": progress,
            }
            if after:
                return audit_next(source, keys, handing, **options)
            return audit_bundle(source, keys, state=state, only_new=only_new, **options)

    before = []
    try:
        keys = _pinned(vkeys, asked, (*after, source))
        for log in after:
            before.append(audit_next(log, keys, handing))
            typer.echo(told(before[-1]), err=as_json)
        report = audited(keys)
        if after:
            handing.require_used(keys)
        if isinstance(source, Files) and not report.clean and not after and source.doubtful():
            report = audited(keys)
    except StateUnfit as error:
        raise typer.BadParameter(error.detail, param_hint="--state") from None
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--vkey") from None
    finally:
        handing.close()
    if isinstance(source, Files) and report.clean:
        source.settle()
    typer.echo(json.dumps(report.document(), indent=2) if as_json else told(report))
    return CLEAN if all(one.clean for one in (*before, report)) else NOT_CLEAN


def _policy(path: Path) -> Policy:
    """What must have been cosigned. Raises typer.BadParameter for a file that is no policy with a quorum."""
    try:
        return Policy.parse(path.read_bytes())
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--policy") from None


def _pinned(
    vkeys: Sequence[str], policy: Policy | None, logs: Sequence[Path | Files]
) -> tuple[VerifierKey, ...]:
    """The keys as given, and the policy's of these logs. Raises NoteInvalid, typer.BadParameter."""
    given = [VerifierKey.parse(text) for text in vkeys]
    if policy is None or not policy.logs:
        return tuple(given)
    origins = [claimed_origin(log) for log in logs]
    named = [log.vkey for log in policy.logs if log.vkey.name in origins]
    if all(key.name != origins[-1] for key in named):
        raise typer.BadParameter("it names other logs than this one", param_hint="--policy")
    return tuple(dict.fromkeys((*given, *named)))


def told(report: Report) -> str:
    """The report for people: the verdict, what was checked, what is wrong."""
    first = report.first
    lines = [f"{report.origin or 'unknown log'}, {report.size} entries, root {report.root or 'unknown'}"]
    if report.resumed_from is not None:
        lines[0] += f" (audited before up to entry {report.resumed_from})"
    clean = "CLEAN" if report.pinned else "CLEAN but UNPINNED"
    lines.append(clean if first is None else f"NOT CLEAN: {first}")
    said = "nothing else"
    if report.signatures_checked:
        absent = f" ({report.openings_absent} not in this bundle)" if report.openings_absent else ""
        said = f"{report.signatures} party signatures, {report.openings} openings{absent}"
    lines.append(
        f"checked: {report.entries} entries, {report.files} files, {report.anchors} earlier checkpoints, "
        f"{report.cosignatures} cosignatures, {said}"
    )
    if report.quorum is not None and report.quorum.met:
        by = ", ".join(report.quorum.cosigned_by) or "no witness"
        lines.append(f"quorum {report.quorum.name} is met: the last checkpoint is cosigned by {by}")
    if report.left_out:
        lines.append(f"left out, as asked: {'; '.join(report.left_out)}")
    lines += [f"  {problem}" for problem in report.problems if problem is not first]
    more = sum(report.counts.values()) - len(report.problems)
    if more:
        lines.append(f"  and {more} more")
    lines += [f"warning: {warning}" for warning in report.warnings]
    return "\n".join(lines)
