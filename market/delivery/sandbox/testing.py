"""What the meter knows of a product of private computation: the facts that it is tested by."""

from dataclasses import replace
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select

from base.canonical import canonical, sha256_hex
from base.db import ReadSession
from market.delivery.acceptance import Facts, Promise
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.receipts import receipt_of
from market.delivery.meter.tables import Use
from market.delivery.sandbox.tables import Question
from market.delivery.tables import Entitlement
from market.listings.categories import ProductType

_DAY_S: Final = 86_400


async def metered_facts(
    s: ReadSession, entitlement: Entitlement, promise: Promise, *, so_far: bool = True
) -> Facts:
    """How many questions were answered, what they spent, and the last one's receipt and result.

    The result is digested again from the kept answer. Nothing for other products and kinds of delivery.
    Without `so_far` that is told once there are as many tasks as were agreed: until then nobody has failed.
    """
    if entitlement.kind is not DeliveryKind.QUERY or promise.product_type is not ProductType.PRIVACY:
        return Facts()
    of_it = Use.entitlement_id == entitlement.entitlement_id
    tasks, spent = (
        await s.exec(select(func.count(), func.coalesce(func.sum(Use.epsilon_micro), 0)).where(of_it))
    ).one()
    if not tasks:
        return Facts(tasks=0) if so_far else Facts()
    last = (await s.exec(select(Use).where(of_it).order_by(col(Use.number).desc()).limit(1))).one()
    answer = (await s.exec(select(Question.answer).where(Question.use_id == last.use_id))).first()
    receipt = canonical(receipt_of(last, trade_id=entitlement.trade_id))
    facts = Facts(
        receipt_sha256=sha256_hex(receipt),
        receipt_result_sha256=last.answer_sha256,
        result_sha256=sha256_hex(answer) if answer else None,
        spent_micro=int(spent),
        tasks=int(tasks),
    )
    wanted = promise.bounds.get("tasks")
    if isinstance(wanted, int) and tasks < wanted:
        return facts if so_far else Facts()
    took = (last.used_at - entitlement.granted_at).total_seconds()
    return replace(facts, took_days=-int(-took // _DAY_S))


def filled(told: Facts, metered: Facts) -> Facts:
    """What somebody tells, and what the meter knows where nothing is told."""
    missing = {name: getattr(metered, name) for name in metered.given() - told.given()}
    return replace(told, **missing)
