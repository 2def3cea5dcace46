"""A product's history, folded from public statements: pure, the same from a database and from a bundle.

A product is offered by listings, each over one file and with what the file was made from; a listing is
measured, reviewed, put on offer; a trade contracts and delivers the file. Nothing is told that the public
part of a statement does not say: no title, no price, no term.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

PRODUCT: Final = "prd_"
LISTING_EVENTS: Final = frozenset(
    {
        "LST.DRAFT",
        "LST.SUBMIT",
        "LST.APPROVE",
        "LST.LIST",
        "LST.SUSPEND",
        "LST.RESUME",
        "LST.DELIST",
        "LST.WITHDRAW",
        "REG.MEASURE",
    }
)
TRADE_EVENTS: Final = frozenset(
    {
        "TRD.INQUIRE",
        "TRD.AWARD",
        "TRD.CONTRACT",
        "TRD.FUND",
        "TRD.FUND_TIMEOUT",
        "TRD.START_DELIVERY",
        "TRD.DELIVERED",
        "TRD.ACCEPT_GOODS",
        "TRD.SILENT_ACCEPT",
        "TRD.SETTLE",
        "TRD.FILE",
        "TRD.ISSUE_TRADE_CERT",
        "TRD.LICENCE_END",
        "TRD.DELIVERY_FAIL",
        "TRD.REFUND",
        "TRD.VOID",
    }
)
DOWNLOAD: Final = "DLV.DOWNLOAD"
ADMITTED: Final = "ORG.ADMIT"


@dataclass(frozen=True, slots=True)
class Said:
    """A public statement: `seq` is None while it waits to be sealed; `log` is a closed log's origin."""

    event: str
    object_id: str
    at: datetime
    seq: int | None
    envelope_sha256: str
    says: Mapping[str, Any]
    log: str | None = None

    @property
    def actor(self) -> str | None:
        found = self.says.get("actor")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of the quality measurement over a listing's file."""

    said: Said
    file_sha256: str
    report_sha256: str
    method: str
    score: str
    dimensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """One listing of a product: the file it offers, who brought it, what it was made from."""

    drafted: Said
    listing_id: str
    product_id: str
    seller_id: str
    broker_id: str | None
    category: str
    geo: str
    level: str
    file_sha256: str
    file_bytes: int
    derived_from: tuple[str, ...]
    steps: tuple[Said, ...] = ()
    measured: tuple[Measurement, ...] = ()

    @property
    def listed(self) -> Said | None:
        """When it was first put on offer."""
        return next((step for step in self.steps if step.event == "LST.LIST"), None)


@dataclass(frozen=True, slots=True)
class Product:
    """A product with those of its versions that are known here, first to last."""

    product_id: str
    versions: tuple[Version, ...]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(version.file_sha256 for version in self.versions))


@dataclass(frozen=True, slots=True)
class Deal:
    """One contracted trade: who, over what, on which contract, and how far it went."""

    trade_id: str
    listing_id: str
    product_id: str
    seller_id: str
    buyer_id: str
    broker_id: str | None
    contract_sha256: str
    steps: tuple[Said, ...]
    downloads: tuple[Said, ...] = ()

    def step(self, *events: str) -> Said | None:
        """The first step of one of these events."""
        return next((step for step in self.steps if step.event in events), None)

    @property
    def contracted(self) -> Said:
        found = self.step("TRD.CONTRACT")
        assert found is not None
        return found

    @property
    def delivered(self) -> Said | None:
        return self.step("TRD.DELIVERED")

    @property
    def ended(self) -> Said:
        """The last thing that is known of it."""
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class Lineage:
    """A product's history. `sources` come before it, at any depth; `derived` were made from it directly.

    `files` are sources that are no product of this exchange. `truncated` says that there is more before or
    beside it than is told; `next_after` is the trade to go on behind, where there are more trades.
    """

    origin: str
    product: Product
    sources: tuple[Product, ...]
    derived: tuple[Product, ...]
    files: tuple[str, ...]
    deals: tuple[Deal, ...]
    organisations: Mapping[str, str]
    truncated: bool = False
    next_after: str | None = None

    @property
    def products(self) -> tuple[Product, ...]:
        return (*self.sources, self.product, *self.derived)

    def name_of(self, org_id: str) -> str:
        """An organisation's name, or its id where its admission is not among what was read."""
        return self.organisations.get(org_id, org_id)

    def parents_of(self, version: Version) -> list[str]:
        """What a version was made from: ids of products where they are known, digests of files else."""
        by_file = {file: product.product_id for product in self.products for file in product.files}
        return list(dict.fromkeys(by_file.get(source, source) for source in version.derived_from))


@dataclass
class Folded:
    """What statements say about listings, trades and organisations, by id."""

    versions: dict[str, Version] = field(default_factory=dict)
    deals: dict[str, Deal] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def products(self) -> dict[str, Product]:
        """The versions by product, in the order they were drafted."""
        found: dict[str, list[Version]] = {}
        for version in sorted(self.versions.values(), key=lambda one: (one.drafted.at, one.listing_id)):
            found.setdefault(version.product_id, []).append(version)
        return {product_id: Product(product_id, tuple(versions)) for product_id, versions in found.items()}


def version_of(said: Said) -> Version:
    """What a draft says. Raises KeyError, TypeError where it is not of its form."""
    says = said.says
    return Version(
        drafted=said,
        listing_id=said.object_id,
        product_id=says["product_id"],
        seller_id=says["seller_id"],
        broker_id=says.get("broker_id"),
        category=says["category"],
        geo=says["geo"],
        level=says["level"],
        file_sha256=says["file"]["sha256"],
        file_bytes=says["file"]["bytes"],
        derived_from=tuple(says.get("derived_from", ())),
    )


def fold(statements: Iterable[Said]) -> Folded:
    """Fold statements, in their order, into listings, contracted trades and names."""
    folded = Folded()
    steps: dict[str, list[Said]] = {}
    measured: dict[str, list[Measurement]] = {}
    downloads: dict[str, list[Said]] = {}
    contracted: list[Said] = []
    for said in statements:
        if said.event == ADMITTED:
            folded.names[said.object_id] = said.says["name"]
        elif said.event == "REG.MEASURE":
            measured.setdefault(said.object_id, []).append(_measurement(said))
        elif said.event == DOWNLOAD:
            downloads.setdefault(said.says["trade_id"], []).append(said)
        elif said.event in LISTING_EVENTS or said.event in TRADE_EVENTS:
            steps.setdefault(said.object_id, []).append(said)
            contracted += [said] if said.event == "TRD.CONTRACT" else []
    for listing_id, its in steps.items():
        draft = next((step for step in its if step.event == "LST.DRAFT"), None)
        if draft is not None:
            runs = tuple(measured.get(listing_id, ()))
            folded.versions[listing_id] = replace(version_of(draft), steps=tuple(its), measured=runs)
    for contract in contracted:
        trade_id = contract.object_id
        folded.deals[trade_id] = _deal(contract, steps[trade_id], downloads.get(trade_id, ()))
    return folded


def assemble(
    product_id: str,
    folded: Folded,
    *,
    origin: str,
    deals: Sequence[str] | None = None,
    truncated: bool = False,
    next_after: str | None = None,
) -> Lineage | None:
    """The history of one product out of what was folded; None where nothing says that there is one.

    `deals` are the trades to tell of, in their order; all of the product without them.
    """
    products = folded.products()
    subject = products.pop(product_id, None)
    if subject is None:
        return None
    by_file = {file: product.product_id for product in products.values() for file in product.files}
    above, files = _above(subject, products, by_file)
    own = {subject.product_id, *subject.files}
    below = [
        product
        for product in products.values()
        if any(own & set(version.derived_from) for version in product.versions)
    ]
    chosen = [deal.trade_id for deal in folded.deals.values() if deal.product_id == product_id]
    told = tuple(folded.deals[trade_id] for trade_id in (chosen if deals is None else deals))
    return Lineage(
        origin=origin,
        product=subject,
        sources=tuple(products[found] for found in above),
        derived=tuple(product for product in below if product.product_id not in above),
        files=files,
        deals=told,
        organisations=folded.names,
        truncated=truncated,
        next_after=next_after,
    )


def _above(
    subject: Product, products: Mapping[str, Product], by_file: Mapping[str, str]
) -> tuple[list[str], tuple[str, ...]]:
    """The products that a product was made from, nearest first, and the files that are no product here."""
    found: dict[str, None] = {}
    files: dict[str, None] = {}
    waiting = [subject]
    while waiting:
        for version in waiting.pop(0).versions:
            for named in version.derived_from:
                source = by_file.get(named, named)
                if source in products and source not in found:
                    found[source] = None
                    waiting.append(products[source])
                elif source not in products and source not in {subject.product_id, *subject.files}:
                    files[source] = None
    return list(found), tuple(files)


def _measurement(said: Said) -> Measurement:
    says = said.says
    return Measurement(
        said, says["file_sha256"], says["report_sha256"], says["method"], says["score"], says["dimensions"]
    )


def _deal(contract: Said, steps: Sequence[Said], downloads: Sequence[Said]) -> Deal:
    says = contract.says
    return Deal(
        trade_id=contract.object_id,
        listing_id=says["listing_id"],
        product_id=says["product_id"],
        seller_id=says["seller_id"],
        buyer_id=says["buyer_id"],
        broker_id=says.get("broker_id"),
        contract_sha256=says["contract_sha256"],
        steps=tuple(steps),
        downloads=tuple(downloads),
    )
