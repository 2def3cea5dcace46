"""Contests of what a trade owes to a broker without a seat: for its sides, the broker and the exchange."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from brokers.rule_table import in_force
from market.orders.contests import contests_of, words_of
from market.orders.rewarding import RULE
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import OPERATOR, PARTIES, SUPERVISORS, Visitor, VisitorDep

router = APIRouter()


@router.get("/rewards")
async def rewards(visitor: VisitorDep) -> Response:
    """The contests of one's trades or rewards; all of them for the exchange and supervisors."""
    return await _rewards(visitor, Filled())


async def _rewards(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require(PARTIES | SUPERVISORS)
    org_id = None if visitor.roles & SUPERVISORS else session.actor.org_id
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        rows = await contests_of(s, org_id=org_id, limit=100)
        said = {row.contest_id: await words_of(s, contest_id=row.contest_id) for row in rows}
        names = await names_of(s, (row.broker_id for row in rows), (row.contester_id for row in rows))
    return visitor.render(
        "rewards.html",
        filled=filled,
        rows=rows,
        said=said,
        names=names,
        own=session.actor.org_id,
        decides=bool(visitor.roles & OPERATOR),
        months=in_force(now).whole(RULE, "months"),
    )


@router.post("/rewards/trades/{trade_id}/{what}")
async def on_trade(
    visitor: VisitorDep, trade_id: str, what: Annotated[str, Path(pattern="^(contest|release)$")]
) -> Response:
    """Contest a trade's reward as a side of it, or give it up as its broker."""
    form = await visitor.form()
    args: dict[str, Any] = {"trade_id": trade_id}
    if what == "contest":
        args["reasons"] = form.text("reasons")
    own = sorted({"PROVIDER", "BUYER"} & visitor.roles)
    side = form.optional("as_role") or (own[0] if len(own) == 1 else None)
    return await attempt(
        visitor,
        form,
        act=f"reward.{what}",
        args=args,
        role=side if what == "contest" else "BROKER",
        then="/rewards",
        again=lambda filled: _rewards(visitor, filled),
    )


@router.post("/rewards/{contest_id}/{what}")
async def on_contest(
    visitor: VisitorDep, contest_id: str, what: Annotated[str, Path(pattern="^(answer|withdraw|decide)$")]
) -> Response:
    """Answer a contest as the broker, take it back as who made it, decide it as an officer."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act=f"reward.{what}",
        args={"contest_id": contest_id} | _args(what, form),
        role={"answer": "BROKER", "decide": "EXCHANGE_OPERATOR"}.get(what) or form.optional("as_role"),
        then="/rewards",
        again=lambda filled: _rewards(visitor, filled),
    )


def _args(what: str, form: Form) -> dict[str, Any]:
    if what == "answer":
        return {"text": form.text("text")}
    if what == "decide":
        return {"upheld": form.text("upheld") == "yes", "reasons": form.text("reasons")}
    return {}
