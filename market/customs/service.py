"""Customs of a trade: its delivery is routed once before its contract, and asked again when it starts.

Within the mainland there is nothing to clear. Abroad a clearance has to live; where the data is neither
personal nor important the exchange declares it itself of the contract (CAC Order 16, Art 3).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from base.calendar import shanghai_day
from base.db import WriteSession
from identity.repository import get_organisation
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs import repository
from market.customs.declared import Channel, DataField, Declaration, Kind, Mode, Recipient
from market.customs.declaring import declare_by_contract
from market.customs.errors import CustomsRouteNotOpen
from market.customs.foreseeing import LOOKED_AT, TWO_PLACES, refused
from market.customs.gate import Crossing, abroad, open_rows, require_clearance
from market.customs.routing import carries
from market.customs.rules import Decision, DeliveryFacts, Needs, Route, needs_by, route
from market.customs.selling_on import as_bought
from market.customs.states import DeclarationState
from market.customs.tables import CustomsDecision
from market.orders.tables import Trade

_DAYS: Final = 3 * 365
_BYTES: Final = 10**15
_USES: Final = 10**9
_CLEARED: Final = "CLEARED"


async def clear_customs(
    s: WriteSession, act: Act, *, trade: Trade, facts: DeliveryFacts, kind: str | None = None
) -> CustomsDecision:
    """Decide a delivery's route and record the decision, open or refused (XBD.AUTO_ROUTE).

    `kind` is how it is to be delivered, where that is agreed.
    """
    places = await repository.places_of(s, org_id=trade.buyer_id)
    endpoint = None if places is None else places[1]
    decided = route(facts if endpoint is None else replace(facts, endpoint=facts.endpoint or endpoint))
    if decided.route is Route.DOMESTIC:
        return await _record(s, act, trade, decided, decided.route.value)
    facts, _ = await as_bought(s, facts, seller_id=trade.seller_id, product_id=trade.product_id)
    decided = route(replace(facts, endpoint=facts.endpoint or endpoint))
    where = abroad(facts.recipient_region, facts.endpoint or endpoint)
    try:
        rows = await open_rows(
            s, trade=trade, recipient_id=trade.buyer_id, places=where, now=act.now, kind=kind
        )
    except CustomsRouteNotOpen:
        rows = []
    found = next((row for row in rows if carries(row.way, decided)), None)
    if found is not None:
        crossing = Crossing(found.declaration_id, found.country)
        reason = "a clearance of customs lives"
        told = Decision(Route.EXEMPT, decided.rule_id, decided.legal_basis, reason, decided.country)
        return await _record(s, act, trade, told, _CLEARED, crossing=crossing)
    if decided.route is Route.EXEMPT and len(where) == 1:
        return await _by_contract(s, act, trade, facts, decided)
    if decided.route is Route.EXEMPT:  # two places abroad are for the exporter to declare
        needs = Needs.CONTRACT_OR_CERTIFICATION
        decided = replace(decided, route=Route.REFUSED, reason=TWO_PLACES, needs=needs)
    return await _record(s, act, trade, decided, decided.route.value)


async def require_cleared(s: WriteSession, *, trade: Trade, act: Act) -> Crossing | None:
    """What opens a trade's delivery now: its decision, and abroad a clearance that lives.

    Raises CustomsRouteNotOpen when there is none.
    """
    row = await repository.decision_of(s, trade_id=trade.trade_id)
    if row is None or row.route == Route.REFUSED.value:
        raise CustomsRouteNotOpen("customs has not cleared this delivery", trade_id=trade.trade_id)
    return await require_clearance(s, trade=trade, recipient_id=trade.buyer_id, now=act.now, asks=False)


def require_open_route(decision: CustomsDecision) -> None:
    """Refuse what is about to be agreed and could not be delivered: nobody hears of it later by surprise.

    Raises CustomsRouteNotOpen, with what is needed.
    """
    if decision.route == Route.REFUSED.value:
        rule, basis = decision.rule_id, decision.legal_basis
        told = Decision(Route.REFUSED, rule, basis, decision.reason, decision.country, needs_by(rule))
        raise refused(told)


async def _by_contract(
    s: WriteSession, act: Act, trade: Trade, facts: DeliveryFacts, decided: Decision
) -> CustomsDecision:
    """Declare what is exempt by what it is; the registry's own grade has the last word."""
    buyer = await get_organisation(s, org_id=trade.buyer_id)
    assert buyer is not None
    today = shanghai_day(act.now)
    declaration = Declaration(
        kind=Kind.ORDINARY,
        recipient=Recipient(
            name=buyer.name, country=decided.country, contact=buyer.uscc, org_id=trade.buyer_id
        ),
        purpose=trade.purpose,
        necessity=trade.scenario or trade.purpose,
        fields=(DataField(name=f"as listed: {trade.listing_id}", level=facts.level),),
        level=facts.level,
        persons=0,
        sensitive_persons=0,
        volume_bytes=_BYTES,
        volume_uses=_USES,
        mode=Mode.FILE,
        channel=Channel.INTERNET,
        storage_place=decided.country,
        retention_months=0,
        period_from=today,
        period_to=today + timedelta(days=_DAYS),
        industry="",
        scenario=trade.scenario or "",
        trade_id=trade.trade_id,
    )
    row = await declare_by_contract(s, act.as_exchange(), declaration=declaration)
    if row.way is not None and row.way.exempt and row.status is not DeclarationState.CLEARED:
        decided = replace(decided, route=Route.REFUSED, reason=LOOKED_AT)
    elif row.way is not None and not row.way.exempt:
        decided = replace(
            decided,
            route=Route.REFUSED,
            rule_id=row.rule_id or decided.rule_id,
            reason="the registry holds a higher level",
            needs=Needs.ASSESSMENT,
        )
    return await _record(
        s, act, trade, decided, decided.route.value, crossing=Crossing(row.declaration_id, row.country)
    )


async def _record(
    s: WriteSession,
    act: Act,
    trade: Trade,
    decided: Decision,
    shown: str,
    *,
    crossing: Crossing | None = None,
) -> CustomsDecision:
    declaration_id = act.new_id("xbd")
    clearance_id = None if crossing is None else crossing.declaration_id
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
                "route": shown,
                "rule_id": decided.rule_id,
                **({} if clearance_id is None else {"clearance_id": clearance_id}),
            },
        ),
    )
    row = CustomsDecision(
        declaration_id=declaration_id,
        trade_id=trade.trade_id,
        exporter_id=trade.seller_id,
        recipient_id=trade.buyer_id,
        country=decided.country,
        route=shown,
        rule_id=decided.rule_id,
        reason=decided.reason,
        legal_basis=decided.legal_basis,
        decided_at=act.occurred_at,
        statement_id=recorded.statement_id,
        clearance_id=clearance_id,
    )
    s.add(row)
    await s.flush()
    return row
