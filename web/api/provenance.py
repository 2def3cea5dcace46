"""Where a product came from and where it went, for anybody: what the ledger's public statements say."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from supervision.provenance.lineage import Deal, Lineage, Product, Said
from supervision.provenance.openlineage import open_lineage
from supervision.provenance.prov import prov_json
from web.acts import Id
from web.deps import JSON, NodeDep, ReadDep
from web.lineage import MOST_DEALS, lineage_of
from web.views import View

router = APIRouter(tags=["provenance"])
Named = Annotated[str, Path(pattern=r"^(?:prd|lst)_[0-9a-hjkmnp-tv-z]{26}$")]


class StepView(View):
    """One statement: `seq` is null while it waits to be sealed; `log` names a closed log it stands in."""

    event: str
    at: datetime
    seq: int | None
    log: str | None
    envelope_sha256: str
    actor: str | None

    @classmethod
    def of(cls, said: Said) -> "StepView":
        return cls.model_validate(said)


class MeasurementView(View):
    report_sha256: str
    file_sha256: str
    method: str
    score: str
    dimensions: dict[str, str]
    step: StepView


class VersionView(View):
    listing_id: str
    seller_id: str
    broker_id: str | None
    category: str
    geo: str
    level: str
    file_sha256: str
    file_bytes: int
    derived_from: list[str]
    steps: list[StepView]
    measured: list[MeasurementView]


class ProductView(View):
    product_id: str
    versions: list[VersionView]

    @classmethod
    def of(cls, product: Product) -> "ProductView":
        versions = [
            VersionView(
                listing_id=version.listing_id,
                seller_id=version.seller_id,
                broker_id=version.broker_id,
                category=version.category,
                geo=version.geo,
                level=version.level,
                file_sha256=version.file_sha256,
                file_bytes=version.file_bytes,
                derived_from=list(version.derived_from),
                steps=[StepView.of(step) for step in version.steps],
                measured=[
                    MeasurementView(
                        report_sha256=run.report_sha256,
                        file_sha256=run.file_sha256,
                        method=run.method,
                        score=run.score,
                        dimensions=dict(run.dimensions),
                        step=StepView.of(run.said),
                    )
                    for run in version.measured
                ],
            )
            for version in product.versions
        ]
        return cls(product_id=product.product_id, versions=versions)


class DealView(View):
    trade_id: str
    listing_id: str
    seller_id: str
    buyer_id: str
    broker_id: str | None
    contract_sha256: str
    delivered_file_sha256: str | None
    downloads: int
    steps: list[StepView]

    @classmethod
    def of(cls, deal: Deal) -> "DealView":
        delivered = deal.delivered
        return cls(
            trade_id=deal.trade_id,
            listing_id=deal.listing_id,
            seller_id=deal.seller_id,
            buyer_id=deal.buyer_id,
            broker_id=deal.broker_id,
            contract_sha256=deal.contract_sha256,
            delivered_file_sha256=None if delivered is None else delivered.says["file_sha256"],
            downloads=len(deal.downloads),
            steps=[StepView.of(step) for step in deal.steps],
        )


class LineageView(View):
    """`truncated` says that there is more beside or above than is told; go on with `after` = `next_after`."""

    product: ProductView
    sources: list[ProductView]
    derived: list[ProductView]
    files: list[str]
    trades: list[DealView]
    organisations: dict[str, str]
    truncated: bool
    next_after: str | None

    @classmethod
    def of(cls, found: Lineage) -> "LineageView":
        return cls(
            product=ProductView.of(found.product),
            sources=[ProductView.of(product) for product in found.sources],
            derived=[ProductView.of(product) for product in found.derived],
            files=list(found.files),
            trades=[DealView.of(deal) for deal in found.deals],
            organisations=dict(found.organisations),
            truncated=found.truncated,
            next_after=found.next_after,
        )


class Wanted(BaseModel):
    """In which form, and which of its trades: after the last one seen, so many."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "prov", "openlineage"] = "json"
    after: Id | None = None
    limit: int = Field(default=20, ge=1, le=MOST_DEALS)


@router.get("/products/{product_id}/provenance", response_model=LineageView)
async def provenance(
    product_id: Named, node: NodeDep, s: ReadDep, wanted: Annotated[Wanted, Query()]
) -> Response:
    """A product's history by its id or a listing's: its own, PROV-JSON (`format=prov`), or `openlineage`."""
    origin = node.publisher.signer.name
    found = await lineage_of(s, product_id, origin=origin, after=wanted.after, limit=wanted.limit)
    forms: dict[str, Callable[[], str | bytes]] = {
        "json": lambda: LineageView.of(found).model_dump_json(),
        "prov": lambda: prov_json(found),
        "openlineage": lambda: open_lineage(found),
    }
    return Response(forms[wanted.format](), media_type=JSON)
