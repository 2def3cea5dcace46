"""A run is counted: its price is spent with its statement (DLV.QUERY), the answer kept, before it leaves."""

from typing import Any, Final

import orjson

from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery import repository as delivery
from market.delivery.access import Declared
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.service import Metered, count_use
from market.delivery.sandbox import repository
from market.delivery.sandbox.errors import QuestionLapsed
from market.delivery.sandbox.rules import answer_document
from market.delivery.sandbox.tables import Question, QuestionStatus
from market.delivery.tables import Entitlement
from market.listings.errors import SandboxTermsMissing
from market.listings.repository import sandbox_of
from market.listings.sandboxing import SandboxTerms
from market.orders.tables import Trade

EVENT: Final = "DLV.QUERY"


async def terms_of(s: ReadSession, trade: Trade) -> SandboxTerms:
    """What may be asked under a trade: its listing's terms, which its contract carries."""
    terms = await sandbox_of(s, listing_id=trade.listing_id)
    if terms is None:
        raise SandboxTermsMissing("the listing has no terms of a sandbox", listing_id=trade.listing_id)
    return terms


async def settle_question(
    s: WriteSession, act: Act, *, query_id: str, told: dict[str, Any] | None
) -> Question:
    """Spend the price of a run and state it (DLV.QUERY); `told` is its answer, None where it broke off.

    Raises QuestionLapsed for a run that was given up, and what `count_use` raises: then nothing leaves and
    nothing is spent. What broke off has told that it did, whoever may ask now.
    """
    row = await s.get(Question, query_id, populate_existing=True)
    assert row is not None
    right, declared = row.entitlement_id, Declared(row.purpose, row.recipient)
    trade, entitlement = await delivery.claim(s, entitlement_id=right, moves_trade=True)
    answer, result, use_id = b"", None, None
    if told is not None:
        answer = answer_document(_head(act, trade, entitlement, row), told)
        result = sha256_hex(answer)
        metered = Metered(
            key=query_id,
            request_sha256=row.query_sha256,
            answer_sha256=result,
            bytes=len(answer),
            epsilon_micro=row.epsilon_micro,
        )
        counted = await count_use(
            s,
            act,
            entitlement_id=right,
            kind=DeliveryKind.QUERY,
            metered=metered,
            declared=declared,
        )
        use_id = counted.use.use_id
    budget = await repository.claim_budget(s, buyer_id=row.buyer_id, product_id=row.product_id)
    row = await repository.claim_question(s, query_id=query_id)
    if row.status is not QuestionStatus.RUNNING or row.lapses_at <= act.now:
        raise QuestionLapsed("the run was given up", query_id=query_id)
    budget.spent_micro += row.epsilon_micro
    budget.questions += 1
    row.status = QuestionStatus.BROKEN if told is None else QuestionStatus.ANSWERED
    row.answer, row.result_sha256, row.use_id = answer, result, use_id
    row.rows = 0 if told is None else len(told["rows"])
    row.spent_micro, row.answered_at = budget.spent_micro, act.now
    terms = await terms_of(s, trade)
    recorded = await record(s, act.as_exchange(), _draft(trade, row, terms))
    row.statement_id = recorded.statement_id
    s.add_all([budget, row])
    await s.flush()
    return row


def _head(act: Act, trade: Trade, entitlement: Entitlement, row: Question) -> dict[str, Any]:
    return {
        "nonce": act.nonce(),
        "query_id": row.query_id,
        "trade_id": trade.trade_id,
        "entitlement_id": row.entitlement_id,
        "file_sha256": entitlement.sha256,
        "query": orjson.loads(row.form),
        "query_sha256": row.query_sha256,
        "algorithm_sha256": row.algorithm_sha256,
        "epsilon_micro": row.epsilon_micro,
        "delta_pico": row.delta_pico,
    }


def _draft(trade: Trade, row: Question, terms: SandboxTerms) -> Draft:
    """What anybody may see: what it cost, and what is gone of the budget. The question is in the opening."""
    return Draft(
        EVENT,
        trade.trade_id,
        public={
            "trade_id": trade.trade_id,
            "entitlement_id": row.entitlement_id,
            "buyer_id": row.buyer_id,
            "product_id": row.product_id,
            "listing_id": trade.listing_id,
            "query_sha256": row.query_sha256,
            "algorithm_sha256": row.algorithm_sha256,
            "epsilon_micro": row.epsilon_micro,
            "delta_pico": row.delta_pico,
            "spent_micro": row.spent_micro,
            "budget_micro": terms.epsilon_total_micro,
            "result_sha256": row.result_sha256,
            "rows": row.rows,
            "complete": row.status is QuestionStatus.ANSWERED,
        },
        opening={
            "query": orjson.loads(row.form),
            "query_nonce": row.nonce,
            "purpose": row.purpose,
            "recipient": row.recipient,
            "taken_by": row.asked_by,
        },
        subjects={"algorithm": row.algorithm_sha256}
        | ({"result": row.result_sha256} if row.result_sha256 else {}),
    )
