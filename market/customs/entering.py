"""The authority's registers: documents that carry declarations, and the free-trade zones' negative lists.

Empty by default. Beside them each member says where its systems receive.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from base.db import WriteSession
from base.errors import Malformed
from identity.repository import get_organisation
from identity.service import insert, require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs import repository
from market.customs.errors import (
    CustomsDocumentTaken,
    CustomsDocumentUnknown,
    DeclarationMalformed,
    DeclarationWrongRole,
)
from market.customs.moving import Said, step
from market.customs.proving import OnRegister
from market.customs.reading import entries_from
from market.customs.rules import country_of
from market.customs.states import LIVE, OFFICER, DeclarationEvent
from market.customs.tables import CustomsDocumentRow, EndpointRow, NegativeListRow
from market.customs.transit import tell_egress

_ENDED: Final = "DOCUMENT_ENDED"


async def enter_document(s: WriteSession, act: Act, *, document: OnRegister) -> CustomsDocumentRow:
    """Enter a filing, certificate, assessment, approval, or seat in a zone (XBR.ENTER), as the authority.

    Raises CustomsDocumentTaken, DeclarationMalformed.
    """
    _require_officer(act)
    if not document.exporter_ids:
        raise DeclarationMalformed("whose document is it", fields=["exporter_ids"])
    for org_id in sorted(document.exporter_ids):
        if await get_organisation(s, org_id=org_id) is None:
            raise DeclarationMalformed("no such member", fields=["exporter_ids"])
    if document.filed_on < document.issued_on or (
        document.valid_until is not None and document.valid_until < document.issued_on
    ):
        raise DeclarationMalformed("its days are not in order", fields=["issued_on"])
    row = CustomsDocumentRow(
        document_id=act.new_id("xdc"),
        kind=document.kind,
        number=document.number,
        exporter_ids=sorted(document.exporter_ids),
        recipient_name=document.recipient_name,
        country=country_of(document.country),
        sensitive=document.sensitive,
        persons=document.persons,
        sha256=document.sha256,
        issued_on=document.issued_on.isoformat(),
        filed_on=document.filed_on.isoformat(),
        valid_until=None if document.valid_until is None else document.valid_until.isoformat(),
        entered_by=act.actor.org_id,
        entered_at=act.occurred_at,
    )
    await insert(s, row, CustomsDocumentTaken("its number is taken", number=document.number))
    public = {"document_id": row.document_id, "kind": row.kind.value, "number": row.number}
    await record(
        s,
        act,
        Draft(
            "XBR.ENTER",
            row.document_id,
            public=public | {"exporter_ids": row.exporter_ids[:50], "valid_until": row.valid_until},
            opening={"recipient_name": row.recipient_name, "country": row.country, "persons": row.persons},
            subjects={"document": row.sha256},
        ),
    )
    return row


async def end_document(s: WriteSession, act: Act, *, document_id: str, reason: str) -> CustomsDocumentRow:
    """Take a document off the register (XBR.END): nothing is carried by it any more.

    Every clearance that lives under it is halted (XBD.HALT) with it.
    """
    _require_officer(act)
    number = (await repository.get_document(s, document_id=document_id)).number
    await _halt_all(s, act, number)  # who shows a document holds its declaration first, then the document
    await repository.claim_document(s, number=number)
    await _halt_all(s, act, number)
    row = await repository.get_document(s, document_id=document_id)
    if row.ended_at is not None:
        raise CustomsDocumentUnknown("it has ended", document_id=document_id)
    row.ended_at = act.occurred_at
    s.add(row)
    await s.flush()
    public = {"document_id": document_id, "number": row.number}
    await record(s, act, Draft("XBR.END", document_id, public=public, opening={"reason": reason}))
    return row


async def _halt_all(s: WriteSession, act: Act, number: str) -> None:
    system = act.as_exchange()
    for declaration_id in await repository.live_under(s, number=number):
        row = await repository.claim_declaration(s, declaration_id=declaration_id)
        if row.status not in LIVE:
            continue
        await tell_egress(s, act, row, ends=True)
        public = {"reason_code": _ENDED, "bytes": str(row.sent_bytes), "uses": row.sent_uses}
        await step(s, system, DeclarationEvent.HALT, row, Said(public=public), values={"reason_code": _ENDED})


async def enter_list(
    s: WriteSession,
    act: Act,
    *,
    zone: str,
    entries: Sequence[Mapping[str, Any]],
    source: str,
    effective_from: date,
    effective_to: date | None,
) -> NegativeListRow:
    """Enter a version of a zone's negative list (XBR.LIST), in force from a day on; older ones stay kept."""
    _require_officer(act)
    if len({one["entry_id"] for one in entries}) < len(entries):
        raise Malformed("each line has its own number", member="entries")
    if effective_to is not None and effective_to <= effective_from:
        raise Malformed("it ends before it begins", member="effective_to")
    entries_from(zone, entries)
    await repository.lock_group(s, group_id=f"zone/{zone}")
    versions = await repository.negative_lists(s, zone=zone)
    row = NegativeListRow(
        zone=zone,
        version=1 + (versions[0].version if versions else 0),
        entries=[dict(one) for one in entries],
        source=source,
        effective_from=effective_from.isoformat(),
        effective_to=None if effective_to is None else effective_to.isoformat(),
        entered_by=act.actor.org_id,
        entered_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    public = {
        "zone": zone,
        "version": row.version,
        "lines": len(row.entries),
        "effective_from": row.effective_from,
        "effective_to": row.effective_to,
        "source": source,
    }
    await record(s, act, Draft("XBR.LIST", act.actor.org_id, public=public, opening={"entries": row.entries}))
    return row


async def declare_endpoint(s: WriteSession, act: Act, *, region: str) -> EndpointRow:
    """Say where one's own systems receive and read from (XBR.ENDPOINT). Raises PlaceMalformed."""
    await require_member(s, org_id=act.actor.org_id)
    country_of(region)
    row = await s.get(EndpointRow, act.actor.org_id, populate_existing=True)
    row = row or EndpointRow(org_id=act.actor.org_id, region=region, declared_at=act.occurred_at)
    row.region, row.declared_at = region, act.occurred_at
    s.add(row)
    await s.flush()
    await record(s, act, Draft("XBR.ENDPOINT", act.actor.org_id, public={"region": region}))
    return row


def _require_officer(act: Act) -> None:
    if act.role not in OFFICER:
        raise DeclarationWrongRole("the authority keeps the register", role=act.role)
