"""`databourse backup` and `databourse restore`: all an exchange stores, in one encrypted file, and back.

Exit codes: 0 done, 2 it could not begin, 4 the backup is damaged or of somebody else, 5 it is behind the log,
or nothing tells where the log was.
In none of the last three was anything moved.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from base.age import KeyDoesNotOpen
from base.errors import DomainError, Malformed
from cli.packages import identity_in
from ledger.checkpoint import VerifierKey

if TYPE_CHECKING:
    from cli.backup_evidence import Comparison

UNUSABLE: Final = 2
DAMAGED: Final = 4
BEHIND: Final = 5
_BUCKET: Final = "the bucket is not in this backup: keep its versions at least as long as the backup"
_ADVICE: Final = {
    "backup-behind": "Restore a newer backup, or read docs/howto/recovery.md",
    "nothing-to-compare-with": "Give --checkpoint FILE, or say --though-uncompared",
}


def backup(
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist yet")],
    to: Annotated[
        str | None,
        typer.Option("--to", help="An age recipient (age1…): whoever has its identity can read it"),
    ] = None,
    make_identity: Annotated[
        Path | None,
        typer.Option(help="Make a new identity in this file, and encrypt to it. Keep it elsewhere!"),
    ] = None,
) -> None:
    """Back up keys, files and database into one encrypted file; the exchange may run meanwhile."""
    # a node is loaded by whoever runs one, not by its help
    from cli.backing_up import back_up  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    if (to is None) == (make_identity is None):
        typer.echo("say whom it is encrypted to: --to age1…, or --make-identity FILE", err=True)
        raise typer.Exit(UNUSABLE)
    for path in filter(None, (out, make_identity)):
        if path.exists():
            typer.echo(f"{path}: there is a file of this name", err=True)
            raise typer.Exit(UNUSABLE)
    try:
        recipient = to or identity_in(make_identity or Path(), make=True).recipient
        made = run(lambda settings: back_up(settings, out, recipient))
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(UNUSABLE) from None
    files = "no file: they are in the bucket" if made.files is None else f"{made.files} files"
    typer.echo(f"{out}: {made.backup_id}, the log up to {made.size} entries, {files}")
    if made.files is None:
        typer.echo(_BUCKET, err=True)
    typer.echo(f"encrypted to {recipient}")


def restore(
    backup: Annotated[Path, typer.Argument(help="The backup")],
    identity: Annotated[Path, typer.Option(help="A file with the age identity that it was encrypted to")],
    vkey: Annotated[
        list[str] | None, typer.Option(help="The log's verifier key, known from elsewhere; again for each")
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Prove the backup, and move nothing")] = False,
    though_behind: Annotated[
        bool,
        typer.Option("--though-behind", help="Put it back although the log went on: to be read, not written"),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="The newest checkpoint, or receipt (.tlog-proof), of this log that is kept elsewhere"
        ),
    ] = None,
    though_uncompared: Annotated[
        bool,
        typer.Option("--though-uncompared", help="Put it back although nothing tells where the log was"),
    ] = False,
) -> None:
    """Put a backup back, once it is proved whole and no older than the published log. Stop the node first."""
    from cli.backup_archive import BackupBad  # noqa: PLC0415
    from cli.backup_evidence import BackupBehind, NothingToCompare  # noqa: PLC0415
    from cli.restoring import restore, state_restored  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    try:
        keys = [VerifierKey.parse(text) for text in vkey or ()]
        who = identity_in(identity)
        given = None if checkpoint is None else checkpoint.read_bytes()
        done = run(
            lambda settings: restore(
                settings,
                backup,
                who,
                vkeys=keys,
                checkpoint=given,
                though_behind=though_behind,
                though_uncompared=though_uncompared,
                check=check,
            ),
            passing=(BackupBad, BackupBehind, NothingToCompare, KeyDoesNotOpen),
        )
    except (BackupBehind, NothingToCompare) as error:
        _say(error)
        typer.echo(f"nothing was moved. {_ADVICE[error.code]}", err=True)
        raise typer.Exit(BEHIND) from None
    except (BackupBad, KeyDoesNotOpen) as error:
        _say(error)
        typer.echo("nothing was moved", err=True)
        raise typer.Exit(DAMAGED) from None
    except Malformed as error:
        _say(error)
        raise typer.Exit(UNUSABLE) from None
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(UNUSABLE) from None
    told = done.manifest
    typer.echo(f"{told.backup_id} of {told.made_at}: {told.origin}, {told.size} entries, root {told.root}")
    if not done.pinned:
        typer.echo("UNPINNED: it vouches for itself; give --vkey to know whose backup this is", err=True)
    _say_compared(done.compared, bucket=told.files == "elsewhere")
    if done.behind is not None:
        typer.echo(f"backup-behind: {done.behind}", err=True)
    if check:
        typer.echo("the backup is whole; nothing was moved")
        return
    if done.kept is not None:
        typer.echo(f"the database that was there: {done.kept}")
    if done.behind is None:
        run(lambda settings: state_restored(settings, done))
        typer.echo("restored")
    else:
        typer.echo("restored, to be read: the node refuses every write (docs/howto/recovery.md)")


def _say_compared(compared: "Comparison", *, bucket: bool) -> None:
    if bucket:
        typer.echo(_BUCKET, err=True)
    for who, size in compared.told:
        typer.echo(f"compared with {who}: {size} entries")
    if not compared.told:
        typer.echo("nothing to compare with: whether the log went on after it nobody tells", err=True)
    if compared.answered < compared.witnesses:
        typer.echo(f"of {compared.witnesses} witnesses {compared.answered} told where the log was", err=True)


def _say(error: DomainError) -> None:
    facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
    typer.echo(f"{error.code}: {error.detail}{f' ({facts})' if facts else ''}", err=True)
