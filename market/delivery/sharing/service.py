"""Who may read what is shared, and how a query is counted: before any address of a file is given out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.canonical import canonical, sha256_hex
from base.db import ReadSession, WriteSession
from base.files import StoredFile
from identity.repository import get_organisation
from ledger.recording import Act, Actor
from market.delivery import repository
from market.delivery.access import (
    let_out_again_to,
    require_going_to,
    require_permitted,
    require_receiving,
)
from market.delivery.downloads import ROLE
from market.delivery.keys import declared_by, hold_key, lives
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.marking.repository import require_made
from market.delivery.meter.repository import use_by_key
from market.delivery.meter.service import Counted, Metered, count_use
from market.delivery.meter.tables import Use
from market.delivery.service import check_deliverable
from market.delivery.sharing.asking import VERSION, Query, key_in, windows
from market.delivery.sharing.errors import SharedUrlRefused
from market.delivery.sharing.naming import SharedName, slug
from market.delivery.sharing.signing import LIFE, Grant, check
from market.delivery.tables import AccessKey, Entitlement
from market.delivery.tabling.tables import TableFile
from market.delivery.tabling.view import made_of
from market.delivery.tabular import stored
from market.listings.repository import get_listing
from market.orders.parts import View, view_of_text
from market.orders.tables import Trade

EVENT: Final = "DLV.USAGE"


@dataclass(frozen=True, slots=True)
class Shared:
    """What one key may read: a table, as its contract lets it out."""

    key: AccessKey
    entitlement: Entitlement
    seller_id: str
    name: SharedName
    title: str

    @property
    def view(self) -> View:
        """The part of the table that the contract lets out."""
        return view_of_text(self.entitlement.part)

    @property
    def source(self) -> StoredFile:
        """The file that was sold."""
        return repository.stored_file(self.entitlement)

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return Actor(self.key.org_id, frozenset({ROLE}))


async def shared_by(s: ReadSession, key: AccessKey, *, now: datetime) -> Shared:
    """What a key may read, as long as its right stands.

    Raises DeliveredOtherwise, CopyBeingMade, and what `require_usable` and `check_deliverable` raise.
    """
    trade, entitlement = await _require_standing(s, key, now=now)
    title = (await get_listing(s, listing_id=trade.listing_id)).title
    name = await shared_name(s, trade)
    return Shared(key, entitlement, trade.seller_id, name, title)


async def shared_name(s: ReadSession, trade: Trade) -> SharedName:
    """What the table of a trade is called."""
    listing = await get_listing(s, listing_id=trade.listing_id)
    seller = await get_organisation(s, org_id=trade.seller_id)
    return SharedName(slug(seller.name if seller else trade.seller_id), trade.trade_id, slug(listing.title))


async def _require_standing(s: ReadSession, key: AccessKey, *, now: datetime) -> tuple[Trade, Entitlement]:
    trade, entitlement, listing = await repository.standing(s, entitlement_id=key.entitlement_id)
    await require_receiving(s, trade, entitlement, org_id=key.org_id, now=now)
    require_kind(entitlement.kind, DeliveryKind.SHARE)
    check_deliverable(trade.listing_id, listing)
    await require_made(s, entitlement_id=entitlement.entitlement_id)
    return trade, entitlement


async def count_query(
    s: WriteSession, act: Act, *, shared: Shared, query: Query, table: StoredFile
) -> Counted:
    """Count a query, once for all that ask the same within the life of an address.

    The key and its right are asked again under lock. Raises AccessKeyRefused and what `count_use` raises.
    """
    await hold_key(s, key_id=shared.key.key_id, now=act.now)
    asked = query.request_sha256(
        table_sha256=table.sha256,
        by=shared.key.org_id,
        purpose=shared.key.purpose,
        recipient=shared.key.recipient,
    )
    window, before = windows(act.now)
    entitlement_id = shared.entitlement.entitlement_id
    earlier = await use_by_key(s, entitlement_id=entitlement_id, key=key_in(before, asked))
    lasts = earlier is not None and act.now < earlier.used_at + LIFE
    files = [{"id": table.sha256, "size": table.bytes}]
    return await count_use(
        s,
        act,
        entitlement_id=entitlement_id,
        kind=DeliveryKind.SHARE,
        metered=Metered(
            key=key_in(before if lasts else window, asked),
            request_sha256=asked,
            answer_sha256=sha256_hex(canonical({"version": VERSION, "files": files})),
            bytes=table.bytes,
        ),
        declared=declared_by(shared.key),
    )


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that may be sent now, and by what it may."""

    table: StoredFile
    key: AccessKey
    use_id: str

    @property
    def actor(self) -> Actor:
        """Who fetches."""
        return Actor(self.key.org_id, frozenset({ROLE}))

    @property
    def receivers(self) -> frozenset[str]:
        """Who takes, and for whom."""
        return frozenset({self.key.org_id, self.key.recipient or self.key.org_id})


async def count_fetch(s: WriteSession, act: Act, *, fetched: Fetched, volume_bytes: int) -> None:
    """Book what is sent of a file beyond what its query was booked with, where it leaves the mainland.

    Raises CustomsRouteNotOpen, DeclaredVolumeExceeded, and what ends or stops a right.
    """
    right = fetched.key.entitlement_id
    trade, _ = await repository.claim(s, entitlement_id=right, moves_trade=False)
    await let_out_again_to(
        s,
        act,
        trade,
        takers=fetched.receivers,
        kind=DeliveryKind.SHARE,
        volume_bytes=volume_bytes,
        carried=fetched.use_id,
    )


async def fetched_by(
    s: ReadSession, *, master: bytes, use_id: str, key_id: str, stamp: str, tag: str, now: datetime
) -> Fetched:
    """What an address opens at this moment. Raises SharedUrlRefused, and what ends or stops a right."""
    use, key = await s.get(Use, use_id), await s.get(AccessKey, key_id, populate_existing=True)
    if use is None or key is None or use.entitlement_id != key.entitlement_id:
        raise SharedUrlRefused("no such address")
    entitlement = await repository.get_entitlement(s, entitlement_id=key.entitlement_id)
    found = await s.get(TableFile, made_of(entitlement.sha256, view_of_text(entitlement.part)))
    if found is None:
        raise SharedUrlRefused("no such address")
    table = stored(found)
    grant = Grant(use_id, key_id, key.entitlement_id, table.sha256)
    check(master, grant, stamp=stamp, tag=tag, now=now)
    if not lives(key, now) or use.taken_by != key.org_id:
        raise SharedUrlRefused("no such address")
    _, entitlement = await _require_standing(s, key, now=now)
    declared = declared_by(key)
    await require_permitted(s, entitlement, declared, by=key.org_id, now=now, count=use.number)
    return Fetched(table, key, use_id)


async def require_open(s: ReadSession, key_id: str, *, now: datetime) -> None:
    """Whether what is on its way may go on. Raises SharedUrlRefused, and what ends or stops a right."""
    key = await s.get(AccessKey, key_id, populate_existing=True)
    if key is None or not lives(key, now):
        raise SharedUrlRefused("the key has ended")
    trade, entitlement = await _require_standing(s, key, now=now)
    if key.recipient not in {None, key.org_id}:
        await require_going_to(s, trade, entitlement, {str(key.recipient)}, now=now)
