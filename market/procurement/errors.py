"""What the procurement of a public agency refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class ProcurementUnknown(NotFound):
    code = "procurement-unknown"
    title = "No basis of procurement is stated here"


class ProcurementMalformed(Malformed):
    code = "procurement-malformed"
    title = "Not a basis of procurement"


class NotPublicBuyer(NotPermitted):
    """A basis is stated by the public agency that buys, for itself."""

    code = "procurement-not-yours"
    title = "Only the public agency that buys states this"


class ProcurementClosed(Conflict):
    """The trade is contracted, or is over: its basis stands as it was stated."""

    code = "procurement-closed"
    title = "The basis of this purchase can no longer be stated"


class ProcurementBasisMissing(Refusal):
    """A public agency buys on a stated basis (政府采购法 Art 2, 26)."""

    code = "procurement-basis-missing"
    title = "The agency has not stated on what basis it buys"
    rule_id = "PROCUREMENT"


class ProcurementOverBudget(Refusal):
    """The price is above the budget that the agency has stated (政府采购法 Art 6, 36)."""

    code = "procurement-over-budget"
    title = "The price is above the stated budget"
    rule_id = "PROCUREMENT"


class PurchaseDuplicate(Refusal):
    """Other agencies have this product: `duplicates` says who, when, at what price.

    It goes on once the agency has seen them all, and has given a reason.
    """

    code = "purchase-duplicate"
    title = "Another public agency has bought this product"
    rule_id = "PROCUREMENT"
