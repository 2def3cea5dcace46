"""A broker discloses what links it to a party, and tells what it has to tell; a party consents.

Both are taken from a broker whose certificate is suspended too: its duties go on. One that
comes late is taken and says so: what is told late is told.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from brokers.conduct.errors import InterestDisclosedBefore, NothingToConsentTo, NoticeSubjectUnknown
from brokers.conduct.repository import claim_interest, interests_in
from brokers.conduct.rules import Change, InterestKind, NoticeKind, change_is_late, report_due
from brokers.conduct.tables import BrokerNoticeRow, ConflictConsentRow, InterestRow
from brokers.errors import MandateWrongRole
from identity.repository import lock_organisation
from identity.service import require_member
from ledger.reader import statements_of
from ledger.recording import Act, record
from ledger.statement import Draft

MAX_TEXT: Final = 2000
_WHOLE_BP: Final = 10_000


async def disclose_interest(
    s: WriteSession, act: Act, *, party_id: str, kind: InterestKind, share_bp: int | None = None
) -> InterestRow:
    """A broker discloses an interest in a member (CND.DISCLOSE): trades with it wait for consent (BR4).

    Raises InterestDisclosedBefore, Malformed, `member-not-active`.
    """
    broker_id = _own(act)
    if (share_bp is None) == (kind is InterestKind.OWNERSHIP) or not 0 <= (share_bp or 0) <= _WHOLE_BP:
        raise Malformed("a share, and nothing else, is told in basis points", share_bp=share_bp)
    if party_id == broker_id:
        raise Malformed("an interest is one in somebody else", party_id=party_id)
    await lock_organisation(s, org_id=broker_id, alone=True)  # its disclosures one by one
    await require_member(s, org_id=broker_id)
    await require_member(s, org_id=party_id)
    for known in await interests_in(s, broker_id=broker_id, parties=[party_id]):
        if (known.kind, known.share_bp) == (kind, share_bp):
            raise InterestDisclosedBefore("it is on record", interest_id=known.interest_id)
    row = InterestRow(
        interest_id=act.new_id("int"),
        broker_id=broker_id,
        party_id=party_id,
        kind=kind,
        share_bp=share_bp,
        disclosed_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    opening = None if share_bp is None else {"share_bp": share_bp}
    await record(s, act, Draft("CND.DISCLOSE", row.interest_id, public=_public(row), opening=opening))
    return row


async def end_interest(s: WriteSession, act: Act, *, interest_id: str) -> InterestRow:
    """The broker says that an interest is over (CND.CEASE); again changes nothing. Raises InterestUnknown."""
    row = await claim_interest(s, interest_id=interest_id)
    if _own(act) != row.broker_id:
        raise MandateWrongRole("another broker disclosed it", role=act.role)
    if row.ended_at is not None:
        return row
    await s.exec(
        update(InterestRow)
        .where(col(InterestRow.interest_id) == interest_id)
        .values(ended_at=act.occurred_at)
    )
    await s.refresh(row)
    await record(s, act, Draft("CND.CEASE", row.interest_id, public=_public(row)))
    return row


async def consent_to_conflict(
    s: WriteSession, act: Act, *, trade_id: str, broker_id: str, parties: Collection[str]
) -> ConflictConsentRow:
    """A party consents in writing to every interest of the broker in this trade (CND.CONSENT).

    One disclosed later asks for another consent. Raises NothingToConsentTo, `member-not-active`.
    """
    await require_member(s, org_id=act.actor.org_id)
    standing = await interests_in(s, broker_id=broker_id, parties=parties)
    if not standing:
        raise NothingToConsentTo("the broker has disclosed nothing here", trade_id=trade_id)
    interests = [row.interest_id for row in standing]
    public = {
        "trade_id": trade_id,
        "broker_id": broker_id,
        "org_id": act.actor.org_id,
        "interests": interests,
    }
    recorded = await record(s, act, Draft("CND.CONSENT", trade_id, public=public))
    row = ConflictConsentRow(
        statement_id=recorded.statement_id,
        trade_id=trade_id,
        broker_id=broker_id,
        org_id=act.actor.org_id,
        interests=interests,
        consented_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    return row


async def report_suspicion(
    s: WriteSession, act: Act, *, about: str, noticed_at: datetime, text: str
) -> BrokerNoticeRow:
    """A broker reports a suspected illegal source or use (CND.REPORT), within 24 hours of noticing (BR12).

    What it is about stays in the opening, or it would warn whom it is about. Raises NoticeSubjectUnknown.
    """
    if noticed_at > act.now:
        raise Malformed("nobody notices what is yet to come", noticed_at=rfc3339(noticed_at))
    row = BrokerNoticeRow(
        notice_id=act.new_id("ntc"),
        broker_id=_own(act),
        kind=NoticeKind.SUSPICION,
        about=about,
        noticed_at=noticed_at,
        told_at=act.now,
        late=act.now > report_due(noticed_at),
    )
    if not any(not one.event.startswith("REF.") for one in await statements_of(s, object_id=about)):
        raise NoticeSubjectUnknown("nothing of this id is on the ledger")
    return await _tell(s, act, "CND.REPORT", row, text)


async def notify_change(
    s: WriteSession, act: Act, *, change: Change, takes_effect_at: datetime, text: str
) -> BrokerNoticeRow:
    """A broker tells a change (CND.CHANGE), five working days before it takes effect (BR13)."""
    row = BrokerNoticeRow(
        notice_id=act.new_id("ntc"),
        broker_id=_own(act),
        kind=NoticeKind.CHANGE,
        about=change.value,
        takes_effect_at=takes_effect_at,
        told_at=act.now,
        late=change_is_late(told_at=act.now, takes_effect_at=takes_effect_at),
    )
    return await _tell(s, act, "CND.CHANGE", row, text)


async def _tell(s: WriteSession, act: Act, event: str, row: BrokerNoticeRow, text: str) -> BrokerNoticeRow:
    if not text.strip() or len(text) > MAX_TEXT:
        raise Malformed(f"a notice says what, in up to {MAX_TEXT} characters")
    await require_member(s, org_id=row.broker_id)
    s.add(row)
    await s.flush()
    moments = {"noticed_at": row.noticed_at, "takes_effect_at": row.takes_effect_at}
    public = {"notice_id": row.notice_id, "kind": row.kind.value, "late": row.late}
    facts = {"broker_id": row.broker_id, "about": row.about}
    facts |= {name: rfc3339(at) for name, at in moments.items() if at is not None}
    if row.kind is NoticeKind.SUSPICION:
        draft = Draft(event, row.notice_id, public=public, opening={"text": text, **facts})
    else:
        draft = Draft(event, row.notice_id, public=public | facts, opening={"text": text})
    await record(s, act, draft)
    return row


def _own(act: Act) -> str:
    if act.role != "BROKER":
        raise MandateWrongRole("only a broker tells this", role=act.role)
    return act.actor.org_id


def _public(row: InterestRow) -> dict[str, str]:
    return {
        "interest_id": row.interest_id,
        "broker_id": row.broker_id,
        "party_id": row.party_id,
        "kind": row.kind.value,
    }
