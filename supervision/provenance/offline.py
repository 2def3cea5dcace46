"""A product's history out of a bundle: twice through its entries, keeping what the product is about.

The first time finds which listings, trades and organisations are concerned; drafts alone are kept of all
others, for a product's sources come from anywhere. The public edition is enough.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339
from ledger.bundle import Bundle
from supervision.errors import UnusableLedger
from supervision.provenance.lineage import (
    ADMITTED,
    DOWNLOAD,
    LISTING_EVENTS,
    TRADE_EVENTS,
    Lineage,
    Said,
    assemble,
    fold,
)

_KEPT: Final = LISTING_EVENTS | TRADE_EVENTS | {ADMITTED, DOWNLOAD}


@dataclass
class _Concerned:
    """What a product's history is about."""

    product_id: str | None = None
    drafts: dict[str, Said] = field(default_factory=dict)
    trades: set[str] = field(default_factory=set)


def lineage_in(
    bundles: Sequence[Bundle], *, product_id: str | None = None, listing_id: str | None = None
) -> Lineage | None:
    """The history of a product, named itself or by one of its listings; None where no log knows it.

    The last bundle is that of the present log, those before it of closed logs, the oldest first. Believes
    them: check them first with `databourse audit`. Raises BundleFileBad, UnusableLedger.
    """
    origin = bundles[-1].head().origin
    found = _Concerned(product_id)
    for said in statements_in(bundles, frozenset({"LST.DRAFT", "TRD.CONTRACT"})):
        if said.event == "LST.DRAFT":
            found.drafts[said.object_id] = said
            if said.object_id == listing_id:
                found.product_id = said.says["product_id"]
        elif said.says.get("product_id") == found.product_id:  # a contract comes behind its draft
            found.trades.add(said.object_id)
    if found.product_id is None:
        return None
    trades = found.trades
    wanted = _related(found.drafts, found.product_id) | trades
    kept = [
        said
        for said in statements_in(bundles, _KEPT)
        if said.object_id in wanted or said.event == ADMITTED or said.says.get("trade_id") in trades
    ]
    try:
        return assemble(found.product_id, fold(kept), origin=origin)
    except (KeyError, TypeError) as error:
        raise UnusableLedger(f"a statement is not of its form: {error!r}") from None


def _related(drafts: dict[str, Said], product_id: str) -> set[str]:
    """The listings of a product, of what it was made from at any depth, and of what was made from it."""
    by_product: dict[str, list[Said]] = {}
    by_file: dict[str, str] = {}
    for said in drafts.values():
        by_product.setdefault(said.says["product_id"], []).append(said)
        by_file.setdefault(said.says["file"]["sha256"], said.says["product_id"])
    wanted, waiting = {product_id}, [product_id]
    while waiting:
        for said in by_product.get(waiting.pop(), ()):
            for source in said.says.get("derived_from", ()):
                above = by_file.get(source, source)
                if above in by_product and above not in wanted:
                    wanted.add(above)
                    waiting.append(above)
    own = {product_id, *(said.says["file"]["sha256"] for said in by_product.get(product_id, ()))}
    below = {
        said.says["product_id"] for said in drafts.values() if own & set(said.says.get("derived_from", ()))
    }
    return {said.object_id for product in wanted | below for said in by_product.get(product, ())}


def statements_in(bundles: Sequence[Bundle], events: frozenset[str]) -> Iterator[Said]:
    """The public statements of these events in ledger order; `log` names the closed log one stands in."""
    for bundle in bundles:
        closed = None if bundle is bundles[-1] else bundle.head().origin
        for record in bundle.records():
            said = read_said(record.seq, record.entry, events)
            if said is not None:
                yield said if closed is None else replace(said, log=closed)


def read_said(seq: int, raw: bytes, events: frozenset[str]) -> Said | None:
    """The statement in an entry's bytes; None for an event that is not asked for. Raises UnusableLedger."""
    try:
        entry = orjson.loads(raw)
        says = orjson.loads(base64.b64decode(entry["envelope"]["payload"]))["predicate"]
        if says["event"] not in events:
            return None
        return Said(
            event=says["event"],
            object_id=says["object"],
            at=parse_rfc3339(says.get("occurred_at") or entry["at"]),
            seq=seq,
            envelope_sha256=sha256_hex(canonical(entry["envelope"])),
            says=says,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableLedger(f"not a sealed statement: {error!r}", seq=seq) from None
