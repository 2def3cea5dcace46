"""`databourse conduct ORG BUNDLE`: a broker's conduct score, recomputed from a bundle alone.

Offline, from either edition, without trusting the exchange: the same bytes as the API answers at
`/brokers/{no}/conduct?size=N` for a checkpoint of that size. It believes the bundle: check it first with
`databourse audit`.

Exit codes: 0 written, 1 the log knows no broker of this id, 2 unusable.
"""

import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from base.clock import parse_rfc3339
from base.errors import DomainError
from ledger.bundle import Bundle
from ledger.tiles import ENTRIES, WIDTH, Tile, unpack_entries

UNKNOWN: Final = 1
UNUSABLE: Final = 2


def conduct(
    org: Annotated[str, typer.Argument(help="The broker, by the id of its organisation (org_…)")],
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip, either edition")],
    *,
    after: Annotated[
        list[Path] | None,
        typer.Option(
            "--after", help="The bundle of a closed log before it, the oldest first; may be repeated"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file instead of standard output")] = None,
) -> None:
    """Make a broker's conduct score from a bundle, with every reason and the entries where it stands."""
    from brokers.conduct.record import EVENTS  # noqa: PLC0415 - the engine room is loaded by its users
    from brokers.conduct.score import score_on  # noqa: PLC0415
    from supervision.provenance.offline import statements_in  # noqa: PLC0415

    try:
        with ExitStack() as stack:
            bundles = [stack.enter_context(Bundle(path)) for path in (*(after or ()), bundle)]
            head = bundles[-1].head()
            found = score_on(
                org,
                statements_in(bundles, EVENTS),
                as_of=_sealed_at(bundles[-1], head.size),
                log=head.origin,
                size=head.size,
            )
    except DomainError as error:
        where = f" (seq {error.facts['seq']})" if "seq" in error.facts else ""
        raise _stop(f"{error.title}: {error.detail}{where}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise _stop(f"a statement is not of its form: {error!r}") from None
    if found.record.certified_at is None:
        raise _stop(f"the log knows no broker {org}", UNKNOWN)
    if out is None:
        sys.stdout.buffer.write(found.published())
        return
    try:
        out.write_bytes(found.published())
    except OSError as error:
        raise _stop(f"cannot write: {error}") from None
    counted = sum(item.counts for item in found.items)
    typer.echo(f"{org}: {found.score} points, band {found.band}; {counted} reasons in {out}")


def _sealed_at(bundle: Bundle, size: int) -> datetime:
    """When the last entry of the bundle was sealed. Raises BundleFileBad, KeyError, ValueError."""
    number = (size - 1) // WIDTH
    *_, last = unpack_entries(bundle.tile(Tile(ENTRIES, number, size - number * WIDTH)))
    return parse_rfc3339(orjson.loads(last)["at"])


def _stop(message: str, code: int = UNUSABLE) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)
