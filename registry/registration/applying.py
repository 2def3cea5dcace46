"""An application: filed, confirmed by its holders, accepted or supplemented, withdrawn; and its clock.

All gaps are told at once, and once. A registrar that is silent for three working days has accepted: the
clock states so for it. What is not decided in time is stated as overdue and stays where it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from typing import Any

from sqlmodel import col, update

from base.calendar import shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from base.ids import is_id
from identity.service import require_member, same_controller
from ledger.recording import Act
from registry.doors import Said
from registry.registration import repository
from registry.registration.errors import (
    PublicRegistrationUnknown,
    RegistrarOwnData,
    RegistrarUnknown,
    RegistrationMalformed,
    RegistrationWrongRole,
    RegistrationWrongState,
)
from registry.registration.moving import (
    LATE,
    begin,
    check_applicant,
    check_in_time,
    require_registrar,
    step,
)
from registry.registration.rules import (
    MAX_TEXT,
    Claim,
    Declaration,
    Kind,
    check_claims,
    check_declaration,
    due_after,
)
from registry.registration.states import RegistrationEvent, RegistrationState, may_move
from registry.registration.tables import ClaimRow, RegistrationRow
from registry.rules import Source

_E = RegistrationEvent
_S = RegistrationState


async def apply(
    s: WriteSession,
    act: Act,
    *,
    kind: Kind,
    registrar_id: str,
    declaration: Declaration,
    claims: Sequence[Claim] = (),
    data_id: str | None = None,
) -> RegistrationRow:
    """Apply for a registration (REG.APPLY), as who will hold it or part of it.

    `data_id` is a product of the exchange that it is about; None: data that is not offered yet. The
    declaration and the claims are in the opening, the digest of the sample is a subject. Raises
    RegistrationMalformed, RightNotRegistrable, RegistrarUnknown, RegistrarOwnData,
    PublicRegistrationUnknown, `member-not-active`.
    """
    may_move(None, _E.APPLY, act.role)
    applicant = act.actor.org_id
    today = shanghai_day(act.now)
    check_declaration(kind, declaration, today)
    check_claims(kind, declaration, claims, on=today)
    if data_id is not None and not is_id(data_id, "prd"):
        raise RegistrationMalformed("a product of the exchange, or nothing", fields=["data_id"])
    _check_applicant_claims(kind, applicant, claims)
    await check_served_by(s, registrar_id, {applicant, *(claim.holder_id for claim in claims)})
    await require_member(s, org_id=applicant)
    await _check_public_code(s, act, kind, declaration)
    row = RegistrationRow(
        registration_id=act.new_id("reg"),
        kind=kind,
        applicant_id=applicant,
        applied_by=act.actor.user_id,
        registrar_id=registrar_id,
        data_id=data_id or act.new_id("dat"),
        status=_S.SUBMITTED,
        name=declaration.name,
        source=declaration.source.value,
        sample_sha256=declaration.sample_sha256,
        declaration=declaration_document(declaration),
        applied_at=act.occurred_at,
        since=act.now,
        due_at=due_after(kind, "acceptance", act.now),
    )
    s.add(row)
    await s.flush()
    await _claim(s, act, row, claims)
    said = Said(
        public={
            "registrar_id": registrar_id,
            "source": declaration.source.value,
            "rights": sorted({claim.right.value for claim in claims}),
            "answer_by": rfc3339(row.due_at) if row.due_at else None,
        },
        opening={"declaration": row.declaration, "claims": [claim_document(claim) for claim in claims]},
        subjects={"sample": declaration.sample_sha256, "source_proof": declaration.source_proof_sha256},
    )
    await begin(s, act, row, said)
    return row


async def confirm(s: WriteSession, act: Act, *, registration_id: str) -> RegistrationRow:
    """Say yes to the rights that an application of another names for oneself (REG.CONFIRM), once."""
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.CONFIRM, act.role)
    mine = (
        col(ClaimRow.registration_id) == registration_id,
        col(ClaimRow.holder_id) == act.actor.org_id,
        col(ClaimRow.confirmed_at).is_(None),
    )
    changed = await s.exec(update(ClaimRow).where(*mine).values(confirmed_at=act.occurred_at))
    if not changed.rowcount:
        raise RegistrationWrongRole("no right of yours waits here", registration_id=registration_id)
    await step(s, act, _E.CONFIRM, row, Said(public={"holder_id": act.actor.org_id}))
    return row


async def accept(s: WriteSession, act: Act, *, registration_id: str) -> RegistrationRow:
    """Take an application up (REG.ACCEPT), as its registrar. The review begins."""
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.ACCEPT, act.role)
    await require_registrar(s, act, row)
    await _accept(s, act, row)
    return row


async def ask_supplement(
    s: WriteSession, act: Act, *, registration_id: str, gaps: Sequence[str]
) -> RegistrationRow:
    """Tell all that is missing, at once and once (REG.SUPPLEMENT). Raises RegistrationWrongState."""
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.SUPPLEMENT, act.role)
    await require_registrar(s, act, row)
    if row.gaps is not None:
        raise RegistrationWrongState("the gaps were told before", registration_id=registration_id)
    told = [check_text(gap) for gap in gaps]
    if not told:
        raise Malformed("say what is missing")
    due_at = due_after(row.kind, "supplement", act.now)
    said = Said(public={"supplement_by": rfc3339(due_at), "gaps": len(told)}, opening={"gaps": told})
    await step(s, act, _E.SUPPLEMENT, row, said, values={"gaps": told, "since": act.now, "due_at": due_at})
    return row


async def resubmit(
    s: WriteSession,
    act: Act,
    *,
    registration_id: str,
    declaration: Declaration,
    claims: Sequence[Claim] = (),
) -> RegistrationRow:
    """Bring what was missing (REG.RESUBMIT), as the applicant; it is declared and confirmed anew.

    Raises RegistrationTooLate, and what `apply` raises.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.RESUBMIT, act.role)
    check_applicant(act, row)
    check_in_time(row.due_at, act)
    today = shanghai_day(act.now)
    check_declaration(row.kind, declaration, today)
    check_claims(row.kind, declaration, claims, on=today)
    _check_applicant_claims(row.kind, row.applicant_id, claims)
    await check_served_by(s, row.registrar_id, {row.applicant_id, *(claim.holder_id for claim in claims)})
    await _check_public_code(s, act, row.kind, declaration)
    for former in await repository.claims_of(s, registration_id=registration_id):
        await s.delete(former)
    await s.flush()
    await _claim(s, act, row, claims)
    due_at = due_after(row.kind, "acceptance", act.now)
    said = Said(
        public={"answer_by": rfc3339(due_at)},
        opening={
            "declaration": declaration_document(declaration),
            "claims": [claim_document(claim) for claim in claims],
        },
        subjects={"sample": declaration.sample_sha256, "source_proof": declaration.source_proof_sha256},
    )
    values = {
        "name": declaration.name,
        "source": declaration.source.value,
        "sample_sha256": declaration.sample_sha256,
        "declaration": declaration_document(declaration),
        "since": act.now,
        "due_at": due_at,
    }
    await step(s, act, _E.RESUBMIT, row, said, values=values)
    return row


async def withdraw(s: WriteSession, act: Act, *, registration_id: str) -> RegistrationRow:
    """Take an application back (REG.WITHDRAW)."""
    row = await repository.claim_registration(s, registration_id=registration_id)
    may_move(row.status, _E.WITHDRAW, act.role)
    check_applicant(act, row)
    await step(s, act, _E.WITHDRAW, row, values={"due_at": None, "reason_code": "WITHDRAWN"})
    return row


async def fall_due(s: WriteSession, act: Act, *, registration_id: str, state: str, at: str) -> bool:
    """What the clock does when a period is over: ACCEPT by silence, LAPSE, OVERDUE, EXPIRE.

    False where the registration has moved on meanwhile.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    standing = row.status in {_S.REGISTERED, _S.DISPUTED}
    until = row.valid_to if standing else row.due_at
    if row.status.value != state or until is None or rfc3339(until) != at or act.now < until + LATE:
        return False
    if standing:
        await step(s, act, _E.EXPIRE, row, values={"due_at": None})
    elif row.status is _S.SUBMITTED:
        await _accept(s, act, row)
    elif row.status is _S.NEEDS_SUPPLEMENT:
        await step(s, act, _E.LAPSE, row, values={"due_at": None, "reason_code": "NOT_SUPPLEMENTED"})
    else:
        await step(s, act, _E.OVERDUE, row, Said(public={"due_at": at}), values={"due_at": None})
    return True


async def _accept(s: WriteSession, act: Act, row: RegistrationRow) -> None:
    due_at = due_after(row.kind, "review", act.now)
    said = Said(public={"decide_by": rfc3339(due_at), "by_silence": act.role == "EXCHANGE_OPERATOR"})
    await step(s, act, _E.ACCEPT, row, said, values={"since": act.now, "due_at": due_at})


async def _claim(s: WriteSession, act: Act, row: RegistrationRow, claims: Sequence[Claim]) -> None:
    for claim in claims:
        await require_member(s, org_id=claim.holder_id)
        own = claim.holder_id == row.applicant_id
        s.add(
            ClaimRow(
                registration_id=row.registration_id,
                holder_id=claim.holder_id,
                right=claim.right.value,
                until=claim.until.isoformat() if claim.until else None,
                limits=claim.limits,
                proof_sha256=claim.proof_sha256,
                confirmed_at=act.occurred_at if own else None,
            )
        )
    await s.flush()


async def check_served_by(s: WriteSession, registrar_id: str, holders: set[str]) -> None:
    """A recognised registrar registers, and none of these is its own. RegistrarUnknown, RegistrarOwnData."""
    if await repository.registrar_named(s, org_id=registrar_id) is None:
        raise RegistrarUnknown("no such registrar is recognised", registrar_id=registrar_id)
    for holder in sorted(holders):
        if holder == registrar_id or await same_controller(s, holder, registrar_id):
            raise RegistrarOwnData("a registrar never registers its own data", holder_id=holder)


def _check_applicant_claims(kind: Kind, applicant: str, claims: Sequence[Claim]) -> None:
    if kind is Kind.PROPERTY_RIGHT and applicant not in {claim.holder_id for claim in claims}:
        raise RegistrationMalformed("who applies claims a right", fields=["claims"])


async def _check_public_code(s: WriteSession, act: Act, kind: Kind, said: Declaration) -> None:
    """Products of authorised operation: only after the registration of the public resource (Art 15)."""
    if kind is Kind.PROPERTY_RIGHT and said.source is Source.AUTHORISED_OPERATION:
        await require_public_code(s, act, code=said.facts.public_registration_no)


async def require_public_code(s: WriteSession, act: Act, *, code: str | None) -> RegistrationRow | None:
    """The registration of a public code, share-locked, if it stands; None of a code of another registry.

    Raises PublicRegistrationUnknown.
    """
    if code and not await repository.given_here(s, number=code):
        return None
    row = await repository.resting_on_number(s, number=code) if code else None
    if row is None or row.kind is not Kind.PUBLIC_RESOURCE or not stands(row, act):
        raise PublicRegistrationUnknown("no public registration of this code stands", code=code or "")
    return row


def stands(row: RegistrationRow, act: Act) -> bool:
    """Whether a registration carries what rests on it now; its end bites before the clock states it."""
    return row.status is _S.REGISTERED and row.valid_to is not None and act.now <= row.valid_to


def check_text(text: str) -> str:
    """A text of a bounded length, with something in it. Raises Malformed."""
    said = text.strip()
    if not 1 <= len(said) <= MAX_TEXT:
        raise Malformed("a text of one to two thousand characters", limit=MAX_TEXT)
    return said


def declaration_document(said: Declaration) -> dict[str, Any]:
    """A declaration as an opening and the registry keep it."""
    document = asdict(said)
    document["facts"]["agreed"] = sorted(right.value for right in said.facts.agreed)
    return {name: _plain(value) for name, value in document.items()}


def claim_document(claim: Claim) -> dict[str, Any]:
    """A claim as an opening keeps it."""
    return {name: _plain(value) for name, value in asdict(claim).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return list(value) if isinstance(value, tuple) else value
