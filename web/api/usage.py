"""What the exchange states of uses, the proof that a receipt is in a statement, the level of service."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from base.db import WriteSession
from ledger.recording import Act
from market.delivery.acceptance import judge_facts
from market.delivery.checks import sold
from market.delivery.errors import UseNotStated
from market.delivery.gateway.repository import service_facts
from market.delivery.meter.receipts import leaf_of
from market.delivery.meter.rollup import EVENT, ask_for_usage, get_usage, proof_of, usages_of
from market.delivery.meter.service import use_act
from market.delivery.meter.tables import Usage
from market.delivery.repository import get_entitlement
from market.orders.repository import get_trade
from web.acts import Id
from web.api.uses import Number, of_party, use_seen
from web.deps import WAITING, CallerDep, ReadDep, respond
from web.views import View, done_view

router = APIRouter(tags=["entitlements"])


class UsageView(View):
    """One statement (DLV.USAGE): uses from `first` to `last`, the root of their receipts, what they cost."""

    usage_id: str
    entitlement_id: str
    first: int
    last: int
    units: int
    root: str
    units_so_far: int
    charge_minor: int | None
    charged_minor: int | None
    stated_at: datetime
    statement_id: str

    @classmethod
    def of(cls, row: Usage) -> "UsageView":
        return cls.model_validate(row)


class UsagesView(View):
    usages: list[UsageView]


class ProofView(View):
    """The way from a receipt's leaf to the root that was stated (RFC 9162 §2.1.3), all in hex."""

    leaf: str
    usage_id: str
    statement_id: str
    root: str
    size: int
    index: int
    path: list[str]


class LevelItemView(View):
    name: str
    promised: str | int | bool | None
    found: str | int | bool | None
    verdict: str


class LevelView(View):
    """How the interface has answered so far, held against what the contract asks of it."""

    calls: int
    items: list[LevelItemView]


UsagesDone = done_view(UsagesView)


@router.get("/entitlements/{entitlement_id}/uses/{number}/proof")
async def proof(entitlement_id: Id, number: Number, caller: CallerDep, s: ReadDep) -> ProofView:
    """The proof that a use's receipt is in the exchange's statement. Nothing is stated before the night."""
    found = await use_seen(s, entitlement_id=entitlement_id, number=number, org_id=caller.actor.org_id)
    row = await get_entitlement(s, entitlement_id=entitlement_id)
    known = await proof_of(s, found, trade_id=row.trade_id)
    if known is None:
        raise UseNotStated("it is in the next statement", number=number)
    return ProofView(leaf=leaf_of(found, trade_id=row.trade_id).hex(), **known)


@router.get("/entitlements/{entitlement_id}/usage")
async def usage(
    entitlement_id: Id, caller: CallerDep, s: ReadDep, after: Annotated[int, Query(ge=0, le=10**9)] = 0
) -> list[UsageView]:
    """The exchange's statements of what was used, first to last, from a use on."""
    await of_party(s, entitlement_id=entitlement_id, org_id=caller.actor.org_id)
    return [UsageView.of(row) for row in await usages_of(s, entitlement_id=entitlement_id, after=after)]


@router.post(
    "/entitlements/{entitlement_id}/usage",
    status_code=201,
    response_model=UsagesDone,
    openapi_extra=WAITING,
)
async def ask(entitlement_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """Have a thousand uses and more stated now; fewer are stated at night."""
    await of_party(s, entitlement_id=entitlement_id, org_id=caller.actor.org_id)

    async def asked(s: WriteSession, act: Act) -> list[Usage]:
        return await ask_for_usage(s, act, entitlement_id=entitlement_id)

    return respond(
        await caller.perform(
            asked,
            lambda made: UsagesView(usages=[UsageView.of(one) for one in made]),
            route=f"entitlements/{entitlement_id}/usage",
            args={},
            act=use_act(caller.node.house, caller.actor),
            attempted=EVENT,
            object_id=entitlement_id,
        )
    )


@router.get("/usage/{usage_id}")
async def one_usage(usage_id: Id, caller: CallerDep, s: ReadDep) -> UsageView:
    """One statement."""
    row = await get_usage(s, usage_id=usage_id)
    await of_party(s, entitlement_id=row.entitlement_id, org_id=caller.actor.org_id)
    return UsageView.of(row)


@router.get("/entitlements/{entitlement_id}/service-level")
async def level(entitlement_id: Id, caller: CallerDep, s: ReadDep) -> LevelView:
    """What the gateway has measured of the calls, against the acceptance terms of the contract."""
    row = await of_party(s, entitlement_id=entitlement_id, org_id=caller.actor.org_id)
    facts = await service_facts(s, entitlement_id=entitlement_id)
    if facts is None or facts.calls is None:
        return LevelView(calls=0, items=[])
    promise, _ = await sold(s, await get_trade(s, trade_id=row.trade_id), row)
    items = [LevelItemView(**item.document()) for item in judge_facts(promise, facts)]
    return LevelView(calls=len(facts.calls), items=items)
