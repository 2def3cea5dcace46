"""Why the register of maturity levels says no."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted


class MaturityUnknown(NotFound):
    code = "maturity-unknown"
    title = "No such certificate of maturity"


class MaturityMalformed(Malformed):
    """Levels are 1 to 5, and a certificate is valid after it was issued."""

    code = "maturity-malformed"
    title = "The certificate is not of its form"


class MaturityWrongState(Conflict):
    code = "maturity-wrong-state"
    title = "The certificate's present state does not allow this"


class MaturityWrongRole(NotPermitted):
    """An organisation claims its own level, and another one confirms it."""

    code = "maturity-wrong-role"
    title = "Another one decides about this certificate"
