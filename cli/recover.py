"""`databourse recover plan|sign|apply`: a new log on a regulator's order, as the newest entries are lost."""

from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from base.errors import Malformed

UNUSABLE: Final = 2
app = typer.Typer(
    help="Go on after the log's newest entries were lost, on a regulator's order.", no_args_is_help=True
)


@app.command()
def plan(
    out: Annotated[
        Path, typer.Option("--out", help="The file to write the order to, for the data authority")
    ],
    reason: Annotated[str, typer.Option(help="What happened; it will stand on the log")],
) -> None:
    """Write what is to be ordered: where the log ends, and what was published beyond."""
    from cli.recovering import plan as planned  # noqa: PLC0415
    from cli.recovering import readable  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    payload = run(lambda settings: planned(settings, reason))
    out.write_bytes(payload)
    typer.echo(readable(payload))


@app.command()
def sign(
    order: Annotated[Path, typer.Argument(help="The order, as `plan` wrote it")],
    key: Annotated[Path, typer.Option(help="A key file of the data authority's own")],
    out: Annotated[Path, typer.Option("--out", help="The file to write the signed order to")],
) -> None:
    """Show the order, and sign it. Run by the data authority, where its key is."""
    from base.signing import sign_envelope  # noqa: PLC0415
    from cli.keys import read_key_file  # noqa: PLC0415
    from cli.recovering import readable  # noqa: PLC0415
    from ledger.recovery import PAYLOAD  # noqa: PLC0415

    try:
        payload = order.read_bytes()
        typer.echo(readable(payload))
        envelope = sign_envelope(PAYLOAD, payload, read_key_file(key))
    except (Malformed, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from None
    out.write_bytes(orjson.dumps(envelope.document()))
    typer.echo(f"signed by {envelope.signatures[0].keyid}: {out}")


@app.command()
def apply(
    order: Annotated[Path, typer.Argument(help="The signed order")],
    origin: Annotated[
        str | None, typer.Option(help="The new log's origin; by default the first one's with a number")
    ] = None,
) -> None:
    """Let the log end as ordered, and begin the next one. Stop the node first."""
    from cli.node_keys import told  # noqa: PLC0415
    from cli.recovering import apply as applied  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    try:
        document = orjson.loads(order.read_bytes())
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(UNUSABLE) from None
    for line in told(run(lambda settings: applied(settings, document, origin))):
        typer.echo(line)
    typer.echo("start the node again, and have the new vkey pinned; the order is in entry 0")
