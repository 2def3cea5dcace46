"""What a broker discloses and tells, and a party's consent to a conflict of interest."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from brokers.conduct.repository import interests_of, notices_of
from brokers.conduct.rules import Change, InterestKind
from brokers.conduct.score import RULE
from brokers.repository import certificate_by_no
from market.orders.repository import get_trade_of
from registry.repository import rights_in
from web.acts import Id
from web.conduct import conduct_of
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import PARTIES, Visitor, VisitorDep

router = APIRouter()


@router.get("/conduct")
async def conduct(
    visitor: VisitorDep,
    broker_id: Annotated[str | None, Query(max_length=30)] = None,
    trade: Annotated[Id | None, Query()] = None,
) -> Response:
    """What a broker has disclosed; for the broker itself what it has told as well.

    `trade` is one that it mediates: the form of its check is filled in as far as the exchange knows.
    """
    return await _conduct(visitor, Filled(), broker_id=broker_id, trade_id=trade)


async def _conduct(
    visitor: Visitor, filled: Filled, *, broker_id: str | None = None, trade_id: str | None = None
) -> Response:
    session = visitor.require(PARTIES)
    own = session.actor.org_id
    about = broker_id or own
    async with visitor.node.database.read() as s:
        interests = await interests_of(s, broker_id=about)
        notices = await notices_of(s, broker_id=own) if about == own else []
        names = await names_of(s, [about], (row.party_id for row in interests))
        source = await _source_of(s, trade_id, own) if trade_id else ""
    return visitor.render(
        "conduct.html",
        filled=filled,
        about=about,
        interests=interests,
        notices=notices,
        names=names,
        checked_trade=trade_id or "",
        source_sha256=source,
        own=about == own and "BROKER" in visitor.roles,
        party=bool({"PROVIDER", "BUYER"} & visitor.roles),
        kinds=visitor.options("interest", [kind.value for kind in InterestKind]),
        changes=visitor.options("change", [change.value for change in Change]),
    )


async def _source_of(s: ReadSession, trade_id: str, org_id: str) -> str:
    """Digest of the source statement that was filed with a trade's goods; empty for none. TradeUnknown."""
    trade = await get_trade_of(s, trade_id=trade_id, org_id=org_id)
    rights = await rights_in(s, product_id=trade.product_id)
    return next((one.source_statement_sha256 for one in rights if one.holder_id == trade.seller_id), "")


@router.get("/brokers/{cert_no}/conduct")
async def score(visitor: VisitorDep, cert_no: str) -> Response:
    """A broker's conduct score with every reason, for everyone."""
    async with visitor.node.database.read() as s:
        row = await certificate_by_no(s, cert_no=cert_no)
        found = await conduct_of(s, org_id=row.org_id)
        names = await names_of(s, [row.org_id])
    return visitor.render(
        "broker_conduct.html",
        row=row,
        found=found,
        names=names,
        mandates=found.document()["mandates"],
        base=found.rules.whole(RULE, "base"),
        command=f"databourse conduct {row.org_id} BUNDLE",
    )


@router.post("/conduct/checks")
async def check(visitor: VisitorDep) -> Response:
    """Record what was checked of a trade, as its broker."""
    form = await visitor.form()
    args = {name: form.text(name) for name in ("trade_id", "source_sha256", "seller_sha256", "buyer_sha256")}
    papers = [form.text(f"{paper}_paper") for paper in ("source", "seller", "buyer")]
    then = f"/trades/{args['trade_id']}"
    return await _attempt(visitor, form, "source.check", args | {"documents": papers}, then=then)


@router.post("/conduct/interests")
async def disclose(visitor: VisitorDep) -> Response:
    """Disclose an interest, as the broker."""
    form = await visitor.form()
    per_cent = form.fen("share_bp")  # with two decimals
    args = {"party_id": form.text("party_id"), "kind": form.text("kind"), "share_bp": per_cent}
    return await _attempt(visitor, form, "interest.disclose", args)


@router.post("/conduct/interests/{interest_id}/end")
async def end(visitor: VisitorDep, interest_id: str) -> Response:
    """Say that an interest is over, as the broker."""
    return await _attempt(visitor, await visitor.form(), "interest.end", {"interest_id": interest_id})


@router.post("/conduct/suspicions")
async def report(visitor: VisitorDep) -> Response:
    """Report a suspicion, as a broker."""
    form = await visitor.form()
    args = {name: form.text(name) for name in ("about", "text")}
    return await _attempt(visitor, form, "suspicion.report", args | {"noticed_at": form.moment("noticed_at")})


@router.post("/conduct/changes")
async def change(visitor: VisitorDep) -> Response:
    """Tell a change, as a broker."""
    form = await visitor.form()
    args = {name: form.text(name) for name in ("change", "text")}
    return await _attempt(
        visitor, form, "change.notify", args | {"takes_effect_at": form.moment("takes_effect_at")}
    )


@router.post("/conduct/consents")
async def consent(visitor: VisitorDep) -> Response:
    """Consent to the interests of a trade's broker, as a party."""
    form = await visitor.form()
    own = sorted({"PROVIDER", "BUYER"} & visitor.roles)
    role = form.optional("as_role") or (own[0] if len(own) == 1 else None)
    return await _attempt(visitor, form, "conflict.consent", {"trade_id": form.text("trade_id")}, role)


async def _attempt(
    visitor: Visitor,
    form: Form,
    act: str,
    args: Mapping[str, Any],
    role: str | None = "BROKER",
    *,
    then: str = "/conduct",
) -> Response:
    return await attempt(
        visitor,
        form,
        act=act,
        args=args,
        role=role,
        then=then,
        again=lambda filled: _conduct(visitor, filled),
    )
