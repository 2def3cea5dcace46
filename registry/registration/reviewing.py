"""A registrar reviews, puts on public notice, answers objections, and issues the certificate."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlmodel import col, update

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from identity.service import require_identified, require_member, require_unbound
from ledger.recording import Act
from registry.doors import Said
from registry.registration import repository
from registry.registration.applying import check_text, require_public_code
from registry.registration.errors import (
    ObjectionRepeated,
    OwnershipDispute,
    RegistrarUnknown,
    RegistrationExtended,
    RegistrationMalformed,
    RegistrationObjectionsOpen,
    RegistrationSameOfficer,
    RegistrationTooEarly,
    RegistrationTooLate,
    RegistrationUnconfirmed,
)
from registry.registration.moving import check_in_time, claim_of_registrar, step, wind_rights
from registry.registration.rules import (
    Kind,
    RefusalReason,
    claims_conflict,
    due_after,
    has_ended,
    last_end,
    number_in,
    series_of,
    valid_until,
)
from registry.registration.states import RegistrationEvent, RegistrationState, may_move
from registry.registration.tables import RegistrationObjectionRow, RegistrationRow
from registry.rules import Right, Source, check_entered_anew
from registry.tables import RightsRow

_E = RegistrationEvent
_S = RegistrationState
NOTICED: Final = frozenset({"applicant", "name", "abstract", "restriction"})
"""What the notice shows; at a justified request something of it is withheld."""


async def extend(s: WriteSession, act: Act, *, registration_id: str, reason: str) -> RegistrationRow:
    """Take ten working days more, once (REG.EXTEND). Raises RegistrationExtended, RegistrationTooLate."""
    row = await claim_of_registrar(s, act, registration_id, _E.EXTEND)
    if row.kind is not Kind.PROPERTY_RIGHT:
        raise RegistrationMalformed("the review of public data is not extended", fields=["kind"])
    if row.extended:
        raise RegistrationExtended("the review was extended before", registration_id=registration_id)
    if row.due_at is None:
        raise RegistrationTooLate("the review was not decided in time", registration_id=registration_id)
    check_in_time(row.due_at, act)
    due_at = due_after(row.kind, "extension", row.due_at)
    said = Said(public={"decide_by": rfc3339(due_at)}, opening={"reason": check_text(reason)})
    await step(s, act, _E.EXTEND, row, said, values={"extended": True, "due_at": due_at})
    return row


async def refuse(
    s: WriteSession, act: Act, *, registration_id: str, reason: RefusalReason, text: str
) -> RegistrationRow:
    """Refuse an application for a reason of Art 22 (REG.REFUSE)."""
    row = await claim_of_registrar(s, act, registration_id, _E.REFUSE)
    said = Said(public={"reason_code": reason.value}, opening={"text": check_text(text)})
    await step(s, act, _E.REFUSE, row, said, values={"due_at": None, "reason_code": reason.value})
    return row


async def publish(
    s: WriteSession, act: Act, *, registration_id: str, withheld: Collection[str] = ()
) -> RegistrationRow:
    """Put an application on public notice (REG.PUBLISH).

    `withheld` names what of it is not shown, at the applicant's justified request. Raises
    RegistrationUnconfirmed, OwnershipDispute, RegistrationMalformed, PersonNotIdentified.
    """
    row = await claim_of_registrar(s, act, registration_id, _E.PUBLISH)
    if not set(withheld) <= NOTICED - {"applicant", "name"}:
        raise RegistrationMalformed("the applicant and the name are always shown", fields=["withheld"])
    await require_identified(s, user_id=act.actor.user_id)
    await _check_confirmed(s, row)
    await check_undisputed(s, row)
    until = due_after(row.kind, "notice", act.now)
    shown = {"name": row.name, "abstract": row.declaration["abstract"]}
    said = Said(
        public={name: text for name, text in shown.items() if name not in withheld}
        | {"notice_until": rfc3339(until), "withheld": sorted(withheld)}
    )
    values = {
        "since": act.now,
        "due_at": None,
        "notice_until": until,
        "withheld": sorted(withheld),
        "reviewed_by": act.actor.user_id,
    }
    await step(s, act, _E.PUBLISH, row, said, values=values)
    return row


async def object_to(
    s: WriteSession, act: Act, *, registration_id: str, text: str, evidence: Collection[str]
) -> RegistrationObjectionRow:
    """Object in one's real name and with evidence (REG.OBJECT; after registration REG.OBJECT_LATE).

    Who objects is public, what is said stays in the opening. Raises PersonNotIdentified,
    RegistrationTooLate, `member-not-active`, Malformed.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    late = row.status in {_S.REGISTERED, _S.DISPUTED}
    event = _E.OBJECT_LATE if late else _E.OBJECT
    may_move(row.status, event, act.role)
    text, named = check_text(text), sorted(set(evidence))
    if not named:
        raise Malformed("an objection names what shows it")
    await _check_new(s, row, act.actor.org_id, named)
    if not late:
        check_in_time(row.notice_until, act)
    person = await require_identified(s, user_id=act.actor.user_id)
    await require_member(s, org_id=act.actor.org_id)
    objection_id = act.new_id("obj")
    first = row.status in {_S.PUBLIC_NOTICE, _S.REGISTERED}
    tell_by = due_after(row.kind, "late_objection", act.now) if late else None
    due_at = row.due_at if not first else None if late else due_after(row.kind, "objection", act.now)
    said = Said(
        public={"objection_id": objection_id, "objector_id": act.actor.org_id}
        | ({"tell_by": rfc3339(tell_by)} if tell_by else {})
        | ({"decide_by": rfc3339(due_at)} if due_at else {}),
        opening={"text": text, "user_id": person.user_id},
        subjects={f"evidence_{number}": sha256 for number, sha256 in enumerate(named, 1)},
    )
    await step(s, act, event, row, said, values={"since": act.now, "due_at": due_at} if first else None)
    objection = RegistrationObjectionRow(
        objection_id=objection_id,
        registration_id=registration_id,
        objector_id=act.actor.org_id,
        user_id=person.user_id,
        text=text,
        evidence=named,
        late=late,
        filed_at=act.occurred_at,
        tell_by=tell_by,
    )
    s.add(objection)
    await s.flush()
    return objection


async def uphold(
    s: WriteSession, act: Act, *, registration_id: str, objection_id: str, answer: str
) -> RegistrationRow:
    """Find an objection right: the application is refused (REG.UPHOLD), by another than who reviewed it."""
    row = await claim_of_registrar(s, act, registration_id, _E.UPHOLD)
    answer = check_text(answer)
    await check_other_officer(s, act, row)
    if objection_id not in await open_objections(s, row):
        raise RegistrationObjectionsOpen("no such objection is open", objection_id=objection_id)
    said = Said(
        public={"objection_id": objection_id, "reason_code": RefusalReason.OWNERSHIP_DISPUTE.value},
        opening={"answer": answer},
    )
    values = {"due_at": None, "reason_code": RefusalReason.OWNERSHIP_DISPUTE.value}
    await step(s, act, _E.UPHOLD, row, said, values=values)
    await answer_all(s, act, [objection_id], answer=answer, upheld=True)
    return row


async def dismiss(
    s: WriteSession, act: Act, *, registration_id: str, objection_ids: Collection[str], answer: str
) -> RegistrationRow:
    """Find all open objections wrong, together and with reasons (REG.DISMISS): the notice goes on."""
    row = await claim_of_registrar(s, act, registration_id, _E.DISMISS)
    answer = check_text(answer)
    await check_other_officer(s, act, row)
    named, open_now = sorted(set(objection_ids)), await open_objections(s, row)
    if named != open_now:
        raise RegistrationObjectionsOpen("name the objections that are open, and no other", open=open_now)
    said = Said(public=told(named), opening={"answer": answer, "objection_ids": named})
    await step(s, act, _E.DISMISS, row, said, values={"since": act.now, "due_at": None})
    await answer_all(s, act, named, answer=answer, upheld=False)
    return row


async def issue(s: WriteSession, act: Act, *, registration_id: str) -> RegistrationRow:
    """Deposit the evidence and issue the certificate (REG.DEPOSIT_AND_ISSUE): number, rights, end.

    Raises RegistrationTooEarly, RegistrationTooLate, RegistrationUnconfirmed, OwnershipDispute,
    PublicRegistrationUnknown.
    """
    row = await claim_of_registrar(s, act, registration_id, _E.DEPOSIT_AND_ISSUE)
    assert row.notice_until is not None
    if act.now <= row.notice_until:
        raise RegistrationTooEarly("the notice is not over", notice_until=rfc3339(row.notice_until))
    await _check_confirmed(s, row)
    await check_undisputed(s, row)
    code = row.declaration["facts"]["public_registration_no"]
    public = None
    if row.source == Source.AUTHORISED_OPERATION and row.kind is Kind.PROPERTY_RIGHT:
        public = await require_public_code(s, act, code=code)
    seat = await repository.registrar_named(s, org_id=row.registrar_id)
    if seat is None:
        raise RegistrarUnknown("this registrar's recognition has ended", registrar_id=row.registrar_id)
    series = series_of(row.kind, seat.region, seat.agency, act.now)
    number = number_in(series, await repository.next_serial(s, series=series))
    term_ends = row.declaration["term_ends"]
    valid_to = valid_until(
        row.kind, act.now, term_ends=None if term_ends is None else date.fromisoformat(term_ends)
    )
    if public is not None and public.valid_to is not None:
        valid_to = min(valid_to, public.valid_to)
    valid_to = min(valid_to, await end_of_rights(s, row) or valid_to)
    if valid_to < act.now:
        raise RegistrationTooLate("what was claimed has ended", ended=rfc3339(valid_to))
    said = Said(
        public={"number": number, "valid_to": rfc3339(valid_to)},
        subjects={
            "sample": row.sample_sha256,
            "source_proof": row.declaration["source_proof_sha256"],
        },
    )
    values = {"number": number, "registered_at": act.now, "valid_to": valid_to, "since": act.now}
    await step(s, act, _E.DEPOSIT_AND_ISSUE, row, said, values=values)
    await enter_rights(s, act, row)
    await wind_rights(s, row)
    return row


async def end_of_rights(s: WriteSession, row: RegistrationRow) -> datetime | None:
    """The end of the last of its rights: the registration ends with it. None: one has no end of its own."""
    claims = await repository.claims_of(s, registration_id=row.registration_id)
    return last_end([claim.until for claim in claims])


async def enter_rights(
    s: WriteSession, act: Act, row: RegistrationRow, *, holder_id: str | None = None
) -> None:
    """Enter the registered rights (of one holder) that have not ended where every act on the data asks.

    A right that was revoked is not entered again. Raises RightRevoked.
    """
    for claim in await repository.claims_of(s, registration_id=row.registration_id):
        if holder_id not in {None, claim.holder_id} or has_ended(claim.until, act.now):
            continue
        right = Right(claim.right)
        former = await s.get(RightsRow, (row.data_id, right, claim.holder_id), with_for_update=True)
        if former is not None and former.ended_at is not None:
            check_entered_anew(former.ended_as, right)
            await s.delete(former)
            await s.flush()
            former = None
        if former is None:
            former = RightsRow(
                product_id=row.data_id,
                right=right,
                holder_id=claim.holder_id,
                source=Source(row.source),
                source_statement_sha256=row.declaration["source_proof_sha256"],
                public_registration_no=row.declaration["facts"]["public_registration_no"],
                registered_at=act.now,
            )
        former.registration_id = row.registration_id
        s.add(former)
    await s.flush()


async def check_undisputed(s: WriteSession, row: RegistrationRow) -> None:
    """Nobody else says that the same bytes began with it, unless it came later. Raises OwnershipDispute."""
    mine = [claim.holder_id for claim in await repository.claims_of(s, registration_id=row.registration_id)]
    for rival in await repository.rivals(s, sample_sha256=row.sample_sha256, beside=row.registration_id):
        theirs = [
            claim.holder_id for claim in await repository.claims_of(s, registration_id=rival.registration_id)
        ]
        earlier = rival.registration_id < row.registration_id
        parties = [row.applicant_id, *mine], [rival.applicant_id, *theirs]
        if earlier and claims_conflict(Source(row.source), parties[0], Source(rival.source), parties[1]):
            raise OwnershipDispute(
                "another claims the same data",
                registration_id=row.registration_id,
                earlier=rival.registration_id,
                reason_code=RefusalReason.OWNERSHIP_DISPUTE.value,
            )


async def check_other_officer(s: WriteSession, act: Act, row: RegistrationRow) -> None:
    """Who reviewed an application answers no objection to it.

    Raises RegistrationSameOfficer, PersonNotIdentified, PersonsBound.
    """
    reviewer = await require_identified(s, user_id=row.reviewed_by)
    officer = await require_identified(s, user_id=act.actor.user_id)
    if officer.mark == reviewer.mark:
        raise RegistrationSameOfficer("another officer answers", registration_id=row.registration_id)
    await require_unbound(s, user_id=officer.user_id, others=[reviewer.user_id])


async def _check_new(s: WriteSession, row: RegistrationRow, org_id: str, evidence: list[str]) -> None:
    """One open objection of a member, and none on evidence that was answered before. ObjectionRepeated."""
    for one in await repository.objections_to(s, registration_id=row.registration_id):
        if one.objector_id == org_id and (one.upheld is None or set(evidence) <= set(one.evidence)):
            raise ObjectionRepeated("this was objected before", objection_id=one.objection_id)


def told(objection_ids: Sequence[str]) -> dict[str, Any]:
    """The objections that are answered together, as a statement tells them: any number in a bounded form."""
    listed = "\n".join(sorted(objection_ids)).encode()
    return {"objections": len(objection_ids), "objections_sha256": sha256_hex(listed)}


async def open_objections(s: WriteSession, row: RegistrationRow) -> list[str]:
    """The objections that nobody has answered."""
    found = await repository.objections_to(s, registration_id=row.registration_id)
    return sorted(one.objection_id for one in found if one.upheld is None)


async def answer_all(
    s: WriteSession, act: Act, objection_ids: Collection[str], *, answer: str, upheld: bool
) -> None:
    """Keep what objections were answered."""
    named = col(RegistrationObjectionRow.objection_id).in_(sorted(objection_ids))
    answered = {"upheld": upheld, "answer": answer, "decided_at": act.occurred_at}
    await s.exec(update(RegistrationObjectionRow).where(named).values(**answered))


async def _check_confirmed(s: WriteSession, row: RegistrationRow) -> None:
    claims = await repository.claims_of(s, registration_id=row.registration_id)
    waiting = sorted({claim.holder_id for claim in claims if claim.confirmed_at is None})
    if waiting:
        raise RegistrationUnconfirmed("not every named holder has confirmed", waiting=waiting)
