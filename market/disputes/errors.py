"""What a dispute and a refund refuse."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class DisputeUnknown(NotFound):
    """The trade is not disputed, and never was."""

    code = "dispute-unknown"
    title = "There is no dispute about this trade"


class DisputeMalformed(Malformed):
    """A ground, an outcome or a digest that is none, or a text that is too long."""

    code = "dispute-malformed"
    title = "The dispute's terms are malformed"


class EvidenceMissing(Refusal):
    """Who disputes says what is wrong, in words or by the digests of what shows it."""

    code = "dispute-evidence-missing"
    title = "A dispute comes with its evidence"


class ProposalUnknown(NotFound):
    code = "proposal-unknown"
    title = "No such proposal"


class ProposalNotOpen(Conflict):
    """It was withdrawn, replaced by a later one, or accepted."""

    code = "proposal-not-open"
    title = "This proposal does not stand any more"


class ProposalIsOwn(Refusal):
    """Nobody agrees with themselves."""

    code = "proposal-is-own"
    title = "The other side agrees to a proposal"


class ProposalNotOwn(NotPermitted):
    """Who made a proposal withdraws it."""

    code = "proposal-not-own"
    title = "This proposal is the other side's"


class OfficerNeeded(NotPermitted):
    """A vote is a person's of the exchange: a key that belongs to nobody has none."""

    code = "officer-needed"
    title = "An officer of the exchange votes in person"


class VotedBefore(Conflict):
    """Each member of a panel votes once."""

    code = "voted-before"
    title = "This officer has voted"


class RefundBeyondPaid(Refusal):
    """More would go back than was paid and has not gone back yet."""

    code = "refund-beyond-paid"
    title = "The refund is more than what was paid"


class NothingReleased(Conflict):
    """Nobody was paid out of this trade: there is nothing to claim back."""

    code = "nothing-released"
    title = "Nothing was paid out of this trade"
