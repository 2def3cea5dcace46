"""Stating on what basis a public agency buys, and asking for it where the agency is bound."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from base.canonical import canonical
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders.repository import claim_trade_of
from market.orders.states import OVER
from market.orders.tables import Trade
from market.procurement import repository
from market.procurement.errors import NotPublicBuyer, ProcurementClosed
from market.procurement.rules import Basis, Reason, check_basis, check_purchase, check_seen
from market.procurement.tables import Procurement

EVENT: Final = "PCM.STATE"
STATED: Final = "STATED"


async def state_procurement(
    s: WriteSession, act: Act, *, trade_id: str, basis: Basis, seen: Sequence[str], reason: Reason | None
) -> Procurement:
    """State on what basis one's agency buys, with the duplicates that were shown and the reason (PCM.STATE).

    A later one takes its place until the contract is concluded. Raises TradeUnknown, NotPublicBuyer,
    ProcurementClosed, ProcurementMalformed, PurchaseDuplicate, `member-not-active`.
    """
    trade = await claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    if trade.buyer_id != act.actor.org_id or not await repository.is_agency(s, org_id=trade.buyer_id):
        raise NotPublicBuyer("a basis is stated by the public agency that buys", trade_id=trade_id)
    await require_member(s, org_id=trade.buyer_id)
    if trade.contracted_at is not None or trade.status in OVER:
        raise ProcurementClosed("the basis stands as it was stated", trade_id=trade_id)
    checked = check_basis(basis)
    duplicates = await repository.duplicates_of(s, trade, now=act.now, before=trade.agreed_at)
    check_seen(duplicates, seen=seen, reason=reason)
    former = await repository.newest_of(s, trade_id=trade_id)
    shown = sorted(one.trade_id for one in duplicates)
    given = reason if shown else None
    row = Procurement(
        procurement_id=act.new_id("pcm"),
        trade_id=trade_id,
        number=1 if former is None else former.number + 1,
        buyer_id=trade.buyer_id,
        method=checked.method,
        budget_reference=checked.budget_reference,
        budget_minor=checked.budget_minor,
        document_sha256=checked.document_sha256,
        seen=canonical(shown).decode(),
        reason=given,
        stated_at=act.occurred_at,
        statement_id="",
    )
    said = Draft(
        EVENT,
        row.procurement_id,
        public={
            "trade_id": trade_id,
            "buyer_id": row.buyer_id,
            "product_id": trade.product_id,
            "number": row.number,
            "replaces": None if former is None else former.procurement_id,
            "method": row.method.value,
            "seen": shown,
            "reason_code": None if given is None else given.value,
        },
        opening={"budget_reference": checked.budget_reference, "budget_minor": str(checked.budget_minor)},
        subjects={"basis": checked.document_sha256},
        after=STATED,
    )
    row.statement_id = (await record(s, act, said)).statement_id
    s.add(row)
    await s.flush()
    return row


async def require_procured(
    s: WriteSession, act: Act, trade: Trade, *, before: datetime | None = None
) -> None:
    """What binds a public agency has a basis, and no duplicate that it has not seen; others buy as they like.

    Purchases of one product by agencies are decided one after the other. `before`: only duplicates that were
    agreed before that. Raises ProcurementBasisMissing, ProcurementOverBudget, PurchaseDuplicate.
    """
    if not await repository.is_agency(s, org_id=trade.buyer_id):
        return
    await repository.lock_product(s, product_id=trade.product_id)
    row = await repository.newest_of(s, trade_id=trade.trade_id)
    basis = repository.basis_of(row)
    spent = 0
    if basis is not None:
        spent = await repository.spent_on(s, trade, reference=basis.budget_reference, before=before)
    price = trade.price_minor or 0
    check_purchase(basis, price_minor=price, buyer_id=trade.buyer_id, spent_minor=spent)
    assert row is not None
    check_seen(
        await repository.duplicates_of(s, trade, now=act.now, before=before),
        seen=orjson.loads(row.seen),
        reason=row.reason,
        own=act.actor.org_id == trade.buyer_id,
    )
