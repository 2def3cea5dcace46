"""A question to the trail, as an address carries it: who, in which role, did what, to what, when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import literal
from sqlmodel import col, select

from base.calendar import at_shanghai
from base.db import ReadSession
from identity.repository import organisations_like
from identity.stating import PRIVILEGED
from ledger import trail
from market.listings.tables import Listing
from market.orders.tables import Trade

NAMES: Final = ("q", "actor", "role", "action", "object", "sector", "from", "to")
PRIVILEGED_ACTS: Final = "PRIVILEGED"
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, each part as text; empty parts ask nothing. `wrong` are the parts nobody can read."""

    parts: Mapping[str, str]
    wrong: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Question":
        """The parts of an address."""
        parts = {name: query.get(name, "").strip()[:_MOST] for name in NAMES}
        wrong = tuple(name for name in ("from", "to") if parts[name] and _day(parts[name]) is None)
        return cls({name: text for name, text in parts.items() if text}, wrong)

    def part(self, name: str) -> str:
        return self.parts.get(name, "")

    async def wanted(self, s: ReadSession) -> trail.Wanted:
        """The question as the ledger takes it: organisations by name, a sector's listings and trades."""
        action, about = self.part("action"), self.part("object")
        actors = await organisations_like(s, text=self.part("actor")) if self.part("actor") else None
        until = _day(self.part("to"))
        return trail.Wanted(
            text=_digest_small(self.part("q")) or None,
            events=PRIVILEGED if action == PRIVILEGED_ACTS else [action] if "." in action else None,
            group=action if action not in {"", PRIVILEGED_ACTS} and "." not in action else None,
            actors=None if actors is None else [one.org_id for one in actors],
            role=self.part("role") or None,
            about=_about(about, _of_sector(self.part("sector"))),
            since=_moment(_day(self.part("from"))),
            until=_moment(None if until is None else until + timedelta(days=1)),
        )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1990 <= found.year <= 2200 else None  # noqa: PLR2004 - what a calendar of ours may hold


def _moment(day: date | None) -> datetime | None:
    return None if day is None else at_shanghai(day, time())


def _digest_small(text: str) -> str:
    """A digest as the ledger writes it, in small letters; anything else as it is."""
    return text.lower() if len(text) == 64 and text.isalnum() else text  # noqa: PLR2004 - SHA-256 in hex


def _about(name: str, sector: Any) -> Any:
    """One object, the objects of a sector, or the one where it is of the sector."""
    if not name or sector is None:
        return [name] if name else sector
    return select(literal(name)).where(literal(name).in_(sector))


def _of_sector(sector: str) -> Any:
    """The listings of a sector and the trades of them, as a selection; None without a sector."""
    if not sector:
        return None
    listings = select(Listing.listing_id).where(Listing.category == sector)
    return listings.union(select(Trade.trade_id).where(col(Trade.listing_id).in_(listings)))
