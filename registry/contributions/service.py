"""A seller asks who gives data to its product; they agree on their right, refuse, and withdraw.

What was sold goes on as its contract says: a withdrawal ends new sales at the very next act, and a job takes
the listings off offer.
"""

from typing import Any, Final

from base.db import WriteSession
from base.jobs import enqueue
from identity.service import require_member
from ledger.recording import Act
from registry.contributions import repository
from registry.contributions.depending import require_founded
from registry.contributions.errors import (
    ContributionMalformed,
    ContributionWrongRole,
    ContributionWrongState,
)
from registry.contributions.rules import Basis, BasisKind, check_basis, check_shares
from registry.contributions.states import (
    CONTRIBUTORS,
    SELLERS,
    ContributionEvent,
    ContributionState,
    may_move,
)
from registry.contributions.tables import ContributionRow
from registry.doors import Door, Said
from registry.ending import ENDED_JOB
from registry.registration.rules import plain_number

MACHINE: Final = "CTB"
MAX_WHAT: Final = 500
_S = ContributionState
_E = ContributionEvent
_DOOR: Final = Door(
    keys={ContributionRow: (MACHINE, "contribution_id")},
    named=("product_id", "holder_id", "contributor_id", "share_bp"),
    may_move=lambda _, *step: may_move(*step),
    moved_on=lambda event, key: ContributionWrongState("it has moved on", event=event.value, **key),
)


async def ask_contribution(
    s: WriteSession, act: Act, *, product_id: str, contributor_id: str, share_bp: int, what: str
) -> ContributionRow:
    """Ask a member for its consent to a joint product and name its share of one's part (CTB.ASK).

    `share_bp` of 10,000; `what` says in words which data it gives. That the product is the seller's is the
    caller's to know. Raises ContributionMalformed, ContributionWrongState while one is open or agreed,
    `member-not-active`.
    """
    holder_id = act.actor.org_id
    said = what.strip()
    if contributor_id == holder_id or not 1 <= len(said) <= MAX_WHAT:
        raise ContributionMalformed("another member, and what it gives", fields=["contributor_id", "what"])
    contributor = await require_member(s, org_id=contributor_id)
    if not CONTRIBUTORS & {role.value for role in contributor.roles}:
        raise ContributionMalformed("this member provides no data", fields=["contributor_id"])
    newest = await repository.newest_to(s, product_id=product_id, holder_id=holder_id)
    former = newest.get(contributor_id)
    if former is not None and former.status in {_S.ASKED, _S.AGREED}:
        raise ContributionWrongState(
            "this contributor was asked", contribution_id=former.contribution_id, state=former.status.value
        )
    check_shares(share_bp, [one.share_bp for one in newest.values() if one.status in {_S.ASKED, _S.AGREED}])
    row = ContributionRow(
        contribution_id=act.new_id("ctb"),
        product_id=product_id,
        holder_id=holder_id,
        contributor_id=contributor_id,
        share_bp=share_bp,
        what=said,
        status=_S.ASKED,
        asked_at=act.occurred_at,
    )
    await _DOOR.begin(s, act, row, _E.ASK, Said(opening={"what": said}))
    return row


async def agree_contribution(
    s: WriteSession, act: Act, *, contribution_id: str, basis: Basis
) -> ContributionRow:
    """Agree to a joint product on a right of one's own to provide its data to others (CTB.AGREE).

    Raises ContributionMalformed, ContributionUnfounded, GrantNotLive, `member-not-active` and as `_mine`.
    """
    row = await _mine(s, act, contribution_id, CONTRIBUTORS)
    await require_member(s, org_id=row.contributor_id)
    await require_member(s, org_id=row.holder_id)
    checked = check_basis(basis)
    reference = checked.reference
    if checked.kind is BasisKind.REGISTRATION:
        reference = plain_number(reference or "")
    await require_founded(s, row.contributor_id, checked, now=act.now)
    values: dict[str, Any] = {
        "basis_kind": checked.kind,
        "basis_reference": reference,
        "basis_source": checked.source,
        "statement_sha256": checked.statement_sha256,
        "agreed_at": act.occurred_at,
    }
    source = {} if checked.source is None else {"source": checked.source.value}
    proof = {} if checked.statement_sha256 is None else {"source-statement": checked.statement_sha256}
    said = Said(public={"basis": checked.kind.value, "reference": reference, **source}, subjects=proof)
    await _DOOR.step(s, act, row, _E.AGREE, said, values=values)
    return row


async def refuse_contribution(
    s: WriteSession, act: Act, *, contribution_id: str, reason_code: str
) -> ContributionRow:
    """Say no to a joint product (CTB.REFUSE). Raises as `_mine`."""
    row = await _mine(s, act, contribution_id, CONTRIBUTORS)
    await _end(s, act, row, _E.REFUSE, reason_code)
    return row


async def cancel_contribution(
    s: WriteSession, act: Act, *, contribution_id: str, reason_code: str
) -> ContributionRow:
    """Take an ask back before it is answered (CTB.CANCEL). Raises as `_mine`."""
    row = await _mine(s, act, contribution_id, SELLERS)
    await _end(s, act, row, _E.CANCEL, reason_code)
    return row


async def withdraw_contribution(
    s: WriteSession, act: Act, *, contribution_id: str, reason_code: str
) -> ContributionRow:
    """Agree no longer (CTB.WITHDRAW): nothing of the product is sold after this. Raises as `_mine`."""
    row = await _mine(s, act, contribution_id, CONTRIBUTORS)
    statement_id = await _end(s, act, row, _E.WITHDRAW, reason_code)
    payload = {"product_id": row.product_id, "holder_id": row.holder_id}
    await enqueue(s, kind=ENDED_JOB, key=statement_id, run_at=act.now, payload=payload)
    return row


async def _end(
    s: WriteSession, act: Act, row: ContributionRow, event: ContributionEvent, reason_code: str
) -> str:
    values = {"reason_code": reason_code, "ended_at": act.occurred_at}
    said = Said(public={"reason_code": reason_code})
    return (await _DOOR.step(s, act, row, event, said, values=values)).statement_id


async def _mine(s: WriteSession, act: Act, contribution_id: str, side: frozenset[str]) -> ContributionRow:
    """Claimed by the side whose step it is. Raises ContributionUnknown, ContributionWrongRole."""
    row = await repository.claim_contribution(s, contribution_id=contribution_id, org_id=act.actor.org_id)
    own = row.holder_id if side is SELLERS else row.contributor_id
    if own != act.actor.org_id:
        raise ContributionWrongRole("the other side's step", contribution_id=contribution_id)
    return row
