"""Security bulletins on pages: what is for one to read, the receipt, the subscription, and issuing."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from cases.bulletins import repository
from cases.bulletins.rules import Colour
from cases.bulletins.states import ISSUERS, READERS, BulletinState
from ledger.reader import statements_of
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.incidents import role_for
from web.pages.naming import names_of
from web.pages.visiting import OPERATOR, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50


@router.get("/bulletins")
async def bulletins(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The bulletins that are for one, one's subscription, and for who may the form of a new one."""
    return await _list(visitor, Filled(), after=after)


async def _list(visitor: Visitor, filled: Filled, *, after: str | None = None) -> Response:
    visitor.require(READERS)
    own: dict[str, Any] = {"reader_id": visitor.org_id, "issued_by": visitor.org_id}
    org_id = visitor.org_id or ""
    async with visitor.node.database.read() as s:
        rows = await repository.bulletins(
            s, **({} if visitor.may(OPERATOR) else own), after=after, limit=_PAGE
        )
        ids = [row.bulletin_id for row in rows]
        mine = await repository.receipts_of(s, bulletin_ids=ids, org_id=org_id)
        subscription = await repository.subscription_of(s, org_id=org_id)
        names = await names_of(s, (row.issued_by for row in rows))
    return visitor.render(
        "bulletins.html",
        filled=filled,
        rows=rows,
        mine=mine,
        names=names,
        subscription=subscription,
        may_issue=visitor.may(ISSUERS),
        colours=visitor.options("alert", Colour),
        roles=visitor.options("role", sorted(READERS)),
        next_address=visitor.url("/bulletins", after=rows[-1].bulletin_id) if len(rows) == _PAGE else None,
    )


@router.post("/bulletins")
async def issue(visitor: VisitorDep) -> Response:
    """Issue a bulletin."""
    form = await visitor.form()
    address = {
        "roles": form.every("roles"),
        "regions": form.text("regions").split(),
        "sectors": form.text("sectors").upper().split(),
        "subscribers": form.flag("subscribers"),
    }
    texts = {name: form.text(name) for name in ("title", "text", "colour", "remediation")}
    named = [one.strip() for one in form.text("references").splitlines() if one.strip()]
    return await attempt(
        visitor,
        form,
        act="bulletin.issue",
        args=texts | {"address": address, "references": named, "incident_id": form.optional("incident_id")},
        role=role_for(visitor, "bulletin.issue"),
        then=lambda made: f"/bulletins/{made['bulletin_id']}",
        again=lambda filled: _list(visitor, filled),
    )


@router.post("/bulletins/subscription")
async def subscribe(visitor: VisitorDep) -> Response:
    """Subscribe to bulletins."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="bulletin.subscribe",
        args={"sectors": form.text("sectors").upper().split()},
        role=role_for(visitor, "bulletin.subscribe"),
        then="/bulletins",
        again=lambda filled: _list(visitor, filled),
    )


@router.post("/bulletins/subscription/end")
async def unsubscribe(visitor: VisitorDep) -> Response:
    """End one's subscription."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="bulletin.unsubscribe",
        args={},
        role=role_for(visitor, "bulletin.unsubscribe"),
        then="/bulletins",
        again=lambda filled: _list(visitor, filled),
    )


@router.get("/bulletins/{bulletin_id}")
async def bulletin(visitor: VisitorDep, bulletin_id: str) -> Response:
    """One bulletin, for whom it is; who has read it, for who issued it."""
    return await _one(visitor, bulletin_id, Filled())


async def _one(visitor: Visitor, bulletin_id: str, filled: Filled) -> Response:
    visitor.require()
    async with visitor.node.database.read() as s:
        row = await repository.get_bulletin(s, bulletin_id=bulletin_id)
        mine = await repository.addressee(s, bulletin_id=bulletin_id, org_id=visitor.org_id or "")
        issued = row.issued_by == visitor.org_id
        whole = issued or visitor.may(OPERATOR)
        if mine is None and not whole:
            raise NotFound("no such bulletin", bulletin_id=bulletin_id)
        readers = await repository.addressees(s, bulletin_id=bulletin_id) if whole else None
        said = await statements_of(s, object_id=bulletin_id) if whole else []
        names = await names_of(s, [row.issued_by], (one.org_id for one in readers or ()))
    stands = row.status is BulletinState.ISSUED
    return visitor.render(
        "bulletin.html",
        filled=filled,
        row=row,
        mine=mine,
        readers=readers,
        said=said,
        names=names,
        may_read=mine is not None and mine.received_at is None and stands,
        may_withdraw=issued and stands,
    )


@router.post("/bulletins/{bulletin_id}/{step}")
async def act_on(visitor: VisitorDep, bulletin_id: str, step: str) -> Response:
    """State the receipt of a bulletin, or withdraw one's own."""
    form = await visitor.form()
    if step not in {"receive", "withdraw"}:
        raise NotFound("no such step")
    reason = {"reason": form.text("reason")} if step == "withdraw" else {}
    return await attempt(
        visitor,
        form,
        act=f"bulletin.{step}",
        args={"bulletin_id": bulletin_id, **reason},
        role=role_for(visitor, f"bulletin.{step}"),
        then=f"/bulletins/{bulletin_id}",
        again=lambda filled: _one(visitor, bulletin_id, filled),
    )
