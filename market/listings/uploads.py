"""Uploads of which no listing was drafted yet: how many a member may have, and when they are forgotten."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import text as sql
from sqlmodel import col, delete, select

from base.db import ReadSession, WriteSession
from market.listings.errors import UploadQuotaFull
from market.listings.tables import Listing, ListingFile

_LISTED = select(Listing.listing_id).where(col(Listing.file_id) == col(ListingFile.file_id)).exists()
_OF_NO_LISTING = ~_LISTED & col(ListingFile.copy_of).is_(None)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a member may have stored without a listing."""

    files: int
    bytes: int


async def room_left(s: ReadSession, *, owner_id: str, quota: Quota) -> int:
    """How many bytes a member may upload now. Raises UploadQuotaFull."""
    query = select(func.count(), func.coalesce(func.sum(ListingFile.bytes), 0)).where(
        ListingFile.owner_id == owner_id, _OF_NO_LISTING
    )
    count, stored = (await s.exec(query)).one()
    if count >= quota.files or stored >= quota.bytes:
        raise quota_full(quota)
    return int(quota.bytes - stored)


async def require_room(s: WriteSession, *, owner_id: str, size: int, quota: Quota) -> None:
    """The same for a file that has come in, decided in turn for each member. Raises UploadQuotaFull."""
    if s.get_bind().dialect.name == "postgresql":  # SQLite's one writer has it already
        number = int.from_bytes(hashlib.sha256(f"uploads/{owner_id}".encode()).digest()[:8], signed=True)
        await (await s.connection()).execute(sql("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
    if await room_left(s, owner_id=owner_id, quota=quota) < size:
        raise quota_full(quota)


def quota_full(quota: Quota) -> UploadQuotaFull:
    """The refusal, with what the quota is."""
    return UploadQuotaFull(
        "draft listings of what is stored, or wait until it is forgotten",
        most_files=quota.files,
        most_bytes=quota.bytes,
    )


async def forget_uploads(s: WriteSession, *, before: datetime) -> Sequence[str]:
    """Forget uploads that no listing was drafted of; answers the files whose bytes go after the commit."""
    gone = delete(ListingFile).where(col(ListingFile.stored_at) < before, _OF_NO_LISTING)
    return list((await s.exec(gone.returning(col(ListingFile.file_id)))).scalars())
