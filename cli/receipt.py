"""`databourse receipt`: is this entry in that log? Offline, and without trusting the exchange.

Exit codes: 0 when all that is asked for holds, 1 when something does not, 2 for a command not understood.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from base.errors import Malformed
from ledger.checkpoint import MAX_NOTE_BYTES, OpenedCheckpoint, VerifierKey, verify_receipt
from ledger.errors import NoteInvalid
from ledger.statement import MAX_ENTRY_BYTES
from ledger.suites import parse_party_key
from ledger.witness_policy import Policy
from ledger.witness_receipt import verify_federated

_BAD: Final = 1
_UNPINNED: Final = "who signed that statement was not checked: --province-exchange names the key"
_MOST: Final = 4 * MAX_NOTE_BYTES


def receipt(
    file: Annotated[Path, typer.Argument(help="A `.tlog-proof`, or a `.federated.json`")],
    *,
    vkey: Annotated[list[str] | None, typer.Option(help="The log's verifier key, from elsewhere")] = None,
    entry: Annotated[Path | None, typer.Option(help="The entry's exact bytes, for a `.tlog-proof`")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="A tlog-policy file: its logs, and the quorum that must have cosigned")
    ] = None,
    province_vkey: Annotated[
        list[str] | None, typer.Option(help="The province's verifier key: the receipt must lead to its log")
    ] = None,
    province_policy: Annotated[
        Path | None, typer.Option(help="A tlog-policy file for the province's checkpoint")
    ] = None,
    province_exchange: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="The key of the province's exchange (base64, as its `node --exchange-key` prints it), "
            "which must have signed what the province states",
        ),
    ] = None,
) -> None:
    """Check a receipt offline: a `.tlog-proof` with its entry, or one that leads to a province."""
    try:
        asked, above = _policy(policy), _policy(province_policy)
        keys = [*_keys(vkey), *(log.vkey for log in asked.logs), *asked.vkeys]
        upper = [*_keys(province_vkey), *(log.vkey for log in above.logs), *above.vkeys]
        signer = None if province_exchange is None else parse_party_key(province_exchange)
        if upper:
            shown = verify_federated(_read(file), keys, upper, province_exchange=signer)
            typer.echo(f"entry {shown.index}: {_quorum(shown.city, asked)}")
            typer.echo(f"stated as entry {shown.province_index}: {_quorum(shown.province, above)}")
            typer.echo(_UNPINNED if signer is None else "stated by the province's exchange")
            return
        if signer is not None:
            raise typer.BadParameter(
                "it goes with the province's verifier key", param_hint="--province-exchange"
            )
        if entry is None:
            raise typer.BadParameter("a `.tlog-proof` is checked with its entry", param_hint="--entry")
        opened = verify_receipt(_read(file), entry.read_bytes()[: MAX_ENTRY_BYTES + 1], keys)
        typer.echo(f"the entry is there: {_quorum(opened, asked)}")
    except Malformed as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(_BAD) from None


def _quorum(opened: OpenedCheckpoint, policy: Policy) -> str:
    """What the checkpoint is. Raises NoteInvalid where the policy's quorum is not met."""
    if not policy.satisfied(opened.cosigned):
        raise NoteInvalid("unwitnessed: too few witnesses have cosigned the checkpoint")
    head = opened.checkpoint
    by = ", ".join(found.key.name for found in opened.cosigned)
    return f"{head.origin}, size {head.size}, root {head.root.hex()}" + (f", cosigned by {by}" if by else "")


def _policy(path: Path | None) -> Policy:
    """What must have been cosigned. Raises PolicyInvalid, also for a file that names no quorum."""
    return Policy() if path is None else Policy.parse(_read(path))


def _keys(texts: list[str] | None) -> list[VerifierKey]:
    return [VerifierKey.parse(text) for text in texts or ()]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None
