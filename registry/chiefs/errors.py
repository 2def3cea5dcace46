"""Why the register of chief data officers says no."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted


class ChiefUnknown(NotFound):
    code = "chief-unknown"
    title = "No such appointment"


class ChiefMalformed(Malformed):
    """An appointment is dated by its document, and ends after it has begun."""

    code = "chief-malformed"
    title = "The appointment is not of its form"


class ChiefWrongState(Conflict):
    """The appointment has ended, or another was made meanwhile."""

    code = "chief-wrong-state"
    title = "The appointment's present state does not allow this"


class ChiefWrongRole(NotPermitted):
    """An agency appoints its own chief data officer, one of its own people."""

    code = "chief-wrong-role"
    title = "Another one appoints here"


class ChiefSelfAppointed(NotPermitted):
    """Nobody appoints himself or herself, with whichever login."""

    code = "chief-self-appointed"
    title = "Nobody appoints himself or herself"


class ChiefWanted(NotPermitted):
    """This is signed by the agency's standing chief data officer in person (R04)."""

    code = "chief-data-officer-wanted"
    title = "The agency's chief data officer signs this"
