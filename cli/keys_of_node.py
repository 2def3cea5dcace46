"""`databourse keys log|rotate|retire|rotate-exchange|…|rotate-master|freeze|shard`: the node's own keys.

Each is run where the exchange runs, by whoever may read its key folder (`docs/howto/operator.md`, "Keys").
The node itself is loaded only when one of them runs: who makes a key of one's own needs no exchange.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from identity.rules import RevocationReason
from ledger.suites import ED25519_SHA256

UNUSABLE: Final = 2

if TYPE_CHECKING:
    from base.settings import Settings
    from web.node import Node


def log() -> None:
    """Print the log's keys with the tree sizes they sign, the exchange's keys, and the closed logs."""
    from cli.node_keys import status  # noqa: PLC0415

    _with_node(status)


def rotate(
    suite: Annotated[
        str, typer.Option(help="ed25519-sha256, or sm2-sm3 for a further line beside it")
    ] = ED25519_SHA256.name,
) -> None:
    """Bring a new key for the log's checkpoints; it signs beside the present one until that is retired."""
    from cli.node_keys import rotate_log, told  # noqa: PLC0415

    async def rotating(node: "Node") -> list[str]:
        return told(await rotate_log(node, suite))

    _with_node(rotating)


def retire(vkey: Annotated[str, typer.Argument(help="The vkey that ends, as `keys log` prints it")]) -> None:
    """End a key of the log: it signs no checkpoint from now on."""
    from cli.node_keys import retire_of_log, told  # noqa: PLC0415

    async def retiring(node: "Node") -> list[str]:
        return told(await retire_of_log(node, vkey))

    _with_node(retiring)


def rotate_exchange() -> None:
    """Bring a new key for the exchange's own statements; the present one goes on until it is retired.

    Start the node's processes again afterwards, and tell the bank the new key.
    """
    from cli.node_keys import rotate_exchange_of  # noqa: PLC0415

    async def rotating(node: "Node") -> list[str]:
        key = await rotate_exchange_of(node)
        return [f"exchange {key.keyid}", "start the node again, then: databourse keys retire-exchange"]

    _with_node(rotating)


def retire_exchange(
    reason: Annotated[
        RevocationReason, typer.Option(help="Why the earlier keys end")
    ] = RevocationReason.SUPERSEDED,
) -> None:
    """End every key of the exchange's own but the one it signs with now."""
    from cli.node_keys import retire_exchange_of  # noqa: PLC0415

    async def retiring(node: "Node") -> list[str]:
        ended = await retire_exchange_of(node, reason)
        return [f"revoked  {keyid}" for keyid in ended] or ["there is no earlier key in force"]

    _with_node(retiring)


def rotate_master() -> None:
    """Turn over the master key: seal under another what it has sealed. Stop the node first; safe to repeat.

    Back up anew afterwards: an older backup holds the older key.
    """
    from cli.master_key import turn_over  # noqa: PLC0415
    from cli.running import run  # noqa: PLC0415

    try:
        done = run(turn_over)
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(UNUSABLE) from None
    typer.echo(f"{done.name}: {done.secrets} secrets and {done.files} files sealed anew")
    for damaged in done.damaged:
        typer.echo(f"opens under neither key, as before: {damaged}", err=True)
    typer.echo("start the node again, and back up anew")


def freeze(
    *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation")] = False
) -> None:
    """Close the log for good, because a key of it is in other hands: nothing is sealed into it any more.

    What is recorded from then on waits for the next log (`databourse keys shard`).
    """
    from cli.node_keys import close  # noqa: PLC0415
    from ledger.log_keys import COMPROMISED  # noqa: PLC0415

    if not yes:
        typer.confirm("Close this log for good?", abort=True)

    async def freezing(node: "Node") -> list[str]:
        last = await close(node, COMPROMISED)
        return [f"{last.origin} is closed at size {last.size}, root {last.root.hex()}"]

    _with_node(freezing)


def shard(
    origin: Annotated[
        str | None, typer.Option(help="The new log's origin; by default the first one's with a number")
    ] = None,
) -> None:
    """Close the log, and begin the next one, whose entry 0 names the last checkpoint. Stop the node first."""
    from cli.node_keys import next_log, told  # noqa: PLC0415

    async def beginning(node: "Node") -> list[str]:
        keys = await next_log(node, origin)
        return [*told(keys), "start the node again, and have the new vkey pinned"]

    _with_node(beginning)


def _with_node(work: "Callable[[Node], Awaitable[list[str]]]") -> None:
    from cli.running import require_schema, run  # noqa: PLC0415
    from web.node import open_node  # noqa: PLC0415

    async def opened(settings: "Settings") -> list[str]:
        await require_schema(settings)
        async with open_node(settings) as node:
            return await work(node)

    for line in run(opened):
        typer.echo(line)


COMMANDS = (log, rotate, retire, rotate_exchange, retire_exchange, rotate_master, freeze, shard)
