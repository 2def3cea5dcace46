"""The open list: proposed, reviewed by the chief data officer, opened or not, suspended, retired."""

from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act
from registry.chiefs.depending import require_chief
from registry.doors import Said
from registry.grading.depending import require_security_review
from registry.lists.repository import resting_on_entry
from registry.lists.rules import Listed
from registry.lists.tables import DataRow
from registry.opening import repository
from registry.opening.errors import (
    OpeningHeld,
    OpeningListedBefore,
    OpeningMalformed,
    OpeningSamePerson,
    OpeningUnmounted,
    OpeningWrongRole,
    OpeningWrongState,
)
from registry.opening.moving import begin, check_agency, check_open, check_text, step
from registry.opening.renewing import check_mounted
from registry.opening.rules import (
    BY_EXCHANGE,
    SENSING,
    Mode,
    NotOpenReason,
    Proposal,
    SuspendReason,
    check_proposal,
)
from registry.opening.states import AUTHORITIES, EXCHANGE, OpenEvent, OpenState, may_move
from registry.opening.tables import OpenEntryRow
from registry.opening.winding import wind_check

_E = OpenEvent
_OPENS: Final = {Mode.OPEN: _E.OPEN, Mode.TARGETED: _E.TARGET, Mode.AUTHORISED: _E.AUTHORISE}


async def propose(s: WriteSession, act: Act, *, data_id: str, proposal: Proposal) -> OpenEntryRow:
    """Propose to open data of one's own (OPN.PROPOSE).

    Raises OpeningMalformed, DataEntryUnknown, OpeningWrongRole, OpeningListedBefore, ChannelClosed and its
    kin, ImportantData.
    """
    may_move(None, _E.PROPOSE, act.role)
    check_proposal(proposal)
    data = await resting_on_entry(s, data_id=data_id)
    check_agency(act, data.agency_id)
    _check_listed(data)
    if await repository.live_entry_of(s, data_id=data_id) is not None:
        raise OpeningListedBefore("this data has an entry already", data_id=data_id)
    row = OpenEntryRow(
        open_id=act.new_id("opn"),
        data_id=data_id,
        agency_id=data.agency_id,
        status=OpenState.PROPOSED,
        mode=proposal.mode,
        licence=proposal.licence,
        conditions=proposal.conditions.strip(),
        law=proposal.law.strip(),
        risk_assessment_sha256=proposal.risk_assessment_sha256,
        covers_from=proposal.covers_from,
        covers_to=proposal.covers_to,
        proposed_by=act.actor.user_id,
        proposed_at=act.occurred_at,
        changed_at=act.occurred_at,
    )
    level = await check_open(s, row, data, row.mode)
    s.add(row)
    await s.flush()
    subjects = {"risk_assessment": row.risk_assessment_sha256} if row.risk_assessment_sha256 else {}
    said = Said(
        public={"licence": row.licence.value, "level": level.value},
        opening={"conditions": row.conditions, "law": row.law},
        subjects=subjects,
    )
    await begin(s, act, row, said)
    return row


async def review(s: WriteSession, act: Act, *, open_id: str) -> OpenEntryRow:
    """Review an entry as the agency's chief data officer (OPN.REVIEW), who did not propose it.

    The file that is mounted now is the one that will be had. Of city video and sensor readings a security
    review stands. Raises ChiefWanted, OpeningSamePerson,
    OpeningHeld, AssessmentMissing, ChannelClosed and its kin, ImportantData.
    """
    row, data = await _claim(s, act, open_id, _E.REVIEW)
    chief_id = await require_chief(s, act, agency_id=row.agency_id)
    if act.actor.user_id == row.proposed_by:
        raise OpeningSamePerson("who proposed it does not review it", open_id=open_id)
    if row.held_by is not None:
        raise OpeningHeld("an authority suspended it", open_id=open_id, held_by=row.held_by)
    _check_listed(data)
    level = await check_open(s, row, data, row.mode)
    review_id = await _security(s, act, data)
    public: dict[str, Any] = {"chief_id": chief_id, "level": level.value}
    public |= {"security_review_id": review_id} if review_id else {}
    values = {
        "chief_id": chief_id,
        "security_review_id": review_id,
        "file_sha256": data.resource_sha256,
        "reason_code": None,
        "reason": None,
    }
    said = Said(public=public, subjects=_file(data))
    await step(s, act, _E.REVIEW, row, said, values=values)
    return row


async def publish(s: WriteSession, act: Act, *, open_id: str) -> OpenEntryRow:
    """Open what was reviewed, in the mode that was (OPN.OPEN, OPN.TARGET, OPN.AUTHORISE).

    Level, catalogue, security review and mounting are asked again: it is now that the data can be had.
    Raises OpeningUnmounted, OpeningFileChanged and what `review` raises of the data.
    """
    row = await repository.claim_entry(s, open_id=open_id)
    event = _OPENS[row.mode]
    may_move(row.status, event, act.role)
    check_agency(act, row.agency_id)
    data = await resting_on_entry(s, data_id=row.data_id)
    _check_listed(data)
    if data.resource_sha256 is None and data.resource_interface is None:
        raise OpeningUnmounted("mount a file or an interface first", data_id=data.data_id)
    check_mounted(row, data)
    level = await check_open(s, row, data, row.mode)
    await _security(s, act, data)
    said = Said(
        public={
            "licence": row.licence.value,
            "level": level.value,
            "chief_id": row.chief_id,
            "update": data.update.value,
        },
        subjects=_file(data),
    )
    await step(s, act, event, row, said, values={"first_opened_at": row.first_opened_at or act.occurred_at})
    await wind_check(s, act.now)
    return row


async def refuse(
    s: WriteSession, act: Act, *, open_id: str, reason: NotOpenReason, law: str, text: str
) -> OpenEntryRow:
    """Say that data is not opened (OPN.REFUSE), as the chief data officer, with the law it rests on."""
    row, _ = await _claim(s, act, open_id, _E.REFUSE)
    chief_id = await require_chief(s, act, agency_id=row.agency_id)
    named, why = check_text(law), check_text(text)
    said = Said(
        public={"chief_id": chief_id, "reason_code": reason.value}, opening={"law": named, "text": why}
    )
    values = {"chief_id": chief_id, "reason_code": reason.value, "reason": why, "law": named}
    await step(s, act, _E.REFUSE, row, said, values=values)
    return row


async def suspend(
    s: WriteSession, act: Act, *, open_id: str, reason: SuspendReason, text: str
) -> OpenEntryRow:
    """Take an entry out of the public catalogue (OPN.SUSPEND): nothing of it downloads from now on.

    The agency, an authority (which then holds it), or the exchange for what it sees itself. Raises
    OpeningWrongRole, OpeningMalformed.
    """
    row = await repository.claim_entry(s, open_id=open_id)
    may_move(row.status, _E.SUSPEND, act.role)
    if act.role not in AUTHORITIES | EXCHANGE:
        check_agency(act, row.agency_id)
    if (reason in BY_EXCHANGE) != (act.role in EXCHANGE):
        raise OpeningMalformed("this reason is another one's to give", fields=["reason"])
    held_by = act.role if act.role in AUTHORITIES else None
    said = Said(public={"reason_code": reason.value}, opening={"text": check_text(text)})
    values = {"reason_code": reason.value, "reason": text.strip(), "held_by": held_by}
    await step(s, act, _E.SUSPEND, row, said, values=values)
    return row


async def release(s: WriteSession, act: Act, *, open_id: str, text: str) -> OpenEntryRow:
    """Let an entry go that this authority suspended (OPN.RELEASE); its agency reviews it anew."""
    row = await repository.claim_entry(s, open_id=open_id)
    may_move(row.status, _E.RELEASE, act.role)
    if row.held_by != act.role:
        raise OpeningWrongRole("another one suspended it", held_by=row.held_by or "")
    said = Said(opening={"text": check_text(text)})
    await step(s, act, _E.RELEASE, row, said, values={"held_by": None})
    return row


async def retire(s: WriteSession, act: Act, *, open_id: str, text: str) -> OpenEntryRow:
    """End an entry (OPN.RETIRE); the data may be proposed anew. Raises OpeningHeld."""
    row = await repository.claim_entry(s, open_id=open_id)
    may_move(row.status, _E.RETIRE, act.role)
    check_agency(act, row.agency_id)
    if row.held_by is not None:
        raise OpeningHeld("an authority suspended it", open_id=open_id, held_by=row.held_by)
    why = check_text(text)
    await step(s, act, _E.RETIRE, row, Said(opening={"text": why}), values={"reason": why})
    return row


async def _claim(s: WriteSession, act: Act, open_id: str, event: OpenEvent) -> tuple[OpenEntryRow, DataRow]:
    """An entry, locked, in which this step is its agency's to take, and its data, share-locked."""
    row = await repository.claim_entry(s, open_id=open_id)
    may_move(row.status, event, act.role)
    check_agency(act, row.agency_id)
    return row, await resting_on_entry(s, data_id=row.data_id)


def _file(data: DataRow) -> dict[str, str]:
    return {"file": data.resource_sha256} if data.resource_sha256 else {}


def _check_listed(data: DataRow) -> None:
    if data.status is not Listed.LISTED:
        raise OpeningWrongState("the data was retired from its list", data_id=data.data_id)


async def _security(s: WriteSession, act: Act, data: DataRow) -> str | None:
    if data.kind not in SENSING:
        return None
    return await require_security_review(s, object_id=data.data_id, now=act.now)
