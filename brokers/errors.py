"""What the room of brokers refuses, and what every act of a broker may run into.

The rule ids are those of the conduct rules (`rules.md` §2.2.4, BR1 to BR15).
"""

from typing import ClassVar

from base.errors import Conflict, NotFound, NotPermitted, Refusal


class CertificateUnknown(NotFound):
    code = "certificate-unknown"
    title = "No such broker certificate"


class MandateUnknown(NotFound):
    code = "mandate-unknown"
    title = "No such mandate"


class CertificateWrongState(Conflict):
    """The certificate's state does not take this event."""

    code = "certificate-wrong-state"
    title = "The certificate's present state does not allow this"


class CertificateWrongRole(NotPermitted):
    """The event belongs to another role."""

    code = "certificate-wrong-role"
    title = "Another role decides about the certificate"


class EmergencyRepeated(Conflict):
    """The exchange's last emergency suspension ended by itself: the next one waits, or is the authority's."""

    code = "emergency-repeated"
    title = "The authority has not decided on the last emergency suspension"


class CertificateNumberTaken(Conflict):
    code = "certificate-number-taken"
    title = "This number belongs to another certificate"


class CertificateOverlaps(Conflict):
    """An organisation holds at most one certificate at any time."""

    code = "certificate-overlaps"
    title = "The organisation holds a certificate for this time"


class BrokerBarred(Refusal):
    """For three years after a revocation there is no new certificate (rule set BRK-QUAL)."""

    code = "broker-barred"
    title = "No new certificate for three years after a revocation"
    rule_id: ClassVar[str | None] = "BRK-QUAL"


class BrokerRoleMissing(NotPermitted):
    code = "broker-role-missing"
    title = "The organisation was not admitted as a broker"


class CertificateBeyondGrade(Refusal):
    """The scope asked for is wider than the grade may handle (rule set BRK-QUAL)."""

    code = "certificate-beyond-grade"
    title = "The scope is wider than the grade allows"
    rule_id: ClassVar[str | None] = "BRK-QUAL"


class MandateWrongState(Conflict):
    """The mandate's state does not take this event."""

    code = "mandate-wrong-state"
    title = "The mandate's present state does not allow this"


class MandateWrongRole(NotPermitted):
    """The event belongs to the other party of the mandate."""

    code = "mandate-wrong-role"
    title = "The other party of the mandate decides this"


class BrokerNotCertified(Refusal):
    """No active certificate covers this act; `reason` says which of its limits was met."""

    code = "broker-not-certified"
    title = "No active broker certificate covers this act"
    rule_id: ClassVar[str | None] = "BR1"


class DecidedSince(Refusal):
    """Only what was decided before this exchange was founded is entered; anything else is applied for."""

    code = "certificate-decided-since"
    title = "Who is certified since the exchange was founded applies for it here"


class CertificateTermWrong(Refusal):
    """What was decided elsewhere is entered once it runs, from its decision on, for a certificate's years."""

    code = "certificate-term-wrong"
    title = "A certificate that is entered runs already, from its decision on, and no longer than others"


class PractitionerNeeded(Refusal):
    """An organisation that named its certified practitioners acts by one of them."""

    code = "practitioner-needed"
    title = "A practitioner named under the certificate does this"
    rule_id: ClassVar[str | None] = "BR1"


class NoActiveMandate(Refusal):
    """No active written mandate of this client covers this act; `reason` says why."""

    code = "no-active-mandate"
    title = "No active mandate of the client covers this act"
    rule_id: ClassVar[str | None] = "BR2"


class ConflictNotConsented(Refusal):
    """An interest of 5 % or an overlap of management, and a party has not consented in writing."""

    code = "conflict-not-consented"
    title = "A conflict of interest without both parties' consent"
    rule_id: ClassVar[str | None] = "BR4"


class SelfDealing(Refusal):
    """The broker, or whoever controls it, is a party of the trade it mediates."""

    code = "self-dealing"
    title = "A broker does not trade for its own account in what it brokers"
    rule_id: ClassVar[str | None] = "BR5"


class DualRepresentation(Refusal):
    """The broker acts for both sides, and a mandate lacks the consent to that."""

    code = "dual-representation"
    title = "Acting for both sides needs both clients' consent"
    rule_id: ClassVar[str | None] = "BR6"


class CommissionAboveCap(Refusal):
    """The commission is above the cap of the tax-inclusive price."""

    code = "commission-above-cap"
    title = "The commission is above the cap"
    rule_id: ClassVar[str | None] = "BR7"


class ApplicationUnknown(NotFound):
    code = "application-unknown"
    title = "No such application"


class NotYourCertificate(NotPermitted):
    """An application or certificate is its broker's to act on."""

    code = "not-your-certificate"
    title = "The certificate belongs to another organisation"


class ApplicationUnderWay(Conflict):
    """One application at a time; and who has applied here is decided on here."""

    code = "application-under-way"
    title = "An application of this organisation decides"


class ApplicationIncomplete(Refusal):
    """Kinds of evidence are missing; `missing` names them."""

    code = "application-incomplete"
    title = "Evidence is missing"
    rule_id: ClassVar[str | None] = "BRK-QUAL"


class NotQualified(Refusal):
    """A condition of the type and grade is not met; `unmet` names each with its number."""

    code = "not-qualified"
    title = "A condition of this grade is not met"
    rule_id: ClassVar[str | None] = "BRK-QUAL"


class CorrectionAskedBefore(Conflict):
    """All gaps are told at once, and only once."""

    code = "correction-asked-before"
    title = "The applicant was asked for corrections before"


class DeadlineOver(Conflict):
    """The ledger's time decides, whatever date a document bears."""

    code = "deadline-over"
    title = "The time for this is over"


class TooEarly(Conflict):
    code = "too-early"
    title = "The time for this has not come"


class EvidencePostdated(Refusal):
    """A document bears a date after the day on which it is filed."""

    code = "evidence-postdated"
    title = "A document is dated after the day of its filing"
    rule_id: ClassVar[str | None] = "BRK-PROC"


class EvidenceTooOld(Refusal):
    code = "evidence-too-old"
    title = "A document is too old to show this"
    rule_id: ClassVar[str | None] = "BRK-PROC"


class EvidenceRedated(Refusal):
    """The very same document was filed before under another date."""

    code = "evidence-redated"
    title = "The same document was filed before under another date"
    rule_id: ClassVar[str | None] = "BRK-PROC"


class PanelNotComplete(Conflict):
    """Fewer than three persons have voted, or as many for as against."""

    code = "panel-not-complete"
    title = "The panel has not decided yet"


class PanelDecidedOtherwise(Refusal):
    code = "panel-decided-otherwise"
    title = "Most of the panel voted otherwise"
    rule_id: ClassVar[str | None] = "BRK-PROC"


class PanelVotedBefore(Conflict):
    """A natural person votes once, with whatever login."""

    code = "panel-voted-before"
    title = "This person has voted already"


class PanelTie(NotPermitted):
    """A person who is related to the applicant, or does not declare to be without ties, does not decide."""

    code = "panel-tie"
    title = "Somebody with ties to the applicant does not decide"
    rule_id: ClassVar[str | None] = "BRK-PROC"


class ObjectionsDiffer(Conflict):
    """Objections are decided together: all that are open, and no other."""

    code = "objections-differ"
    title = "Other objections are open than those that are decided"


class AnnualReportFiled(Conflict):
    code = "annual-report-filed"
    title = "The report on this year was filed before"
    rule_id: ClassVar[str | None] = "BR14"


class AnnualReportMissing(Conflict):
    """There is no report that waits for its review."""

    code = "annual-report-missing"
    title = "No annual report waits for its review"
    rule_id: ClassVar[str | None] = "BR14"


class NotPutRight(Conflict):
    code = "not-put-right"
    title = "The broker has not said yet what it put right"
    rule_id: ClassVar[str | None] = "BR14"


class ScopeNotCut(Refusal):
    """A cut takes something away, adds nothing, and leaves something."""

    code = "scope-not-cut"
    title = "A cut of scope takes something away and adds nothing"


class RenewalWindowClosed(Conflict):
    code = "renewal-window-closed"
    title = "The certificate cannot be renewed at this time"
    rule_id: ClassVar[str | None] = "BRK-CERT"


class HandOverOpen(Conflict):
    """Mandates or trades of the broker still run; `mandates` and `trades` name them."""

    code = "hand-over-open"
    title = "Mandates or trades of the broker still run"
    rule_id: ClassVar[str | None] = "BR15"
