"""The mandates between brokers and their clients."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from brokers import repository
from brokers.commission import CAP_BP, DEFAULT_BP
from brokers.mandates.document import USUAL_POWERS, Bypass
from brokers.mandates.repository import terms_by_mandate
from brokers.register_search import Order, Wanted
from brokers.rule_table import in_force
from brokers.rules import Power
from brokers.states import CertificateState, MandateState
from market.listings.categories import CATEGORY_LABELS
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.showing import in_days
from web.pages.visiting import PARTIES, Visitor, VisitorDep
from web.register import lines_on

router = APIRouter()
_MANDATE_DAYS: Final = 365
_MAY_BE_MANDATED: Final = Wanted(in_force=True, order=Order.NAME)
_NOT_TAKEN: Final = (MandateState.DRAFT, MandateState.SIGNED, MandateState.TAKEN_OVER)


@router.get("/mandates")
async def mandates(visitor: VisitorDep) -> Response:
    """The mandates one's organisation gave or holds."""
    return await _mandates(visitor, Filled())


async def _mandates(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require(PARTIES)
    async with visitor.node.database.read() as s:
        rows = await repository.mandates_of(s, org_id=session.actor.org_id)
        certified = await lines_on(s, _MAY_BE_MANDATED, at=visitor.node.clock.now())
        names = await names_of(s, (row.broker_id for row in rows), (row.client_id for row in rows))
        terms = await terms_by_mandate(s, [row.mandate_id for row in rows])
    return visitor.render(
        "mandates.html",
        filled=filled,
        rows=rows,
        terms=terms,
        labels=CATEGORY_LABELS,
        powers=visitor.options("power", [power.value for power in Power]),
        usual_powers=[power.value for power in USUAL_POWERS],
        can_take_over={row.mandate_id for row in rows if _may_take_over(visitor, row)},
        names=names,
        brokers=[
            (line.holder.org_id, line.holder.name)
            for line in certified.lines
            if line.standing.state is not CertificateState.EXITING and line.holder.org_id != visitor.org_id
        ],
        sides=visitor.options("side", sorted({"PROVIDER", "BUYER"} & visitor.roles)),
        can_accept={row.mandate_id for row in rows if _may_accept(visitor, row)},
        can_revoke={row.mandate_id for row in rows if _may_revoke(visitor, row)},
        ends_at=in_days(visitor.node.clock.now(), _MANDATE_DAYS),
        cap_bp=CAP_BP,
        default_bp=DEFAULT_BP,
        bypass_months=Bypass.of(in_force(visitor.node.clock.now())).months,
    )


def _may_accept(visitor: Visitor, row: Any) -> bool:
    return row.broker_id == visitor.org_id and row.status is MandateState.SIGNED


def _may_revoke(visitor: Visitor, row: Any) -> bool:
    live = row.status in {MandateState.SIGNED, MandateState.ACTIVE, MandateState.FROZEN}
    return live and row.client_id == visitor.org_id


def _may_take_over(visitor: Visitor, row: Any) -> bool:
    return row.status not in _NOT_TAKEN and row.client_id == visitor.org_id


@router.post("/mandates")
async def sign(visitor: VisitorDep) -> Response:
    """Mandate a broker, as its client."""
    form = await visitor.form()
    side = form.text("side")
    return await attempt(
        visitor,
        form,
        act="mandate.sign",
        args={
            "broker_id": form.text("broker_id"),
            "side": side,
            "listing_id": form.optional("listing_id"),
            "scope": form.text("scope"),
            "fee_bp": form.fen("fee_bp"),  # per cent with two decimals: 2.00 is 200 basis points
            "ends_at": form.moment("ends_at"),
            "conflict_disclosed": form.flag("conflict_disclosed"),
            "dual_consent": form.flag("dual_consent"),
            "categories": form.every("categories"),
            "powers": form.every("powers") or sorted(USUAL_POWERS),
            "territories": _places(form.optional("territories")),
            "price_floor_minor": form.fen("price_floor_minor"),
            "price_ceiling_minor": form.fen("price_ceiling_minor"),
            "exclusive": form.flag("exclusive"),
            "one_deal": form.flag("one_deal"),
        },
        role=side if side in visitor.roles else None,
        then="/mandates",
        again=lambda filled: _mandates(visitor, filled),
    )


def _places(text: str | None) -> list[str]:
    return sorted({place.strip() for place in (text or "").replace("，", ",").split(",")} - {""})


@router.post("/mandates/{mandate_id}/accept")
async def accept(visitor: VisitorDep, mandate_id: str) -> Response:
    """Sign the client's mandate, as the broker."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="mandate.accept",
        args={"mandate_id": mandate_id, "document_sha256": form.optional("document_sha256")},
        role="BROKER",
        then="/mandates",
        again=lambda filled: _mandates(visitor, filled),
    )


@router.post("/mandates/{mandate_id}/take-over")
async def take_over(visitor: VisitorDep, mandate_id: str) -> Response:
    """Take over from the broker what it negotiates, as the client."""
    return await _as_client(visitor, mandate_id, "mandate.take_over")


@router.post("/mandates/{mandate_id}/revoke")
async def revoke(visitor: VisitorDep, mandate_id: str) -> Response:
    """Take a mandate back, as the client."""
    return await _as_client(visitor, mandate_id, "mandate.revoke")


async def _as_client(visitor: Visitor, mandate_id: str, act: str) -> Response:
    form = await visitor.form()
    async with visitor.node.database.read() as s:
        row = await repository.get_mandate(s, mandate_id=mandate_id)
    return await attempt(
        visitor,
        form,
        act=act,
        args={"mandate_id": mandate_id},
        role=row.side if row.side in visitor.roles else None,
        then="/mandates",
        again=lambda filled: _mandates(visitor, filled),
    )
