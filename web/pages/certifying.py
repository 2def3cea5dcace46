"""The data authority enters a broker's certificate; what follows is on the certificate's own page."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from brokers.rules import BrokerType
from identity.repository import list_organisations
from identity.rules import Role
from market.listings.categories import CATEGORY_LABELS
from registry.rules import Level
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.showing import in_days
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_THREE_YEARS: Final = 3 * 365
_PAGES: Final = 20


@router.get("/certify")
async def ask(visitor: VisitorDep) -> Response:
    """The form of a certificate."""
    return await _ask(visitor, Filled())


async def _ask(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(AUTHORITY)
    now = visitor.node.clock.now()
    return visitor.render(
        "certify.html",
        filled=filled,
        brokers=await _brokers(visitor),
        types=visitor.options("broker_type", BrokerType),
        levels=visitor.options("level", Level),
        sectors=visitor.labelled(CATEGORY_LABELS),
        begins=in_days(now, -1),  # what is entered runs already
        ends=in_days(now, _THREE_YEARS - 1),
    )


async def _brokers(visitor: Visitor) -> list[tuple[str, str]]:
    """Members that are brokers, by name."""
    found: list[tuple[str, str]] = []
    after = None
    async with visitor.node.database.read() as s:
        for _ in range(_PAGES):
            page = await list_organisations(s, after=after)
            found += [(one.org_id, one.name) for one in page if Role.BROKER in one.roles]
            if not page:
                break
            after = page[-1].org_id
    return sorted(found, key=lambda pair: pair[1])


@router.post("/certify")
async def certify(visitor: VisitorDep) -> Response:
    """Enter a certificate."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="certificate.certify",
        args={
            "org_id": form.text("org_id"),
            "cert_no": form.text("cert_no"),
            "broker_type": form.text("broker_type"),
            "grade": form.whole("grade"),
            "sectors": form.every("sectors"),
            "max_level": form.text("max_level"),
            "cross_border": form.flag("cross_border"),
            "valid_from": form.moment("valid_from"),
            "valid_to": form.moment("valid_to"),
            "decided_on": form.text("decided_on"),
            "decision_sha256": form.text("decision_sha256").lower(),
        },
        role="DATA_AUTHORITY",
        then=lambda entered: f"/brokers/{entered['cert_no']}",
        again=lambda filled: _ask(visitor, filled),
    )
