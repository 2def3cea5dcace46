"""Erasing the private part of a statement, for the operator and the authorities; and what was erased."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.canonical import canonical, sha256_hex
from base.db import ReadSession
from cases.retention import BASIS_LIST, ERASERS, bases_for
from ledger import reader
from ledger.erasure import EVENT
from ledger.errors import StatementUnknown
from ledger.reader import Statement
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_LONGEST_SEQ: Final = 15


@router.get("/erasures")
async def erasures(
    visitor: VisitorDep, of: Annotated[str, Query(max_length=64)] = "", before: int | None = None
) -> Response:
    """What was erased, newest first; `of` names a statement, by number or id, whose private part is to go."""
    return await _erasures(visitor, of.strip(), before, Filled())


async def _erasures(visitor: Visitor, of: str, before: int | None, filled: Filled) -> Response:
    session = visitor.require(ERASERS)
    async with visitor.node.database.read() as s:
        chosen = await _chosen(s, of) if of else None
        erased = chosen is not None and await _is_erased(s, chosen)
        rows = await reader.entries(s, before=before, limit=_PAGE, event=EVENT)
        said = [entry.payload["predicate"] for entry in rows]
        names = await names_of(s, (one["actor"] for one in said), [chosen.org_id if chosen else None])
    bases = bases_for(session.actor.roles)
    return visitor.render(
        "erasures.html",
        filled=filled,
        of=of,
        chosen=chosen,
        erased=erased,
        bases=[(basis.code, f"{basis.law}: {basis.says[visitor.lang]}") for basis in bases],
        basis_list=BASIS_LIST,
        by_order=any(basis.by_order for basis in bases),
        rows=list(zip(rows, said, strict=True)),
        names=names,
        next_address=_next(visitor, rows),
    )


def _next(visitor: Visitor, rows: Sequence[reader.Entry]) -> str | None:
    return visitor.url("/erasures", before=rows[-1].seq) if len(rows) == _PAGE else None


@router.post("/erasures/{statement_id}")
async def erase(visitor: VisitorDep, statement_id: str) -> Response:
    """Erase it."""
    form = await visitor.form()
    session = visitor.require(ERASERS)
    return await attempt(
        visitor,
        form,
        act="opening.erase",
        args={
            "statement_id": statement_id,
            "basis": form.text("basis"),
            "reason": form.text("reason"),
            "order_ref": form.optional("order_ref"),
        },
        role=min(session.actor.roles & ERASERS),
        then="/erasures",
        again=lambda filled: _erasures(visitor, statement_id, None, filled),
    )


async def _chosen(s: ReadSession, of: str) -> Statement | None:
    """The statement that a number of an entry, or its own id, names; None where nothing has that name."""
    try:
        if of.isascii() and of.isdecimal() and len(of) <= _LONGEST_SEQ:
            envelope = (await reader.entry(s, seq=int(of))).document["envelope"]
            return await reader.statement_by_digest(s, envelope_sha256=sha256_hex(canonical(envelope)))
        return await reader.statement(s, statement_id=of)
    except StatementUnknown:
        return None


async def _is_erased(s: ReadSession, statement: Statement) -> bool:
    sha256 = statement.opening_sha256
    return sha256 is not None and await reader.opening(s, sha256=sha256) is None
