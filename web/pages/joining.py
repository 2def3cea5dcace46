"""Joint products on pages: who was asked for data, the answers, and what each is owed of the sales."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from market.listings.repository import listings_brought
from market.settlement.joint import shares_of
from registry.contributions import repository
from registry.contributions.rules import OWN_SOURCES, BasisKind
from registry.contributions.states import CONTRIBUTORS, SELLERS
from web.acts import Id
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_ENDS: Final = {
    "refuse": ("NOT_OUR_DATA", "NO_RIGHT_TO_PROVIDE", "TERMS_NOT_ACCEPTED"),
    "cancel": ("NOT_NEEDED", "TERMS_CHANGED"),
    "withdraw": ("END_OF_COOPERATION", "RIGHT_LOST", "TERMS_BROKEN"),
}


@router.get("/joint")
async def joint(visitor: VisitorDep) -> Response:
    """Whom one has asked for data and who asks for one's own, with the forms; what is owed."""
    return await _joint(visitor, Filled())


async def _joint(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require(CONTRIBUTORS)
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.contributions_of(s, org_id=org_id, limit=_PAGE)
        shares = await shares_of(s, org_id=org_id, limit=_PAGE)
        own = await listings_brought(s, org_id=org_id, limit=_PAGE) if visitor.may(SELLERS) else []
        names = await names_of(
            s,
            (row.holder_id for row in rows),
            (row.contributor_id for row in rows),
            (one.holder_id for one in shares),
            (one.contributor_id for one in shares),
        )
    return visitor.render(
        "joint.html",
        filled=filled,
        rows=rows,
        shares=shares,
        names=names,
        own_id=org_id,
        may_ask=visitor.may(SELLERS),
        products=list({one.product_id: (one.product_id, one.title) for one in own}.values()),
        kinds=visitor.options("contribution_basis", BasisKind),
        sources=visitor.options("source", OWN_SOURCES),
        reasons={event: visitor.options("contribution_reason", codes) for event, codes in _ENDS.items()},
    )


@router.post("/joint")
async def ask(visitor: VisitorDep) -> Response:
    """Ask a member for its consent."""
    form = await visitor.form()
    args = {
        "product_id": form.text("product_id"),
        "contributor_id": form.text("contributor_id"),
        "share_bp": form.fen("share_bp"),
        "what": form.text("what"),
    }
    return await _do(visitor, form, "contribution.ask", args, role="PROVIDER")


@router.post("/joint/{contribution_id}/agree")
async def agree(visitor: VisitorDep, contribution_id: Id) -> Response:
    """Agree on a right of one's own."""
    form = await visitor.form()
    args = {
        "contribution_id": contribution_id,
        "kind": form.text("kind"),
        "reference": form.optional("reference"),
        "source": form.optional("source"),
        "statement_sha256": (form.optional("statement_sha256") or "").lower() or None,
    }
    return await _do(visitor, form, "contribution.agree", args)


@router.post("/joint/{contribution_id}/{end}")
async def end(visitor: VisitorDep, contribution_id: Id, end: str) -> Response:
    """Refuse, take back, or withdraw, with a reason."""
    form = await visitor.form()
    args = {"contribution_id": contribution_id, "reason_code": form.text("reason_code")}
    role = "PROVIDER" if end == "cancel" else None
    return await _do(visitor, form, f"contribution.{end if end in _ENDS else 'refuse'}", args, role=role)


async def _do(
    visitor: Visitor, form: Form, act: str, args: Mapping[str, object], role: str | None = None
) -> Response:
    if role is None:  # any of one's roles that gives data will do
        fitting = sorted(CONTRIBUTORS & visitor.require(CONTRIBUTORS).actor.roles)
        role = fitting[0]
    return await attempt(
        visitor,
        form,
        act=act,
        args=args,
        role=role,
        then="/joint",
        again=lambda filled: _joint(visitor, filled),
    )
