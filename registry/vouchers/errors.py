"""What asset certificates refuse."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class VoucherUnknown(NotFound):
    code = "voucher-unknown"
    title = "No such asset certificate"


class VoucherTypeUnknown(NotFound):
    code = "voucher-type-unknown"
    title = "No such type of asset certificate"


class StatusListUnknown(NotFound):
    code = "voucher-list-unknown"
    title = "No such status list"


class VoucherMalformed(Malformed):
    """What was said is not of its form."""

    code = "voucher-malformed"
    title = "This is not of its form"


class VoucherWrongState(Conflict):
    """The certificate's, or its type's, present state does not take this event."""

    code = "voucher-wrong-state"
    title = "The asset certificate's present state does not allow this"


class VoucherWrongRole(NotPermitted):
    """The event belongs to another role, or to somebody else in it."""

    code = "voucher-wrong-role"
    title = "Another one decides about this asset certificate"


class VoucherTypeTaken(Conflict):
    code = "voucher-type-taken"
    title = "A type of this code is there already"


class VoucherTypeRevoked(Refusal):
    """The data authority has revoked the type, or has not approved it: nothing of it is made or taken."""

    code = "voucher-type-revoked"
    title = "This type of asset certificate is not in force"


class VoucherBeyondType(Refusal):
    """Items, period, purpose, validity or uses that the type does not allow, or the subject did not."""

    code = "voucher-beyond-type"
    title = "More than the type, or the subject, allows"


class VoucherOwnWord(Refusal):
    """Subject, provider and user are three: nobody certifies itself, or certifies to itself."""

    code = "voucher-own-word"
    title = "Subject, provider and user are three different ones"


class VoucherIssuerWanted(Refusal):
    """A provider signs certificates with an issuing key, which it appoints first."""

    code = "voucher-issuer-wanted"
    title = "The provider has appointed no issuing key"


class VoucherIssuerTaken(Conflict):
    code = "voucher-issuer-taken"
    title = "Another issuing key was appointed at the same moment"


class VoucherListFull(Conflict):
    """A list in which too many places are taken hides nobody among many."""

    code = "voucher-list-full"
    title = "The status list has no room left: a new issuing key brings a new list"


class VoucherLevelTooHigh(Refusal):
    """The data is of a higher level than the scenario allows."""

    code = "voucher-level"
    title = "The data's level is above what the type allows"


class VoucherQualityTooLow(Refusal):
    """The data is of a lower quality than the type asks for."""

    code = "voucher-quality"
    title = "The data's quality is below what the type asks for"


class VoucherForged(Refusal):
    """What was presented is not what was signed: a changed byte, another key, another certificate."""

    code = "voucher-forged"
    title = "What was presented does not hold"


class VoucherUserMismatch(NotPermitted):
    """A certificate serves the one user that its subject named (`rules.md` §2.3.4)."""

    code = "voucher-user-mismatch"
    title = "This was presented to another user"


class VoucherPurposeMismatch(Refusal):
    """A certificate serves the one purpose that its subject named (`rules.md` §2.3.4)."""

    code = "voucher-purpose-mismatch"
    title = "The subject authorised another purpose"
    rule_id = "PURPOSE_MISMATCH"


class VoucherRevoked(Refusal):
    """Its provider found an error in it, or a court has ordered its end."""

    code = "voucher-revoked"
    title = "The asset certificate was revoked"


class AuthorisationWithdrawn(Refusal):
    """Each use needs a live authorisation (`rules.md` §2.3.4): the subject has taken it back."""

    code = "voucher-authorisation-withdrawn"
    title = "The subject has withdrawn its authorisation"


class VoucherExpired(Refusal):
    code = "voucher-expired"
    title = "The asset certificate has expired"


class VoucherExhausted(Refusal):
    code = "voucher-exhausted"
    title = "All uses that the subject allowed are made"


class VoucherSuperseded(Refusal):
    """The data was corrected: a newer certificate stands in its place."""

    code = "voucher-superseded"
    title = "The data was corrected: a newer certificate stands in its place"
