"""The yearly opening plan: the first rows of the ranking, signed by the chief data officer (R21)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from base.calendar import shanghai_day
from base.canonical import canonical, sha256_hex
from base.db import ReadSession, WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.chiefs.depending import require_chief
from registry.lists.repository import data_of
from registry.opening import repository
from registry.opening.errors import OpeningMalformed, OpeningWrongRole, PlanPublishedBefore
from registry.opening.figures import Fulfilment, fulfilment
from registry.opening.moving import level_now
from registry.opening.priority import Candidate, Ranked, Wanted, ranking
from registry.opening.states import AGENCY
from registry.opening.tables import OpenPlanRow

MAX_ROWS: Final = 200
MAX_CANDIDATES: Final = 5_000
PUBLISH_EVENT: Final = "OPP.PUBLISH"
REVISE_EVENT: Final = "OPP.REVISE"
_PUBLISHED: Final = "PUBLISHED"


async def ranked(s: ReadSession, *, agency_id: str, at: datetime) -> list[Ranked]:
    """What an agency opens first, of all its listed data that has no standing entry; explained row by row."""
    data = (await data_of(s, agency_id=agency_id))[:MAX_CANDIDATES]
    opened = await repository.first_opened(s, agency_id=agency_id)
    waiting = [row for row in data if row.data_id not in opened]
    wanted: dict[str, list[Wanted]] = {}
    for demand in await repository.demands_for(s, data_ids=[row.data_id for row in waiting]):
        if demand.data_id is not None and demand.agency_id != agency_id:
            said = Wanted(demand_id=demand.demand_id, agency_id=demand.agency_id, purpose=demand.purpose)
            wanted.setdefault(demand.data_id, []).append(said)
    candidates = [
        Candidate(
            data_id=row.data_id,
            name=row.name,
            theme=row.theme,
            abstract=row.abstract,
            level=await level_now(s, row),
            mounted=row.resource_file_id is not None,
            wanted=wanted.get(row.data_id, ()),
        )
        for row in waiting
    ]
    return ranking(candidates, at)


async def publish_plan(s: WriteSession, act: Act, *, year: int, top: int) -> OpenPlanRow:
    """Publish this year's or next year's plan (OPP.PUBLISH): the first `top` rows, as the chief data officer.

    Raises ChiefWanted, OpeningMalformed, PlanPublishedBefore.
    """
    chief_id = await _check(s, act, year, top)
    if await repository.plan_for(s, agency_id=act.actor.org_id, year=year) is not None:
        raise PlanPublishedBefore("this year's plan was published before", year=year)
    rows = await _rows(s, act, top)
    row = OpenPlanRow(
        plan_id=act.new_id("opl"),
        agency_id=act.actor.org_id,
        year=year,
        version=1,
        rows=rows,
        rows_sha256=sha256_hex(canonical(rows)),
        chief_id=chief_id,
        published_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    await _state(s, act, row, PUBLISH_EVENT, before=None)
    return row


async def revise_plan(s: WriteSession, act: Act, *, year: int, top: int) -> OpenPlanRow:
    """Rank anew (OPP.REVISE). What was opened since stays in the plan, so that it counts."""
    chief_id = await _check(s, act, year, top)
    row = await repository.plan_for(s, agency_id=act.actor.org_id, year=year, lock=True)
    if row is None:
        raise OpeningMalformed("there is no plan of this year yet", fields=["year"])
    opened = await repository.first_opened(s, agency_id=row.agency_id)
    kept = [one for one in row.rows if one["data_id"] in opened]
    rows = [*kept, *(await _rows(s, act, max(top - len(kept), 0)))]
    row.rows = [{**one, "rank": rank} for rank, one in enumerate(rows, 1)]
    row.rows_sha256, row.version = sha256_hex(canonical(row.rows)), row.version + 1
    row.chief_id, row.published_at = chief_id, act.occurred_at
    s.add(row)
    await s.flush()
    await _state(s, act, row, REVISE_EVENT, before=_PUBLISHED)
    return row


async def done_of(s: ReadSession, row: OpenPlanRow, *, until: datetime) -> Fulfilment:
    """How much of a plan was done by a moment."""
    opened = await repository.first_opened(s, agency_id=row.agency_id)
    return fulfilment(planned_in(row.rows), opened, until=until)


def planned_in(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The data entries of a plan."""
    return [str(one["data_id"]) for one in rows]


async def _rows(s: ReadSession, act: Act, top: int) -> list[dict[str, Any]]:
    first = (await ranked(s, agency_id=act.actor.org_id, at=act.now))[:top]
    return [one.document() for one in first]


async def _check(s: WriteSession, act: Act, year: int, top: int) -> str:
    if act.role not in AGENCY:
        raise OpeningWrongRole("an agency plans what it opens", role=act.role)
    this = shanghai_day(act.now).year
    wrong = [
        name
        for name, bad in (("year", year not in {this, this + 1}), ("top", not 1 <= top <= MAX_ROWS))
        if bad
    ]
    if wrong:
        raise OpeningMalformed("of this year or the next, with one to two hundred rows", fields=wrong)
    return await require_chief(s, act, agency_id=act.actor.org_id)


async def _state(s: WriteSession, act: Act, row: OpenPlanRow, event: str, *, before: str | None) -> None:
    public = {
        "plan_id": row.plan_id,
        "agency_id": row.agency_id,
        "year": row.year,
        "version": row.version,
        "rows": len(row.rows),
        "chief_id": row.chief_id,
    }
    draft = Draft(
        event, row.plan_id, public=public, subjects={"rows": row.rows_sha256}, before=before, after=_PUBLISHED
    )
    await record(s, act, draft)
