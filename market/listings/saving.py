"""Searches of the catalogue that a person keeps under a name: found again in one click, deleted as easily."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, func, select

from base.db import ReadSession, WriteSession
from market.listings.errors import SearchesFull, SearchMalformed
from market.listings.tables import SavedSearch

MOST: Final = 30
MAX_NAME: Final = 60
MAX_ADDRESS: Final = 2_000


async def saved_searches(s: ReadSession, *, user_id: str) -> Sequence[SavedSearch]:
    """A person's searches by name."""
    query = select(SavedSearch).where(SavedSearch.user_id == user_id).order_by(col(SavedSearch.name))
    return (await s.exec(query)).all()


async def save_search(s: WriteSession, *, user_id: str, name: str, address: str, at: datetime) -> SavedSearch:
    """Keep a search under a name; one that has the name is replaced.

    `address` is the query of the catalogue's address, as the page writes it. Raises SearchMalformed,
    SearchesFull.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME or not 0 < len(address) <= MAX_ADDRESS:
        raise SearchMalformed("a name and a search are wanted", most=MAX_NAME)
    row = await s.get(SavedSearch, (user_id, name))
    if row is None:
        kept = select(func.count()).select_from(SavedSearch).where(SavedSearch.user_id == user_id)
        if (await s.exec(kept)).one() >= MOST:
            raise SearchesFull("delete a search that is not needed any more", most=MOST)
    upsert = (postgresql if s.get_bind().dialect.name == "postgresql" else sqlite).insert(SavedSearch)
    fresh = {"address": address, "saved_at": at}
    kept_now = upsert.values(user_id=user_id, name=name, **fresh)  # two windows at once save one search
    await s.exec(kept_now.on_conflict_do_update(index_elements=["user_id", "name"], set_=fresh))
    found = await s.get(SavedSearch, (user_id, name), populate_existing=True)
    assert found is not None
    return found


async def forget_search(s: WriteSession, *, user_id: str, name: str) -> None:
    """Keep a search no longer; one that is not there is gone already."""
    own = (col(SavedSearch.user_id) == user_id, col(SavedSearch.name) == name)
    await s.exec(delete(SavedSearch).where(*own))
