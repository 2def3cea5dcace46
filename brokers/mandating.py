"""A client's written mandate: signed by the client, accepted by the broker, taken back by the client."""

from datetime import datetime
from typing import Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from brokers import repository
from brokers.commission import check_commission
from brokers.errors import MandateWrongRole, MandateWrongState, SelfDealing
from brokers.facts import certificate_facts
from brokers.rules import (
    ALL_SECTORS,
    BrokerAct,
    MandateEvent,
    MandateState,
    Side,
    check_certificate,
    mandate_may_move,
)
from brokers.tables import MandateRow
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.rules import Level

MAX_SCOPE_CHARS: Final = 1000


async def sign_mandate(
    s: WriteSession,
    act: Act,
    *,
    broker_id: str,
    side: Side,
    listing_id: str | None,
    scope: str,
    fee_bp: int,
    ends_at: datetime,
    conflict_disclosed: bool = False,
    dual_consent: bool = False,
) -> MandateRow:
    """A client's written mandate, signed by the client (MND.SIGN); the broker still has to accept.

    With `conflict_disclosed` the client consents in writing to an interest the broker has in it (BR4),
    with `dual_consent` to the broker's acting for the other side as well (BR6). Raises
    CommissionAboveCap (BR7), SelfDealing, MandateWrongRole, `member-not-active`.
    """
    state = mandate_may_move(None, MandateEvent.SIGN, act.role)
    if act.role != side.value:
        raise MandateWrongRole("a client mandates for its own side", role=act.role, side=side.value)
    check_commission(fee_bp)
    if ends_at <= act.now:
        raise Malformed("a mandate ends in the future", ends_at=rfc3339(ends_at))
    if not scope.strip() or len(scope) > MAX_SCOPE_CHARS:
        raise Malformed("a mandate says what for, in up to a thousand characters")
    if broker_id == act.actor.org_id:
        raise SelfDealing("nobody is one's own broker", broker_id=broker_id, party_id=broker_id)
    await require_member(s, org_id=act.actor.org_id)
    await require_member(s, org_id=broker_id)
    row = MandateRow(
        mandate_id=act.new_id("mnd"),
        broker_id=broker_id,
        client_id=act.actor.org_id,
        side=side.value,
        listing_id=listing_id,
        scope=scope,
        fee_bp=fee_bp,
        conflict_disclosed=conflict_disclosed,
        dual_consent=dual_consent,
        signed_at=act.occurred_at,
        ends_at=ends_at,
        status=state,
    )
    s.add(row)
    await s.flush()
    await record(s, act, _draft(MandateEvent.SIGN, row, before=None))
    return row


async def accept_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """The broker takes the mandate (MND.ACCEPT). Raises BrokerNotCertified for one without certificate."""
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    _only(row.broker_id, act)
    after = mandate_may_move(row.status, MandateEvent.ACCEPT, act.role)
    if act.now > row.ends_at:
        raise MandateWrongState("the mandate has ended", mandate_id=mandate_id)
    await require_member(s, org_id=row.broker_id)
    await require_member(s, org_id=row.client_id)
    held = await repository.certificate_in_use(s, org_id=row.broker_id, at=act.now)
    # Which sector and level the mandate is used for is asked at every act under it; here it is enough
    # that a certificate is in force at all.
    some_sector = next(iter(held.sectors), ALL_SECTORS) if held else ALL_SECTORS
    check_certificate(
        certificate_facts(held),
        broker_id=row.broker_id,
        act=BrokerAct(at=act.now, sector=some_sector, level=Level.GENERAL_1),
    )
    return await _move(s, act, row, MandateEvent.ACCEPT, after)


async def revoke_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """The client takes the mandate back (MND.REVOKE)."""
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    _only(row.client_id, act)
    after = mandate_may_move(row.status, MandateEvent.REVOKE, act.role)
    return await _move(s, act, row, MandateEvent.REVOKE, after)


def _only(org_id: str, act: Act) -> None:
    if act.actor.org_id != org_id:
        raise MandateWrongRole("the mandate is between others", role=act.role)


async def _move(
    s: WriteSession, act: Act, row: MandateRow, event: MandateEvent, after: MandateState
) -> MandateRow:
    before = row.status
    claimed = await s.exec(
        update(MandateRow)
        .where(col(MandateRow.mandate_id) == row.mandate_id, col(MandateRow.status) == before)
        .values(status=after)
    )
    if claimed.rowcount != 1:
        raise MandateWrongState("the mandate has moved on", mandate_id=row.mandate_id)
    await s.refresh(row)
    await record(s, act, _draft(event, row, before=before))
    return row


def _draft(event: MandateEvent, row: MandateRow, *, before: MandateState | None) -> Draft:
    return Draft(
        f"MND.{event.value}",
        row.mandate_id,
        public={
            "mandate_id": row.mandate_id,
            "broker_id": row.broker_id,
            "client_id": row.client_id,
            "side": row.side,
            "listing_id": row.listing_id,
            "ends_at": rfc3339(row.ends_at),
        },
        opening={
            "fee_bp": row.fee_bp,
            "conflict_disclosed": row.conflict_disclosed,
            "dual_consent": row.dual_consent,
            "scope": row.scope,
        },
        before=before.value if before else None,
        after=row.status.value,
    )
