"""Packages: cipher text that may be fetched ahead; the release of the key is the use, and nothing else is."""

import hashlib
from typing import Any

import pytest

from base.age import Identity, KeyDoesNotOpen, Payload, file_key_of, payload_length
from base.errors import Conflict, DomainError, NotFound, Refusal
from base.files import FileDamaged
from ledger.acts import perform
from ledger.recording import Act
from market.delivery import downloads
from market.delivery.access import Declared
from market.delivery.downloads import download_act
from market.delivery.packages.service import EVENT, Fetch, fetch_package, package_stream, release_key
from market.delivery.packages.tables import KeyRelease
from market.delivery.rules import EntitlementStatus, Span
from market.delivery.service import freeze_entitlement, revoke_entitlement
from market.listings.publishing import suspend_listing
from market.orders.rules import TradeState
from tests.houses import Party
from tests.market.delivery.funded import MASTER_KEY, SECRET_ROWS, Deal
from tests.market.listings.goods import events, said

ME = Identity.generate()
SEALED = 64 * 1024 + 16


async def asked(deal: Deal, *, party: Party | None = None, **how: Any) -> Fetch:
    entitlement = await deal.entitlement()
    return await fetch_package(
        deal.house.house,
        deal.files,
        MASTER_KEY,
        (party or deal.buyer).actor,
        entitlement_id=entitlement.entitlement_id,
        declared=Declared(),
        **how,
    )


async def fetched(deal: Deal, **how: Any) -> bytes:
    fetch = await asked(deal, **how)
    stream = package_stream(deal.house.house, deal.files, (how.get("party") or deal.buyer).actor, fetch)
    return b"".join([piece async for piece in stream])


async def released(deal: Deal, *, party: Party | None = None, identity: Identity = ME) -> KeyRelease:
    entitlement = await deal.entitlement()

    async def bound(s: Any, act: Act) -> KeyRelease:
        return await release_key(
            s,
            act,
            master=MASTER_KEY,
            entitlement_id=entitlement.entitlement_id,
            age_recipient=identity.recipient,
            declared=Declared(),
        )

    act = download_act(deal.house.house, (party or deal.buyer).actor)
    return await perform(deal.house.house, act, bound, attempted=EVENT, object_id=entitlement.entitlement_id)


def opened(header: bytes, package: bytes, identity: Identity = ME) -> bytes:
    """By the words of the format: the header's key, then chunk for chunk."""
    payload = Payload(file_key_of(header, identity), package[:16])
    chunks = [package[at : at + SEALED] for at in range(16, len(package), SEALED)]
    return b"".join(payload.open(n, chunk, final=n == len(chunks) - 1) for n, chunk in enumerate(chunks))


async def test_a_package_is_fetched_ahead_and_opened_by_the_key_that_is_released_later(deal):
    entitlement = await deal.start()
    package = await fetched(deal)
    assert len(package) == payload_length(len(SECRET_ROWS))
    assert SECRET_ROWS[:40] not in package
    assert (await deal.entitlement()).used == 0
    assert (await deal.trade()).status is TradeState.DELIVERING

    release = await released(deal)
    assert opened(release.header, package) == SECRET_ROWS
    assert (await deal.entitlement()).used == 1
    assert (await deal.trade()).status is TradeState.DELIVERED
    assert (await events(deal.house.database, deal.trade_id))[-2:] == [EVENT, "TRD.DELIVERED"]
    public, opening = await said(deal.house.database, EVENT, deal.trade_id)
    assert (public["entitlement_id"], public["file_sha256"]) == (entitlement.entitlement_id, deal.file.sha256)
    assert public["package_sha256"] == hashlib.sha256(package).hexdigest()
    assert public["key_sha256"] == hashlib.sha256(release.header).hexdigest()
    assert (public["role"], opening["taken_by"]) == ("EXCHANGE_OPERATOR", deal.buyer.org_id)
    delivered, _ = await said(deal.house.database, "TRD.DELIVERED", deal.trade_id)
    assert delivered["mode"] == "released"


async def test_any_range_is_of_the_same_bytes_and_the_tag_is_their_digest(large_deal):
    deal = large_deal
    await deal.start()
    whole = await fetched(deal)
    assert (await asked(deal)).sha256 == hashlib.sha256(whole).hexdigest()
    size = len(whole)
    for start, end in (
        (0, 1),
        (3, 16),
        (15, 17),
        (16, 16 + SEALED),
        (16 + SEALED - 1, 16 + SEALED + 1),
        (500_000, 700_001),
        (size - 1, size),
        (size - 17, size),
    ):
        assert await fetched(deal, range_field=f"bytes={start}-{end - 1}") == whole[start:end], (start, end)
    stale = await asked(deal, range_field="bytes=5-", if_range='"another"')
    assert (stale.reply.span, stale.reply.partial) == (Span(0, size), False)
    assert (await asked(deal, range_field=f"bytes={size}-")).reply.span is None


async def test_a_release_asked_for_again_is_the_same_and_to_another_key_another_use(deal):
    await deal.start()
    await fetched(deal)
    first, again = await released(deal), await released(deal)
    assert (again.release_id, again.header, (await deal.entitlement()).used) == (
        first.release_id,
        first.header,
        1,
    )
    for used in (2, 3):
        await released(deal, identity=Identity.generate())
        assert (await deal.entitlement()).used == used
    assert (await deal.entitlement()).status is EntitlementStatus.USED_UP
    assert (await released(deal)).header == first.header  # an answer that was lost
    await refused(deal, "entitlement-used-up", identity=Identity.generate())
    assert (await events(deal.house.database, deal.trade_id)).count(EVENT) == 3


async def test_a_download_under_way_and_a_release_share_the_uses(deal):
    await deal.start()
    await fetched(deal)
    await deal.take()
    await released(deal)
    await deal.open(range_field="bytes=0-9")
    await refused(deal, "entitlement-used-up", identity=Identity.generate())


async def test_only_the_identity_that_was_named_opens_it(deal):
    await deal.start()
    package = await fetched(deal)
    release = await released(deal)
    with pytest.raises(KeyDoesNotOpen):
        opened(release.header, package, Identity.generate())
    broken = bytearray(package)
    broken[-1] ^= 1
    with pytest.raises(KeyDoesNotOpen):
        opened(release.header, bytes(broken))
    for at in range(0, len(release.header), 7):
        changed = bytearray(release.header)
        changed[at] ^= 1
        with pytest.raises(KeyDoesNotOpen):
            file_key_of(bytes(changed), ME)


@pytest.mark.parametrize("stop", ["freeze", "revoke", "listing", "expiry"])
async def test_what_stops_a_delivery_stops_packages_and_releases(deal, stop):
    entitlement = await deal.start()
    await fetched(deal)
    code = {
        "freeze": "delivery-suspended",
        "revoke": "entitlement-revoked",
        "listing": "listing-not-deliverable",
        "expiry": "entitlement-expired",
    }[stop]
    await _stop(deal, stop, entitlement.expires_at)
    await refused(deal, code)
    with pytest.raises(DomainError) as caught:
        await fetched(deal)
    assert caught.value.code == code


async def test_a_released_key_is_not_given_again_once_the_right_has_fallen(deal):
    entitlement = await deal.start()
    await fetched(deal)
    await released(deal)
    await _stop(deal, "revoke", entitlement.expires_at)
    await refused(deal, "entitlement-revoked")


async def test_a_package_on_its_way_ends_with_its_right(large_deal, monkeypatch):
    deal = large_deal
    await deal.start()
    monkeypatch.setattr(downloads, "ASK_EVERY_BYTES", 1)
    fetch = await asked(deal)
    stream = package_stream(deal.house.house, deal.files, deal.buyer.actor, fetch)
    assert len(await anext(stream)) == 16
    await _stop(deal, "freeze", None)
    with pytest.raises(Refusal) as caught:
        await anext(stream)
    assert caught.value.code == "delivery-suspended"


async def test_strangers_get_neither_package_nor_key_and_no_key_is_released_unfetched(deal):
    await deal.start()
    stranger = await deal.house.admit("旁观数据", {"BUYER"})
    with pytest.raises(NotFound) as caught:
        await released(deal)
    assert caught.value.code == "package-unknown"
    with pytest.raises(DomainError) as foreign:
        await fetched(deal, party=stranger)
    assert foreign.value.code == "entitlement-foreign"
    await fetched(deal)
    await refused(deal, "entitlement-foreign", party=stranger)


async def test_a_damaged_file_makes_no_package(deal):
    await deal.start()
    deal.files.path(deal.file.file_id).write_bytes(b"")
    with pytest.raises(FileDamaged):
        await fetched(deal)


async def _stop(deal: Deal, stop: str, at: Any) -> None:
    if stop == "listing":
        await deal.house.operator.do(
            suspend_listing, listing_id=deal.listing.listing_id, reason_code="CONSENT_WITHDRAWN"
        )
    elif stop == "expiry":
        deal.house.clock.move_to(at)
    else:
        async with deal.house.database.write() as s:
            act = freeze_entitlement if stop == "freeze" else revoke_entitlement
            await act(s, trade_id=deal.trade_id)


async def refused(deal: Deal, code: str, **how: Any) -> None:
    """The release is refused with this code, and neither right nor trade moved."""
    before = await deal.entitlement(), await deal.trade()
    with pytest.raises((Refusal, Conflict, NotFound)) as caught:
        await released(deal, **how)
    assert caught.value.code == code
    assert (await deal.entitlement(), await deal.trade()) == before
