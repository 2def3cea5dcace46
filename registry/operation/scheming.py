"""A scheme: drafted and revised, consented to by whose data is used, decided with the chief's signature."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from base.calendar import shanghai_day
from base.canonical import canonical, sha256_hex
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.chiefs.depending import require_chief
from registry.doors import Said
from registry.lists.errors import DataEntryUnknown
from registry.lists.repository import resting_on_entry
from registry.lists.rules import Listed
from registry.lists.tables import DataRow
from registry.operation import repository
from registry.operation.documents import scheme_document
from registry.operation.errors import (
    ConsentMissing,
    DataNotListed,
    GrantMalformed,
    GrantWrongRole,
    ProvinceUnknown,
)
from registry.operation.moving import begin, claim_for, step
from registry.operation.rules import Scheme, check_scheme
from registry.operation.states import GrantEvent, may_move
from registry.operation.tables import GrantResourceRow, GrantRow

_E = GrantEvent


async def draft_scheme(s: WriteSession, act: Act, *, scheme: Scheme) -> GrantRow:
    """Draft the scheme of an authorised operation (AOG.DRAFT_SCHEME), as the implementing body.

    Its data stands in agencies' lists. Raises SchemeIncomplete, GrantMalformed, DataNotListed,
    `member-not-active`.
    """
    status = may_move(None, _E.DRAFT_SCHEME, act.role)
    check_scheme(scheme, act.now)
    await require_member(s, org_id=act.actor.org_id)
    row = GrantRow(
        grant_id=act.new_id("aog"),
        authority_id=act.actor.org_id,
        status=status,
        name=scheme.name,
        scheme=scheme_document(scheme),
        drafted_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    await begin(s, act, row, await _of_scheme(s, act, row, scheme))
    return row


async def revise_scheme(s: WriteSession, act: Act, *, grant_id: str, scheme: Scheme) -> GrantRow:
    """Write a scheme anew (AOG.REVISE_SCHEME): other agencies are asked for their consent again."""
    row = await claim_for(s, act, grant_id, _E.REVISE_SCHEME)
    check_scheme(scheme, act.now)
    for former in await repository.resources_of(s, grant_id=grant_id):
        await s.delete(former)
    await s.flush()
    said = await _of_scheme(s, act, row, scheme)
    values = {"name": scheme.name, "scheme": scheme_document(scheme)}
    await step(s, act, _E.REVISE_SCHEME, row, said, values=values)
    return row


async def consent(s: WriteSession, act: Act, *, grant_id: str) -> GrantRow:
    """Say yes, as another agency, to the use of one's own data in a scheme (AOG.CONSENT), once."""
    row = await repository.claim_grant(s, grant_id=grant_id)
    may_move(row.status, _E.CONSENT, act.role)
    waiting = [
        one
        for one in await repository.resources_of(s, grant_id=grant_id)
        if one.agency_id == act.actor.org_id and one.consented_at is None
    ]
    if not waiting:
        raise GrantWrongRole("no data of yours waits here", grant_id=grant_id)
    for one in waiting:
        one.consented_at = act.occurred_at
        s.add(one)
    await s.flush()
    public = {"agency_id": act.actor.org_id, "data_ids": [one.data_id for one in waiting]}
    await step(s, act, _E.CONSENT, row, Said(public=public))
    return row


async def decide(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    meeting_sha256: str,
    meeting_on: date,
    filed_with: str,
) -> GrantRow:
    """Decide on a scheme (AOG.DECIDE): the meeting's document, the chief data officer's own signature.

    It is filed with the province's data authority. Raises ChiefWanted, ConsentMissing, ProvinceUnknown,
    SchemeIncomplete.
    """
    row = await claim_for(s, act, grant_id, _E.DECIDE)
    chief_id = await require_chief(s, act, agency_id=row.authority_id)
    missing = sorted(
        {one.agency_id for one in await repository.resources_of(s, grant_id=grant_id) if not one.consented_at}
    )
    if missing:
        raise ConsentMissing("other agencies' data is used without their consent", agencies=missing)
    if meeting_on > shanghai_day(act.now):
        raise GrantMalformed("a meeting that has been held", fields=["meeting_on"])
    await require_province(s, org_id=filed_with)
    decision = {
        "meeting_sha256": meeting_sha256,
        "meeting_on": meeting_on.isoformat(),
        "chief_id": chief_id,
        "filed_with": filed_with,
    }
    public = {"chief_id": chief_id, "filed_with": filed_with, "meeting_on": decision["meeting_on"]}
    digests = {"meeting": meeting_sha256, "scheme": sha256_hex(canonical(row.scheme))}
    await step(s, act, _E.DECIDE, row, Said(public=public, subjects=digests), values={"decision": decision})
    return row


async def abandon(s: WriteSession, act: Act, *, grant_id: str, reason: str) -> GrantRow:
    """Give a scheme up before anything is granted (AOG.ABANDON)."""
    row = await claim_for(s, act, grant_id, _E.ABANDON)
    values = {"ended_at": act.occurred_at, "reason_code": "ABANDONED"}
    await step(s, act, _E.ABANDON, row, Said(opening={"reason": reason}), values=values)
    return row


async def require_province(s: WriteSession, *, org_id: str) -> None:
    """A data authority, with which schemes and agreements are filed. Raises ProvinceUnknown."""
    member = await require_member(s, org_id=org_id)
    if "DATA_AUTHORITY" not in {role.value for role in member.roles}:
        raise ProvinceUnknown("this member is no data authority", org_id=org_id)


async def listed_entry(s: WriteSession, *, data_id: str) -> DataRow:
    """An entry of an agency's data list that stands, share-locked. Raises DataNotListed."""
    try:
        entry = await resting_on_entry(s, data_id=data_id)
    except DataEntryUnknown:
        raise DataNotListed("no agency's list has this data", data_id=data_id) from None
    if entry.status is not Listed.LISTED:
        raise DataNotListed("this entry was retired", data_id=data_id)
    return entry


async def _of_scheme(s: WriteSession, act: Act, row: GrantRow, scheme: Scheme) -> Said:
    """The data of a scheme, stored with whose it is; and what is said of it."""
    others = set()
    for data_id in sorted(scheme.data_ids):
        entry = await listed_entry(s, data_id=data_id)
        own = entry.agency_id == row.authority_id
        others |= set() if own else {entry.agency_id}
        s.add(
            GrantResourceRow(
                grant_id=row.grant_id,
                data_id=data_id,
                agency_id=entry.agency_id,
                consented_at=act.occurred_at if own else None,
            )
        )
    await s.flush()
    document = scheme_document(scheme)
    public: Mapping[str, Any] = {
        "mode": scheme.mode.value,
        "data_ids": sorted(scheme.data_ids),
        "consents": sorted(others),
        "term_months": scheme.term_months,
        "products": len(scheme.products),
    }
    return Said(
        public=public, opening={"scheme": document}, subjects={"scheme": sha256_hex(canonical(document))}
    )
