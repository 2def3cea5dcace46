"""What is asked about interests, consents and notices."""

from collections.abc import Collection, Sequence

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from brokers.conduct.errors import InterestUnknown, NoticeUnknown
from brokers.conduct.tables import BrokerNoticeRow, ConflictConsentRow, InterestRow, SourceCheckRow
from brokers.tables import CertificateRow, MandateRow


async def interests_in(s: ReadSession, *, broker_id: str, parties: Collection[str]) -> Sequence[InterestRow]:
    """The interests of a broker in these members that stand, by id."""
    query = select(InterestRow).where(
        InterestRow.broker_id == broker_id,
        col(InterestRow.party_id).in_(parties),
        col(InterestRow.ended_at).is_(None),
    )
    return (await s.exec(query.order_by(InterestRow.interest_id))).all()


async def interests_of(s: ReadSession, *, broker_id: str, limit: int = 100) -> Sequence[InterestRow]:
    """What a broker has disclosed, newest first."""
    query = select(InterestRow).where(InterestRow.broker_id == broker_id)
    return (await s.exec(query.order_by(col(InterestRow.interest_id).desc()).limit(min(limit, 100)))).all()


async def claim_interest(s: WriteSession, *, interest_id: str) -> InterestRow:
    """A disclosed interest, locked. Raises InterestUnknown."""
    query = exclusive_lock(select(InterestRow).where(InterestRow.interest_id == interest_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise InterestUnknown("no such interest", interest_id=interest_id)
    return row


async def consents_in(s: ReadSession, *, trade_id: str, broker_id: str) -> Sequence[ConflictConsentRow]:
    """The written consents of a trade's parties to the conflicts of this broker."""
    query = select(ConflictConsentRow).where(
        ConflictConsentRow.trade_id == trade_id, ConflictConsentRow.broker_id == broker_id
    )
    return (await s.exec(query.order_by(ConflictConsentRow.statement_id))).all()


async def source_check_of(s: ReadSession, *, trade_id: str, broker_id: str) -> SourceCheckRow | None:
    """The broker's record of a trade, if there is one."""
    query = select(SourceCheckRow).where(
        SourceCheckRow.trade_id == trade_id, SourceCheckRow.broker_id == broker_id
    )
    return (await s.exec(query)).first()


async def notices_of(
    s: ReadSession, *, broker_id: str | None, after: str | None = None, limit: int = 100
) -> Sequence[BrokerNoticeRow]:
    """What a broker (or any) has told, newest first, by keyset (`after` is the last id seen)."""
    query = select(BrokerNoticeRow)
    if broker_id is not None:
        query = query.where(BrokerNoticeRow.broker_id == broker_id)
    if after is not None:
        query = query.where(BrokerNoticeRow.notice_id < after)
    newest = query.order_by(col(BrokerNoticeRow.notice_id).desc())
    return (await s.exec(newest.limit(min(limit, 100)))).all()


async def get_notice(s: ReadSession, *, notice_id: str, broker_id: str | None) -> BrokerNoticeRow:
    """A notice, of this broker where one is named. Raises NoticeUnknown."""
    row = await s.get(BrokerNoticeRow, notice_id)
    if row is None or broker_id not in {None, row.broker_id}:
        raise NoticeUnknown("no such notice", notice_id=notice_id)
    return row


async def objects_of(s: ReadSession, *, org_id: str) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """What a broker's conduct is told of beside trades, by id: certificates, mandates, late notices."""
    certificates = select(CertificateRow.cert_id).where(CertificateRow.org_id == org_id)
    mandates = select(MandateRow.mandate_id).where(MandateRow.broker_id == org_id)
    late = select(BrokerNoticeRow.notice_id).where(
        BrokerNoticeRow.broker_id == org_id, col(BrokerNoticeRow.late).is_(True)
    )
    return (await s.exec(certificates)).all(), (await s.exec(mandates)).all(), (await s.exec(late)).all()
