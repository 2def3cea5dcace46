"""What listings refuse."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal, TooLarge


class ListingUnknown(NotFound):
    code = "listing-unknown"
    title = "No such listing"


class ListingWrongState(Conflict):
    """The listing's state does not take this event; `allowed` lists those it takes."""

    code = "listing-wrong-state"
    title = "The listing's present state does not allow this"


class ListingWrongRole(NotPermitted):
    """The event belongs to another role."""

    code = "listing-wrong-role"
    title = "Another role decides this about the listing"


class ListingMovedOn(Conflict):
    """Somebody else moved the listing first: of two callers one wins."""

    code = "listing-moved-on"
    title = "The listing has moved on"


class ListingNotOnOffer(Conflict):
    """What is not listed now cannot be inquired about, contracted or delivered anew."""

    code = "listing-not-on-offer"
    title = "The product is not listed at present"


class ListingMalformed(Malformed):
    """A text, a number, a category or a region of the listing is not of its form."""

    code = "listing-malformed"
    title = "The listing is malformed"


class SandboxTermsMissing(Refusal):
    """A listing that does not say what may be asked of its table is sold in another way."""

    code = "sandbox-terms-missing"
    title = "The listing does not say what may be asked of its table"


class ListingIncomplete(Refusal):
    """A listing is submitted with its materials; `missing` names those that are not there."""

    code = "listing-incomplete"
    title = "Materials of the listing are missing"
    rule_id: ClassVar[str | None] = "LST-MATERIALS"


class ScenarioMissing(Refusal):
    """无场景不登记: no scenario, no registration."""

    code = "scenario-missing"
    title = "A product is registered for a scenario of use"
    rule_id: ClassVar[str | None] = "LST-SCENARIO"


class NegativeListHit(Refusal):
    """The product is on the list of what may not be traded; `hits` names the entries."""

    code = "negative-list"
    title = "The negative list forbids this product"
    rule_id: ClassVar[str | None] = "NL"


class ReviewerIsSubmitter(Refusal):
    """Nobody reviews what they submitted."""

    code = "reviewer-is-submitter"
    title = "The reviewer must not be the submitter"
    rule_id: ClassVar[str | None] = "LST-REVIEW"


class JointReviewNeeded(Refusal):
    """General-3 and above, and public data, are approved by three members together (合规会审)."""

    code = "joint-review-needed"
    title = "Three members have to approve this listing"
    rule_id: ClassVar[str | None] = "LST-JOINT-REVIEW"


class PriceBasisMissing(Refusal):
    """Nothing is listed without a price and what it rests on."""

    code = "price-basis-missing"
    title = "The listing has no price basis"
    rule_id: ClassVar[str | None] = "LST-PRICE"


class PlanMalformed(Malformed):
    """A price plan names a pricing method and its terms; `reason` is what the method says against them."""

    code = "price-plan-malformed"
    title = "The price plan is malformed"


class FileUnknown(NotFound):
    """No uploaded file of that id that the caller may use."""

    code = "file-unknown"
    title = "No such file"


class FileListedBefore(Conflict):
    """One uploaded file belongs to one listing."""

    code = "file-listed-before"
    title = "This file belongs to a listing already"


class ReviewedBefore(Conflict):
    """Each member decides once in a round of review."""

    code = "reviewed-before"
    title = "You have decided about this submission before"


class BuyerConditionsUnmet(Refusal):
    """The listing says whom it is sold to; `unmet` names what the buyer does not meet."""

    code = "buyer-conditions-unmet"
    title = "The listing's conditions for buyers are not met"
    rule_id: ClassVar[str | None] = "LST-BUYERS"


class UploadQuotaFull(TooLarge):
    """A member stores as much without a listing as it may; nothing of the upload is kept."""

    code = "upload-quota-full"
    title = "Too much is stored that no listing was drafted of"


class SearchMalformed(Malformed):
    """A search is kept under a name of some letters."""

    code = "search-malformed"
    title = "A search is kept under a name"


class SearchesFull(Conflict):
    """A person keeps so many searches."""

    code = "searches-full"
    title = "You keep as many searches as you may"
