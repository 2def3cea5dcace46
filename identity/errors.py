"""What identity refuses."""

from base.errors import Conflict, Forbidden, Malformed, NotFound, NotPermitted, Refusal, Unauthenticated


class UsccInvalid(Malformed):
    """Not a Unified Social Credit Code of GB 32100-2015; says what is expected at which place."""

    code = "uscc-invalid"
    title = "The Unified Social Credit Code is wrong"


class PasswordTooWeak(Malformed):
    code = "password-too-weak"
    title = "The password does not meet the policy"


class LoginMalformed(Malformed):
    code = "login-malformed"
    title = "A login is 3 to 64 lower-case letters, digits, dots, hyphens, underscores or @"


class RolesIncompatible(Refusal):
    """Two roles that one organisation must not hold together (states.md §3.0)."""

    code = "roles-incompatible"
    title = "These roles must be held by different organisations"


class OrganisationAdmittedBefore(Conflict):
    code = "organisation-admitted-before"
    title = "An organisation with this credit code is a member already"


class LoginTaken(Conflict):
    code = "login-taken"
    title = "This login is taken"


class OperatorOnly(NotPermitted):
    code = "operator-only"
    title = "Only the exchange operator may do this"


class RolesBeyondGrantor(NotPermitted):
    """Nobody hands on more than they hold: a person's or key's roles lie within the organisation's."""

    code = "roles-beyond-grantor"
    title = "The roles reach beyond those of the one who gives them"


class NotYourOrganisation(NotPermitted):
    code = "not-your-organisation"
    title = "You may not act for this organisation"


class MemberNotActive(NotPermitted):
    code = "member-not-active"
    title = "The organisation is not an active member"


class ExchangeFoundedOtherwise(Conflict):
    """The database belongs to an exchange with another origin, operator or key."""

    code = "exchange-founded-otherwise"
    title = "This database belongs to another exchange"


class ExchangeNotFounded(NotFound):
    code = "exchange-not-founded"
    title = "No exchange has been founded in this database"


class KeyMissing(NotPermitted):
    code = "key-missing"
    title = "No key is registered that could sign this"


class KeyRevoked(NotPermitted):
    code = "key-revoked"
    title = "The key has been revoked"


class KeyRoleMismatch(NotPermitted):
    code = "key-role-mismatch"
    title = "The key may not speak in this role"


class KeyRegisteredBefore(Conflict):
    code = "key-registered-before"
    title = "This key has been registered before"


class KeyInUse(Conflict):
    """The organisation has a live key: it must sign the registration of the next one."""

    code = "key-in-use"
    title = "The organisation's present key must sign for a new one"


class KeyLossUnconfirmed(NotPermitted):
    """After its last key went, an organisation needs the operator's recorded revocation to begin again."""

    code = "key-loss-unconfirmed"
    title = "The exchange operator has to confirm the loss of the last key first"


class SignatureInvalid(Refusal):
    code = "signature-invalid"
    title = "The signature does not hold"


class SignatureElsewhere(Malformed):
    """A signature was asked for that this caller cannot make here: prepare and submit it."""

    code = "signature-elsewhere"
    title = "This needs a signature made elsewhere: prepare it and submit it"


class IdNumberInvalid(Malformed):
    """Not the number of a resident identity card; it says what is wrong, and repeats nothing."""

    code = "id-number-invalid"
    title = "The identity number is wrong"


class PersonNameDiffers(Conflict):
    """One natural person has one name: a second login of the same identity number bears it too."""

    code = "person-name-differs"
    title = "This identity number belongs to somebody of another name"


class PersonIdentifiedOtherwise(Conflict):
    """Who a login belongs to does not change: another person gets another login."""

    code = "person-identified-otherwise"
    title = "This login belongs to another person"


class PersonNotIdentified(NotPermitted):
    """Who decides together with others is known as a natural person: three logins are not three officers."""

    code = "person-not-identified"
    title = "It is not on record which natural person this login belongs to"


class PersonsBound(NotPermitted):
    """Nobody decides together with a login of his or her making; nor do two of one person's making."""

    code = "persons-bound"
    title = "One of these logins was enrolled or identified by the other, or both by one person"


class OverseerStaysApart(NotPermitted):
    """Who is overseen neither makes nor unmakes an overseer: its people see to their own, after the first."""

    code = "overseer-stays-apart"
    title = "The people of an authority are enrolled and closed by the authority itself"


class ContestUnknown(NotFound):
    code = "contest-unknown"
    title = "No such objection"


class ContestDecided(Conflict):
    code = "contest-decided"
    title = "This objection stands already, or was decided"


class NothingContested(Refusal):
    """Nobody else has a login under this person's number; or the operator names one that has another."""

    code = "nothing-contested"
    title = "No other login bears this identity number"


class PreparedUnknown(NotFound):
    code = "prepared-unknown"
    title = "No such prepared act"


class PreparedExpired(Conflict):
    code = "prepared-expired"
    title = "The prepared act has expired: prepare it again"


class PreparedUsed(Conflict):
    code = "prepared-used"
    title = "The prepared act was submitted before"


class PreparedChanged(Conflict):
    """The state moved between prepare and submit, so the statement would no longer be the signed one."""

    code = "prepared-changed"
    title = "Things have changed since this was prepared: prepare it again"


class SignInFailed(Unauthenticated):
    """One answer for an unknown login, a wrong password, a locked or a closed account."""

    code = "sign-in-failed"
    title = "Login or password is wrong, or too many attempts were made: wait and try again"


class SecondFactorNeeded(Unauthenticated):
    """The password is right, and a code is asked for beside it."""

    code = "second-factor-needed"
    title = "A code of your second factor is needed"


class SecondFactorMissing(Forbidden):
    """A role of this person's asks for a second factor, and there is none: nothing but that can be done."""

    code = "second-factor-missing"
    title = "Your role asks for a second factor: set it up first"


class PasswordUnchanged(Malformed):
    code = "password-unchanged"
    title = "The new password is the old one"


class TokenInvalid(Unauthenticated):
    code = "token-invalid"
    title = "The access token is not valid here"


class TokenExpired(Unauthenticated):
    code = "token-expired"
    title = "The access token has expired"


class TokenRevoked(Unauthenticated):
    code = "token-revoked"
    title = "The access token is no longer good"
