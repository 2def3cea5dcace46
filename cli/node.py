"""`databourse node`: who this node is, for whoever has to pin its keys."""

import base64
import json
from typing import Annotated

import typer

from base.settings import Settings
from web.node import load_keys


def node(
    *,
    exchange_key: Annotated[
        bool, typer.Option("--exchange-key", help="Print the exchange's key alone, as the bank takes it")
    ] = False,
    vkey: Annotated[bool, typer.Option("--vkey", help="Print the log's verifier key alone")] = False,
) -> None:
    """Print the node's origin and public keys; its keys are made on first use."""
    settings = Settings()
    keys = load_keys(settings)
    public = base64.b64encode(keys.exchange.public).decode()
    if exchange_key or vkey:
        typer.echo(public if exchange_key else str(keys.checkpoint.vkey))
        return
    said = {"origin": settings.origin, "vkey": str(keys.checkpoint.vkey), "exchange_key": public}
    typer.echo(json.dumps(said, indent=2))
