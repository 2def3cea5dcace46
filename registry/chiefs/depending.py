"""What a chief data officer has to sign in person: whoever needs it asks here, inside the act."""

from base.db import ReadSession
from identity.rosters import lock_person
from ledger.recording import Act
from registry.chiefs import repository
from registry.chiefs.errors import ChiefWanted


async def require_chief(s: ReadSession, act: Act, *, agency_id: str) -> str:
    """The id (`cdo_…`) of the standing appointment of the person who acts, at the agency he or she acts for.

    The appointment and the login are share-locked: neither ends while the act is under way. It is stated in
    public as `chief_id`. Raises ChiefWanted.
    """
    user_id = act.actor.user_id
    if user_id is not None and act.actor.org_id == agency_id:
        person = await lock_person(s, user_id=user_id)
        if person is not None and person.active and person.mark is not None and person.org_id == agency_id:
            row = await repository.standing_chief(s, agency_id=agency_id, user_id=user_id, now=act.now)
            if row is not None:
                return row.chief_id
    raise ChiefWanted("the agency's standing chief data officer signs this in person", agency_id=agency_id)
