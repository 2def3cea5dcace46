"""What the regulator's room refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted


class CaseUnknown(NotFound):
    code = "case-unknown"
    title = "No such case"


class CaseWrongState(Conflict):
    """The case's state does not take this event."""

    code = "case-wrong-state"
    title = "The case's present state does not allow this"


class CaseWrongRole(NotPermitted):
    """The event belongs to another authority."""

    code = "case-wrong-role"
    title = "Another authority does this"


class OrderBeyondPower(NotPermitted):
    """The measure is not in the power of this authority."""

    code = "order-beyond-power"
    title = "This authority cannot order this"


class FindingFiledBefore(Conflict):
    """A finding becomes a case once."""

    code = "finding-filed-before"
    title = "This finding has its case"


class FindingMalformed(Malformed):
    """Not a finding of the supervision module."""

    code = "finding-malformed"
    title = "Not a finding"
