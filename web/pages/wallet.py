"""The subject's wallet: what it is asked for, in plain words; its certificates; one as a sheet of paper."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from ledger.reader import statements_of
from registry.vouchers import repository
from registry.vouchers.states import LIVE, MEMBERS, VoucherState
from web.pages.naming import names_of
from web.pages.printing import code_for
from web.pages.visiting import VisitorDep
from web.pages.vouchers import speaks_for
from web.voucher_forms import desk_of

router = APIRouter()
_MOST: Final = 100
_MADE: Final = frozenset({"CRT.GENERATE", "CRT.CORRECT"})


@router.get("/wallet")
async def wallet(visitor: VisitorDep) -> Response:
    """What one is asked to authorise, and one's own certificates, as their subject."""
    visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        rows = await repository.vouchers(s, subject_id=visitor.org_id, limit=_MOST)
        types = {row.type_id: row for row in await repository.types(s)}
        names = await names_of(s, *([row.user_id, row.provider_id] for row in rows))
    asked = [row for row in rows if row.status is VoucherState.REQUESTED]
    return visitor.render(
        "wallet.html",
        asked=asked,
        rows=[row for row in rows if row.status is not VoucherState.REQUESTED],
        types=types,
        names=names,
        live={state.value for state in LIVE},
    )


@router.get("/registry/vouchers/{voucher_id}/sheet")
async def sheet(visitor: VisitorDep, voucher_id: str) -> Response:
    """A certificate as a sheet of paper, for its subject: with a code that leads to where it is checked."""
    visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        row = await repository.get_voucher(s, voucher_id=voucher_id)
        if speaks_for(row) != visitor.org_id or row.sealed is None:
            raise NotFound("no such asset certificate", voucher_id=voucher_id)
        kind = await repository.get_type(s, type_id=row.type_id)
        names = await names_of(s, [row.subject_id, row.user_id, row.provider_id])
        made = [one for one in await statements_of(s, object_id=voucher_id) if one.event in _MADE]
    address = f"{visitor.node.settings.public_url.rstrip('/')}/{visitor.lang}/verify/{voucher_id}"
    return visitor.render(
        "voucher_sheet.html",
        row=row,
        kind=kind,
        items={item["code"]: item for item in kind.items},
        told=desk_of(visitor.node).open(row)["disclosures"],
        names=names,
        seq=made[-1].seq if made else None,
        ended=row.status not in LIVE,
        origin=visitor.node.settings.origin,
        address=address,
        code=code_for(address),
    )
