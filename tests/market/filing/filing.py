"""Shared by the tests of what follows a settlement."""

from datetime import date, datetime
from typing import Any

from sqlmodel import select

from base.jobs import schedule
from market.delivery.service import EXPIRE_JOB
from market.delivery.tables import Entitlement
from market.filing.rules import InvoiceTerms, Method, Taxpayer
from market.filing.service import issue_invoice, prove_destruction, reverse_invoice
from market.filing.tables import Invoice
from tests.houses import Party
from tests.market.trade.scene import Scene

NUMBER = "26442000000012345678"
RED_NUMBER = "26442000000012345679"
PROOF = "ab" * 32


def terms(**changes: Any) -> InvoiceTerms:
    """The invoice of SC-1: 680 000.00 yuan, of which 6 % are in it."""
    said: dict[str, Any] = {
        "invoice_no": NUMBER,
        "issued_on": date(2026, 11, 16),
        "taxpayer": Taxpayer.GENERAL,
        "vat_rate_bp": 600,
        "net_minor": 64_150_943,
        "vat_minor": 3_849_057,
    }
    return InvoiceTerms(**(said | changes))


async def licence_until(scene: Scene, trade_id: str, end: datetime) -> None:
    """Let a licence end sooner than its year, so that no year has to pass."""
    async with scene.database.write() as s:
        entitlement = (await s.exec(select(Entitlement).where(Entitlement.trade_id == trade_id))).one()
        entitlement.expires_at = end
        s.add(entitlement)
        await schedule(
            s,
            kind=EXPIRE_JOB,
            key=entitlement.entitlement_id,
            run_at=end,
            payload={"entitlement_id": entitlement.entitlement_id},
        )


async def invoice(scene: Scene, trade_id: str, *, who: Party | None = None, **changes: Any) -> Invoice:
    """The seller invoices."""
    return await (who or scene.seller).do(
        issue_invoice,
        role="PROVIDER",
        attempted="TRD.INVOICE",
        object_id=trade_id,
        trade_id=trade_id,
        terms=terms(**changes),
    )


async def reverse(scene: Scene, trade_id: str, **changes: Any) -> Invoice:
    """The seller takes its invoice back."""
    said: dict[str, Any] = {"invoice_no": RED_NUMBER, "issued_on": date(2026, 11, 16)}
    return await scene.seller.do(
        reverse_invoice,
        role="PROVIDER",
        attempted="FIL.RED_INVOICE",
        object_id=trade_id,
        trade_id=trade_id,
        **(said | changes),
    )


async def prove(scene: Scene, trade_id: str, *, who: Party | None = None, role: str = "BUYER") -> Any:
    """The buyer proves that the data is gone."""
    return await (who or scene.buyer).do(
        prove_destruction,
        role=role,
        attempted="FIL.DESTROYED",
        object_id=trade_id,
        trade_id=trade_id,
        method=Method.CRYPTO_ERASED,
        proof_sha256=PROOF,
    )
