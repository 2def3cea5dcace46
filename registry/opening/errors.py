"""What opening refuses."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class OpeningUnknown(NotFound):
    code = "opening-unknown"
    title = "No such entry of the open list"


class AgreementUnknown(NotFound):
    code = "opening-agreement-unknown"
    title = "No such agreement on opening"


class OpeningPlanUnknown(NotFound):
    code = "opening-plan-unknown"
    title = "No such opening plan"


class OpeningCheckUnknown(NotFound):
    code = "opening-check-unknown"
    title = "No such check of the open list"


class OpeningMalformed(Malformed):
    """What is asked for is not of its form: the fields say which members."""

    code = "opening-malformed"
    title = "The entry is not of its form"


class OpeningWrongState(Conflict):
    """The entry's or the agreement's state does not take this event."""

    code = "opening-wrong-state"
    title = "The present state does not allow this"


class OpeningWrongRole(NotPermitted):
    """The event belongs to another role, or to somebody else in it."""

    code = "opening-wrong-role"
    title = "Another one decides about this entry"


class OpeningSamePerson(NotPermitted):
    """Who proposed an entry does not review it (`states.md` §3.0: reviewer ≠ submitter)."""

    code = "opening-same-person"
    title = "Another person reviews this"


class OpeningListedBefore(Conflict):
    """One entry of the open list stands for a data entry at a time."""

    code = "opening-listed-before"
    title = "This data has an entry in the open list"


class OpeningUnmounted(Refusal):
    """What is opened can be had: a file is mounted on the data entry, or an interface."""

    code = "opening-unmounted"
    title = "Nothing is mounted on this data"


class OpeningFileChanged(Refusal):
    """The mounted bytes are not those that were reviewed, and no scan has shown their level yet."""

    code = "opening-file-changed"
    title = "The file was changed and waits for its scan"


class OpeningConditionsMissing(Refusal):
    """The level is opened with conditions alone (`rules.md` §2.5.1)."""

    code = "opening-conditions-missing"
    title = "Data of this level is opened on stated conditions"


class OpeningRiskUnassessed(Refusal):
    """Important data is provided after a risk assessment alone (网络数据安全管理条例 Art 31)."""

    code = "opening-risk-unassessed"
    title = "No risk assessment was made before this"


class OpeningHeld(Refusal):
    """An authority suspended the entry and has not let it go."""

    code = "opening-held"
    title = "An authority holds this entry"


class OpeningClosed(Refusal):
    """The entry is not open now."""

    code = "opening-closed"
    title = "This data is not open now"


class UserNotNamed(Refusal):
    """Targeted opening names its users; this one is not among them, or no longer."""

    code = "opening-user-not-named"
    title = "This data is open to named users, and you are not among them"


class PurposeNotNamed(Refusal):
    """The purpose is none of those for which the user may have it."""

    code = "opening-purpose-not-named"
    title = "This data is not open to you for that purpose"


class AgreementMissing(Refusal):
    """Authorised opening rests on a signed agreement that is in force."""

    code = "opening-agreement-missing"
    title = "No agreement on this data is in force with you"


class AgreementRepeated(Conflict):
    """One agreement with a user is offered or in force at a time."""

    code = "opening-agreement-repeated"
    title = "There is an agreement with this user already"


class PlanPublishedBefore(Conflict):
    """A year has one opening plan of an agency; it is revised."""

    code = "opening-plan-published-before"
    title = "This year's plan was published before"
