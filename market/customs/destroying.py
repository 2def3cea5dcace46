"""Files of hashes that nobody needs any more: noted, destroyed, and stated as destroyed (XBR.DESTROY).

What was handed in (RAW) goes once it is counted or refused; what was keyed (KEYED) goes when its persons no
longer count. A keyed file is noted before its first byte is written, so a crash leaves none that nobody
knows of: whoever does not take it in time finds it destroyed.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlmodel import col, delete, or_, select

from base.calendar import at_shanghai, shanghai_day
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs.states import LIVE, PENDING
from market.customs.tables import DeclarationRow, LeftoverRow, PersonListRow
from market.listings.tables import Listing, ListingFile

DESTROY_JOB: Final = "customs.destroy"
YEAR_JOB: Final = "customs.year"
RAW: Final = "RAW"
KEYED: Final = "KEYED"
IN_TIME: Final = timedelta(hours=1)
"""Within this a file that is being written is taken in, or it goes: longer than any counting takes."""


async def note_keyed(
    s: WriteSession, *, file_id: str, declaration_id: str, sensitive: bool, now: datetime
) -> None:
    """Note a keyed file that is about to be written; `keep_keyed` takes it in."""
    s.add(
        LeftoverRow(
            file_id=file_id,
            declaration_id=declaration_id,
            form=KEYED,
            sensitive=sensitive,
            reason="NOT_TAKEN_IN",
            noted_at=now,
        )
    )
    await s.flush()
    await _ask(s, file_id, now + IN_TIME)


async def keep_keyed(s: WriteSession, *, file_id: str) -> bool:
    """Take a keyed file in, if it was not destroyed meanwhile."""
    gone = delete(LeftoverRow).where(
        col(LeftoverRow.file_id) == file_id, col(LeftoverRow.destroyed_at).is_(None)
    )
    return (await s.exec(gone)).rowcount == 1


async def drop_keyed(s: WriteSession, act: Act, file_ids: Collection[str]) -> None:
    """Keyed files that were written and are not taken in go now, not within the hour."""
    for file_id in sorted(file_ids):
        if await may_destroy(s, file_id=file_id):
            await _ask(s, file_id, act.now)


async def drop_raw(s: WriteSession, act: Act, lists: Collection[PersonListRow], *, reason: str) -> None:
    """Lists as they were handed in are destroyed, unless another count or a listing still needs the file."""
    for one in sorted(lists, key=lambda row: row.sensitive):
        if await _is_needed(s, one):
            continue
        file = await s.get(ListingFile, one.source_file_id)
        if file is None:
            continue
        await s.delete(file)
        await s.flush()
        await _note(s, act, one, _Gone(file.file_id, RAW, file.bytes, reason))


async def drop_lists(
    s: WriteSession,
    act: Act,
    lists: Sequence[PersonListRow],
    *,
    reason: str,
    but: Collection[str | None] = (),
) -> None:
    """Lists whose persons no longer count: what was handed in (`but` these), what was keyed, and the rows."""
    for one in lists:
        await s.delete(one)
    await s.flush()
    await drop_raw(s, act, [one for one in lists if one.source_file_id not in but], reason=reason)
    for one in lists:
        if one.file_id is not None:
            await _note(s, act, one, _Gone(one.file_id, KEYED, one.bytes, reason))


async def drop_lists_of(s: WriteSession, act: Act, *, declaration_id: str, reason: str) -> None:
    """`drop_lists` of a declaration."""
    query = select(PersonListRow).where(PersonListRow.declaration_id == declaration_id)
    found = (await s.exec(query, execution_options={"populate_existing": True})).all()
    await drop_lists(s, act, found, reason=reason)


async def begin_year(s: WriteSession, row: DeclarationRow, now: datetime) -> None:
    """Have it asked in the new year whether a declaration's lists still count."""
    turn = at_shanghai(date(shanghai_day(now).year + 1, 1, 2), time(0))
    payload = {"declaration_id": row.declaration_id}
    await enqueue(s, kind=YEAR_JOB, key=f"{row.declaration_id} {turn.year}", run_at=turn, payload=payload)


async def end_year(s: WriteSession, act: Act, row: DeclarationRow) -> None:
    """Destroy the lists of a declaration that counts in no year any more."""
    if counts_in(row, shanghai_day(act.now).year):
        await begin_year(s, row, act.now)
    else:
        await drop_lists_of(s, act, declaration_id=row.declaration_id, reason="YEAR_OVER")


def counts_in(row: DeclarationRow, year: int) -> bool:
    """Whether a declaration's persons count in a year, or may still come to (`repository.counted_in`)."""
    alive = row.status in {*PENDING, *LIVE} and shanghai_day(row.valid_to).year >= year
    return row.year >= year or row.sent_year == year or alive


async def may_destroy(s: ReadSession, *, file_id: str) -> bool:
    """Whether a noted file is still to go."""
    row = await s.get(LeftoverRow, file_id, populate_existing=True)
    return row is not None and row.destroyed_at is None


async def state_destroyed(s: WriteSession, act: Act, *, file_id: str) -> None:
    """The bytes of a noted file are gone: say so (XBR.DESTROY); how many persons it held is opened."""
    row = await s.get(LeftoverRow, file_id, populate_existing=True)
    if row is None or row.destroyed_at is not None:
        return
    recorded = await record(
        s,
        act,
        Draft(
            "XBR.DESTROY",
            row.file_id,
            public={
                "declaration_id": row.declaration_id,
                "file_id": row.file_id,
                "form": row.form,
                "reason_code": row.reason,
            },
            opening={"persons": row.persons, "bytes": str(row.bytes), "sensitive": row.sensitive},
        ),
    )
    row.destroyed_at, row.statement_id = act.now, recorded.statement_id
    s.add(row)
    await s.flush()


async def leftovers_of(s: ReadSession, *, declaration_id: str) -> Sequence[LeftoverRow]:
    """What was noted to go of a declaration, and what has gone, in order."""
    query = select(LeftoverRow).where(LeftoverRow.declaration_id == declaration_id)
    return (await s.exec(query.order_by(col(LeftoverRow.file_id)))).all()


@dataclass(frozen=True, slots=True)
class _Gone:
    """A file that is to go, and why."""

    file_id: str
    form: str
    bytes: int
    reason: str


async def _note(s: WriteSession, act: Act, one: PersonListRow, gone: _Gone) -> None:
    if await s.get(LeftoverRow, gone.file_id) is not None:
        return
    s.add(
        LeftoverRow(
            **asdict(gone),
            declaration_id=one.declaration_id,
            sensitive=one.sensitive,
            persons=one.starts[-1] if one.starts else 0,
            noted_at=act.now,
        )
    )
    await s.flush()
    await _ask(s, gone.file_id, act.now)


async def _ask(s: WriteSession, file_id: str, run_at: datetime) -> None:
    payload = {"file_id": file_id}
    await enqueue(s, kind=DESTROY_JOB, key=f"{file_id} {rfc3339(run_at)}", run_at=run_at, payload=payload)


async def _is_needed(s: ReadSession, one: PersonListRow) -> bool:
    """Whether another list waits to be counted from the same file, or somebody offers the file itself."""
    waits = select(PersonListRow.declaration_id).where(
        PersonListRow.source_file_id == one.source_file_id,
        col(PersonListRow.file_id).is_(None),
        col(PersonListRow.problem).is_(None),
        or_(
            col(PersonListRow.declaration_id) != one.declaration_id,
            col(PersonListRow.sensitive) != one.sensitive,
        ),
    )
    listed = select(Listing.listing_id).where(Listing.file_id == one.source_file_id)
    return any([(await s.exec(query.limit(1))).first() is not None for query in (waits, listed)])
