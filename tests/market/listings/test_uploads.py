"""Uploads without a listing, on both kinds of database: counted for each member, forgotten in time."""

from datetime import timedelta

import pytest

from base.ids import Seed
from market.listings.errors import UploadQuotaFull
from market.listings.tables import ListingFile
from market.listings.uploads import Quota, forget_uploads, require_room, room_left
from tests.houses import Party
from tests.market.trade.scene import Scene, both


def lying(scene: Scene, party: Party, size: int) -> ListingFile:
    now = scene.clock.now()
    return ListingFile(
        file_id=Seed().new_id("fil", now),
        owner_id=party.org_id,
        sha256="0" * 64,
        bytes=size,
        name="goods.csv",
        media_type="text/csv",
        stored_at=now,
    )


async def leave(scene: Scene, party: Party, size: int, quota: Quota) -> None:
    async with scene.database.write() as s:
        await require_room(s, owner_id=party.org_id, size=size, quota=quota)
        s.add(lying(scene, party, size))


async def test_only_what_no_listing_was_drafted_of_counts(scene):
    quota = Quota(files=2, bytes=100)
    async with scene.database.read() as s:  # the seller has a listing, and its file
        assert await room_left(s, owner_id=scene.seller.org_id, quota=quota) == 100
    await leave(scene, scene.seller, 60, quota)
    with pytest.raises(UploadQuotaFull) as caught:
        await leave(scene, scene.seller, 41, quota)
    assert caught.value.facts == {"most_files": 2, "most_bytes": 100}
    await leave(scene, scene.seller, 39, quota)
    with pytest.raises(UploadQuotaFull):
        await leave(scene, scene.seller, 1, quota)
    await leave(scene, scene.stranger, 100, quota)


async def test_two_uploads_at_once_do_not_share_the_last_room(scene):
    quota = Quota(files=1, bytes=100)
    answers = await both(
        leave(scene, scene.seller, 10, quota),
        leave(scene, scene.seller, 10, quota),
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "UploadQuotaFull"]


async def test_what_is_old_is_forgotten_and_what_is_listed_stays(scene):
    await leave(scene, scene.seller, 10, Quota(files=9, bytes=100))
    async with scene.database.write() as s:
        assert await forget_uploads(s, before=scene.clock.now()) == []
    async with scene.database.write() as s:
        (gone,) = await forget_uploads(s, before=scene.clock.now() + timedelta(seconds=1))
        assert await s.get(ListingFile, gone) is None
        assert await s.get(ListingFile, scene.listing.file_id) is not None
