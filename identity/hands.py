"""On whose word it rests that a login is somebody: two logins that one person has made are no two persons.

Who enrolled a login, who said whose it is and who said so again each vouch for it. Its chains of vouchers
lead back to those whom the house itself enrolled: where one person stands in every chain, the login rests
on that one's word alone, however many logins lie between and whatever these say of one another. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hand:
    """A login: at which organisation, of which natural person, and which logins vouched for it.

    Without any the house did. `housed` tells that it was the house that enrolled one whom others identified:
    that counts only where these others rest on it in turn.
    """

    org_id: str
    who: str
    makers: frozenset[str] = field(default_factory=frozenset)
    housed: bool = False


def resting_on(who: str, known: Mapping[str, Hand]) -> frozenset[str]:
    """The logins, that person's own among them, to which no chain leads but through him or her."""
    roots = {one for one, hand in known.items() if not hand.makers or hand.makers - known.keys()}
    away = known.keys() - _reached(roots, known)
    roots |= {one for one in away if known[one].housed}
    without = {one: hand for one, hand in known.items() if hand.who != who}
    return frozenset(known) - _reached(roots, without)


def alike(user_id: str, known: Mapping[str, Hand]) -> set[str]:
    """The other logins that rest on the word of one person alone on which this one rests, or on its own."""
    found = set[str]()
    if user_id not in known:
        return found
    own = known[user_id].who
    for who in {known[one].who for one in _before(user_id, known)}:
        held = resting_on(who, known)
        if user_id in held:
            found |= {one for one in held if who != own or known[one].who != own}
    return found - {user_id}


def _reached(roots: set[str], among: Mapping[str, Hand]) -> set[str]:
    reached, more = set[str](), roots & among.keys()
    while more:
        reached |= more
        more = {one for one, hand in among.items() if one not in reached and hand.makers & more}
    return reached


def _before(user_id: str, known: Mapping[str, Hand]) -> set[str]:
    found, more = set[str](), {user_id}
    while more:
        found |= more
        more = {by for one in more for by in known[one].makers if by in known} - found
    return found
