"""What trades refuse."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class TradeUnknown(NotFound):
    code = "trade-unknown"
    title = "No such trade"


class TradeWrongState(Conflict):
    """The trade's state does not take this event; `allowed` lists those it takes."""

    code = "trade-wrong-state"
    title = "The trade's present state does not allow this"


class TradeWrongRole(NotPermitted):
    """The event belongs to another role."""

    code = "trade-wrong-role"
    title = "Another party of the trade does this"


class TradeMovedOn(Conflict):
    """Somebody else moved the trade first: of two callers one wins."""

    code = "trade-moved-on"
    title = "The trade has moved on"


class NegotiationTooLong(Conflict):
    """A quote replays every offer, so there is a most of them (`pricing.negotiated`)."""

    code = "negotiation-too-long"
    title = "This negotiation has had all its offers"


class DeadlinePassed(Conflict):
    """What could be done until a deadline comes too late."""

    code = "trade-deadline-passed"
    title = "The deadline has passed"


class DeadlineNotReached(Conflict):
    """What happens at or after a deadline comes too early."""

    code = "trade-deadline-not-reached"
    title = "The deadline is not reached yet"


class RefusalReasonMissing(Refusal):
    """A refusal to deal always gives its reason (AML Art 22(1)(3); it feeds the rule AB3)."""

    code = "refusal-reason-missing"
    title = "A refusal gives its reason"
    rule_id: ClassVar[str | None] = "AB3"


class OfferMalformed(Malformed):
    """A quantity or a term that is not positive or beyond its limit."""

    code = "offer-malformed"
    title = "The offer's terms are malformed"


class DeliveryModeNotAllowed(Refusal):
    """Each type of product has its kinds of delivery (`rules.md` §2.3.5)."""

    code = "delivery-mode-not-allowed"
    title = "This type of product is not delivered so"
    rule_id: ClassVar[str | None] = "TRD-DELIVERY"


class FeesChanged(Conflict):
    """The broker's commission is not the one the offer was made with: nobody pays what was not shown."""

    code = "fees-changed"
    title = "The fees are not those that the offer showed"


class PrecheckFailed(Refusal):
    """At least one check before the contract fails; `failed` lists their names."""

    code = "precheck-failed"
    title = "A check before the contract fails"
    rule_id: ClassVar[str | None] = "PRECHECK"


class SourceRecordsMissing(Refusal):
    """The source statement or a party's checked identity is not on record (DSL Art 33)."""

    code = "source-records-missing"
    title = "Source and identity records are not complete"
    rule_id: ClassVar[str | None] = "BR3"


class ChannelConditionsUnmet(Refusal):
    """The level may go through this channel, and what that asks for is not there."""

    code = "channel-conditions-unmet"
    title = "The level's conditions for this channel are not met"
    rule_id: ClassVar[str | None] = "GRADE-CHANNEL"


class OwnListing(Refusal):
    """Nobody buys from itself."""

    code = "own-listing"
    title = "The buyer is the provider"


class NotAParty(NotPermitted):
    """The actor has no such role in this trade."""

    code = "not-a-party"
    title = "You are no party of this trade in that role"


class ContractErased(NotFound):
    """Its digest and its signatures stand; what it said was erased on a legal ground."""

    code = "contract-erased"
    title = "The contract's text has been erased"


class ContractUnknown(NotFound):
    code = "contract-unknown"
    title = "No such contract"


class ContractNotDrawnUp(Conflict):
    """The checks before the contract have not passed."""

    code = "contract-not-drawn-up"
    title = "There is no contract to sign yet"


class SignedBefore(Conflict):
    """A party signs a contract once."""

    code = "contract-signed-before"
    title = "This party has signed the contract"


class PolicyRefuses(Refusal):
    """A bound of the usage policy, or of the listing's conditions, does not hold (`docs/contract.md`)."""

    code = "policy-refuses"
    title = "The usage policy does not allow this"
    rule_id: ClassVar[str | None] = "USE"


class UseProhibited(PolicyRefuses):
    code = "policy-prohibits"
    title = "The contract prohibits this use"
    rule_id: ClassVar[str | None] = "USE-PROHIBITED"


class ResaleNotPermitted(PolicyRefuses):
    """A licence is for the named buyer and its scenario; nobody may flip it (`rules.md` §2.3.5)."""

    code = "policy-resale"
    title = "A licence cannot be resold"
    rule_id: ClassVar[str | None] = "USE-RESALE"


class DerivativeNotPermitted(PolicyRefuses):
    code = "policy-derivative"
    title = "Derived products are not allowed"
    rule_id: ClassVar[str | None] = "USE-DERIVATIVE"


class PurposeNotPermitted(PolicyRefuses):
    code = "policy-purpose"
    title = "This purpose is not allowed"
    rule_id: ClassVar[str | None] = "USE-PURPOSE"


class TerritoryNotPermitted(PolicyRefuses):
    code = "policy-territory"
    title = "The licence does not reach this territory"
    rule_id: ClassVar[str | None] = "USE-TERRITORY"


class TermEnded(PolicyRefuses):
    code = "policy-term"
    title = "The licence's term does not reach this"
    rule_id: ClassVar[str | None] = "USE-TERM"


class CountExceeded(PolicyRefuses):
    code = "policy-count"
    title = "The licence does not give this many uses"
    rule_id: ClassVar[str | None] = "USE-COUNT"


class RecipientNotPermitted(PolicyRefuses):
    code = "policy-recipient"
    title = "The licence does not name this recipient"
    rule_id: ClassVar[str | None] = "USE-RECIPIENT"


class RetentionTooLong(PolicyRefuses):
    code = "policy-retention"
    title = "Copies have to be destroyed sooner"
    rule_id: ClassVar[str | None] = "USE-DELETE"


class PolicyNotUnderstood(PolicyRefuses):
    """A policy with something in it that is not known here allows nothing."""

    code = "policy-not-understood"
    title = "The usage policy holds something that is not known here"
    rule_id: ClassVar[str | None] = "USE-UNKNOWN"


class PolicyErased(PolicyRefuses):
    """What the policy says was erased on a legal ground, so nothing more is given under it."""

    code = "policy-erased"
    title = "The usage policy has been erased"
    rule_id: ClassVar[str | None] = "USE-UNKNOWN"


class ModelUnknown(NotFound):
    code = "contract-model-unknown"
    title = "No such model contract"


class ContestUnknown(NotFound):
    code = "reward-contest-unknown"
    title = "No such contest of a reward"


class NothingToContest(Conflict):
    """No broker without a seat is owed anything in the trade, or it is concluded."""

    code = "reward-not-claimed"
    title = "No reward is claimed in this trade"


class RewardFallen(Conflict):
    """Nobody pays a broker that is owed nothing when the contract is concluded: it is drawn up anew."""

    code = "reward-fallen"
    title = "The reward in the contract is not owed any more"
    rule_id: ClassVar[str | None] = "BR-BYPASS"


class ContestClosed(Conflict):
    code = "reward-contest-closed"
    title = "The contest is decided"


class RewardContested(Conflict):
    """An open contest is decided before the contract is concluded; it is made once for each broker."""

    code = "reward-contested"
    title = "The broker's reward is contested"
    rule_id: ClassVar[str | None] = "BR-BYPASS"


class OfficerRelated(NotPermitted):
    """Nobody decides on a trade of one's own, one's employer's or one's controller's."""

    code = "officer-related"
    title = "This officer is related to a party"
