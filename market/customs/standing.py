"""Clearances that rest on the count of their group, asked again when the group counts more.

What lives went by the right route when it was cleared. A later clearance of the group, or an affiliate that
was bought meanwhile, may carry the year's count past a threshold: from then on what still goes by a lighter
route is halted, to be declared again. Only what was cleared once counts for that: what waits has not left.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.calendar import shanghai_day
from base.db import Database, ReadSession, WriteSession
from base.jobs import enqueue
from identity.groups import group_of, members_of
from ledger.recording import Act
from market.customs import repository
from market.customs.counting import (
    CustomsDesk,
    Tally,
    all_of,
    count_lists,
    counts_from,
    hold_group,
    of_group,
)
from market.customs.known import facts_about
from market.customs.moving import Said, step
from market.customs.reading import declaration_from
from market.customs.routing import Counts, Way, route_declaration
from market.customs.states import LIVE, PENDING, DeclarationEvent
from market.customs.tables import DeclarationRow, PersonListRow
from market.customs.transit import tell_egress

STANDING_JOB: Final = "customs.standing"
TOO_LIGHT: Final = "ROUTE_TOO_LIGHT"
_BY_COUNT: Final = {
    Way.EXEMPT_ZONE: 0,
    Way.EXEMPT_SMALL: 0,
    Way.CONTRACT_OR_CERTIFICATION: 1,
    Way.ASSESSMENT: 2,
}
"""The routes that rest on how many persons there are, the lightest first."""


async def due_way(s: WriteSession, act: Act, row: DeclarationRow) -> Way | None:
    """A stricter route than a declaration has, by what its group counts by now; None if none.

    What waits and was routed later has counted this one, and finds its own route. What neither side has
    counted of the other (an affiliate bought meanwhile) is added in full. Where there are lists of persons a
    sum would count some of them twice: what the group has cleared is counted after it (`look_at_group`).
    """
    others = await _of_year(s, row.exporter_id, row.year)
    seen = set(row.counts.get("by", ()))
    rows = of_group(row, others)
    fresh = [
        one
        for one in rows
        if one.way is not None  # what is not routed yet will count this one
        and one.declaration_id not in {*seen, row.declaration_id}
        and row.declaration_id not in one.counts.get("by", ())
    ]
    named = {row.declaration_id, *seen, *(one.declaration_id for one in fresh)}
    told = [one for one in rows if one.declaration_id in named or one.status not in PENDING]
    if await _lists(s, rows):
        counts = Counts(
            persons=int(row.counts.get("persons", 0)) + sum(one.persons for one in fresh),
            sensitive=int(row.counts.get("sensitive", 0)) + sum(one.sensitive_persons for one in fresh),
        )
    else:
        counts = counts_from(told, (), Tally())
    zoned = [one for one in others if one.way is Way.EXEMPT_ZONE and one.status not in PENDING]
    zoned = [one for one in zoned if one.declaration_id != row.declaration_id]
    return await _stricter(s, act, row, counts, all_of([*told, *zoned]))


@dataclass(frozen=True, slots=True)
class Standing:
    """What a group has cleared that counts this year, with its lists. What zones exempted (`zoned`) counts
    for their own lists alone.
    """

    rows: list[DeclarationRow]
    zoned: list[DeclarationRow]
    lists: list[PersonListRow]

    @property
    def seen(self) -> tuple[tuple[str, bool], ...]:
        return tuple(sorted((one.declaration_id, one.sensitive) for one in self.lists))


async def look_at_group(s: WriteSession, act: Act, *, org_id: str) -> None:
    """Halt what a group's count is too large for; where lists are to be counted first, ask for that.

    The group's counters are held.
    """
    stands = await _standing(s, org_id, act.now)
    most = counts_from(stands.rows, (), Tally())
    if not await _too_light(s, act, stands, most):
        return  # not even if every person were another one
    if stands.lists:
        key = f"{await group_of(s, org_id=org_id)} {act.nonce()}"
        await enqueue(s, kind=STANDING_JOB, key=key, run_at=act.now, payload={"org_id": org_id})
    else:
        await _halt_light(s, act, stands, most)


async def count_standing(desk: CustomsDesk, database: Database, *, org_id: str, now: datetime) -> Tally:
    """Count the union of the lists of what a group has cleared. No transaction."""
    async with database.read() as s:
        stands = await _standing(s, org_id, now)
    return await count_lists(desk, stands.lists)


async def take_standing(s: WriteSession, act: Act, *, org_id: str, tally: Tally) -> bool:
    """Halt what is too light for what was counted; False where it has to be counted again."""
    await hold_group(s, org_id=org_id)
    stands = await _standing(s, org_id, act.now)
    if stands.seen != tally.seen:
        await look_at_group(s, act, org_id=org_id)
        return False
    await _halt_light(s, act, stands, counts_from(stands.rows, stands.lists, tally))
    return True


async def _halt_light(s: WriteSession, act: Act, stands: Standing, counts: Counts) -> None:
    system = act.as_exchange()
    told = {"persons": counts.persons, "sensitive": counts.sensitive}
    for one in await _too_light(s, act, stands, counts):
        row = await repository.claim_declaration(s, declaration_id=one.declaration_id)
        if row.status not in LIVE:
            continue
        await tell_egress(s, system, row, ends=True)
        said = Said(
            public={"reason_code": TOO_LIGHT, "bytes": str(row.sent_bytes), "uses": row.sent_uses},
            opening=told | {"with": list(counts.by)[-50:]},
        )
        values = {"reason_code": TOO_LIGHT, "note": "", "counts": told | {"by": list(counts.by)}}
        await step(s, system, DeclarationEvent.HALT, row, said, values=values)


async def _too_light(s: WriteSession, act: Act, stands: Standing, counts: Counts) -> list[DeclarationRow]:
    zoned = all_of([*stands.rows, *stands.zoned])
    live = [one for one in [*stands.rows, *stands.zoned] if one.status in LIVE]
    return [one for one in live if await _stricter(s, act, one, counts, zoned) is not None]


async def _stricter(s: WriteSession, act: Act, row: DeclarationRow, counts: Counts, zoned: int) -> Way | None:
    if row.way not in _BY_COUNT:
        return None
    said = declaration_from(row.said)
    found = route_declaration(said, await facts_about(s, act, row, said, counts, zone_persons=zoned)).way
    return found if _BY_COUNT.get(found, -1) > _BY_COUNT[row.way] else None


async def _standing(s: ReadSession, org_id: str, now: datetime) -> Standing:
    found = await _of_year(s, org_id, shanghai_day(now).year)
    cleared = [one for one in found if one.status not in PENDING and one.way is not None]
    rows = [one for one in cleared if one.way is not None and one.way.counts]
    zoned = [one for one in cleared if one.way is Way.EXEMPT_ZONE]
    return Standing(rows, zoned, await _lists(s, rows))


async def _of_year(s: ReadSession, org_id: str, year: int) -> Sequence[DeclarationRow]:
    members = await members_of(s, org_id=org_id)
    group_id = await group_of(s, org_id=org_id)
    return await repository.counted_in(s, group_id=group_id, members=members, year=year)


async def _lists(s: ReadSession, rows: Collection[DeclarationRow]) -> list[PersonListRow]:
    found = await repository.lists_of(s, declaration_ids=[one.declaration_id for one in rows])
    return [one for one in found if one.file_id is not None]
