"""What everybody may know of the exchange's own house: its fees, and every version of its rule tables."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from brokers.commission import CAP_BP
from pricing.whole import PLATFORM_FEE_BP, VAT_BP
from web.numbers import ROOMS, numbers
from web.views import View

router = APIRouter(tags=["house"])


class FeesView(View):
    """Rates in basis points: of the whole price, VAT of the price without tax. A price includes them all."""

    platform_fee_bp: int
    broker_commission_cap_bp: int
    vat_bp: int


class RuleView(View):
    """One number of one version of a rule; `effective_to` is the first day it is no longer in force."""

    table: str
    rule_id: str
    version: str
    name: str
    value: str
    unit: str
    legal_basis: str
    effective_from: date | None
    effective_to: date | None
    source_status: str


@router.get("/fees")
async def fees() -> FeesView:
    """What a trade costs: the platform's fee, the most that a broker earns, VAT."""
    return FeesView(platform_fee_bp=PLATFORM_FEE_BP, broker_commission_cap_bp=CAP_BP, vat_bp=VAT_BP)


@router.get("/rule-tables")
async def rule_tables(
    room: Annotated[
        str, Query(max_length=20, description="whose table: supervision, registry.subjects …; all without it")
    ] = "",
    after: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 60,
) -> list[RuleView]:
    """Every version of every number of law that a rule uses: what was, is and will be in force."""
    rows = numbers(room if room in ROOMS else "")[after : after + limit]
    return [
        RuleView(
            table=name,
            rule_id=one.rule_id,
            version=one.version,
            name=one.name,
            value=one.value,
            unit=one.unit,
            legal_basis=one.legal_basis,
            effective_from=one.effective_from,
            effective_to=one.effective_to,
            source_status=one.source_status,
        )
        for name, one in rows
    ]
