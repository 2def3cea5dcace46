"""What rests on a registration: a product's rights name it, and every act on them asks whether it stands."""

from datetime import datetime

from sqlmodel import col, select, update

from base.calendar import shanghai_day
from base.db import ReadSession, WriteSession
from base.ids import is_id
from ledger.recording import Act
from registry.registration import repository
from registry.registration.applying import require_public_code, stands
from registry.registration.errors import RegistrationLapsed
from registry.registration.states import RegistrationState
from registry.registration.tables import RegistrationRow
from registry.rules import Right, Source
from registry.tables import RightsRow


async def rest_on(
    s: WriteSession, act: Act, *, product_id: str, holder_id: str, basis_ref: str | None
) -> None:
    """Let a holder's rights in a product rest on the registration that it cites, if it was made here.

    Raises RegistrationLapsed where that does not stand, is not this holder's right to operate, registers
    another product, or the rights rest on another registration already: none is escaped by citing another.
    """
    if basis_ref is None or not await repository.given_here(s, number=basis_ref):
        return
    row = await repository.resting_on_number(s, number=basis_ref)
    if row is None or not stands(row, act):
        raise _lapsed(basis_ref, row)
    held = await repository.claim_held(
        s,
        registration_id=row.registration_id,
        holder_id=holder_id,
        right=Right.OPERATE,
        on=shanghai_day(act.now),
    )
    if not held:
        raise RegistrationLapsed("the right to operate is not registered to this holder", number=basis_ref)
    if is_id(row.data_id, "prd") and row.data_id != product_id:
        raise RegistrationLapsed("it registers another product", number=basis_ref, product_id=row.data_id)
    mine = col(RightsRow.product_id) == product_id, col(RightsRow.holder_id) == holder_id
    bound = (await s.exec(select(RightsRow.registration_id).where(*mine))).all()
    if set(bound) - {None, row.registration_id}:
        raise RegistrationLapsed("these rights rest on another registration", number=basis_ref)
    await s.exec(update(RightsRow).where(*mine).values(registration_id=row.registration_id))


async def require_code_of(s: WriteSession, act: Act, *, source: Source, code: str | None) -> None:
    """The public code of a product of authorised operation stands. Raises PublicRegistrationUnknown."""
    if source is Source.AUTHORISED_OPERATION:
        await require_public_code(s, act, code=code)


async def require_standing(s: ReadSession, row: RightsRow, *, now: datetime | None = None) -> None:
    """What a right rests on stands (at a moment), share-locked. Raises RegistrationLapsed."""
    if row.registration_id is not None:
        found = await repository.resting_on(s, registration_id=row.registration_id)
        if not _stands(found, now):
            raise _lapsed(row.registration_id, found)
    code = row.public_registration_no
    if code and row.source is Source.AUTHORISED_OPERATION and await repository.given_here(s, number=code):
        found = await repository.resting_on_number(s, number=code)
        if not _stands(found, now):
            raise _lapsed(code, found)


async def require_no_wrong(s: ReadSession, *, registration_id: str) -> None:
    """A registration was neither revoked nor lost to who had a better right. Raises RegistrationLapsed."""
    row = await repository.resting_on(s, registration_id=registration_id)
    if row is None or row.status not in {RegistrationState.REVOKED, RegistrationState.CANCELLED}:
        return
    objections = await repository.objections_to(s, registration_id=registration_id)
    if row.status is RegistrationState.REVOKED or any(one.upheld for one in objections):
        raise _lapsed(row.number or registration_id, row)


def _stands(row: RegistrationRow | None, now: datetime | None) -> bool:
    if row is None or row.status is not RegistrationState.REGISTERED:
        return False
    return now is None or row.valid_to is None or now <= row.valid_to


def _lapsed(number: str, row: RegistrationRow | None) -> RegistrationLapsed:
    status = "unknown" if row is None else row.status.value
    return RegistrationLapsed("the registration does not stand", number=number, status=status)
