"""A broker's credential on its page, as a code for a phone; and the authority's issuing key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import segno
from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from brokers.credential import repository
from brokers.states import AUTHORITY
from ledger.reader import seq_of
from web.node import Node
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_INK: Final = "#1b2330"
_QUIET_ZONE: Final = 4  # ISO/IEC 18004 §6.3.8: modules of white around a code


@dataclass(frozen=True, slots=True)
class Shown:
    """A credential as a page shows it."""

    url: str
    code: str
    issuer: str
    list_url: str
    issued_at: datetime
    sha256: str


async def shown_credential(s: ReadSession, node: Node, *, cert_id: str) -> Shown | None:
    """The present credential of a certificate; None where none was issued."""
    row = await repository.credential_of(s, cert_id=cert_id)
    issuer = None if row is None else await repository.get_issuer(s, number=row.issuer_number)
    if row is None or issuer is None:
        return None
    url = node.credentials.credential_url(row.credential_id)
    code = segno.make(url, error="m", micro=False)
    return Shown(
        url=url,
        code=code.svg_data_uri(scale=4, border=_QUIET_ZONE, dark=_INK, light="#ffffff"),
        issuer=issuer.did,
        list_url=node.credentials.list_url(issuer.number),
        issued_at=row.issued_at,
        sha256=row.sha256,
    )


@router.get("/issuing-key")
async def ask(visitor: VisitorDep) -> Response:
    """Who signs credentials, for everyone; and for the data authority the form that appoints the next key."""
    return await _ask(visitor, Filled())


async def _ask(visitor: Visitor, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        issuers = await repository.issuers(s)
        seqs = {one.number: await seq_of(s, statement_id=one.statement_id) for one in issuers}
    return visitor.render(
        "issuing_key.html",
        filled=filled,
        issuers=issuers,
        seqs=seqs,
        lists={one.number: visitor.node.credentials.list_url(one.number) for one in issuers},
        may_appoint=AUTHORITY in visitor.roles,
    )


@router.post("/issuing-key")
async def appoint(visitor: VisitorDep) -> Response:
    """Appoint a new issuing key, as the data authority."""
    form = await visitor.form()
    visitor.require({AUTHORITY})
    return await attempt(
        visitor,
        form,
        act="credential.appoint_issuer",
        args={},
        role=AUTHORITY,
        then="/issuing-key",
        again=lambda filled: _ask(visitor, filled),
    )
