"""The gate: nothing of a trade reaches anybody abroad without a clearance that lives at that moment.

Asked when a contract is drawn up, when a delivery starts, at every access, while a stream is under way, and
when what left is counted. What the exchange knows is where a member sits, by its admission, where the member
says that its systems receive, and which networks the authority knows to be abroad; from one of them abroad
the access is an export. What it cannot know is where bytes go after that: a network address is no proof of a
place at home.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from base.db import ReadSession, WriteSession
from ledger.recording import Act
from market.customs import repository
from market.customs.assessed import assessed_still
from market.customs.consented import require_consented
from market.customs.declared import Mode
from market.customs.errors import CustomsRouteNotOpen, DeclaredVolumeExceeded
from market.customs.networks import place_asked_from
from market.customs.rules import country_of
from market.customs.states import DeclarationState
from market.customs.tables import DeclarationRow, EgressRow
from market.customs.transit import book, close_under_way, keep_under_way, note_egress
from market.orders.tables import Trade

_MODES: Final[Mapping[str, frozenset[Mode]]] = {
    "FILE": frozenset({Mode.FILE}),
    "SHARE": frozenset({Mode.FILE}),
    "API": frozenset({Mode.FILE, Mode.REMOTE_ACCESS, Mode.API}),
    "QUERY": frozenset(Mode),
}
"""By which declared modes a kind of delivery may go: one that gives no more than was declared (reg 38)."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Under which declaration something goes where; None is the mainland's own."""

    declaration_id: str
    country: str


def abroad(region: str, endpoint: str | None) -> tuple[str, ...]:
    """The places outside the mainland that a member receives in, by its seat and by what it declared."""
    places = (region,) if endpoint is None else (region, endpoint)
    return tuple(sorted({country_of(place) for place in places} - {"CN"}))


async def places_abroad(s: ReadSession, *, org_id: str, asks: bool) -> tuple[str, ...]:
    """`abroad` of a member, and where this very request comes from, if that is known to be abroad.

    `asks`: the request is that of who receives, or takes for it; else its address says nothing. Somebody
    unknown is nowhere that is open.
    """
    found = await repository.places_of(s, org_id=org_id)
    if found is None:
        raise CustomsRouteNotOpen("nobody knows where this is", org_id=org_id)
    asked_from = await place_asked_from(s) if asks else None
    return tuple(sorted({*abroad(*found), *(() if asked_from is None else (asked_from,))}))


async def require_clearance(
    s: ReadSession,
    *,
    trade: Trade,
    recipient_id: str,
    now: datetime,
    kind: str | None = None,
    asks: bool = True,
) -> Crossing | None:
    """The clearance under which a recipient may have something of a trade now; None within the mainland.

    `kind` is how it would go (FILE, SHARE, API, QUERY). Raises CustomsRouteNotOpen.
    """
    places = await places_abroad(s, org_id=recipient_id, asks=asks)
    if not places:
        return None
    rows = await open_rows(s, trade=trade, recipient_id=recipient_id, places=places, now=now, kind=kind)
    return Crossing(rows[0].declaration_id, rows[0].country)


class Sold(Protocol):
    """What of a sale the gate asks: a trade, or what may become one."""

    @property
    def trade_id(self) -> str: ...
    @property
    def seller_id(self) -> str: ...
    @property
    def product_id(self) -> str: ...
    @property
    def listing_id(self) -> str: ...


async def open_rows(
    s: ReadSession,
    *,
    trade: Sold,
    recipient_id: str,
    places: tuple[str, ...],
    now: datetime,
    kind: str | None = None,
) -> list[DeclarationRow]:
    """Every clearance that opens these places now, to this kind of delivery.

    While one of the same goods is halted, none does, nor for data of a person who has withdrawn. What its
    seller itself has received abroad goes on only where that was declared.
    """
    await require_consented(s, trade, recipient_id=recipient_id, kind=kind)
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
    opens = await assessed_still(s, opens, now=now)
    if halted or not opens:
        raise CustomsRouteNotOpen(
            "customs has cleared nothing to this recipient and place, or it has ended or was halted",
            trade_id=trade.trade_id,
            country=places[0],
        )
    fitting = [row for row in opens if _MODES.get(kind or "QUERY", frozenset()) & {Mode(row.said["mode"])}]
    if not fitting:
        raise CustomsRouteNotOpen(
            "what was cleared goes by another mode",
            trade_id=trade.trade_id,
            kind=kind or "",
            mode=opens[0].said["mode"],
        )
    before = await repository.received_before(s, seller_id=trade.seller_id, listing_id=trade.listing_id)
    beyond = sorted({place for row in before for place in set(places) - _passed_on(row)})
    if beyond:
        raise CustomsRouteNotOpen(
            "its seller received it abroad under a clearance that does not let it go on there",
            trade_id=trade.trade_id,
            country=beyond[0],
        )
    return fitting


def _passed_on(row: DeclarationRow) -> set[str]:
    """Where what went under a declaration may go on to."""
    return {country_of(place) for place in row.said["onward"]} | _named(row)


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
    places = await places_abroad(s, org_id=recipient_id, asks=True)
    if not places:
        return None
    rows = await open_rows(s, trade=trade, recipient_id=recipient_id, places=places, now=act.now, kind=kind)
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
    fetched: int = 0,
) -> None:
    """Book and note one thing that leaves now, if it leaves the mainland; `carried` leaves once.

    `fetched` is what of it goes with this answer, where it can be fetched again. Raises CustomsRouteNotOpen,
    DeclaredVolumeExceeded.
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
        egress.whole, egress.carried, egress.fetched = whole, carried, fetched
        await note_egress(s, act.as_exchange(), egress)


async def let_out_again(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    recipient_id: str,
    kind: str,
    volume_bytes: int,
    carried: str,
) -> None:
    """Count an answer, or a part of it, that is fetched (again): what goes beyond what was booked is booked.

    The caller holds the right. Raises CustomsRouteNotOpen, DeclaredVolumeExceeded; then nothing goes.
    """
    places = await places_abroad(s, org_id=recipient_id, asks=True)
    if not places:
        return
    rows = await open_rows(s, trade=trade, recipient_id=recipient_id, places=places, now=act.now, kind=kind)
    known = await repository.egress_carried(s, carried=carried, recipient_id=recipient_id)
    booked, fetched = sum(one.bytes for one in known), sum(one.fetched for one in known)
    beyond = min(volume_bytes, max(0, fetched + volume_bytes - booked))
    before = {one.declaration_id for one in known}
    if beyond:
        row = await _booked(
            s, act, sorted(rows, key=lambda row: row.declaration_id not in before), beyond, before
        )
        egress = _egress(
            act,
            crossing=Crossing(row.declaration_id, row.country),
            trade=trade,
            recipient_id=recipient_id,
            kind=kind,
            volume_bytes=beyond,
        )
        egress.carried, egress.fetched = carried, beyond
        await note_egress(s, act.as_exchange(), egress)
    if volume_bytes > beyond:
        known[0].fetched += volume_bytes - beyond
        s.add(known[0])
        await s.flush()


async def has_left(s: ReadSession, *, carried: str, recipient_id: str) -> bool:
    """Whether this was booked and noted for this recipient before."""
    return bool(await repository.egress_carried(s, carried=carried, recipient_id=recipient_id))


async def require_left(s: ReadSession, *, carried: str, recipient_id: str) -> None:
    """Who receives abroad reads again what was booked once. Raises CustomsRouteNotOpen."""
    if await places_abroad(s, org_id=recipient_id, asks=True) and not await has_left(
        s, carried=carried, recipient_id=recipient_id
    ):
        raise CustomsRouteNotOpen("ask again: it has not been booked for a reader abroad", carried=carried)
