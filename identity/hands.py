"""On whose word it rests that a login is somebody: two logins that one person has made are no two persons.

Who enrolled a login, who said whose it is and who said so again each vouch for it. What a voucher is worth
is followed back to those whom the house itself enrolled: a login whose every voucher leads to one person
rests on that one's word alone, however many logins lie between. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hand:
    """A login: at which organisation, of which natural person, and which logins vouched for it."""

    org_id: str
    who: str
    makers: frozenset[str] = field(default_factory=frozenset)


def roots(user_id: str, known: Mapping[str, Hand], *, below: frozenset[str] = frozenset()) -> frozenset[str]:
    """The natural persons on whose word it rests; nobody where the house itself enrolled the login.

    Who vouches for one that vouched for him or her adds nothing.
    """
    hand, found = known.get(user_id), set[str]()
    for maker in hand.makers - below - {user_id} if hand is not None else ():
        further = roots(maker, known, below=below | {user_id})
        found |= further or {known[maker].who if maker in known else maker}
    return frozenset(found)


def alike(user_id: str, known: Mapping[str, Hand]) -> set[str]:
    """The other logins that rest on the word of the very one person alone on which this one rests."""
    own = roots(user_id, known)
    if len(own) != 1:
        return set()
    return {other for other in known if other != user_id and roots(other, known) == own}
