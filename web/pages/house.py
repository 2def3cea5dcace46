"""The exchange's own house, for the operator: fees, every version of the rules, the keys it signs by."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from base.rule_table import RuleValue
from brokers.commission import CAP_BP
from identity.repository import list_keys
from ledger.log_keys import log_keys
from ledger.reader import statements_about, tree_head
from pricing.whole import PLATFORM_FEE_BP, VAT_BP
from web.numbers import ROOMS, numbers
from web.pages.visiting import OPERATOR, VisitorDep

router = APIRouter()
_PAGE: Final = 60


@router.get("/ops/fees")
async def fees(visitor: VisitorDep) -> Response:
    """What a trade costs: each rate with who bears it and who receives it."""
    visitor.require(OPERATOR)
    return visitor.render(
        "ops_fees.html", vat_bp=VAT_BP, platform_bp=PLATFORM_FEE_BP, commission_bp=CAP_BP, example=10_000_000
    )


@router.get("/ops/rules")
async def rules(
    visitor: VisitorDep,
    room: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:
    """Every version of every number in the rule tables: what was, is and will be in force."""
    visitor.require(OPERATOR)
    day = shanghai_day(visitor.node.clock.now())
    chosen = room if room in ROOMS else ""
    rows = numbers(chosen)
    more = len(rows) > after + _PAGE

    def state(one: RuleValue) -> str:
        if one.in_force(day):
            return "in-force"
        return "to-come" if one.effective_from is not None and one.effective_from > day else "over"

    return visitor.render(
        "ops_rules.html",
        rooms=ROOMS,
        room=chosen,
        rows=[(name, one, state(one)) for name, one in rows[after : after + _PAGE]],
        as_json=f"/api/v1/rule-tables?room={chosen}&after={after}",
        next_address=visitor.url("/ops/rules", room=chosen, after=after + _PAGE) if more else None,
    )


@router.get("/ops/keys")
async def keys(visitor: VisitorDep) -> Response:
    """The log's keys with the entries they sign from and to, the exchange's own, what was said of them."""
    session = visitor.require(OPERATOR)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        told = await log_keys(s)
        head = await tree_head(s)
        own = await list_keys(s, org_id=org_id)
        said = await statements_about(s, object_ids=[one.key_id for one in own])
    return visitor.render("ops_keys.html", told=told, head=head, keys=own, said=list(reversed(said)))
