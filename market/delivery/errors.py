"""What a delivery refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal, Unauthenticated


class EntitlementUnknown(NotFound):
    code = "entitlement-unknown"
    title = "No such right to receive data"


class EntitlementForeign(NotPermitted):
    """The right to receive belongs to another organisation."""

    code = "entitlement-foreign"
    title = "This right to receive data is another organisation's"


class DeliveredOtherwise(Conflict):
    """A right to a file is no key to an interface, nor the other way round."""

    code = "delivered-otherwise"
    title = "This right is exercised by another kind of delivery"


class UseKeyReused(Conflict):
    """The key of a use was another use's: with the same key the same is asked again."""

    code = "use-key-reused"
    title = "This key stands for another use"


class UsageUnknown(NotFound):
    code = "usage-unknown"
    title = "No such statement of usage"


class UseNotStated(NotFound):
    code = "use-not-stated"
    title = "This use is not in a statement yet"


class UsageTooSmall(Conflict):
    """Few uses are stated at night; asked for in between are only many."""

    code = "usage-too-small"
    title = "So few uses are stated at night, not in between"


class UseUnknown(NotFound):
    code = "use-unknown"
    title = "No such use of this right"


class AccessKeyRefused(Unauthenticated):
    """A key that is unknown, revoked or past its end; which of them is not told."""

    code = "access-key-refused"
    title = "This access key opens nothing"


class AccessKeyUnknown(NotFound):
    code = "access-key-unknown"
    title = "No such access key"


class TooManyAccessKeys(Refusal):
    """A right has so many live keys at most."""

    code = "too-many-access-keys"
    title = "This right has as many access keys as it may"


class CopyBeingMade(Conflict):
    """The contract gives the buyer a copy of its own, and that is not there yet: ask again in a moment."""

    code = "copy-being-made"
    title = "Your own copy is being made"


class MarkUnknown(NotFound):
    """The contract of this trade lets no copy be marked, or its delivery has not started."""

    code = "mark-unknown"
    title = "No copy of this trade is marked"


class EntitlementUsedUp(Refusal):
    """Every download that the contract gives has been made."""

    code = "entitlement-used-up"
    title = "Every download of this right was made"


class UseKeptForBuyer(Refusal):
    """Until the delivery is made, the last use of a right is the buyer's own."""

    code = "use-kept-for-buyer"
    title = "The last use is kept for the buyer until it has taken delivery"


class EntitlementExpired(Refusal):
    code = "entitlement-expired"
    title = "This right to receive data has ended"


class EntitlementRevoked(Refusal):
    code = "entitlement-revoked"
    title = "This right to receive data was revoked"


class DeliverySuspended(Refusal):
    """A freeze or a dispute stands on the trade, or the delivery is suspended."""

    code = "delivery-suspended"
    title = "Delivery is suspended by an order or a dispute"


class DeliveryWrongState(Conflict):
    """The trade is in a state in which this step of the delivery is not possible."""

    code = "delivery-wrong-state"
    title = "The trade is not at this step of its delivery"


class ListingNotDeliverable(Refusal):
    """What was sold is suspended or barred: nothing more of it goes out."""

    code = "listing-not-deliverable"
    title = "What was sold may not be delivered now"


class GoodsDiffer(Refusal):
    """The buyer's own check says that what came is not what was sold: that is a dispute, no acceptance.

    The trade stays DELIVERED, and the buyer may dispute it until its window ends.
    """

    code = "goods-differ"
    title = "What you checked is not what was sold"


class DeclaredOtherwise(Conflict):
    """An open download goes on for the purpose and the recipient that it was opened for."""

    code = "download-declared-otherwise"
    title = "This download was opened for another purpose or recipient"


class PackageUnknown(NotFound):
    """Its key is released for a package that somebody has fetched, or begun to."""

    code = "package-unknown"
    title = "This package was never fetched"


class DownloadUnknown(NotFound):
    code = "download-unknown"
    title = "No such download"


class SpanOutside(Malformed):
    """Bytes that the file does not have. A caller's mistake, never a client's (that is 416)."""

    code = "span-outside"
    title = "These bytes are outside the file"


class CheckUnknown(NotFound):
    code = "check-unknown"
    title = "No such check of the goods"


class CheckErased(NotFound):
    """That the goods were tested and the outcome stand; what was found was erased on a legal ground."""

    code = "check-erased"
    title = "The report of this check has been erased"


class FactsForeign(Malformed):
    """What was found is not what this type of product is tested by."""

    code = "facts-of-another-type"
    title = "This product is tested by other facts"
