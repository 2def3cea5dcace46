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


class CaseSameOfficer(NotPermitted):
    """Investigation and decision are two persons' work."""

    code = "case-same-officer"
    title = "Who handles a case does not decide in it"


class DecisionBeyondFinding(Malformed):
    """A decision against nobody, or against whom the finding does not name."""

    code = "decision-beyond-finding"
    title = "The decision is about somebody else than the finding"


class OrderBeyondPower(NotPermitted):
    """The measure is not in the power of this authority."""

    code = "order-beyond-power"
    title = "This authority cannot order this"


class OrderUnknown(NotFound):
    code = "order-unknown"
    title = "No such order"


class OrderConfirmedBefore(Conflict):
    code = "order-confirmed-before"
    title = "This order is in force already"


class OrderLapsed(Conflict):
    """It was not confirmed in time, was withdrawn, or who proposed it has no account any more."""

    code = "order-lapsed"
    title = "This proposed order has lapsed"


class OrderSameOfficer(NotPermitted):
    """An order is two persons' work, however many logins one of them has."""

    code = "order-same-officer"
    title = "Who proposes an order does not put it into force"


class OrderNotOwn(NotPermitted):
    """Who has proposed an order takes it back; a second officer does not confirm what it is against."""

    code = "order-not-own"
    title = "Another officer has proposed this order"


class OrderMalformed(Malformed):
    """A refund without its amount, or an amount in another order."""

    code = "order-malformed"
    title = "The order's terms do not fit its measure"


class FindingFiledBefore(Conflict):
    """A finding becomes a case once."""

    code = "finding-filed-before"
    title = "This finding has its case"


class FindingMalformed(Malformed):
    """Not a finding of the supervision module."""

    code = "finding-malformed"
    title = "Not a finding"


class ErasureBeyondPower(NotPermitted):
    """The ground is another's to rely on: an order is the authority's, a request the operator's."""

    code = "erasure-beyond-power"
    title = "This legal basis is not yours to rely on"


class OpeningInUse(Conflict):
    """A trade is unfinished or frozen, a listing or a mandate stands, a member is a member."""

    code = "opening-in-use"
    title = "This private part is still needed"


class OpeningUnderCase(Conflict):
    """An open case rests on it, or on what it is about."""

    code = "opening-under-case"
    title = "An open case needs this private part"


class KeptByLaw(Conflict):
    """No ground erases it here: another law says who keeps it, and who may destroy it."""

    code = "kept-by-law"
    title = "The law wants this kept"


class RetentionNotOver(Conflict):
    """The law wants it kept until a day that has not come."""

    code = "retention-not-over"
    title = "The period for which the law wants this kept is not over"


class FineBeyondRange(NotPermitted):
    """Who decides does so within the range of the law."""

    code = "fine-beyond-range"
    title = "The fine lies outside its lawful range"


class NormNotInForce(Conflict):
    """What was done is measured by the law of its day."""

    code = "norm-not-in-force"
    title = "No version of this norm was in force on that day"


class NormNotForWhom(Conflict):
    """The norm fines undertakings only, or persons only."""

    code = "norm-not-for-whom"
    title = "This norm does not fine such an offender"


class CaseWrongKind(Conflict):
    """A complaint is mediated, a report is verified; neither takes the other's way."""

    code = "case-wrong-kind"
    title = "Not for this kind of paper"


class CaseTooEarly(Conflict):
    """A party's time has to pass first, or a notice to be given earlier."""

    code = "case-too-early"
    title = "The time for this has not come"


class CaseTooLate(Conflict):
    """The time limit of the law is over."""

    code = "case-too-late"
    title = "The time limit for this is over"


class CaseDoneBefore(Conflict):
    """What is done once in a case is done."""

    code = "case-done-before"
    title = "This was done in the case before"


class CaseIncomplete(Conflict):
    """Something that has to come first is missing: an offer, both consents, a payment, a measure."""

    code = "case-incomplete"
    title = "Something that comes first is missing"


class CaseNotParty(NotPermitted):
    """Only whom the case is about speaks as its party."""

    code = "case-not-party"
    title = "You are no party of this case"


class EvidenceNotSealed(Conflict):
    """An entry that no published checkpoint holds proves nothing yet."""

    code = "evidence-not-sealed"
    title = "No published checkpoint holds this entry"


class EvidenceNotPinned(Conflict):
    """A penalty rests on entries that the case has pinned."""

    code = "evidence-not-pinned"
    title = "This entry is no pinned evidence of the case"


class CodeUnknown(NotFound):
    code = "follow-up-code-unknown"
    title = "No paper was filed under this code"
