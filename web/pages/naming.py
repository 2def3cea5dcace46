"""Names for ids, so that a page speaks of members and not of keys of a table."""

from collections.abc import Iterable, Mapping

from base.db import ReadSession
from identity.repository import organisation_names


class Names(dict[str, str]):
    """Names by org_id; an id that is nobody's is its own name."""

    def __missing__(self, org_id: str) -> str:
        return org_id


async def names_of(s: ReadSession, *ids: Iterable[str | None]) -> Mapping[str, str]:
    """The names of members by their ids; None is passed over."""
    wanted = {org_id for some in ids for org_id in some if org_id is not None}
    return Names(await organisation_names(s, org_ids=wanted))
