"""`databourse node`: who this node is, for whoever has to pin its keys; and starting it."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from base.settings import Settings
from cli.migrate import SQLITE_FILE
from cli.node_keys import present_vkey
from cli.running import log_plainly, run
from ledger.checkpoint import VerifierKey
from web.node import load_keys
from web.witnessing import load_cosigner


def node(
    *,
    exchange_key: Annotated[
        bool, typer.Option("--exchange-key", help="Print the exchange's key alone, as the bank takes it")
    ] = False,
    vkey: Annotated[bool, typer.Option("--vkey", help="Print the log's verifier key alone")] = False,
    witness_vkey: Annotated[
        bool,
        typer.Option("--witness-vkey", help="Print the verifier key that this node cosigns other logs by"),
    ] = False,
    start: Annotated[
        bool,
        typer.Option("--start", help="Start the node: an exchange, and a witness where it is told of logs"),
    ] = False,
    witness_only: Annotated[
        bool,
        typer.Option("--witness-only", help="With --start: a witness and no exchange; nothing is founded"),
    ] = False,
    host: Annotated[str, typer.Option(help="With --start: the address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --start: the port to listen at")] = 8000,
    sequencer: Annotated[
        bool, typer.Option(help="With --start: also sequence the log and run what falls due")
    ] = True,
) -> None:
    """Print who this node is, or start it; its keys are made on first use."""
    if start:
        _start(host, port, witness_only=witness_only, sequencer=sequencer)
        return
    settings = Settings()
    if witness_vkey:
        typer.echo(str(load_cosigner(settings).vkey))
        return
    keys = load_keys(settings)
    public = base64.b64encode(keys.exchange.public).decode()
    if exchange_key:
        typer.echo(public)
        return
    present = _present(settings) or keys.checkpoint.vkey
    if vkey:
        typer.echo(str(present))
        return
    said = {"origin": present.name, "vkey": str(present), "exchange_key": public}
    if settings.witnessed_logs_file is not None:
        said["witness_vkey"] = str(load_cosigner(settings).vkey)
    typer.echo(json.dumps(said, indent=2))


def _present(settings: Settings) -> VerifierKey | None:
    """The key to pin as the log says it; None before there is a log, or while its database is away."""
    file = settings.database_url.removeprefix(SQLITE_FILE)
    if file != settings.database_url and not Path(file).exists():
        return None
    try:
        return asyncio.run(present_vkey(settings))
    except (DBAPIError, OSError):
        return None


def _start(host: str, port: int, *, witness_only: bool, sequencer: bool) -> None:
    # the servers are loaded by whoever starts one
    from cli.serve import serve_node  # noqa: PLC0415
    from cli.witnessing import serve_witness  # noqa: PLC0415

    log_plainly()
    if witness_only:
        run(lambda settings: serve_witness(settings, host=host, port=port))
    else:
        run(lambda settings: serve_node(settings, host=host, port=port, sequencer=sequencer))
