"""A product's history out of the database: bounded questions, each answered by an index of the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from base.db import ReadSession
from base.errors import NotFound
from ledger import reader
from ledger.log_keys import past_places
from ledger.reader import Statement
from supervision.provenance.lineage import (
    ADMITTED,
    DOWNLOAD,
    LISTING_EVENTS,
    PRODUCT,
    TRADE_EVENTS,
    Lineage,
    Said,
    assemble,
    fold,
    version_of,
)

DRAFT: Final = "LST.DRAFT"
MOST_DEALS: Final = 50
_MOST_LISTINGS: Final = 100
_MOST_PRODUCTS: Final = 40
_STEPS_OF_A_LISTING: Final = 40
_STEPS_OF_A_TRADE: Final = 16
_MOST_DOWNLOADS: Final = 500


class ProductUnknown(NotFound):
    code = "product-unknown"
    title = "No such product"


async def lineage_of(
    s: ReadSession, named: str, *, origin: str, after: str | None = None, limit: int = 20
) -> Lineage:
    """The history of a product, named by its id or that of a listing; its trades by keyset.

    `after` is the last trade that was told. At most 40 products above it and 100 listings each are told;
    the answer says when there are more. Raises ProductUnknown.
    """
    product_id = named if named.startswith(PRODUCT) else await _product_of(s, named)
    found = _Found()
    own = await found.drafts(s, product_id)
    if not any(said.says["product_id"] == product_id for said in own):
        raise ProductUnknown("no such product", product_id=named)
    for digest in {version_of(said).file_sha256 for said in own if said.says["product_id"] == product_id}:
        await found.drafts(s, digest)
    await found.above(s, product_id)
    contracts = await reader.statements_mentioning(
        s, object_ids=[product_id], event="TRD.CONTRACT", after=after, limit=min(limit, MOST_DEALS) + 1
    )
    told = [said.object_id for said in contracts[: min(limit, MOST_DEALS)]]
    statements = [*found.statements(), *await _steps(s, found.listings_of(product_id), told)]
    folded = fold([*statements, *await _admissions(s, statements)])
    lineage = assemble(
        product_id,
        folded,
        origin=origin,
        deals=told,
        truncated=found.truncated,
        next_after=told[-1] if len(contracts) > len(told) else None,
    )
    assert lineage is not None
    return lineage


class _Found:
    """Drafts that were found so far, by listing, and whether a bound was met."""

    def __init__(self) -> None:
        self._drafts: dict[str, Said] = {}
        self.truncated = False

    async def drafts(self, s: ReadSession, named: str) -> Sequence[Said]:
        """Every draft that speaks of a product or a file: its own listings, and what was made from it."""
        rows = await reader.statements_mentioning(
            s, object_ids=[named], event=DRAFT, limit=_MOST_LISTINGS + 1
        )
        self.truncated |= len(rows) > _MOST_LISTINGS
        said = await said_in(s, rows[:_MOST_LISTINGS])
        self._drafts |= {one.object_id: one for one in said}
        return said

    async def above(self, s: ReadSession, product_id: str) -> None:
        """The products that a product was made from, at any depth, as many as the bound allows."""
        seen, waiting = {product_id}, [product_id]
        while waiting:
            for source in self._sources(waiting.pop(0)):
                for product in await self._behind(s, source):
                    if product in seen:
                        continue
                    if len(seen) > _MOST_PRODUCTS:
                        self.truncated = True
                        return
                    seen.add(product)
                    waiting.append(product)
                    await self.drafts(s, product)

    async def _behind(self, s: ReadSession, source: str) -> list[str]:
        """The product that is named, or those over the file that is."""
        if source.startswith(PRODUCT):
            return [source]
        over = [version_of(said) for said in await self.drafts(s, source)]
        return sorted({version.product_id for version in over if version.file_sha256 == source})

    def _sources(self, product_id: str) -> list[str]:
        versions = [version_of(said) for said in self._drafts.values()]
        return [
            source
            for version in versions
            if version.product_id == product_id
            for source in version.derived_from
        ]

    def statements(self) -> Iterable[Said]:
        return self._drafts.values()

    def listings_of(self, product_id: str) -> list[str]:
        """The listings that the product's history is about: not those of its sources' other descendants."""
        about = assemble(product_id, fold(self.statements()), origin="")
        products = () if about is None else about.products
        return [version.listing_id for product in products for version in product.versions]


async def _product_of(s: ReadSession, listing_id: str) -> str:
    rows = await reader.statements_about(s, object_ids=[listing_id], events=[DRAFT], limit=1)
    if not rows:
        raise ProductUnknown("no such product", product_id=listing_id)
    return str(rows[0].predicate["product_id"])


async def _steps(s: ReadSession, listings: Sequence[str], trades: Sequence[str]) -> list[Said]:
    """What was said about the listings and the trades, beside the drafts."""
    about_listings = sorted(LISTING_EVENTS - {DRAFT})
    rows = [
        *await reader.statements_about(
            s,
            object_ids=listings,
            events=about_listings,
            limit=_STEPS_OF_A_LISTING * len(listings),
        ),
        *await reader.statements_about(
            s, object_ids=trades, events=sorted(TRADE_EVENTS), limit=_STEPS_OF_A_TRADE * max(len(trades), 1)
        ),
        *await reader.statements_mentioning(s, object_ids=trades, event=DOWNLOAD, limit=_MOST_DOWNLOADS),
    ]
    return await said_in(s, rows)


async def _admissions(s: ReadSession, statements: Iterable[Said]) -> list[Said]:
    """Where the organisations' names stand."""
    concerned = set()
    for said in statements:
        says: Mapping[str, Any] = said.says
        named = (says.get("actor"), says.get("seller_id"), says.get("buyer_id"), says.get("broker_id"))
        concerned |= {one for one in named if isinstance(one, str)}
    ids = sorted(concerned)
    rows = await reader.statements_about(s, object_ids=ids, events=[ADMITTED], limit=len(ids) or 1)
    return await said_in(s, rows)


async def said_in(s: ReadSession, rows: Sequence[Statement]) -> list[Said]:
    """Statements of the database as the history reads them; some may stand in closed logs."""
    elsewhere = [row.statement_id for row in rows if row.seq is None]
    past = await past_places(s, statement_ids=elsewhere) if elsewhere else {}
    found = []
    for row in rows:
        log, seq = past.get(row.statement_id, (None, row.seq))
        says = row.predicate
        found.append(Said(row.event, row.object_id, row.occurred_at, seq, row.envelope_sha256, says, log))
    return found
