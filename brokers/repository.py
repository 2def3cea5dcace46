"""What is asked about certificates and mandates."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy import case, or_, text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from brokers.errors import ApplicationUnknown, CertificateUnknown, MandateUnknown
from brokers.states import CertificateEvent, CertificateState, MandateState
from brokers.tables import (
    AnnualRow,
    ApplicationRow,
    CertificateEventRow,
    CertificateRow,
    EvidenceRow,
    MandateRow,
    ObjectionRow,
    PanelTieRow,
    PanelVoteRow,
)

_TURN: Final = 0x6462_6263  # "dbbc"
_ALONE: Final = text("SELECT pg_advisory_xact_lock(:kind, hashtext(:org_id))")
_SHARED: Final = text("SELECT pg_advisory_xact_lock_shared(:kind, hashtext(:org_id))")


async def get_certificate(s: ReadSession, *, cert_id: str) -> CertificateRow:
    """A certificate by id. Raises CertificateUnknown."""
    row = await s.get(CertificateRow, cert_id, populate_existing=True)
    if row is None:
        raise CertificateUnknown("no such certificate", cert_id=cert_id)
    return row


async def _in_turn(s: WriteSession, *, org_id: str, alone: bool) -> None:
    """Wait for one's turn at a broker's certificate (PostgreSQL).

    Sharers of a row lock let further sharers in past who waits for it alone: a busy broker would keep its own
    suspension out. Advisory locks are granted in the order in which they were asked for.
    """
    if s.get_bind().dialect.name == "postgresql":
        lock = _ALONE if alone else _SHARED
        await (await s.connection()).execute(lock, {"kind": _TURN, "org_id": org_id})


async def claim_certificate(s: WriteSession, *, cert_id: str) -> CertificateRow:
    """A certificate, locked against every act that rests on it. Raises CertificateUnknown."""
    held = await s.get(CertificateRow, cert_id)
    if held is not None:
        await _in_turn(s, org_id=held.org_id, alone=True)
    query = exclusive_lock(select(CertificateRow).where(CertificateRow.cert_id == cert_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise CertificateUnknown("no such certificate", cert_id=cert_id)
    return row


async def certificate_in_use(s: WriteSession, *, org_id: str, at: datetime) -> CertificateRow | None:
    """The organisation's newest certificate that has begun (else its newest), share-locked.

    Whoever suspends it waits for this act. Certificates of one organisation do not overlap.
    """
    await _in_turn(s, org_id=org_id, alone=False)
    begun = case((col(CertificateRow.valid_from) <= at, 1), else_=0)
    query = (
        select(CertificateRow)
        .where(CertificateRow.org_id == org_id)
        .order_by(begun.desc(), col(CertificateRow.valid_from).desc(), col(CertificateRow.cert_id).desc())
        .limit(1)
    )
    return (await s.exec(share_lock(query).execution_options(populate_existing=True))).first()


async def get_mandate(s: ReadSession, *, mandate_id: str) -> MandateRow:
    """A mandate by id. Raises MandateUnknown."""
    row = await s.get(MandateRow, mandate_id, populate_existing=True)
    if row is None:
        raise MandateUnknown("no such mandate", mandate_id=mandate_id)
    return row


async def claim_mandate(s: WriteSession, *, mandate_id: str) -> MandateRow:
    """A mandate, locked against every act that rests on it. Raises MandateUnknown."""
    query = exclusive_lock(select(MandateRow).where(MandateRow.mandate_id == mandate_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise MandateUnknown("no such mandate", mandate_id=mandate_id)
    return row


async def lock_mandate(s: WriteSession, *, mandate_id: str) -> None:
    """Share-lock a mandate that an act rests on, and read it anew: what ends it waits for the act."""
    query = share_lock(select(MandateRow).where(MandateRow.mandate_id == mandate_id))
    await s.exec(query.execution_options(populate_existing=True))


async def mandates_in_use(
    s: WriteSession, *, broker_id: str, client_ids: Sequence[str], listing_id: str, at: datetime
) -> Sequence[MandateRow]:
    """Every mandate of these clients to this broker that speaks of this listing, share-locked.

    The ones that cover most come last: what is in force before what is not, then the very listing's
    before a general one.
    """
    query = share_lock(_speaking_of(broker_id, client_ids, listing_id))
    return _widest_last((await s.exec(query.execution_options(populate_existing=True))).all(), at)


async def mandates_seen(
    s: ReadSession, *, broker_id: str, client_ids: Sequence[str], listing_id: str, at: datetime
) -> Sequence[MandateRow]:
    """`mandates_in_use` for who only looks: nothing is locked."""
    return _widest_last((await s.exec(_speaking_of(broker_id, client_ids, listing_id))).all(), at)


def _speaking_of(broker_id: str, client_ids: Sequence[str], listing_id: str) -> SelectOfScalar[MandateRow]:
    return (
        select(MandateRow)
        .where(
            MandateRow.broker_id == broker_id,
            col(MandateRow.client_id).in_(client_ids),
            or_(col(MandateRow.listing_id).is_(None), col(MandateRow.listing_id) == listing_id),
        )
        .order_by(col(MandateRow.signed_at), col(MandateRow.mandate_id))
    )


def _widest_last(rows: Sequence[MandateRow], at: datetime) -> list[MandateRow]:
    return sorted(rows, key=lambda row: (in_force(row, at), row.listing_id is not None))


def in_force(row: MandateRow, at: datetime) -> bool:
    """Whether a mandate is active and has not ended."""
    return row.status is MandateState.ACTIVE and at <= row.ends_at


async def certificates_of(s: ReadSession, *, org_id: str) -> Sequence[CertificateRow]:
    """Every certificate an organisation has held, newest first."""
    query = select(CertificateRow).where(CertificateRow.org_id == org_id)
    return (await s.exec(query.order_by(col(CertificateRow.valid_from).desc()))).all()


async def certificate_by_no(s: ReadSession, *, cert_no: str) -> CertificateRow:
    """A certificate by its number. Raises CertificateUnknown."""
    row = (await s.exec(select(CertificateRow).where(CertificateRow.cert_no == cert_no))).first()
    if row is None:
        raise CertificateUnknown("no such certificate", cert_no=cert_no)
    return row


async def history_of(s: ReadSession, *, cert_id: str) -> Sequence[CertificateEventRow]:
    """What happened to a certificate, first to last."""
    query = select(CertificateEventRow).where(CertificateEventRow.cert_id == cert_id)
    return (await s.exec(query.order_by(col(CertificateEventRow.at), CertificateEventRow.statement_id))).all()


async def mandates_of(s: ReadSession, *, org_id: str, limit: int = 100) -> Sequence[MandateRow]:
    """The mandates an organisation gave or holds, newest first."""
    query = (
        select(MandateRow)
        .where(or_(col(MandateRow.broker_id) == org_id, col(MandateRow.client_id) == org_id))
        .order_by(col(MandateRow.signed_at).desc(), col(MandateRow.mandate_id).desc())
        .limit(min(limit, 100))
    )
    return (await s.exec(query)).all()


async def moved_at(s: ReadSession, *, cert_id: str, event: CertificateEvent) -> datetime | None:
    """When an event last happened to a certificate."""
    query = (
        select(CertificateEventRow.at)
        .where(CertificateEventRow.cert_id == cert_id, CertificateEventRow.event == event.value)
        .order_by(col(CertificateEventRow.at).desc())
    )
    return (await s.exec(query.limit(1))).first()


async def claim_application(s: WriteSession, *, cert_id: str) -> ApplicationRow:
    """An application, locked against every other step of it. Raises ApplicationUnknown."""
    query = exclusive_lock(select(ApplicationRow).where(ApplicationRow.cert_id == cert_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise ApplicationUnknown("no such application", cert_id=cert_id)
    return row


async def get_application(s: ReadSession, *, cert_id: str) -> ApplicationRow:
    """An application by id. Raises ApplicationUnknown."""
    row = await s.get(ApplicationRow, cert_id, populate_existing=True)
    if row is None:
        raise ApplicationUnknown("no such application", cert_id=cert_id)
    return row


async def application_of(
    s: ReadSession, *, org_id: str, states: Collection[CertificateState]
) -> ApplicationRow | None:
    """An organisation's newest application in one of these states."""
    query = select(ApplicationRow).where(
        ApplicationRow.org_id == org_id, col(ApplicationRow.status).in_(list(states))
    )
    return (await s.exec(query.order_by(col(ApplicationRow.cert_id).desc()).limit(1))).first()


async def applications(
    s: ReadSession,
    *,
    org_id: str | None = None,
    states: Collection[CertificateState] | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[ApplicationRow]:
    """Applications, newest first, by keyset (`after` is the last id seen)."""
    query = select(ApplicationRow)
    if org_id is not None:
        query = query.where(ApplicationRow.org_id == org_id)
    if states is not None:
        query = query.where(col(ApplicationRow.status).in_(list(states)))
    if after is not None:
        query = query.where(ApplicationRow.cert_id < after)
    return (await s.exec(query.order_by(col(ApplicationRow.cert_id).desc()).limit(min(limit, 100)))).all()


async def kinds_shown(s: ReadSession, *, cert_id: str) -> set[str]:
    """The kinds of evidence an applicant has filed for a certificate."""
    own = (CertificateEvent.APPLY.value, CertificateEvent.CORRECT.value)
    query = select(EvidenceRow.kind).where(EvidenceRow.cert_id == cert_id, col(EvidenceRow.event).in_(own))
    return set((await s.exec(query)).all())


async def evidence_of(s: ReadSession, *, cert_id: str) -> Sequence[EvidenceRow]:
    """Every document that was filed for a certificate, in the order of filing."""
    query = select(EvidenceRow).where(EvidenceRow.cert_id == cert_id)
    in_order = query.order_by(col(EvidenceRow.filed_at), EvidenceRow.statement_id, col(EvidenceRow.number))
    return (await s.exec(in_order)).all()


async def evidence_dates(s: ReadSession, *, org_id: str) -> dict[str, date]:
    """Under which date a broker filed each document before, by digest."""
    query = select(EvidenceRow.sha256, EvidenceRow.dated_on).where(EvidenceRow.org_id == org_id)
    return {sha256: date.fromisoformat(dated_on) for sha256, dated_on in (await s.exec(query)).all()}


async def votes_of(s: ReadSession, *, cert_id: str) -> Sequence[PanelVoteRow]:
    """What the panel has said about an application, first to last."""
    query = select(PanelVoteRow).where(PanelVoteRow.cert_id == cert_id)
    return (await s.exec(query.order_by(col(PanelVoteRow.voted_at), PanelVoteRow.person))).all()


async def ties_of(s: ReadSession, *, person: str) -> Sequence[PanelTieRow]:
    """The ties a natural person has declared."""
    return (await s.exec(select(PanelTieRow).where(PanelTieRow.person == person))).all()


async def objections_to(s: ReadSession, *, cert_id: str) -> Sequence[ObjectionRow]:
    """The objections to an application, first to last."""
    query = select(ObjectionRow).where(ObjectionRow.cert_id == cert_id)
    return (await s.exec(query.order_by(col(ObjectionRow.filed_at), ObjectionRow.objection_id))).all()


async def bars(s: ReadSession, *, now: datetime) -> Sequence[CertificateRow]:
    """The revoked certificates whose bar still runs."""
    return (await s.exec(select(CertificateRow).where(col(CertificateRow.barred_until) > now))).all()


async def annual_of(s: ReadSession, *, cert_id: str, year: int) -> AnnualRow | None:
    """The report on a year, with what came of it."""
    query = select(AnnualRow).where(AnnualRow.cert_id == cert_id, AnnualRow.year == year)
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def annuals_of(s: ReadSession, *, cert_id: str) -> Sequence[AnnualRow]:
    """A certificate's annual reports, first to last."""
    query = select(AnnualRow).where(AnnualRow.cert_id == cert_id)
    return (await s.exec(query.order_by(col(AnnualRow.year)))).all()


async def running_mandates(s: ReadSession, *, broker_id: str, at: datetime) -> list[str]:
    """The ids of a broker's mandates that are signed, in force or frozen, and have not ended."""
    running = (MandateState.SIGNED, MandateState.ACTIVE, MandateState.FROZEN)
    query = select(MandateRow.mandate_id).where(
        MandateRow.broker_id == broker_id,
        col(MandateRow.status).in_(running),
        col(MandateRow.ends_at) >= at,
    )
    return list((await s.exec(query.order_by(MandateRow.mandate_id))).all())


async def state_of(s: WriteSession, *, cert_id: str) -> CertificateState | None:
    """The state of a certificate, or of the application it is still, locked against its next step."""
    for table in (CertificateRow, ApplicationRow):
        query = exclusive_lock(select(table.status).where(table.cert_id == cert_id))
        found = (await s.exec(query)).first()
        if found is not None:
            return CertificateState(found)
    return None
