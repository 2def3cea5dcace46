"""Conditional opening: users are named for purposes (定向开放), or agree on them (授权开放)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.opening import policy, repository
from registry.opening.errors import (
    AgreementRepeated,
    OpeningMalformed,
    OpeningWrongRole,
    OpeningWrongState,
    UserNotNamed,
)
from registry.opening.moving import begin_agreement, check_agency, check_text, step, step_agreement
from registry.opening.rules import MAX_USERS, Use, check_period, check_uses
from registry.opening.states import (
    USERS,
    AgreementEvent,
    AgreementState,
    OpenEvent,
    OpenState,
    may_move,
    may_move_agreement,
)
from registry.opening.tables import AgreementRow, OpenUserRow

EXPIRE_JOB: Final = "registry.open-agreement-over"
_LATE: Final = timedelta(milliseconds=1)
"""The last moment of a term belongs to it."""
_A = AgreementEvent


async def name_user(
    s: WriteSession, act: Act, *, open_id: str, user_id: str, purposes: Collection[Use], until: datetime
) -> OpenUserRow:
    """Name a user of a targeted opening, or name it anew (OPN.NAME). Raises OpeningMalformed."""
    row = await repository.claim_entry(s, open_id=open_id)
    may_move(row.status, OpenEvent.NAME, act.role)
    check_agency(act, row.agency_id)
    named = check_uses(purposes)
    if until <= act.now:
        raise OpeningMalformed("the day lies behind us", fields=["until"])
    member = await require_member(s, org_id=user_id)
    if not {role.value for role in member.roles} & USERS:
        raise OpeningWrongRole("this member uses no data", user_id=user_id)
    user = await repository.named_user(s, open_id=open_id, user_id=user_id)
    if user is None:
        if len(await repository.users_of(s, open_id=open_id)) >= MAX_USERS:
            raise OpeningMalformed("more users than one entry names", fields=["user_id"], limit=MAX_USERS)
        user = OpenUserRow(open_id=open_id, user_id=user_id, purposes=[], until=until, named_at=act.now)
    user.purposes, user.until, user.named_at, user.ended_at = named, until, act.occurred_at, None
    s.add(user)
    await s.flush()
    said = Said(public={"user_id": user_id, "purposes": named, "until": rfc3339(until)})
    await step(s, act, OpenEvent.NAME, row, said)
    return user


async def unname_user(s: WriteSession, act: Act, *, open_id: str, user_id: str, text: str) -> OpenUserRow:
    """Name a user no longer (OPN.UNNAME). Raises UserNotNamed."""
    row = await repository.claim_entry(s, open_id=open_id)
    may_move(row.status, OpenEvent.UNNAME, act.role)
    check_agency(act, row.agency_id)
    user = await repository.named_user(s, open_id=open_id, user_id=user_id)
    if user is None or user.ended_at is not None:
        raise UserNotNamed("this user is not named here", user_id=user_id)
    user.ended_at = act.occurred_at
    s.add(user)
    await s.flush()
    said = Said(public={"user_id": user_id}, opening={"text": check_text(text)})
    await step(s, act, OpenEvent.UNNAME, row, said)
    return user


async def offer(
    s: WriteSession,
    act: Act,
    *,
    open_id: str,
    user_id: str,
    purposes: Collection[Use],
    valid_from: datetime,
    valid_to: datetime,
) -> AgreementRow:
    """Offer a user an agreement on an authorised opening (OPA.OFFER), as its agency.

    What the user will sign is a policy by its digest. Raises OpeningWrongState, OpeningMalformed,
    AgreementRepeated.
    """
    may_move_agreement(None, _A.OFFER, act.role)
    row = await repository.claim_entry(s, open_id=open_id)
    check_agency(act, row.agency_id)
    if row.status is not OpenState.AUTHORISED:
        raise OpeningWrongState("not open by agreement", open_id=open_id, state=row.status.value)
    named = check_uses(purposes)
    check_period(valid_from, valid_to, act.now)
    member = await require_member(s, org_id=user_id)
    if user_id == row.agency_id or not {role.value for role in member.roles} & USERS:
        raise OpeningWrongRole("this member cannot agree on it", user_id=user_id)
    if await repository.agreement_in_force(s, open_id=open_id, user_id=user_id) is not None:
        raise AgreementRepeated("an agreement is offered or in force", open_id=open_id, user_id=user_id)
    agreement_id = act.new_id("oag")
    document = policy.build(
        agreement_id=agreement_id,
        data_id=row.data_id,
        agency_id=row.agency_id,
        user_id=user_id,
        purposes=named,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    agreed = AgreementRow(
        agreement_id=agreement_id,
        open_id=open_id,
        agency_id=row.agency_id,
        user_id=user_id,
        status=AgreementState.OFFERED,
        purposes=named,
        valid_from=valid_from,
        valid_to=valid_to,
        policy=document,
        policy_sha256=sha256_hex(document),
        offered_at=act.occurred_at,
    )
    s.add(agreed)
    await s.flush()
    said = Said(public={"purposes": named, "valid_from": rfc3339(valid_from)})
    await begin_agreement(s, act, agreed, said)
    return agreed


async def sign(s: WriteSession, act: Act, *, agreement_id: str, policy_sha256: str) -> AgreementRow:
    """Sign an agreement as the user whom it names (OPA.SIGN), by the digest of its policy.

    Raises OpeningWrongRole for another, OpeningMalformed for another policy, OpeningWrongState where the
    entry is not open any more or the term is over.
    """
    agreed = await repository.claim_agreement(s, agreement_id=agreement_id)
    may_move_agreement(agreed.status, _A.SIGN, act.role)
    _check_user(act, agreed)
    if policy_sha256 != agreed.policy_sha256:
        raise OpeningMalformed("this is not the policy that was offered", fields=["policy_sha256"])
    row = await repository.resting_on(s, open_id=agreed.open_id)
    if row.status is not OpenState.AUTHORISED or act.now > agreed.valid_to:
        raise OpeningWrongState("there is nothing to agree on any more", state=row.status.value)
    await require_member(s, org_id=agreed.user_id)
    await step_agreement(s, act, _A.SIGN, agreed, values={"signed_at": act.occurred_at})
    await enqueue(
        s,
        kind=EXPIRE_JOB,
        key=agreement_id,
        run_at=agreed.valid_to + _LATE,
        payload={"agreement_id": agreement_id},
    )
    return agreed


async def decline(s: WriteSession, act: Act, *, agreement_id: str, text: str) -> AgreementRow:
    """Decline an agreement as the user whom it names (OPA.DECLINE)."""
    agreed = await repository.claim_agreement(s, agreement_id=agreement_id)
    may_move_agreement(agreed.status, _A.DECLINE, act.role)
    _check_user(act, agreed)
    said = Said(opening={"text": check_text(text)})
    await step_agreement(s, act, _A.DECLINE, agreed, said, values={"ended_at": act.occurred_at})
    return agreed


async def end(s: WriteSession, act: Act, *, agreement_id: str, text: str) -> AgreementRow:
    """End an agreement, or take its offer back, as the agency or the user (OPA.END)."""
    agreed = await repository.claim_agreement(s, agreement_id=agreement_id)
    may_move_agreement(agreed.status, _A.END, act.role)
    if act.actor.org_id not in {agreed.agency_id, agreed.user_id}:
        raise OpeningWrongRole("this agreement is others'", agreement_id=agreement_id)
    said = Said(public={"by": act.actor.org_id}, opening={"text": check_text(text)})
    await step_agreement(s, act, _A.END, agreed, said, values={"ended_at": act.occurred_at})
    return agreed


async def expire(s: WriteSession, act: Act, *, agreement_id: str) -> bool:
    """State that an agreement's term is over (OPA.EXPIRE); it gives none since. False where it moved on."""
    agreed = await repository.claim_agreement(s, agreement_id=agreement_id)
    if agreed.status is not AgreementState.SIGNED or act.now <= agreed.valid_to:
        return False
    await step_agreement(s, act, _A.EXPIRE, agreed, values={"ended_at": act.occurred_at})
    return True


def _check_user(act: Act, agreed: AgreementRow) -> None:
    if act.actor.org_id != agreed.user_id:
        raise OpeningWrongRole("this was offered to another", agreement_id=agreed.agreement_id)
