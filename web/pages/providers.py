"""A provider as everybody sees it: who it is, what it offers, how good that is, what was decided on it."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from base.errors import NotFound
from brokers.repository import certificates_of
from identity.repository import get_organisation
from market.listings import catalogue
from market.listings.categories import CATEGORY_LABELS
from market.settlement.sales import months_of
from registry.maturity.service import dcmm_of
from registry.repository import scores_of
from web.pages.regions import region
from web.pages.visiting import VisitorDep
from web.proceedings import on_display

router = APIRouter()
_PAGE: Final = 20
_GRADES: Final = ((900, "90–100"), (800, "80–90"), (600, "60–80"), (0, "0–60"))


@router.get("/providers/{org_id}")
async def provider(
    visitor: VisitorDep, org_id: str, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """One member that sells, or has sold."""
    async with visitor.node.database.read() as s:
        organisation = await get_organisation(s, org_id=org_id)
        if organisation is None or not {role.value for role in organisation.roles} & {"PROVIDER", "BROKER"}:
            raise NotFound("no such provider", org_id=org_id)
        page = await catalogue.search(s, catalogue.Query(seller_id=org_id), after=after or None, limit=_PAGE)
        scores = await scores_of(s, listing_ids={one.listing_id for one in page.listings})
        certificates = await certificates_of(s, org_id=org_id)
        decisions = await on_display(s, now=visitor.node.clock.now())
        today = shanghai_day(visitor.node.clock.now())
        dcmm = await dcmm_of(s, org_id=org_id, on=today)
        months = await months_of(s, seller_id=org_id, now=visitor.node.clock.now())
    return visitor.render(
        "provider.html",
        organisation=organisation,
        region=region(organisation.region),
        listings=page.listings,
        next_address=visitor.url(f"/providers/{org_id}", after=page.next_after) if page.next_after else None,
        scores=scores,
        grades=[(text, sum(_grade(score) == text for score in scores.values())) for _, text in _GRADES],
        certificates=certificates,
        decisions=[one for one in decisions if org_id in one.document.get("org_ids", ())],
        settled=sum(month.trades for month in months),
        labels=CATEGORY_LABELS,
        dcmm=dcmm,
    )


def _grade(tenths: int) -> str:
    return next(text for least, text in _GRADES if tenths >= least)
