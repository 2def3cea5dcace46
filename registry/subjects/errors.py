"""What the data subjects' desk refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal, Unauthenticated


class SubjectSignInFailed(Unauthenticated):
    """The code, the signature or the session is not good (any more)."""

    code = "subject-sign-in-failed"
    title = "Sign in as a data subject again"


class SubjectWordForged(NotPermitted):
    """The signature does not hold over these very words and this challenge, or none was brought."""

    code = "subject-word-forged"
    title = "This is not signed by the person's own key"


class SubjectRecordUnknown(NotFound):
    """No such thing, or another person's: the two are not told apart."""

    code = "subject-record-unknown"
    title = "No such record"


class SubjectWrongRole(NotPermitted):
    code = "subject-wrong-role"
    title = "This is another's to do"


class SubjectWrongState(Conflict):
    """The record's state does not take this event."""

    code = "subject-wrong-state"
    title = "The record's present state does not allow this"


class SubjectMalformed(Malformed):
    """A wording, a consent or a request is not of its form."""

    code = "subject-malformed"
    title = "This is not of its form"


class InvitationInvalid(Refusal):
    """No invitation of this code is open."""

    code = "subject-invitation-invalid"
    title = "This invitation is not open"


class InvitationTaken(Conflict):
    """The code of an invitation is another one's already: codes are random, so it was not made as one."""

    code = "subject-invitation-taken"
    title = "This code is another invitation's"


class SubjectTiedBefore(Conflict):
    """The holder knows a person under this pseudonym already."""

    code = "subject-tied-before"
    title = "This pseudonym is taken"


class WordingBundled(Malformed):
    """One wording asks one thing: separate consent is never bundled (PIPL 14, 23, 25, 29, 39)."""

    code = "subject-wording-bundled"
    title = "Consents are asked one by one"


class WordingRetired(Refusal):
    """A newer version stands, or the holder asks this no more."""

    code = "subject-wording-retired"
    title = "This wording is not in force"


class ConsentBeyondWording(Refusal):
    """A person gives what was asked or less, never more."""

    code = "subject-consent-beyond-wording"
    title = "This is more than was asked"


class ConsentGivenBefore(Conflict):
    """The same consent stands."""

    code = "subject-consent-given-before"
    title = "This consent stands already"


class ProofWrong(Refusal):
    """The Merkle path does not lead to the root that the record cites."""

    code = "subject-proof-wrong"
    title = "This proof does not lead to the record's root"


class RequestAsked(Conflict):
    """The same is asked of the same holder and not answered."""

    code = "subject-request-asked"
    title = "This is asked already"


class ComplaintFiledBefore(Conflict):
    """One request becomes one complaint."""

    code = "subject-complaint-filed-before"
    title = "This was complained of already"
