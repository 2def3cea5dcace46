"""What sealed auctions refuse."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class AuctionUnknown(NotFound):
    code = "auction-unknown"
    title = "No such auction"


class BidUnknown(NotFound):
    code = "auction-bid-unknown"
    title = "No such bid in this auction"


class AwardUnknown(NotFound):
    """There is no award, or it is not for whoever asks."""

    code = "auction-award-unknown"
    title = "No award of this auction for you"


class AuctionWrongState(Conflict):
    """The auction's state does not take this event; `allowed` lists those it takes."""

    code = "auction-wrong-state"
    title = "The auction's present state does not allow this"


class AuctionWrongRole(NotPermitted):
    """The event belongs to another role."""

    code = "auction-wrong-role"
    title = "Another role does this with an auction"


class AuctionMovedOn(Conflict):
    """Somebody else moved the auction first: of two callers one wins."""

    code = "auction-moved-on"
    title = "The auction has moved on"


class AuctionMalformed(Malformed):
    """A number, a time or a digest of the auction is not of its form."""

    code = "auction-malformed"
    title = "The auction is malformed"


class AuctionNotYours(NotPermitted):
    """A listing is put up for auction by its seller."""

    code = "auction-not-yours"
    title = "Only its provider puts a listing up for auction"


class AuctionOfPublicData(Refusal):
    """Public data has one price, at or below its cap, for everybody."""

    code = "auction-of-public-data"
    title = "Public data is not sold by auction"
    rule_id: ClassVar[str | None] = "PRICE_CAP"


class AuctionRunning(Conflict):
    """A listing is in one auction at a time."""

    code = "auction-running"
    title = "This listing is in an auction already"


class AuctionHasBids(Conflict):
    """An auction is cancelled before its first commitment, and never after it."""

    code = "auction-has-bids"
    title = "The auction has bids and cannot be cancelled"


class AuctionFull(Conflict):
    """An auction takes so many bids."""

    code = "auction-full"
    title = "The auction has as many bids as it takes"


class AuctionPhaseOver(Conflict):
    """The time to commit, or to reveal, has passed; also while the clock has not said so yet."""

    code = "auction-phase-over"
    title = "The time for this has passed in the auction"


class BidRelated(Refusal):
    """Neither the seller nor anyone of its group bids for its own goods."""

    code = "auction-bid-related"
    title = "The bidder belongs to the provider"
    rule_id: ClassVar[str | None] = "AUC-RELATED"


class BidBefore(Conflict):
    """One undertaking bids once, with whichever of its organisations."""

    code = "auction-bid-before"
    title = "This undertaking has bid in the auction"


class CommitmentTaken(Conflict):
    """A commitment that stands already in this auction was copied."""

    code = "auction-commitment-taken"
    title = "This commitment stands in the auction already"


class CommitmentNotOpened(Refusal):
    """The price and the nonce are not those that were committed to."""

    code = "auction-commitment-not-opened"
    title = "This does not open the commitment"
    rule_id: ClassVar[str | None] = "AUC-COMMIT"


class RevealedBefore(Conflict):
    """What was revealed stands."""

    code = "auction-revealed-before"
    title = "This was revealed already"


class SeedNotPublished(Conflict):
    """Bids are revealed when the root that draws the sides is public, so that nobody can still choose it."""

    code = "auction-seed-not-published"
    title = "The log has not published the close of the auction yet"
