"""Customs at work: each trade's delivery is routed once before its contract, and asked again at delivery."""

from base.db import WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs import repository
from market.customs.errors import CustomsRouteNotOpen
from market.customs.rules import Decision, DeliveryFacts, Route, route
from market.customs.tables import CustomsDecision
from market.orders.tables import Trade


async def clear_customs(s: WriteSession, act: Act, *, trade: Trade, facts: DeliveryFacts) -> CustomsDecision:
    """Decide a delivery's route and record the decision, open or refused (XBD.AUTO_ROUTE)."""
    decided: Decision = route(facts)
    declaration_id = act.new_id("xbd")
    recorded = await record(
        s,
        act,
        Draft(
            "XBD.AUTO_ROUTE",
            declaration_id,
            public={
                "declaration_id": declaration_id,
                "trade_id": trade.trade_id,
                "exporter_id": trade.seller_id,
                "recipient_id": trade.buyer_id,
                "country": decided.country,
                "route": decided.route.value,
                "rule_id": decided.rule_id,
            },
        ),
    )
    row = CustomsDecision(
        declaration_id=declaration_id,
        trade_id=trade.trade_id,
        exporter_id=trade.seller_id,
        recipient_id=trade.buyer_id,
        country=decided.country,
        route=decided.route.value,
        rule_id=decided.rule_id,
        reason=decided.reason,
        legal_basis=decided.legal_basis,
        decided_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(row)
    await s.flush()
    return row


async def require_cleared(s: WriteSession, *, trade_id: str) -> CustomsDecision:
    """The open route of a trade's delivery. Raises CustomsRouteNotOpen when there is none."""
    row = await repository.decision_of(s, trade_id=trade_id)
    if row is None or row.route == Route.REFUSED.value:
        raise CustomsRouteNotOpen("customs has not cleared this delivery", trade_id=trade_id)
    return row
