"""`databourse provenance BUNDLE --product ID`: where a product came from and went, from a bundle alone.

It needs no network, no database and no secret, and either edition of the bundle. It believes the bundle:
check it first with `databourse audit`.

Exit codes: 0 written, 1 the log knows no such product, 2 unusable (no bundle, or the command not understood).
"""

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from base.errors import DomainError
from ledger.bundle import Bundle
from ledger.errors import BundleFileBad

UNKNOWN: Final = 1
UNUSABLE: Final = 2


class Format(StrEnum):
    """How a history is written."""

    PROV = "prov"
    OPENLINEAGE = "openlineage"


def provenance(
    bundle: Annotated[Path, typer.Argument(help="The bundle: a folder or a zip, either edition")],
    *,
    product: Annotated[
        str | None, typer.Option("--product", help="The product, by its id (prd_…)", metavar="ID")
    ] = None,
    listing: Annotated[
        str | None, typer.Option("--listing", help="… or by one of its listings (lst_…)", metavar="ID")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="prov: W3C PROV-JSON; openlineage: run events")
    ] = Format.PROV,
    after: Annotated[
        list[Path] | None,
        typer.Option(
            "--after", help="The bundle of a closed log before it, the oldest first; may be repeated"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file instead of standard output")] = None,
) -> None:
    """Tell a product's history from a bundle: sources, quality, trades, deliveries, each with its entry."""
    from supervision.provenance.offline import lineage_in  # noqa: PLC0415 - by those who use it
    from supervision.provenance.openlineage import open_lineage  # noqa: PLC0415
    from supervision.provenance.prov import prov_json  # noqa: PLC0415

    if (product is None) == (listing is None):
        raise _stop("name a product or one of its listings: --product ID or --listing ID")
    try:
        with ExitStack() as stack:
            bundles = [stack.enter_context(Bundle(path)) for path in (*(after or ()), bundle)]
            found = lineage_in(bundles, product_id=product, listing_id=listing)
    except BundleFileBad as error:
        raise _stop(f"{error.title}: {error.detail} ({error.facts.get('path', bundle)})") from None
    except DomainError as error:
        where = f" (seq {error.facts['seq']})" if "seq" in error.facts else ""
        raise _stop(f"{error.title}: {error.detail}{where}") from None
    if found is None:
        raise _stop(f"the log knows no product {product or listing}", UNKNOWN)
    written = prov_json(found) if form is Format.PROV else open_lineage(found)
    if out is None:
        sys.stdout.buffer.write(written)
        return
    try:
        out.write_bytes(written)
    except OSError as error:
        raise _stop(f"cannot write: {error}") from None
    typer.echo(
        f"{found.product.product_id}: {len(found.sources)} sources, {len(found.derived)} products made from "
        f"it, {len(found.deals)} trades; {form.value} in {out}"
    )


def _stop(message: str, code: int = UNUSABLE) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)
