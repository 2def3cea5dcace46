"""Taking what is open: everybody, without a name; named users and parties of an agreement, for a purpose.

Whether it may be had is asked at every download, of the entry, of the data's level, of the catalogue of
important data and of the bytes that are mounted, so that a raise, a suspension or another file bites at once.
What was had is counted by day and stated in a nightly roll-up (OPN.USAGE); of conditional data the first
access of a user, purpose and day is stated too.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from base.calendar import end_of_day_shanghai, shanghai_day
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.files import StoredFile
from base.jobs import enqueue
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.lists.repository import list_file, resting_on_entry
from registry.lists.rules import Listed
from registry.lists.tables import DataRow
from registry.opening import repository
from registry.opening.errors import AgreementMissing, OpeningClosed, OpeningUnmounted, UserNotNamed
from registry.opening.moving import check_open, step
from registry.opening.renewing import check_mounted
from registry.opening.rules import Mode, check_purpose
from registry.opening.states import STANDING, AgreementState, OpenEvent, OpenState
from registry.opening.tables import OpenEntryRow

ACCESS_EVENT: Final = "OPN.ACCESS"
USAGE_JOB: Final = "registry.open-usage"
EVERYBODY: Final = ""
_NIGHT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What may be sent now: the stored file with its media type, or the address of an interface; who takes it
    and what for.
    """

    open_id: str
    file: StoredFile | None
    media_type: str = ""
    interface: str | None = None
    taker: str = EVERYBODY
    purpose: str = ""


async def look(s: ReadSession, *, open_id: str) -> Taken:
    """What anybody may have of an entry that is open to all. Raises OpeningClosed, ChannelClosed, its kin.

    Raises OpeningFileChanged too: the file is the one that was reviewed, or scanned since.
    """
    row = await repository.resting_on(s, open_id=open_id)
    if row.status is not OpenState.OPEN:
        raise OpeningClosed("this data is not open to everybody now", open_id=open_id)
    data = await _data(s, row)
    await check_open(s, row, data, Mode.OPEN)
    return await _file(s, row, data)


async def take(s: WriteSession, act: Act, *, open_id: str, purpose: str | None) -> Taken:
    """What a user may have of an entry, for a purpose (OPN.ACCESS, the first of a day).

    What is open to all is open to it as well. Raises OpeningClosed, UserNotNamed, AgreementMissing,
    PurposeNotNamed, ChannelClosed and its kin, `member-not-active`.
    """
    row = await repository.claim_entry(s, open_id=open_id)
    if row.status not in STANDING:
        raise OpeningClosed("this data is not open now", open_id=open_id)
    data = await _data(s, row)
    if row.status is OpenState.OPEN:
        await check_open(s, row, data, Mode.OPEN)
        return await _file(s, row, data)
    user_id = act.actor.org_id
    await require_member(s, org_id=user_id)
    if row.status is OpenState.TARGETED:
        allowed = await _named(s, act, open_id)
    else:
        allowed = await _agreed(s, act, open_id)
    use = check_purpose(purpose, allowed)
    await check_open(s, row, data, row.mode)
    taken = await _file(s, row, data, taker=user_id, purpose=use.value)
    day = shanghai_day(act.now)
    had = await repository.count_use(
        s, open_id=open_id, day=day, taker=user_id, purpose=use.value, downloads=1, size=0
    )
    if had == 1:
        said = Said(
            public={"user_id": user_id, "purpose": use.value, "day": day.isoformat()},
            subjects={"file": taken.file.sha256} if taken.file else {},
        )
        await step(s, act.as_exchange(), OpenEvent.ACCESS, row, said)
        await _wind(s, act, open_id)
    return taken


async def count(s: WriteSession, act: Act, *, taken: Taken, size: int, whole: bool) -> None:
    """Count what was sent. Of what is open to all a download is one whose first byte was sent."""
    day = shanghai_day(act.now)
    downloads = 1 if whole and taken.taker == EVERYBODY else 0
    had = await repository.count_use(
        s,
        open_id=taken.open_id,
        day=day,
        taker=taken.taker,
        purpose=taken.purpose,
        downloads=downloads,
        size=size,
    )
    if taken.taker == EVERYBODY and had <= 1:
        await _wind(s, act, taken.open_id)


async def state_usage(s: WriteSession, act: Act, *, open_id: str, day: str) -> bool:
    """State what was had of an entry on a day that is over (OPN.USAGE). False where it was nothing."""
    row = await repository.claim_entry(s, open_id=open_id)
    had = await repository.uses_on(s, open_id=open_id, day=date.fromisoformat(day))
    if not had or row.status in {OpenState.PROPOSED, OpenState.NOT_OPEN}:
        return False
    by_user = [
        {"user_id": one.taker, "purpose": one.purpose, "downloads": one.downloads, "bytes": str(one.bytes)}
        for one in had
        if one.taker != EVERYBODY
    ]
    said = Said(
        public={
            "day": day,
            "downloads": sum(one.downloads for one in had),
            "bytes": str(sum(one.bytes for one in had)),
        },
        opening={"by_user": by_user} if by_user else None,
    )
    await step(s, act, OpenEvent.USAGE, row, said)
    return True


async def _wind(s: WriteSession, act: Act, open_id: str) -> None:
    """Have what is counted today stated when the day is over."""
    day = shanghai_day(act.now)
    payload = {"open_id": open_id, "day": day.isoformat()}
    await enqueue(
        s, kind=USAGE_JOB, key=f"{open_id} {day}", run_at=end_of_day_shanghai(day) + _NIGHT, payload=payload
    )


async def _data(s: ReadSession, row: OpenEntryRow) -> DataRow:
    data = await resting_on_entry(s, data_id=row.data_id)
    if data.status is not Listed.LISTED:
        raise OpeningClosed("the data was retired from its list", open_id=row.open_id)
    return data


async def _file(
    s: ReadSession, row: OpenEntryRow, data: DataRow, *, taker: str = EVERYBODY, purpose: str = ""
) -> Taken:
    check_mounted(row, data)
    whose = {"taker": taker, "purpose": purpose}
    if data.resource_file_id is not None:
        file = await list_file(s, file_id=data.resource_file_id)
        if file is not None:
            return Taken(
                open_id=row.open_id,
                file=StoredFile(file.file_id, file.bytes, file.sha256),
                media_type=file.media_type,
                **whose,
            )
    if data.resource_interface is not None:
        return Taken(open_id=row.open_id, file=None, interface=data.resource_interface, **whose)
    raise OpeningUnmounted("nothing is mounted on this data", data_id=data.data_id)


async def _named(s: WriteSession, act: Act, open_id: str) -> list[str]:
    user = await repository.named_user(s, open_id=open_id, user_id=act.actor.org_id)
    if user is None or user.ended_at is not None:
        raise UserNotNamed("you are not among its named users", open_id=open_id)
    if act.now > user.until:
        raise UserNotNamed("you were named until", open_id=open_id, until=rfc3339(user.until))
    return user.purposes


async def _agreed(s: WriteSession, act: Act, open_id: str) -> list[str]:
    signed = (AgreementState.SIGNED,)
    agreed = await repository.agreement_in_force(s, open_id=open_id, user_id=act.actor.org_id, states=signed)
    if agreed is None or not agreed.valid_from <= act.now <= agreed.valid_to:
        until = None if agreed is None else rfc3339(agreed.valid_to)
        raise AgreementMissing("no agreement with you is in force now", open_id=open_id, until=until)
    return agreed.purposes
