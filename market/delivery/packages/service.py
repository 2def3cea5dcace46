"""The package of a right is anybody's to fetch who may use the right; it is opened by a key that is released.

The package is cipher text: to fetch it is no use, and it may be fetched ahead and again. The release of its
key is the use: counted, stated by the exchange (DLV.RELEASE_KEY), and the delivery of a trade that waits for
it. A key that was released cannot be called back; so whatever stops a delivery stops its release.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sqlmodel import select

from base.age import check_recipient, header_for, payload_length
from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from base.files import FileStore, StoredFile
from ledger.acts import House, perform
from ledger.recording import Act, Actor, record
from ledger.statement import Draft
from market.delivery import repository
from market.delivery.access import (
    Declared,
    let_out_to,
    require_going_to,
    require_permitted,
    require_receiving,
)
from market.delivery.downloads import authorise_download, download_act, still_open, while_open
from market.delivery.errors import PackageUnknown
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.marking.repository import require_made
from market.delivery.packages.sealing import PackageKey, sealed_digest, sealed_range
from market.delivery.packages.tables import KeyRelease, Package
from market.delivery.rules import EntitlementStatus, Mode, Reply, choose_bytes, etag, place
from market.delivery.service import require_outgoing, state_delivered
from market.delivery.tables import Entitlement
from market.orders.rules import TradeState

EVENT: Final = "DLV.RELEASE_KEY"


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request for a package that may be answered: 416 without a span in its reply."""

    entitlement_id: str
    file: StoredFile
    sha256: str
    reply: Reply
    key: PackageKey
    recipient: str


async def fetch_package(
    house: House,
    files: FileStore,
    master: bytes,
    actor: Actor,
    *,
    entitlement_id: str,
    range_field: str | None = None,
    if_range: str | None = None,
    declared: Declared,
) -> Fetch:
    """Allow one request for a package, whole or a range; the first makes it, which reads the file once.

    Raises what `authorise_download` and `require_permitted` raise, and FileDamaged.
    """
    act = download_act(house, actor)

    async def allowed(s: WriteSession, act: Act) -> tuple[Entitlement, Package | None, str]:
        by = act.actor.org_id
        _, entitlement = await authorise_download(s, entitlement_id=entitlement_id, org_id=by, now=act.now)
        told = await require_permitted(
            s,
            entitlement,
            declared,
            by=by,
            now=act.now,
            count=min(entitlement.used + 1, entitlement.max_downloads),
        )
        return entitlement, await package_of(s, entitlement_id=entitlement_id), told.recipient or by

    entitlement, package, recipient = await perform(
        house, act, allowed, attempted=EVENT, object_id=entitlement_id
    )
    file = repository.stored_file(entitlement)
    await files.check(file)
    package = package or await _make(house, files, master, file, entitlement_id=entitlement_id)
    reply = choose_bytes(
        range_field=range_field, if_range=if_range, size=package.size, tag=etag(package.sha256)
    )
    return Fetch(entitlement_id, file, package.sha256, reply, _key(master, package), recipient)


async def _make(
    house: House, files: FileStore, master: bytes, file: StoredFile, *, entitlement_id: str
) -> Package:
    """Choose a key and take the package's digest; of two at once the first stands."""
    key = PackageKey.generate()
    sha256 = await sealed_digest(files, file, key)
    async with house.database.write() as s:
        await repository.claim(s, entitlement_id=entitlement_id, moves_trade=False)
        package = await package_of(s, entitlement_id=entitlement_id)
        if package is None:
            package = Package(
                entitlement_id=entitlement_id,
                file_sha256=file.sha256,
                sha256=sha256,
                size=payload_length(file.bytes),
                sealed_key=key.sealed(master, entitlement_id=entitlement_id, file_sha256=file.sha256),
                made_at=house.clock.now(),
            )
            s.add(package)
            await s.flush()
    return package


def package_stream(house: House, files: FileStore, actor: Actor, fetch: Fetch) -> AsyncIterator[bytes]:
    """The bytes of an allowed request; whatever ends the right ends them too."""
    assert fetch.reply.span is not None
    start, end = fetch.reply.span.start, fetch.reply.span.end
    pieces = sealed_range(files, fetch.file, fetch.key, start, end)
    return while_open(pieces, still_open(house, actor, fetch.entitlement_id, {fetch.recipient}))


async def release_key(
    s: WriteSession, act: Act, *, master: bytes, entitlement_id: str, age_recipient: str, declared: Declared
) -> KeyRelease:
    """Wrap a package's key for one recipient key, and count the use (DLV.RELEASE_KEY).

    For the buyer, or for a recipient that the contract names. Asked for again with the same recipient key
    it is the same release. The buyer's first delivers a trade that waits. Raises Malformed, what
    `authorise_download` and `require_permitted` raise, EntitlementUsedUp, UseKeptForBuyer, PackageUnknown.
    """
    check_recipient(age_recipient)
    by = act.actor.org_id
    trade, entitlement = await repository.claim(s, entitlement_id=entitlement_id, moves_trade=True)
    await require_receiving(s, trade, entitlement, org_id=by, now=act.now)
    require_kind(entitlement.kind, DeliveryKind.FILE)
    await require_made(s, entitlement_id=entitlement_id)
    await require_outgoing(s, trade, now=act.now)
    known = await release_of(s, entitlement_id=entitlement_id, by=by, age_recipient=age_recipient)
    if known is not None:
        await require_going_to(s, trade, entitlement, {by, known.recipient or by}, now=act.now)
        return known
    package = await package_of(s, entitlement_id=entitlement_id)
    if package is None:
        raise PackageUnknown("fetch the package first", entitlement_id=entitlement_id)
    under_way = await repository.open_downloads_of(s, entitlement_id=entitlement_id)
    delivering = trade.status is TradeState.DELIVERING
    buyers = by == entitlement.buyer_id or any(
        (one.taken_by or entitlement.buyer_id) == entitlement.buyer_id for one in under_way
    )
    used = entitlement.used + len(under_way)
    place(
        open_sent=None,
        length=0,
        size=entitlement.bytes,
        used=used,
        max_downloads=entitlement.max_downloads,
        kept=1 if delivering and not buyers else 0,
    )
    told = await require_permitted(s, entitlement, declared, by=by, now=act.now, count=used + 1)
    takers = {by, told.recipient or by}
    await let_out_to(
        s, act, trade, takers=takers, kind=DeliveryKind.FILE, volume_bytes=entitlement.bytes, whole=True
    )
    release = KeyRelease(
        release_id=act.new_id("rel"),
        entitlement_id=entitlement_id,
        taken_by=by,
        age_recipient=age_recipient,
        header=header_for(_key(master, package).file_key, age_recipient),
        purpose=told.purpose,
        recipient=told.recipient,
        released_at=act.now,
    )
    entitlement.used += 1
    if entitlement.used == entitlement.max_downloads:
        entitlement.status = EntitlementStatus.USED_UP
    s.add(entitlement)
    await s.flush()
    await _state(s, act, entitlement, package, release)
    if delivering and by == entitlement.buyer_id:
        await state_delivered(s, act.as_exchange(), trade, entitlement, Mode.RELEASED)
    return release


async def _state(
    s: WriteSession, act: Act, entitlement: Entitlement, package: Package, release: KeyRelease
) -> None:
    recorded = await record(
        s,
        act.as_exchange(),
        Draft(
            EVENT,
            entitlement.trade_id,
            public={
                "trade_id": entitlement.trade_id,
                "entitlement_id": entitlement.entitlement_id,
                "file_sha256": entitlement.sha256,
                "package_sha256": package.sha256,
                "key_sha256": sha256_hex(release.header),
            },
            opening={
                "bytes": entitlement.bytes,
                "purpose": release.purpose,
                "recipient": release.recipient,
                "taken_by": release.taken_by,
            },
            subjects={"file": entitlement.sha256, "package": package.sha256},
        ),
    )
    release.statement_id = recorded.statement_id
    s.add(release)
    await s.flush()


async def package_of(s: ReadSession, *, entitlement_id: str) -> Package | None:
    """The package of a right, once it was made."""
    return await s.get(Package, entitlement_id, populate_existing=True)


async def release_of(
    s: ReadSession, *, entitlement_id: str, by: str, age_recipient: str
) -> KeyRelease | None:
    """What was released to a taker for a recipient key."""
    query = select(KeyRelease).where(
        KeyRelease.entitlement_id == entitlement_id,
        KeyRelease.taken_by == by,
        KeyRelease.age_recipient == age_recipient,
    )
    return (await s.exec(query)).first()


def _key(master: bytes, package: Package) -> PackageKey:
    return PackageKey.opened(
        master, package.sealed_key, entitlement_id=package.entitlement_id, file_sha256=package.file_sha256
    )
