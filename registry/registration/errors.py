"""What registration refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class RegistrationUnknown(NotFound):
    code = "registration-unknown"
    title = "No such registration"


class RegistrationRequestUnknown(NotFound):
    code = "registration-request-unknown"
    title = "No such request on this registration"


class RegistrationMalformed(Malformed):
    """The declaration is not of its form (`rules.md` §2.3.2)."""

    code = "registration-malformed"
    title = "The declaration is not of its form"


class RegistrationWrongState(Conflict):
    """The registration's state does not take this event."""

    code = "registration-wrong-state"
    title = "The registration's present state does not allow this"


class RegistrationWrongRole(NotPermitted):
    """The event belongs to another role, or to somebody else in it."""

    code = "registration-wrong-role"
    title = "Another one decides about this registration"


class RegistrarUnknown(Refusal):
    """Only a registrar that the data authority has recognised registers."""

    code = "registrar-unknown"
    title = "This registrar is not recognised"


class RegistrarUnfit(Refusal):
    """The numbers of a registrar are not met (capital, experience, protection level, clean years)."""

    code = "registrar-unfit"
    title = "The conditions of a registrar are not met"


class RegistrarYearUnfit(Refusal):
    """A report is on a year that is over, and in which the registrar was recognised."""

    code = "registrar-year-unfit"
    title = "Not a year to report on"


class RegistrarReported(Conflict):
    """Each year is reported on and assessed once, and leaving is told once."""

    code = "registrar-reported"
    title = "This is filed already"


class RegistrarUnreported(Refusal):
    """Nobody passes the assessment of a year that is not reported on."""

    code = "registrar-unreported"
    title = "There is no report on this year"


class RegistrarLeaving(Conflict):
    """A registrar leaves on the day that it told, and that the data authority agreed to."""

    code = "registrar-leaving"
    title = "It does not leave yet"


class ToldTooLate(Refusal):
    """A change is told five working days before, leaving six months before."""

    code = "registrar-told-too-late"
    title = "This is told too late"


class RegistrarOwnData(Refusal):
    """A registrar registers neither its own data nor that of whom it is controlled with."""

    code = "registrar-own-data"
    title = "A registrar never registers its own data"


class RegistrationTooLate(Refusal):
    """The period for it is over."""

    code = "registration-too-late"
    title = "The period for this is over"


class RegistrationTooEarly(Refusal):
    """The period before it is not over."""

    code = "registration-too-early"
    title = "It is too early for this"


class RegistrationExtended(Conflict):
    """A review is extended once."""

    code = "registration-extended"
    title = "The review was extended before"


class OwnershipDispute(Conflict):
    """Another claims the same data as the one it came from (2026 guideline Art 22(3))."""

    code = "registration-ownership-dispute"
    title = "Another claims the same data: an ownership dispute is open"


class RegistrationUnconfirmed(Conflict):
    """Not every holder that the declaration names has said yes to it."""

    code = "registration-unconfirmed"
    title = "Not every named holder has confirmed"


class RegistrationBlocked(Conflict):
    """A pledged or preserved right is not transferred, given up or changed in its holders."""

    code = "registration-blocked"
    title = "A pledge or a preservation blocks this"


class ObjectionRepeated(Conflict):
    """One objection of a member is open at a time, and none rests on evidence that was answered before."""

    code = "objection-repeated"
    title = "This was objected before"


class RegistrationAsked(Conflict):
    """The same was asked, and is not decided."""

    code = "registration-asked"
    title = "This is asked already"


class RegistrationSameOfficer(NotPermitted):
    """Who reviewed an application does not decide about what is objected to it (`states.md` §3.0)."""

    code = "registration-same-officer"
    title = "Another officer of the registrar decides this"


class RegistrationObjectionsOpen(Conflict):
    """Name the objections that are open, and no other."""

    code = "registration-objections-differ"
    title = "The objections named are not those that are open"


class RegistrationLapsed(Refusal):
    """What a listing, contract or delivery rests on does not stand: disputed, expired, cancelled, revoked."""

    code = "registration-lapsed"
    title = "The registration that this rests on does not stand"


class PublicRegistrationUnknown(Refusal):
    """A product of authorised public data needs the code of its public-data registration (Art 15)."""

    code = "public-registration-unknown"
    title = "No public-data registration of this code stands"
