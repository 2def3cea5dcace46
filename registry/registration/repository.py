"""What is asked about registrations."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, func, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.registration.errors import RegistrationRequestUnknown, RegistrationUnknown
from registry.registration.rules import is_number, plain_number
from registry.registration.states import STANDING, UNDER_WAY, RegistrationState
from registry.registration.tables import (
    ClaimRow,
    NoteRow,
    RegistrarRow,
    RegistrationObjectionRow,
    RegistrationRow,
    SeriesRow,
    WishRow,
)
from registry.rules import Right
from registry.tables import RightsRow

# Made once: these are asked at every act that rests on a registration.
_BY_ID: Final = share_lock(
    select(RegistrationRow).where(col(RegistrationRow.registration_id) == bindparam("registration_id"))
)
_BY_NUMBER: Final = share_lock(
    select(RegistrationRow).where(col(RegistrationRow.number) == bindparam("number"))
)


async def get_registration(s: ReadSession, *, registration_id: str) -> RegistrationRow:
    """A registration by id. Raises RegistrationUnknown."""
    row = await s.get(RegistrationRow, registration_id, populate_existing=True)
    if row is None:
        raise RegistrationUnknown("no such registration", registration_id=registration_id)
    return row


async def registration_numbered(s: ReadSession, *, number: str) -> RegistrationRow:
    """A registration by the number on its certificate. Raises RegistrationUnknown."""
    row = (await s.exec(select(RegistrationRow).where(RegistrationRow.number == number))).first()
    if row is None:
        raise RegistrationUnknown("no such registration", number=number)
    return row


async def claim_registration(s: WriteSession, *, registration_id: str) -> RegistrationRow:
    """A registration, locked against every act that rests on it. Raises RegistrationUnknown."""
    query = exclusive_lock(select(RegistrationRow).where(RegistrationRow.registration_id == registration_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise RegistrationUnknown("no such registration", registration_id=registration_id)
    return row


async def resting_on(s: ReadSession, *, registration_id: str) -> RegistrationRow | None:
    """A registration, share-locked for an act that depends on it."""
    asked = {"registration_id": registration_id}
    return (await s.exec(_BY_ID.execution_options(populate_existing=True), params=asked)).first()


async def resting_on_number(s: ReadSession, *, number: str) -> RegistrationRow | None:
    """The registration of a number, share-locked for an act that depends on it."""
    asked = {"number": plain_number(number)}
    return (await s.exec(_BY_NUMBER.execution_options(populate_existing=True), params=asked)).first()


async def registrations(
    s: ReadSession,
    *,
    states: Collection[RegistrationState] = (),
    org_id: str | None = None,
    registrar_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[RegistrationRow]:
    """Registrations, newest first: in these states, of this applicant or holder, with this registrar."""
    query = select(RegistrationRow)
    if states:
        query = query.where(col(RegistrationRow.status).in_(sorted(states)))
    if org_id is not None:
        held = select(ClaimRow.registration_id).where(ClaimRow.holder_id == org_id)
        mine = col(RegistrationRow.registration_id).in_(held)
        query = query.where(mine | (col(RegistrationRow.applicant_id) == org_id))
    if registrar_id is not None:
        query = query.where(RegistrationRow.registrar_id == registrar_id)
    if after is not None:
        query = query.where(col(RegistrationRow.registration_id) < after)
    newest = query.order_by(col(RegistrationRow.registration_id).desc()).limit(limit)
    return (await s.exec(newest)).all()


async def rivals(s: ReadSession, *, sample_sha256: str, beside: str) -> Sequence[RegistrationRow]:
    """Other registrations of the same bytes that are under way or stand."""
    query = select(RegistrationRow).where(
        RegistrationRow.sample_sha256 == sample_sha256,
        RegistrationRow.registration_id != beside,
        col(RegistrationRow.status).in_([*UNDER_WAY, *STANDING]),
    )
    return (await s.exec(query.order_by(col(RegistrationRow.registration_id)))).all()


async def claims_of(s: ReadSession, *, registration_id: str) -> Sequence[ClaimRow]:
    """The rights of a registration, by holder."""
    query = select(ClaimRow).where(ClaimRow.registration_id == registration_id)
    return (await s.exec(query.order_by(col(ClaimRow.holder_id), col(ClaimRow.right)))).all()


async def claim_held(s: ReadSession, *, registration_id: str, holder_id: str, right: Right, on: date) -> bool:
    """Whether a holder has the right in a registration on a day."""
    query = select(ClaimRow.right).where(
        ClaimRow.registration_id == registration_id,
        ClaimRow.holder_id == holder_id,
        ClaimRow.right == right.value,
        col(ClaimRow.until).is_(None) | (col(ClaimRow.until) >= on.isoformat()),
    )
    return (await s.exec(query)).first() is not None


async def registrar_named(s: ReadSession, *, org_id: str) -> RegistrarRow | None:
    """A registrar's recognition that has not ended."""
    query = select(RegistrarRow).where(RegistrarRow.org_id == org_id, col(RegistrarRow.ended_at).is_(None))
    return (await s.exec(query)).first()


async def given_here(s: ReadSession, *, number: str) -> bool:
    """Whether a registrar of this exchange gives numbers like this; others are cited, and not looked up."""
    number = plain_number(number)
    if not is_number(number):
        return False
    query = select(RegistrarRow.org_id).where(
        RegistrarRow.region == number[2:4], RegistrarRow.agency == number[4]
    )
    return (await s.exec(query)).first() is not None


async def registrars(s: ReadSession) -> Sequence[RegistrarRow]:
    """All registrars, also those whose recognition has ended."""
    return (await s.exec(select(RegistrarRow).order_by(col(RegistrarRow.org_id)))).all()


async def next_serial(s: WriteSession, *, series: str) -> int:
    """The next number in a series, taken under its lock: 1 where it begins."""
    upsert = (postgresql if s.get_bind().dialect.name == "postgresql" else sqlite).insert(SeriesRow)
    begun = upsert.values(series=series, last=1)
    counted = begun.on_conflict_do_update(
        index_elements=["series"], set_={"last": col(SeriesRow.last) + 1}
    ).returning(col(SeriesRow.last))
    return int((await s.exec(counted)).scalar_one())


async def objections_to(s: ReadSession, *, registration_id: str) -> Sequence[RegistrationObjectionRow]:
    """Every objection to a registration, in the order they came."""
    query = select(RegistrationObjectionRow).where(
        RegistrationObjectionRow.registration_id == registration_id
    )
    return (await s.exec(query.order_by(col(RegistrationObjectionRow.objection_id)))).all()


async def wishes_of(s: ReadSession, *, registration_id: str) -> Sequence[WishRow]:
    """What was asked of the registrar, in the order it was."""
    query = select(WishRow).where(WishRow.registration_id == registration_id)
    return (await s.exec(query.order_by(col(WishRow.wish_id)))).all()


async def open_wish(s: ReadSession, *, registration_id: str, wish_id: str) -> WishRow:
    """A request that nobody has decided. Raises RegistrationRequestUnknown."""
    row = await s.get(WishRow, wish_id, populate_existing=True)
    if row is None or row.registration_id != registration_id or row.done is not None:
        raise RegistrationRequestUnknown("no such request is open", wish_id=wish_id)
    return row


async def notes_of(s: ReadSession, *, registration_id: str) -> Sequence[NoteRow]:
    """What is noted on a registration, released or not."""
    query = select(NoteRow).where(NoteRow.registration_id == registration_id)
    return (await s.exec(query.order_by(col(NoteRow.note_id)))).all()


async def standing_note(s: ReadSession, *, registration_id: str, note_id: str) -> NoteRow:
    """A note that stands. Raises RegistrationRequestUnknown."""
    row = await s.get(NoteRow, note_id, populate_existing=True)
    if row is None or row.registration_id != registration_id or row.released_at is not None:
        raise RegistrationRequestUnknown("no such note stands", note_id=note_id)
    return row


async def dependents(
    s: ReadSession, *, registration_id: str, number: str | None
) -> Sequence[tuple[str, str]]:
    """Product and holder of every right to operate that rests on a registration, or on its public code."""
    rests = col(RightsRow.registration_id) == registration_id
    if number is not None:
        rests |= func.upper(func.trim(col(RightsRow.public_registration_no))) == number
    query = (
        select(RightsRow.product_id, RightsRow.holder_id)
        .where(rests, RightsRow.right == Right.OPERATE, col(RightsRow.ended_at).is_(None))
        .order_by(RightsRow.product_id, RightsRow.holder_id)
    )
    return (await s.exec(query)).all()
