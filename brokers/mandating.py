"""A client's written mandate: signed by the client, accepted by the broker, taken back, over or handed on."""

from datetime import date, datetime
from typing import Final

from base.calendar import shanghai_day
from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from base.jobs import enqueue
from brokers import repository
from brokers.commission import CAP_BP, check_commission
from brokers.errors import MandateWrongRole, MandateWrongState, SelfDealing
from brokers.facts import certificate_facts
from brokers.mandates.document import Bypass, Limits, Written, check_date
from brokers.mandates.errors import (
    MandateDocumentDiffers,
    MandateExclusive,
    MandateOnePerson,
    SuccessorUnfit,
)
from brokers.mandates.moving import draft, move
from brokers.mandates.repository import LIVE, limits_of, live_of, terms_by_mandate, terms_of
from brokers.mandates.tables import MandateTermsRow
from brokers.moving import LATE
from brokers.practising import require_practitioner
from brokers.rule_table import in_force
from brokers.rules import (
    ALL_SECTORS,
    BrokerAct,
    CertificateState,
    MandateEvent,
    MandateState,
    Side,
    check_certificate,
    mandate_may_move,
)
from brokers.tables import MandateRow
from identity.repository import get_person, lock_organisation
from identity.service import require_identified, require_member, same_controller
from ledger.recording import Act, record
from registry.rules import Level

MAX_SCOPE_CHARS: Final = 1000
END_JOB: Final = "brokers.mandate-end"
_NO_LIMITS: Final = Limits()


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
    limits: Limits = _NO_LIMITS,
    dated_on: date | None = None,
) -> MandateRow:
    """A client's written mandate, signed by the client (MND.SIGN); the broker still has to accept.

    With `conflict_disclosed` the client consents in writing to an interest the broker has in it (BR4),
    with `dual_consent` to the broker's acting for the other side as well (BR6). `dated_on` is the day that
    the document bears, by default today. Raises CommissionAboveCap (BR7), SelfDealing (BR5),
    MandateDateWrong, MandateExclusive, MandateWrongRole, `member-not-active`.
    """
    state = mandate_may_move(None, MandateEvent.SIGN, act.role)
    if act.role != side.value:
        raise MandateWrongRole("a client mandates for its own side", role=act.role, side=side.value)
    check_commission(fee_bp)
    if ends_at <= act.now:
        raise Malformed("a mandate ends in the future", ends_at=rfc3339(ends_at))
    if not scope.strip() or len(scope) > MAX_SCOPE_CHARS:
        raise Malformed("a mandate says what for, in up to a thousand characters")
    client_id = act.actor.org_id
    if await same_controller(s, broker_id, client_id):
        raise SelfDealing("nobody is one's own broker", broker_id=broker_id, party_id=client_id)
    day = dated_on or shanghai_day(act.occurred_at)
    check_date(day, now=act.now)
    client = await require_member(s, org_id=client_id)
    broker = await require_member(s, org_id=broker_id)
    row = MandateRow(
        mandate_id=act.new_id("mnd"),
        broker_id=broker_id,
        client_id=client_id,
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
    await _check_exclusive(s, row, limits, at=act.now)
    written = Written(
        mandate_id=row.mandate_id,
        broker_id=broker_id,
        client_id=client_id,
        parties={one.org_id: {"name": one.name, "uscc": one.uscc} for one in (broker, client)},
        side=side,
        listing_id=listing_id,
        scope=scope,
        fee_bp=fee_bp,
        cap_bp=CAP_BP,
        conflict_disclosed=conflict_disclosed,
        dual_consent=dual_consent,
        dated_on=day,
        ends_at=ends_at,
        nonce=act.nonce(),
        bypass=Bypass.of(in_force(act.occurred_at)),
        limits=limits,
    )
    s.add(row)
    await s.flush()
    terms = _kept(act, written)
    s.add(terms)
    await s.flush()
    await record(s, act, draft(MandateEvent.SIGN, row, terms, before=None, opening=_opening(row, limits)))
    run_at = row.ends_at + LATE
    await enqueue(s, kind=END_JOB, key=row.mandate_id, run_at=run_at, payload={"mandate_id": row.mandate_id})
    return row


def _kept(act: Act, written: Written) -> MandateTermsRow:
    document, limits = written.encoded(), written.limits
    return MandateTermsRow(
        mandate_id=written.mandate_id,
        document_sha256=sha256_hex(document),
        document=document,
        categories=sorted(limits.categories),
        powers=sorted(power.value for power in limits.powers),
        territories=sorted(limits.territories),
        price_floor_minor=limits.price_floor_minor,
        price_ceiling_minor=limits.price_ceiling_minor,
        exclusive=limits.exclusive,
        one_deal=limits.one_deal,
        signed_by=act.actor.user_id,
    )


def _opening(row: MandateRow, limits: Limits) -> dict[str, object]:
    return {
        "fee_bp": row.fee_bp,
        "conflict_disclosed": row.conflict_disclosed,
        "dual_consent": row.dual_consent,
        "scope": row.scope,
        "limits": limits.document(),
    }


async def accept_mandate(
    s: WriteSession, act: Act, *, mandate_id: str, document_sha256: str | None = None
) -> MandateRow:
    """The broker signs the client's document (MND.ACCEPT): from now on the mandate is in force.

    `document_sha256` is what the broker read; only a mandate of before there were documents has none. Raises
    BrokerNotCertified (BR1) for one whose certificate does not bear it, SelfDealing (BR5),
    MandateDocumentDiffers, MandateOnePerson, MandateExclusive, MandateWrongRole, MandateWrongState,
    PractitionerNeeded, `person-not-identified`, `member-not-active`.
    """
    seen = await repository.get_mandate(s, mandate_id=mandate_id)
    _only(seen.broker_id, act)
    # The client, the certificate, the mandate: whoever rests on them, or suspends one, locks in this order.
    await lock_organisation(s, org_id=seen.client_id, alone=True)  # its exclusive mandates, one by one
    held = await repository.certificate_in_use(s, org_id=seen.broker_id, at=act.now)
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    mandate_may_move(row.status, MandateEvent.ACCEPT, act.role)
    if act.now > row.ends_at:
        raise MandateWrongState("the mandate has ended", mandate_id=mandate_id)
    await require_member(s, org_id=row.broker_id)
    await require_member(s, org_id=row.client_id)
    terms = await terms_of(s, mandate_id=mandate_id)
    limits = limits_of(terms)
    if held is not None and held.status is CertificateState.EXITING:
        raise MandateWrongState("a broker that leaves takes no new mandate", mandate_id=mandate_id)
    # Which sector and level the mandate is used for is asked at every act under it; here it is enough
    # that a certificate is in force, of a type that may have these powers.
    some_sector = next(iter(held.sectors), ALL_SECTORS) if held else ALL_SECTORS
    powers = limits.powers if terms is not None else frozenset()
    check_certificate(
        certificate_facts(held),
        broker_id=row.broker_id,
        act=BrokerAct(at=act.now, sector=some_sector, level=Level.GENERAL_1, powers=powers),
    )
    if held is not None:
        await require_practitioner(s, act, cert_id=held.cert_id)
    if await same_controller(s, row.broker_id, row.client_id):
        raise SelfDealing("nobody is one's own broker", broker_id=row.broker_id, party_id=row.client_id)
    await _check_exclusive(s, row, limits, at=act.now)
    if terms is not None:
        await _check_document(s, act, terms, document_sha256)
        terms.accepted_at, terms.accepted_by = act.occurred_at, act.actor.user_id
        s.add(terms)
    return await move(s, act, row, MandateEvent.ACCEPT, terms, opening=_opening(row, limits))


async def _check_document(
    s: WriteSession, act: Act, terms: MandateTermsRow, document_sha256: str | None
) -> None:
    """Both sides sign over one document, and not with one hand: it is on record whose the broker's is."""
    if document_sha256 != terms.document_sha256:
        raise MandateDocumentDiffers(
            "the client signed another document", mandate_id=terms.mandate_id, signed=terms.document_sha256
        )
    if act.actor.user_id is None:
        return
    ours = await require_identified(s, user_id=act.actor.user_id)
    client = None if terms.signed_by is None else await get_person(s, user_id=terms.signed_by)
    if client is not None and (
        client.mark == ours.mark or (client.mark is None and client.name == ours.name)
    ):
        raise MandateOnePerson("one natural person signs for both", mandate_id=terms.mandate_id)


async def _check_exclusive(s: WriteSession, row: MandateRow, limits: Limits, *, at: datetime) -> None:
    """One exclusive mandate of a client for one thing, or several others. Raises MandateExclusive."""
    others = [
        other
        for other in await live_of(s, client_id=row.client_id, side=row.side)
        if other.broker_id != row.broker_id
        and at <= other.ends_at
        and (other.listing_id is None or row.listing_id is None or other.listing_id == row.listing_id)
    ]
    terms = await terms_by_mandate(s, [other.mandate_id for other in others])
    for other in others:
        held = terms.get(other.mandate_id)
        if limits.exclusive or (held is not None and held.exclusive):
            raise MandateExclusive(
                "another mandate stands for the same", mandate_id=other.mandate_id, broker_id=other.broker_id
            )


async def revoke_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """The client takes the mandate back (MND.REVOKE)."""
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    _only(row.client_id, act)
    mandate_may_move(row.status, MandateEvent.REVOKE, act.role)
    terms = await terms_of(s, mandate_id=mandate_id)
    opening = _opening(row, limits_of(terms))
    return await move(s, act, row, MandateEvent.REVOKE, terms, opening=opening)


async def end_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> bool:
    """The clock's end of a mandate (MND.EXPIRE); False where it ended before.

    No act waits for it: every act of a broker asks for the end itself. One that nobody accepted ends too.
    """
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    if row.status not in {MandateState.SIGNED, *LIVE} or act.now <= row.ends_at:
        return False
    await move(s, act, row, MandateEvent.EXPIRE, await terms_of(s, mandate_id=mandate_id))
    return True


async def fulfil_mandate(s: WriteSession, act: Act, *, mandate_id: str, trade_id: str) -> bool:
    """The end of a mandate for one deal, whose trade is settled (MND.FULFIL); False where it ended before."""
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    terms = await terms_of(s, mandate_id=mandate_id)
    if terms is None or not terms.one_deal or row.status not in LIVE:
        return False
    await move(s, act, row, MandateEvent.FULFIL, terms, said={"trade_id": trade_id})
    return True


async def hand_over_mandate(s: WriteSession, act: Act, *, mandate_id: str, successor_id: str) -> MandateRow:
    """The broker hands a mandate over to another broker's that the client has given (MND.HAND_OVER).

    The client has signed both; a broker that leaves the market cannot give its client away. Raises
    SuccessorUnfit, MandateWrongRole, MandateWrongState.
    """
    row = await repository.claim_mandate(s, mandate_id=mandate_id)
    _only(row.broker_id, act)
    mandate_may_move(row.status, MandateEvent.HAND_OVER, act.role)
    successor = await repository.get_mandate(s, mandate_id=successor_id)
    questions = (
        ("same-broker", successor.broker_id == row.broker_id),
        ("client", (successor.client_id, successor.side) != (row.client_id, row.side)),
        ("listing", successor.listing_id not in {None, row.listing_id}),
        ("state", not repository.in_force(successor, act.now)),
    )
    reason = next((reason for reason, met in questions if met), None)
    if reason is not None:
        raise SuccessorUnfit("this mandate does not follow that one", reason=reason, mandate_id=successor_id)
    terms = await terms_of(s, mandate_id=mandate_id)
    if terms is not None:
        terms.successor_id = successor_id
        s.add(terms)
    said = {"successor_id": successor_id, "successor_broker_id": successor.broker_id}
    return await move(s, act, row, MandateEvent.HAND_OVER, terms, said=said)


def _only(org_id: str, act: Act) -> None:
    if act.actor.org_id != org_id:
        raise MandateWrongRole("the mandate is between others", role=act.role)
