"""What the exchange holds about an exporter and its data, against which a declaration is routed."""

from datetime import date, datetime

from base.calendar import shanghai_day
from base.db import WriteSession
from identity.repository import get_organisation
from ledger.recording import Act
from market.customs import repository
from market.customs.declared import Declaration, Ground
from market.customs.proving import DocumentKind, OnRegister, last_day, proved_grounds
from market.customs.reading import entries_of, on_register
from market.customs.routing import Counts, Facts, ListEntry
from market.customs.tables import DeclarationRow
from registry.errors import UnclassifiedProduct
from registry.grading.depending import level_of
from registry.rules import Level, rank


async def facts_about(
    s: WriteSession, act: Act, row: DeclarationRow, said: Declaration, counts: Counts, *, zone_persons: int
) -> Facts:
    """The facts of a declaration, with these counters of its group; `zone_persons` as `Facts` has them."""
    exporter = await get_organisation(s, org_id=row.exporter_id)
    assert exporter is not None
    return Facts(
        at=act.now,
        exporter_region=exporter.region,
        recipient_region=row.country,
        is_ciio=exporter.is_ciio,
        level=await held_level(s, said, row.product_id),
        counts=counts,
        proved=proved_grounds(said),
        zone_list=await zone_list(s, act, row, said),
        zone_persons=zone_persons,
    )


async def held_level(s: WriteSession, said: Declaration, product_id: str | None) -> Level:
    """How high the data is: what is declared, or what the registry holds where that is higher."""
    if product_id is None:
        return said.level
    try:
        held = await level_of(s, object_id=product_id)
    except UnclassifiedProduct:
        return said.level
    return held if rank(held) > rank(said.level) else said.level


async def zone_list(
    s: WriteSession, act: Act, row: DeclarationRow, said: Declaration
) -> tuple[ListEntry, ...] | None:
    """The list of the zone in which the exporter sits by the register; None without either."""
    if said.ground is not Ground.FREE_TRADE_ZONE:
        return None
    seat = await repository.document_numbered(s, number=said.attachments.get("zone_number", ""))
    day = shanghai_day(act.now)
    if seat is None or not sits_in(on_register(seat), said.zone, row.exporter_id, day, act.now):
        return None
    found = await repository.list_in_force(s, zone=said.zone, at=act.now)
    return None if found is None else entries_of(found)


def sits_in(seat: OnRegister, zone: str, exporter_id: str, day: date, at: datetime) -> bool:
    """Whether the register has an exporter in a zone today; the zone stands in the recipient's place."""
    last = last_day(seat, at)
    return (
        seat.kind is DocumentKind.ZONE
        and not seat.ended
        and exporter_id in seat.exporter_ids
        and seat.recipient_name == zone
        and seat.issued_on <= day
        and (last is None or day <= last)
    )
