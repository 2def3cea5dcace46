"""Sheets of paper: a certificate, a finding for the file. A4, with a digest and a code to check it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import segno
from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from base.errors import NotFound
from brokers.repository import certificates_of
from ledger import reader
from ledger.checkpoint import Checkpoint, Note
from market.filing.repository import get_certificate
from market.filing.rules import CERTIFICATE_NUMBER
from market.listings.categories import CATEGORY_LABELS
from supervision.finding import Finding
from web.certificates import certificate_shown
from web.pages.figures import figures, members
from web.pages.naming import names_of
from web.pages.regions import region
from web.pages.supervisor import READERS, supervising_of
from web.pages.visiting import Visitor, VisitorDep
from web.register import record_on

router = APIRouter()
_INK: Final = "#1b2330"
_QUIET_ZONE: Final = 4  # ISO/IEC 18004 §6.3.8
_MOST_ENTRIES: Final = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where a paper's statement stands: its entry, and the newest published root over it."""

    seq: int
    size: int | None
    root: str | None


def code_for(address: str) -> str:
    """An address as a QR code that a page may show as an image."""
    code = segno.make(address, error="m", micro=False)
    return code.svg_data_uri(scale=3, border=_QUIET_ZONE, dark=_INK, light="#ffffff")


def is_certificate_number(no: str) -> bool:
    """Whether this is a trade certificate's number, or may be a broker's; an application's id is neither."""
    return not no.startswith("crt_")


async def certificate(visitor: Visitor, no: str) -> Response:
    """The sheet of a trade certificate or of a broker's certificate. Raises NotFound."""
    async with visitor.node.database.read() as s:
        if CERTIFICATE_NUMBER.fullmatch(no):
            shown = await _of_trade(visitor, s, no)
        else:
            shown = await _of_broker(visitor, s, no)
    address = f"{visitor.node.settings.public_url.rstrip('/')}/{visitor.lang}/verify/{no}"
    return visitor.render(
        "certificate.html",
        no=no,
        address=address,
        code=code_for(address),
        origin=visitor.node.settings.origin,
        labels=CATEGORY_LABELS,
        **shown,
    )


async def _of_trade(visitor: Visitor, s: ReadSession, no: str) -> dict[str, Any]:
    seen = await certificate_shown(s, visitor.node, await get_certificate(s, certificate_no=no))
    return {
        "kind": "trade",
        "told": seen.certificate,
        "stands": seen.status == "STANDS",
        "digest": seen.certificate_sha256,
        "sealed": None if seen.seq is None else await _sealed(s, seen.seq),
        "page": f"/trade-certificates/{no}",
    }


async def _of_broker(visitor: Visitor, s: ReadSession, no: str) -> dict[str, Any]:
    now = visitor.node.clock.now()
    found = await record_on(s, no=no, at=now, now=now)
    step = next((one for one in found.holding.steps if one.says.get("cert_no") == no), None)
    said = None if step is None else await reader.statement(s, statement_id=step.statement_id)
    return {
        "kind": "broker",
        "told": found,
        "stands": found.standing.in_force,
        "digest": None if said is None else said.envelope_sha256,
        "sealed": None if said is None or said.seq is None else await _sealed(s, said.seq),
        "page": f"/brokers/{no}",
    }


async def _sealed(s: ReadSession, seq: int) -> Sealed:
    kept = await reader.checkpoint_over(s, seq=seq)
    if kept is None:
        return Sealed(seq, None, None)
    head = Checkpoint.parse(Note.parse(kept.note.encode()).text)
    return Sealed(seq, head.size, head.root.hex())


@router.get("/broker/certificate")
async def own(visitor: VisitorDep) -> Response:
    """To the sheet of one's own certificate, as a broker; the newest that is in force before others."""
    session = visitor.require({"BROKER"})
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        rows = [row for row in await certificates_of(s, org_id=session.actor.org_id) if row.cert_no]
    rows.sort(key=lambda row: (_runs(row.valid_from, row.valid_to, now), row.valid_to), reverse=True)
    if rows:
        return visitor.redirect(f"/certificates/{rows[0].cert_no}")
    return visitor.render("certificate_none.html")


def _runs(begins: datetime, ends: datetime, now: datetime) -> bool:
    return begins <= now < ends


@router.get("/reg/findings/{finding_id}/report")
async def finding(visitor: VisitorDep, finding_id: str) -> Response:
    """A finding as a sheet for the file: rule, numbers, thresholds, evidence, digests."""
    visitor.require(READERS)
    runs = supervising_of(visitor)
    report = await runs.report()
    found = report.finding(finding_id)
    if found is None:
        raise NotFound("no such finding", finding_id=finding_id)
    async with visitor.node.database.read() as s:
        names = await names_of(s, found.subjects, members(found.statistic))
        hashes = await _hashes(s, found)
    address = f"{visitor.node.settings.public_url.rstrip('/')}/{visitor.lang}/reg/findings/{finding_id}"
    return visitor.render(
        "finding_report.html",
        finding=found,
        numbers=figures(visitor, found.statistic, names),
        as_of=report.as_of,
        names=names,
        labels=CATEGORY_LABELS,
        region=region,
        hashes=hashes,
        more=max(0, len(found.evidence_seqs) - _MOST_ENTRIES),
        address=address,
        code=code_for(address),
        findings_sha256=hashlib.sha256(runs.findings.read_bytes()).hexdigest(),
    )


async def _hashes(s: ReadSession, found: Finding) -> Sequence[tuple[int, str]]:
    """The entries that a finding rests on, each with its leaf hash."""
    return [
        (seq, (await reader.entry(s, seq=seq)).leaf_hash.hex()) for seq in found.evidence_seqs[:_MOST_ENTRIES]
    ]
