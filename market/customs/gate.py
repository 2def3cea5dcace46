"""The gate: nothing of a trade reaches anybody abroad without a clearance that lives at that moment.

Asked when a contract is drawn up, when a delivery starts, at every access, while a stream is under way, and
when what left is counted. What the exchange knows is where a member sits, by its admission, and where the
member says that its systems receive; from one of them abroad the access is an export. What it cannot know is
where bytes go after that: a network address is no proof of a place, and decides nothing here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from base.db import ReadSession, WriteSession
from ledger.recording import Act
from market.customs import repository
from market.customs.errors import CustomsRouteNotOpen, DeclaredVolumeExceeded
from market.customs.rules import country_of
from market.customs.states import DeclarationState
from market.customs.tables import DeclarationRow, EgressRow
from market.customs.transit import book, close_under_way, keep_under_way, note_egress
from market.orders.tables import Trade


@dataclass(frozen=True, slots=True)
class Crossing:
    """Under which declaration something goes where; None is the mainland's own."""

    declaration_id: str
    country: str


def abroad(region: str, endpoint: str | None) -> tuple[str, ...]:
    """The places outside the mainland that a member receives in, by its seat and by what it declared."""
    places = (region,) if endpoint is None else (region, endpoint)
    return tuple(sorted({country_of(place) for place in places} - {"CN"}))


async def places_abroad(s: ReadSession, *, org_id: str) -> tuple[str, ...]:
    """`abroad` of a member, in one question. Somebody unknown is nowhere that is open."""
    found = await repository.places_of(s, org_id=org_id)
    if found is None:
        raise CustomsRouteNotOpen("nobody knows where this is", org_id=org_id)
    return abroad(*found)


async def require_clearance(
    s: ReadSession, *, trade: Trade, recipient_id: str, now: datetime
) -> Crossing | None:
    """The clearance under which a recipient may have something of a trade now; None within the mainland.

    One question where the recipient is at home, two where it is abroad. Raises CustomsRouteNotOpen.
    """
    places = await places_abroad(s, org_id=recipient_id)
    return await require_cleared_to(s, trade=trade, recipient_id=recipient_id, places=places, now=now)


async def require_cleared_to(
    s: ReadSession, *, trade: Trade, recipient_id: str, places: tuple[str, ...], now: datetime
) -> Crossing | None:
    """`require_clearance` where the places are known: each of them is cleared, all by one declaration."""
    if not places:
        return None
    rows = await open_rows(s, trade=trade, recipient_id=recipient_id, places=places, now=now)
    return Crossing(rows[0].declaration_id, rows[0].country)


async def open_rows(
    s: ReadSession, *, trade: Trade, recipient_id: str, places: tuple[str, ...], now: datetime
) -> list[DeclarationRow]:
    """Every clearance that opens these places now. While one of the same goods is halted, none does."""
    found = await repository.standing_for(
        s,
        exporter_id=trade.seller_id,
        recipient_id=recipient_id,
        trade_id=trade.trade_id,
        product_id=trade.product_id,
        now=now,
    )
    halted = [row for row in found if row.status is DeclarationState.HALTED and _named(row) & set(places)]
    opens = [row for row in found if row.status is not DeclarationState.HALTED and covers(row, places)]
    if halted or not opens:
        raise CustomsRouteNotOpen(
            "customs has cleared nothing to this recipient and place, or it has ended or was halted",
            trade_id=trade.trade_id,
            country=places[0],
        )
    return opens


def covers(row: DeclarationRow, places: tuple[str, ...]) -> bool:
    """Whether a declaration is about all these places: its country, and where the data is kept."""
    return set(places) <= _named(row) and row.country in places


def _named(row: DeclarationRow) -> set[str]:
    return {row.country, country_of(row.said["storage_place"])}


async def reserve_out(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    recipient_id: str,
    volume_bytes: int,
    kind: str,
    carried: str | None = None,
) -> Crossing | None:
    """Book volume that is about to leave the mainland; None of what stays.

    Where one clearance has not enough left, the next is asked. `carried` is a download under way: it goes on
    under the declaration that it began under, as long as that holds it, and is one use of each. Raises
    CustomsRouteNotOpen, DeclaredVolumeExceeded.
    """
    places = await places_abroad(s, org_id=recipient_id)
    if not places:
        return None
    rows = await open_rows(s, trade=trade, recipient_id=recipient_id, places=places, now=act.now)
    before = set()
    if carried is not None:
        found = await repository.egress_carried(s, carried=carried, recipient_id=recipient_id)
        before = {one.declaration_id for one in found}
    row = await _booked(
        s, act, sorted(rows, key=lambda row: row.declaration_id not in before), volume_bytes, before
    )
    crossing = Crossing(row.declaration_id, row.country)
    if carried is not None:
        egress = _egress(
            act,
            crossing=crossing,
            trade=trade,
            recipient_id=recipient_id,
            kind=kind,
            volume_bytes=volume_bytes,
        )
        egress.carried, egress.open = carried, True
        await keep_under_way(s, egress)
    return crossing


async def _booked(
    s: WriteSession, act: Act, rows: Sequence[DeclarationRow], volume_bytes: int, before: Collection[str]
) -> DeclarationRow:
    """The first that holds it. Raises DeclaredVolumeExceeded of the last."""
    for row in rows[:-1]:
        uses = 0 if row.declaration_id in before else 1
        try:
            await book(
                s, declaration_id=row.declaration_id, volume_bytes=volume_bytes, uses=uses, now=act.now
            )
        except DeclaredVolumeExceeded:
            continue
        return row
    last = rows[-1]
    uses = 0 if last.declaration_id in before else 1
    await book(s, declaration_id=last.declaration_id, volume_bytes=volume_bytes, uses=uses, now=act.now)
    return last


def _egress(
    act: Act, *, crossing: Crossing, trade: Trade, recipient_id: str, kind: str, volume_bytes: int
) -> EgressRow:
    return EgressRow(
        egress_id=act.new_id("egr"),
        declaration_id=crossing.declaration_id,
        trade_id=trade.trade_id,
        kind=kind,
        recipient_id=recipient_id,
        country=crossing.country,
        whole=False,
        bytes=volume_bytes,
        left_at=act.now,
    )


async def note_out(
    s: WriteSession, act: Act, *, trade: Trade, recipient_id: str, carried: str, whole: bool
) -> None:
    """Note on the customs log what has left of a download that ends, and is cleared still."""
    crossing = await require_clearance(s, trade=trade, recipient_id=recipient_id, now=act.now)
    if crossing is not None:
        await close_under_way(s, act.as_exchange(), carried=carried, recipient_id=recipient_id, whole=whole)


async def let_out(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    recipient_id: str,
    kind: str,
    volume_bytes: int,
    whole: bool,
    carried: str | None = None,
) -> None:
    """Book and note one thing that leaves now, if it leaves the mainland; `carried` leaves once.

    Raises CustomsRouteNotOpen, DeclaredVolumeExceeded.
    """
    if carried is not None and await has_left(s, carried=carried, recipient_id=recipient_id):
        return
    crossing = await reserve_out(
        s, act, trade=trade, recipient_id=recipient_id, volume_bytes=volume_bytes, kind=kind
    )
    if crossing is not None:
        egress = _egress(
            act,
            crossing=crossing,
            trade=trade,
            recipient_id=recipient_id,
            kind=kind,
            volume_bytes=volume_bytes,
        )
        egress.whole, egress.carried = whole, carried
        await note_egress(s, act.as_exchange(), egress)


async def has_left(s: ReadSession, *, carried: str, recipient_id: str) -> bool:
    """Whether this was booked and noted for this recipient before."""
    return bool(await repository.egress_carried(s, carried=carried, recipient_id=recipient_id))


async def require_left(s: ReadSession, *, carried: str, recipient_id: str) -> None:
    """Who receives abroad reads again what was booked once. Raises CustomsRouteNotOpen."""
    if await places_abroad(s, org_id=recipient_id) and not await has_left(
        s, carried=carried, recipient_id=recipient_id
    ):
        raise CustomsRouteNotOpen("ask again: it has not been booked for a reader abroad", carried=carried)
