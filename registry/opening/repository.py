"""What is asked about the open list."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, func, or_, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.lists.tables import DataRow, DemandRow
from registry.opening.errors import (
    AgreementUnknown,
    OpeningCheckUnknown,
    OpeningPlanUnknown,
    OpeningUnknown,
)
from registry.opening.rules import Mode
from registry.opening.states import IN_FORCE, LIVE, STANDING, AgreementState, OpenState
from registry.opening.tables import (
    AgreementRow,
    OpenCheckRow,
    OpenEntryRow,
    OpenPlanRow,
    OpenUseRow,
    OpenUserRow,
)

MOST_WORDS: Final = 8
"""How many words a search looks for: each reads every name and abstract."""
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
Entry = tuple[OpenEntryRow, DataRow]
"""An entry of the open list with the data that it opens."""


async def entry(s: ReadSession, *, open_id: str) -> OpenEntryRow:
    """An entry by id. Raises OpeningUnknown."""
    row = await s.get(OpenEntryRow, open_id, populate_existing=True)
    if row is None:
        raise OpeningUnknown("no such entry of the open list", open_id=open_id)
    return row


async def entry_with_data(s: ReadSession, *, open_id: str) -> Entry:
    """An entry and its data. Raises OpeningUnknown."""
    query = select(OpenEntryRow, DataRow).where(
        OpenEntryRow.open_id == open_id, DataRow.data_id == OpenEntryRow.data_id
    )
    found = (await s.exec(query)).first()
    if found is None:
        raise OpeningUnknown("no such entry of the open list", open_id=open_id)
    return found[0], found[1]


async def claim_entry(s: WriteSession, *, open_id: str) -> OpenEntryRow:
    """An entry, locked against every act that rests on it. Raises OpeningUnknown."""
    query = exclusive_lock(select(OpenEntryRow).where(OpenEntryRow.open_id == open_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise OpeningUnknown("no such entry of the open list", open_id=open_id)
    return row


async def resting_on(s: ReadSession, *, open_id: str) -> OpenEntryRow:
    """An entry, share-locked for a download. Raises OpeningUnknown."""
    query = share_lock(select(OpenEntryRow).where(OpenEntryRow.open_id == open_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise OpeningUnknown("no such entry of the open list", open_id=open_id)
    return row


async def live_entry_of(s: ReadSession, *, data_id: str) -> OpenEntryRow | None:
    """The one entry that has not ended for a data entry, if there is one."""
    query = select(OpenEntryRow).where(
        OpenEntryRow.data_id == data_id, col(OpenEntryRow.status).in_(sorted(LIVE))
    )
    return (await s.exec(query)).first()


async def entries(
    s: ReadSession,
    *,
    states: Collection[OpenState] = (),
    agency_id: str | None = None,
    mode: Mode | None = None,
    theme: str | None = None,
    region: str | None = None,
    words: str = "",
    after: str | None = None,
    limit: int = 50,
    oldest_first: bool = False,
) -> Sequence[Entry]:
    """Entries with their data, newest first.

    `words` stand in the data's name or abstract, in whatever case of A to Z: the first eight of them.
    """
    query = select(OpenEntryRow, DataRow).where(DataRow.data_id == OpenEntryRow.data_id)
    if states:
        query = query.where(col(OpenEntryRow.status).in_(sorted(states)))
    for column, wanted in (
        (OpenEntryRow.agency_id, agency_id),
        (OpenEntryRow.mode, mode),
        (DataRow.theme, theme),
        (DataRow.region, region),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    places = [_lowered(s, one) for one in (col(DataRow.name), col(DataRow.abstract))]
    for word in words.split()[:MOST_WORDS]:
        lowered = word.translate(_LOWER)
        query = query.where(or_(*(place.contains(lowered, autoescape=True) for place in places)))
    at = col(OpenEntryRow.open_id)
    if after is not None:
        query = query.where(at > after if oldest_first else at < after)
    query = query.order_by(at if oldest_first else at.desc()).limit(limit)
    return [(one, data) for one, data in (await s.exec(query)).all()]


def _lowered(s: ReadSession, column: Any) -> Any:
    """A column with A to Z as a to z and nothing else changed, on both databases alike."""
    on_postgresql = s.get_bind().dialect.name == "postgresql"
    return func.lower(column.collate("C") if on_postgresql else column)


async def standing_count(s: ReadSession) -> int:
    """How many entries are in the public catalogue."""
    query = select(func.count()).where(col(OpenEntryRow.status).in_(sorted(STANDING)))
    return int((await s.exec(query)).one())


async def newest_change(s: ReadSession) -> datetime | None:
    """When the public part of the open list, or data that it opens, changed last; None while it is empty."""
    standing = col(OpenEntryRow.status).in_(sorted(STANDING))
    moments = (func.max(OpenEntryRow.changed_at), func.max(DataRow.changed_at), func.max(DataRow.mounted_at))
    query = select(*moments).join(DataRow, col(DataRow.data_id) == OpenEntryRow.data_id).where(standing)
    return max((one for one in (await s.exec(query)).one() if one is not None), default=None)


async def facets(s: ReadSession) -> dict[str, dict[str, int]]:
    """How many standing entries have each theme, mode and agency."""
    counts: dict[str, dict[str, int]] = {}
    for name, column in (
        ("theme", DataRow.theme),
        ("mode", OpenEntryRow.mode),
        ("agency", OpenEntryRow.agency_id),
    ):
        query = (
            select(column, func.count())
            .where(
                OpenEntryRow.data_id == DataRow.data_id,
                col(OpenEntryRow.status).in_(sorted(STANDING)),
            )
            .group_by(column)
            .order_by(func.count().desc(), column)
            .limit(100)
        )
        found = (await s.exec(query)).all()
        counts[name] = {str(value): int(number) for value, number in found if str(value)}
    return counts


async def named_user(s: ReadSession, *, open_id: str, user_id: str) -> OpenUserRow | None:
    """A user whom an entry names or named."""
    return await s.get(OpenUserRow, (open_id, user_id), populate_existing=True)


async def users_of(s: ReadSession, *, open_id: str) -> Sequence[OpenUserRow]:
    """The users of a targeted opening, also those who are named no longer."""
    query = select(OpenUserRow).where(OpenUserRow.open_id == open_id)
    return (await s.exec(query.order_by(col(OpenUserRow.user_id)))).all()


async def agreement(s: ReadSession, *, agreement_id: str) -> AgreementRow:
    """An agreement by id. Raises AgreementUnknown."""
    row = await s.get(AgreementRow, agreement_id, populate_existing=True)
    if row is None:
        raise AgreementUnknown("no such agreement", agreement_id=agreement_id)
    return row


async def claim_agreement(s: WriteSession, *, agreement_id: str) -> AgreementRow:
    """An agreement, locked. Raises AgreementUnknown."""
    query = exclusive_lock(select(AgreementRow).where(AgreementRow.agreement_id == agreement_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise AgreementUnknown("no such agreement", agreement_id=agreement_id)
    return row


async def agreements_of(
    s: ReadSession, *, open_id: str | None = None, user_id: str | None = None, limit: int = 100
) -> Sequence[AgreementRow]:
    """Agreements on an entry, or of a user, newest first."""
    query = select(AgreementRow)
    if open_id is not None:
        query = query.where(AgreementRow.open_id == open_id)
    if user_id is not None:
        query = query.where(AgreementRow.user_id == user_id)
    return (await s.exec(query.order_by(col(AgreementRow.agreement_id).desc()).limit(limit))).all()


async def agreement_in_force(
    s: ReadSession, *, open_id: str, user_id: str, states: Collection[AgreementState] = IN_FORCE
) -> AgreementRow | None:
    """The agreement with a user that is offered or signed, share-locked."""
    query = share_lock(
        select(AgreementRow).where(
            AgreementRow.open_id == open_id,
            AgreementRow.user_id == user_id,
            col(AgreementRow.status).in_(sorted(states)),
        )
    )
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def uses_of(s: ReadSession, *, open_id: str, limit: int = 60) -> Sequence[tuple[date, int, int]]:
    """Day, downloads and bytes of an entry, newest first; nobody is told from anybody else."""
    query = (
        select(col(OpenUseRow.day), func.sum(OpenUseRow.downloads), func.sum(OpenUseRow.bytes))
        .where(OpenUseRow.open_id == open_id)
        .group_by(col(OpenUseRow.day))
        .order_by(col(OpenUseRow.day).desc())
        .limit(limit)
    )
    return [(day, int(downloads), int(size)) for day, downloads, size in (await s.exec(query)).all()]


async def uses_on(s: ReadSession, *, open_id: str, day: date) -> Sequence[OpenUseRow]:
    """What was had of an entry on a day, by taker and purpose."""
    query = select(OpenUseRow).where(OpenUseRow.open_id == open_id, OpenUseRow.day == day)
    return (await s.exec(query.order_by(col(OpenUseRow.taker), col(OpenUseRow.purpose)))).all()


async def count_use(
    s: WriteSession, *, open_id: str, day: date, taker: str, purpose: str, downloads: int, size: int
) -> int:
    """Add to a day's count; returns how many downloads it has now."""
    upsert = (postgresql if s.get_bind().dialect.name == "postgresql" else sqlite).insert(OpenUseRow)
    begun = upsert.values(
        open_id=open_id, used_on=day, taker=taker, purpose=purpose, downloads=downloads, bytes=size
    )
    counted = begun.on_conflict_do_update(
        index_elements=["open_id", "used_on", "taker", "purpose"],
        set_={
            "downloads": col(OpenUseRow.downloads) + downloads,
            "bytes": col(OpenUseRow.bytes) + size,
        },
    ).returning(col(OpenUseRow.downloads))
    return int((await s.exec(counted)).scalar_one())


async def check_of(s: ReadSession, *, check_id: str) -> OpenCheckRow:
    """A check of the open list by id. Raises OpeningCheckUnknown."""
    row = await s.get(OpenCheckRow, check_id)
    if row is None:
        raise OpeningCheckUnknown("no such check of the open list", check_id=check_id)
    return row


async def checks(s: ReadSession, *, agency_id: str | None = None, limit: int = 20) -> Sequence[OpenCheckRow]:
    """Checks of the whole list, or of an agency's part and the whole, newest first."""
    query = select(OpenCheckRow)
    if agency_id is not None:
        query = query.where(
            or_(col(OpenCheckRow.agency_id) == agency_id, col(OpenCheckRow.agency_id).is_(None))
        )
    return (await s.exec(query.order_by(col(OpenCheckRow.check_id).desc()).limit(limit))).all()


async def plan(s: ReadSession, *, plan_id: str) -> OpenPlanRow:
    """An opening plan by id. Raises OpeningPlanUnknown."""
    row = await s.get(OpenPlanRow, plan_id, populate_existing=True)
    if row is None:
        raise OpeningPlanUnknown("no such opening plan", plan_id=plan_id)
    return row


async def plan_for(s: ReadSession, *, agency_id: str, year: int, lock: bool = False) -> OpenPlanRow | None:
    """An agency's plan of a year, if it was published; `lock` for its revision."""
    query = select(OpenPlanRow).where(OpenPlanRow.agency_id == agency_id, OpenPlanRow.year == year)
    return (await s.exec(exclusive_lock(query) if lock else query)).first()


async def plans(s: ReadSession, *, agency_id: str | None = None, limit: int = 50) -> Sequence[OpenPlanRow]:
    """Opening plans, newest first."""
    query = select(OpenPlanRow)
    if agency_id is not None:
        query = query.where(OpenPlanRow.agency_id == agency_id)
    newest = query.order_by(col(OpenPlanRow.year).desc(), col(OpenPlanRow.plan_id).desc())
    return (await s.exec(newest.limit(limit))).all()


async def demands_for(s: ReadSession, *, data_ids: Collection[str]) -> Sequence[DemandRow]:
    """The demands that these data entries meet and that were not retired."""
    if not data_ids:
        return []
    query = select(DemandRow).where(
        col(DemandRow.data_id).in_(sorted(data_ids)), DemandRow.status != "RETIRED"
    )
    return (await s.exec(query.order_by(col(DemandRow.demand_id)))).all()


async def first_opened(s: ReadSession, *, agency_id: str) -> dict[str, datetime]:
    """When each data entry of an agency was first opened."""
    at = func.min(OpenEntryRow.first_opened_at)
    query = (
        select(OpenEntryRow.data_id, at)
        .where(OpenEntryRow.agency_id == agency_id, col(OpenEntryRow.first_opened_at).is_not(None))
        .group_by(col(OpenEntryRow.data_id))
    )
    return {data_id: opened for data_id, opened in (await s.exec(query)).all() if opened is not None}
