"""Types of asset certificates: a provider proposes one, the data authority approves, refuses and revokes it.

An agency's proposal is signed by its chief data officer in person; a utility (a provider that is no agency)
has an officer of its own to answer for it, who is whoever signs for it.
"""

from dataclasses import asdict
from typing import Any, Final

from base.db import WriteSession
from base.errors import Malformed
from identity.rules import Role
from identity.service import insert, require_member
from ledger.recording import Act
from registry.chiefs.depending import require_chief
from registry.doors import Said
from registry.vouchers import repository
from registry.vouchers.errors import VoucherTypeTaken, VoucherWrongRole
from registry.vouchers.moving import begin_type, step_type
from registry.vouchers.rules import TypeTerms, check_type
from registry.vouchers.states import TypeEvent, TypeState, may_move_type
from registry.vouchers.tables import VoucherTypeRow
from registry.vouchers.terms import term

MAX_REASON: Final = 500


async def propose(s: WriteSession, act: Act, *, terms: TypeTerms) -> VoucherTypeRow:
    """Propose a type, as who will make certificates of it (CTY.PROPOSE).

    Raises VoucherMalformed, VoucherLevelTooHigh, VoucherTypeTaken, ChiefWanted, `member-not-active`.
    """
    may_move_type(None, TypeEvent.PROPOSE, act.role)
    check_type(terms, at=act.now)
    issuers = sorted({*terms.issuers} or {act.actor.org_id})
    for org_id in issuers:
        await require_member(s, org_id=org_id)
    chief_id = None
    if act.role == Role.PUBLIC_AGENCY:
        chief_id = await require_chief(s, act, agency_id=act.actor.org_id)
    elif act.actor.user_id is None:
        raise VoucherWrongRole("an officer of the provider signs this in person")
    valid_days = terms.valid_days or term("validity", act.now)
    row = VoucherTypeRow(
        type_id=act.new_id("cty"),
        code=terms.code,
        name=terms.name,
        proposer_id=act.actor.org_id,
        chief_id=chief_id,
        scenario=terms.scenario,
        mode=terms.mode,
        purposes=list(terms.purposes),
        items=[_plain(asdict(item)) for item in terms.items],
        issuers=issuers,
        max_level=terms.max_level,
        min_quality_tenths=terms.min_quality_tenths,
        max_months=terms.max_months,
        valid_days=valid_days,
        max_uses=terms.max_uses,
        status=TypeState.PROPOSED,
        proposed_at=act.now,
    )
    await insert(s, row, VoucherTypeTaken("a type of this code is there already", code_taken=terms.code))
    public = {
        "name": terms.name,
        "scenario": terms.scenario.value,
        "mode": terms.mode.value,
        "purposes": row.purposes,
        "items": row.items,
        "issuers": issuers,
        "max_level": terms.max_level.value,
        "min_quality_tenths": terms.min_quality_tenths,
        "max_months": terms.max_months,
        "valid_days": valid_days,
        "max_uses": terms.max_uses,
        "chief_id": chief_id,
    }
    await begin_type(s, act, row, Said(public=public))
    return row


def _plain(item: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in item.items()}


async def decide(s: WriteSession, act: Act, *, type_id: str, approve: bool, reason: str) -> VoucherTypeRow:
    """Approve or refuse a proposed type, as the data authority (CTY.APPROVE, CTY.REFUSE)."""
    row = await repository.claim_type(s, type_id=type_id)
    event = TypeEvent.APPROVE if approve else TypeEvent.REFUSE
    may_move_type(row.status, event, act.role)
    if act.actor.org_id == row.proposer_id:
        raise VoucherWrongRole("nobody approves its own proposal", type_id=type_id)
    told = _reason(reason) if reason or not approve else None
    said = Said(opening=None if told is None else {"reason": told})
    await step_type(s, act, event, row, said, values={"decided_at": act.now, "reason": told})
    return row


async def revoke_type(s: WriteSession, act: Act, *, type_id: str, reason: str) -> VoucherTypeRow:
    """End a type (CTY.REVOKE): from now on none of its certificates is taken, and the lists say so."""
    row = await repository.claim_type(s, type_id=type_id)
    told = _reason(reason)
    values = {"decided_at": act.now, "reason": told}
    await step_type(s, act, TypeEvent.REVOKE, row, Said(opening={"reason": told}), values=values)
    return row


def _reason(text: str) -> str:
    said = text.strip()
    if not 1 <= len(said) <= MAX_REASON:
        raise Malformed("a reason of one to five hundred characters", limit=MAX_REASON)
    return said
