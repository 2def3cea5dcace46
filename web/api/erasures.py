"""Erasing private parts of statements, on a legal ground."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from cases.erasing import Erasure, erase_opening
from cases.retention import BASES, BASIS_LIST, ERASERS, Basis
from ledger.erasure import EVENT
from ledger.recording import Act
from web.acts import ActKind, Args, Asked, Id, kind
from web.deps import CallerDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["erasure"])


class BasisView(View):
    code: str
    law: str
    says: dict[str, str]
    roles: list[str]
    by_order: bool

    @classmethod
    def of(cls, basis: Basis) -> "BasisView":
        return cls(
            code=basis.code,
            law=basis.law,
            says=dict(basis.says),
            roles=sorted(basis.roles),
            by_order=basis.by_order,
        )


class BasesView(View):
    basis_list: str
    bases: list[BasisView]


class ErasureView(View):
    statement_id: str
    event: str
    object_id: str
    opening_sha256: str
    basis: str
    basis_list: str
    erased_at: datetime
    answers: int = Field(description="remembered answers that were emptied with it")

    @classmethod
    def of(cls, done: Erasure) -> "ErasureView":
        return cls.model_validate(done)


class EraseForm(Asked):
    basis: Annotated[str, Field(pattern=r"^[A-Z0-9-]{2,20}$")]
    reason: str = Field(min_length=1, max_length=500)
    order_ref: str | None = Field(default=None, min_length=1, max_length=100)


class EraseArgs(Args, EraseForm):
    statement_id: Id


async def _erase(s: WriteSession, act: Act, args: EraseArgs, node: Node) -> Any:
    del node
    return await erase_opening(s, act, **dict(args))


ERASE = kind(
    ActKind(
        name="opening.erase",
        event=EVENT,
        args=EraseArgs,
        roles=ERASERS,
        verb=_erase,
        answer=ErasureView.of,
        about=lambda args: args.statement_id,
    )
)


@router.get("/erasures/bases")
async def bases(caller: CallerDep) -> BasesView:
    """The legal bases on which a private part may be erased, with the version of their list."""
    del caller
    return BasesView(basis_list=BASIS_LIST, bases=[BasisView.of(basis) for basis in BASES.values()])


@router.post("/ledger/statements/{statement_id}/erase-opening", **answers(ERASE, ErasureView))
async def erase(statement_id: Id, caller: CallerDep, form: EraseForm) -> Response:
    """Erase the private part of a statement, for good, as the operator or by an authority's order."""
    return respond(await caller.do(ERASE, EraseArgs(statement_id=statement_id, **dict(form))))
