"""What becomes of a registration: changed, transferred, renewed, given up, noted, pledged, disputed, revoked.

A holder asks, whoever it concerns agrees, and the registrar enters it or declines with a reason.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlmodel import col, select, update

from base.calendar import end_of_day_shanghai
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.ending import ENDED_JOB
from registry.registration import repository
from registry.registration.applying import check_served_by, check_text, require_public_code
from registry.registration.errors import (
    RegistrationAsked,
    RegistrationBlocked,
    RegistrationMalformed,
    RegistrationObjectionsOpen,
    RegistrationTooLate,
    RegistrationUnconfirmed,
    RegistrationWrongRole,
)
from registry.registration.moving import claim_of_registrar, require_registrar, step, wind_rights
from registry.registration.reviewing import (
    answer_all,
    check_other_officer,
    check_undisputed,
    end_of_rights,
    enter_rights,
    open_objections,
    told,
)
from registry.registration.rules import (
    BLOCKING,
    MAX_ABSTRACT,
    MAX_NAME,
    RevocationReason,
    Update,
    Wish,
    check_renewal,
    due_after,
    has_ended,
    renewed_until,
)
from registry.registration.states import RegistrationEvent, may_move
from registry.registration.tables import ClaimRow, RegistrationRow, WishRow
from registry.rules import Right, RightEnd, Source
from registry.tables import RightsRow

_E = RegistrationEvent
CHANGEABLE: Final = frozenset({"name", "abstract", "update", "volume_rows", "volume_bytes", "covers_to"})
"""What a change may concern; another source or sample is another registration."""


async def ask(
    s: WriteSession,
    act: Act,
    *,
    registration_id: str,
    wish: Wish,
    changes: Mapping[str, Any] | None = None,
    taker_id: str | None = None,
    proof_sha256: str | None = None,
) -> WishRow:
    """Ask the registrar for a change, a transfer, a renewal or a cancellation (REG.ASK), as a holder.

    A change and a cancellation need the other holders, a transfer who takes all that one holds. Raises
    RegistrationWrongRole, RegistrationBlocked, RegistrationTooEarly, RegistrationTooLate,
    RegistrationMalformed.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.ASK, act.role)
    holders = await _holders(s, act, row)
    if act.actor.org_id not in holders:
        raise RegistrationWrongRole("a holder asks", registration_id=registration_id)
    await _check_wish(s, act, row, wish, changes=changes or {}, taker_id=taker_id)
    for one in await repository.wishes_of(s, registration_id=registration_id):
        if one.done is None and (one.asked_by, one.wish) == (act.actor.org_id, wish):
            raise RegistrationAsked("this is asked already", wish_id=one.wish_id)
    others = sorted(holders - {act.actor.org_id})
    wish_row = WishRow(
        wish_id=act.new_id("wsh"),
        registration_id=registration_id,
        asked_by=act.actor.org_id,
        wish=wish,
        payload={"changes": dict(changes or {}), "taker_id": taker_id, "proof_sha256": proof_sha256},
        must_agree=[taker_id] if taker_id else others if wish is not Wish.RENEW else [],
        agreed=[],
        asked_at=act.occurred_at,
        due_at=due_after(row.kind, "cancellation", act.now),
    )
    said = Said(
        public={"wish_id": wish_row.wish_id, "wish": wish.value, "decide_by": rfc3339(wish_row.due_at)},
        opening={"changes": dict(changes or {}), "taker_id": taker_id},
        subjects={"proof": proof_sha256} if proof_sha256 else {},
    )
    await step(s, act, _E.ASK, row, said)
    s.add(wish_row)
    await s.flush()
    return wish_row


async def agree(s: WriteSession, act: Act, *, registration_id: str, wish_id: str) -> WishRow:
    """Say yes to what another holder asked (REG.AGREE), as whom it concerns."""
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.AGREE, act.role)
    wish = await repository.open_wish(s, registration_id=registration_id, wish_id=wish_id)
    if act.actor.org_id not in set(wish.must_agree) - set(wish.agreed):
        raise RegistrationWrongRole("your word is not awaited here", wish_id=wish_id)
    await require_member(s, org_id=act.actor.org_id)
    await step(s, act, _E.AGREE, row, Said(public={"wish_id": wish_id, "org_id": act.actor.org_id}))
    wish.agreed = sorted({*wish.agreed, act.actor.org_id})
    s.add(wish)
    await s.flush()
    return wish


async def decline(s: WriteSession, act: Act, *, registration_id: str, wish_id: str, reason: str) -> WishRow:
    """Decline what a holder asked, with a reason (REG.DECLINE), as the registrar."""
    row = await claim_of_registrar(s, act, registration_id, _E.DECLINE)
    wish = await repository.open_wish(s, registration_id=registration_id, wish_id=wish_id)
    said = Said(public={"wish_id": wish_id}, opening={"reason": check_text(reason)})
    await step(s, act, _E.DECLINE, row, said)
    return await _decide(s, act, wish, done=False)


async def grant(s: WriteSession, act: Act, *, registration_id: str, wish_id: str) -> RegistrationRow:
    """Enter what a holder asked for (REG.CHANGE, TRANSFER, RENEW, CANCEL), as the registrar.

    Raises RegistrationUnconfirmed while somebody has not agreed, RegistrationBlocked, OwnershipDispute.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    await require_registrar(s, act, row)
    wish = await repository.open_wish(s, registration_id=registration_id, wish_id=wish_id)
    event = RegistrationEvent(wish.wish.value)
    may_move(row.status, event, act.role)
    await _check_granted(s, act, row, wish)
    public: dict[str, Any] = {"wish_id": wish_id}
    values: dict[str, Any] = {}
    if wish.wish is Wish.RENEW:
        assert row.valid_to is not None
        check_renewal(row.kind, row.valid_to, wish.asked_at)
        values["valid_to"] = await _renewed(s, act, row)
        public["valid_to"] = rfc3339(values["valid_to"])
    elif wish.wish is Wish.CHANGE:
        changes = wish.payload["changes"]
        values = {"declaration": {**row.declaration, **changes}, "name": changes.get("name", row.name)}
        public["fields"] = sorted(changes)
    else:
        await _check_free(s, row)
    if wish.wish is Wish.TRANSFER:
        await check_undisputed(s, row)
        public |= {"from_id": wish.asked_by, "to_id": wish.payload["taker_id"]}
    await step(s, act, event, row, Said(public=public), values=values or None)
    await _decide(s, act, wish, done=True)
    if wish.wish is Wish.RENEW:
        await wind_rights(s, row)
    if wish.wish is Wish.TRANSFER:
        await _hand_over(s, act, row, wish)
        await _drop_others(s, act, row, wish)
    return row


async def resolve(
    s: WriteSession,
    act: Act,
    *,
    registration_id: str,
    objection_ids: Sequence[str],
    keep: bool,
    answer: str,
    ruling_sha256: str | None = None,
) -> RegistrationRow:
    """End a dispute over a registration (REG.RESOLVE_KEEP, REG.RESOLVE_CANCEL), by another officer.

    All open objections are named and answered together; a court's ruling is named by its digest. What
    rested on it is put on offer again by the exchange, never by itself. Raises
    RegistrationObjectionsOpen, RegistrationSameOfficer, PersonsBound.
    """
    event = _E.RESOLVE_KEEP if keep else _E.RESOLVE_CANCEL
    row = await claim_of_registrar(s, act, registration_id, event)
    answer = check_text(answer)
    await check_other_officer(s, act, row)
    named, open_now = sorted(set(objection_ids)), await open_objections(s, row)
    if named != open_now:
        raise RegistrationObjectionsOpen("name the objections that are open, and no other", open=open_now)
    said = Said(
        public=told(named),
        opening={"answer": answer, "objection_ids": named},
        subjects={"ruling": ruling_sha256} if ruling_sha256 else {},
    )
    await step(s, act, event, row, said, values={"since": act.now, "due_at": None})
    await answer_all(s, act, named, answer=answer, upheld=not keep)
    return row


async def revoke(
    s: WriteSession, act: Act, *, registration_id: str, reason: RevocationReason, text: str
) -> RegistrationRow:
    """Revoke a registration that was obtained or used wrongly (REG.REVOKE), as its registrar."""
    row = await claim_of_registrar(s, act, registration_id, _E.REVOKE)
    said = Said(public={"reason_code": reason.value}, opening={"text": check_text(text)})
    await step(s, act, _E.REVOKE, row, said, values={"reason_code": reason.value})
    return row


async def _check_wish(
    s: WriteSession,
    act: Act,
    row: RegistrationRow,
    wish: Wish,
    *,
    changes: Mapping[str, Any],
    taker_id: str | None,
) -> None:
    if (wish is Wish.CHANGE) != bool(changes) or (wish is Wish.TRANSFER) != (taker_id is not None):
        raise RegistrationMalformed("a change names fields, a transfer who takes it", fields=["changes"])
    if wish is Wish.RENEW:
        assert row.valid_to is not None
        check_renewal(row.kind, row.valid_to, act.now)
    elif wish is Wish.CHANGE:
        check_changes(changes)
    else:
        await _check_free(s, row)
    if taker_id is not None:
        if taker_id == act.actor.org_id:
            raise RegistrationMalformed("to somebody else", fields=["taker_id"])
        await require_member(s, org_id=taker_id)


def check_changes(changes: Mapping[str, Any]) -> None:
    """What of a declaration may be changed, and in which form. Raises RegistrationMalformed."""
    wrong = sorted(set(changes) - CHANGEABLE)
    try:
        wrong += [
            name
            for name, most in (("name", MAX_NAME), ("abstract", MAX_ABSTRACT))
            if name in changes and not 1 <= len(str(changes[name])) <= most
        ]
        if "update" in changes:
            Update(changes["update"])
        if "covers_to" in changes:
            date.fromisoformat(changes["covers_to"])
        wrong += [
            name
            for name in ("volume_rows", "volume_bytes")
            if name in changes and not (type(changes[name]) is int and changes[name] >= 0)
        ]
    except (TypeError, ValueError):
        wrong.append("update")
    if wrong:
        raise RegistrationMalformed("this is not changed, or not in this form", fields=sorted(set(wrong)))


async def _check_granted(s: WriteSession, act: Act, row: RegistrationRow, wish: WishRow) -> None:
    """Who asked still holds something, everybody concerned now has agreed, and no registrar serves itself.

    Raises RegistrationUnconfirmed, RegistrationWrongRole, RegistrarOwnData, RegistrarUnknown.
    """
    holders = await _holders(s, act, row)
    if wish.asked_by not in holders:
        raise RegistrationWrongRole("who asked holds nothing here any more", wish_id=wish.wish_id)
    concerned = set(wish.must_agree)
    if wish.wish in {Wish.CHANGE, Wish.CANCEL}:
        concerned |= holders - {wish.asked_by}
    waiting = sorted(concerned - set(wish.agreed))
    if waiting:
        raise RegistrationUnconfirmed("not everybody concerned has agreed", waiting=waiting)
    taker = wish.payload["taker_id"]
    await check_served_by(s, row.registrar_id, {taker} if taker else set())


async def _renewed(s: WriteSession, act: Act, row: RegistrationRow) -> datetime:
    """The new end: as long again, never beyond the operating term or the public resource's own end."""
    assert row.valid_to is not None
    until = renewed_until(row.kind, row.valid_to, act.now)
    term_ends = row.declaration["term_ends"]
    if term_ends is not None:
        until = min(until, end_of_day_shanghai(date.fromisoformat(term_ends)))
    code = row.declaration["facts"]["public_registration_no"]
    if row.source == Source.AUTHORISED_OPERATION and code:
        public = await require_public_code(s, act, code=code)
        until = until if public is None or public.valid_to is None else min(until, public.valid_to)
    until = min(until, await end_of_rights(s, row) or until)
    if until <= row.valid_to:
        raise RegistrationTooLate("its term ends with it", valid_to=rfc3339(row.valid_to))
    return until


async def _drop_others(s: WriteSession, act: Act, row: RegistrationRow, granted: WishRow) -> None:
    """What a holder had asked beside the transfer of all it held is nothing any more."""
    for one in await repository.wishes_of(s, registration_id=row.registration_id):
        if one.done is None and one.asked_by == granted.asked_by:
            await _decide(s, act, one, done=False)


async def _holders(s: WriteSession, act: Act, row: RegistrationRow) -> set[str]:
    """Who holds something that has not ended; of a public resource, who applied."""
    claims = await repository.claims_of(s, registration_id=row.registration_id)
    if not claims:
        return {row.applicant_id}
    return {claim.holder_id for claim in claims if not has_ended(claim.until, act.now)}


async def _check_free(s: WriteSession, row: RegistrationRow) -> None:
    """Raises RegistrationBlocked while a pledge, a preservation or a control stands."""
    standing = await repository.notes_of(s, registration_id=row.registration_id)
    blocking = sorted(
        {one.kind.value for one in standing if one.released_at is None and one.kind in BLOCKING}
    )
    if blocking:
        raise RegistrationBlocked("a note blocks this", registration_id=row.registration_id, notes=blocking)


async def _hand_over(s: WriteSession, act: Act, row: RegistrationRow, wish: WishRow) -> None:
    """All that one holder has goes to another; what it offered on it falls.

    What has ended goes to nobody. A right that both hold is the taker's for the longer of the two terms.
    """
    giver, taker = wish.asked_by, wish.payload["taker_id"]
    claims = await repository.claims_of(s, registration_id=row.registration_id)
    taken = {claim.right: claim for claim in claims if claim.holder_id == taker}
    for claim in claims:
        if claim.holder_id != giver or has_ended(claim.until, act.now):
            continue
        kept = taken.get(claim.right) or ClaimRow(
            registration_id=row.registration_id, holder_id=taker, right=claim.right, until=""
        )
        if kept.until is not None and (claim.until is None or claim.until > kept.until):
            kept.until, kept.limits = claim.until, claim.limits
            kept.proof_sha256 = wish.payload["proof_sha256"] or claim.proof_sha256
            kept.confirmed_at = act.occurred_at
            s.add(kept)
        await s.delete(claim)
    await s.flush()
    mine = (
        col(RightsRow.registration_id) == row.registration_id,
        col(RightsRow.holder_id) == giver,
        col(RightsRow.ended_at).is_(None),
    )
    offered = (
        await s.exec(select(RightsRow.product_id).where(*mine, RightsRow.right == Right.OPERATE))
    ).all()
    ended = {"ended_as": RightEnd.CANCELLED.value, "ended_at": act.occurred_at}
    await s.exec(update(RightsRow).where(*mine).values(**ended))
    for product_id in sorted(offered):
        payload = {"product_id": product_id, "holder_id": giver}
        await enqueue(s, kind=ENDED_JOB, key=f"{wish.wish_id} {product_id}", run_at=act.now, payload=payload)
    await enter_rights(s, act, row, holder_id=taker)


async def _decide(s: WriteSession, act: Act, wish: WishRow, *, done: bool) -> WishRow:
    wish.done, wish.decided_at = done, act.occurred_at
    s.add(wish)
    await s.flush()
    return wish
