"""Registered rights: who may do what with a product, and how such a right ends."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response

from base.db import WriteSession
from ledger.recording import Act
from registry.ending import REGISTRARS, cancel_right, revoke_right
from registry.repository import rights_in
from registry.rules import Right
from registry.tables import RightsRow
from web.acts import ActKind, Args, Asked, Id, ReasonCode, kind
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["registry"])


class RightView(View):
    product_id: str
    holder_id: str
    right: str
    source: str
    registered_at: datetime
    ended_as: str | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: RightsRow) -> "RightView":
        return cls.model_validate(row)


class CancelForm(Asked):
    right: Right
    reason_code: ReasonCode


class CancelArgs(Args, CancelForm):
    product_id: Id


class RevokeForm(CancelForm):
    holder_id: Id


class RevokeArgs(Args, RevokeForm):
    product_id: Id


async def _revoke(s: WriteSession, act: Act, args: RevokeArgs, node: Node) -> Any:
    del node
    return await revoke_right(s, act, **dict(args))


async def _cancel(s: WriteSession, act: Act, args: CancelArgs, node: Node) -> Any:
    del node
    return await cancel_right(s, act, **dict(args))


REVOKE = kind(
    ActKind(
        name="right.revoke",
        event="REG.REVOKE",
        args=RevokeArgs,
        roles=REGISTRARS,
        verb=_revoke,
        answer=RightView.of,
        about=lambda args: args.product_id,
    )
)
CANCEL = kind(
    ActKind(
        name="right.cancel",
        event="REG.CANCEL",
        args=CancelArgs,
        roles=frozenset({"PROVIDER"}),
        verb=_cancel,
        answer=RightView.of,
        about=lambda args: args.product_id,
    )
)


@router.get("/products/{product_id}/rights")
async def rights(product_id: Id, caller: CallerDep, s: ReadDep) -> list[RightView]:
    """The rights that are registered in a product, ended ones too, for members."""
    del caller
    return [RightView.of(row) for row in await rights_in(s, product_id=product_id)]


@router.post("/products/{product_id}/rights/revoke", **answers(REVOKE, RightView))
async def revoke(product_id: Id, caller: CallerDep, form: RevokeForm) -> Response:
    """Revoke another's registered right, as the registrar: what is offered on it falls."""
    return respond(await caller.do(REVOKE, RevokeArgs(product_id=product_id, **dict(form))))


@router.post("/products/{product_id}/rights/cancel", **answers(CANCEL, RightView))
async def cancel(product_id: Id, caller: CallerDep, form: CancelForm) -> Response:
    """Give up one's own registered right: what is offered on it falls."""
    return respond(await caller.do(CANCEL, CancelArgs(product_id=product_id, **dict(form))))
