"""Why an evaluation says no."""

from base.errors import Conflict, Malformed, NotFound, NotPermitted, Refusal


class EvaluationUnknown(NotFound):
    code = "evaluation-unknown"
    title = "No such evaluation"


class EvaluationMalformed(Malformed):
    """A period has a beginning before its end, is over, and names public agencies."""

    code = "evaluation-malformed"
    title = "The evaluation is not of its form"


class EvaluationWrongState(Conflict):
    """The evaluation's state does not take this event."""

    code = "evaluation-wrong-state"
    title = "The evaluation's present state does not allow this"


class EvaluationWrongRole(NotPermitted):
    """The event belongs to another role, or to another one in it."""

    code = "evaluation-wrong-role"
    title = "Another one decides about this evaluation"


class EvaluationSameOfficer(NotPermitted):
    """Who scored an agency does not answer its objection (`states.md` §3.0)."""

    code = "evaluation-same-officer"
    title = "Another officer of the data authority decides this"


class EvaluationTooLate(Refusal):
    """The period for it is over."""

    code = "evaluation-too-late"
    title = "The period for this is over"


class EvaluationTooEarly(Refusal):
    """Its period is not over, or an agency still has time for its own report."""

    code = "evaluation-too-early"
    title = "It is too early for this"


class EvaluationsOpen(Conflict):
    """A period is published as a whole: a comparison leaves nobody out."""

    code = "evaluations-open"
    title = "Not every evaluation of this period is final"


class InputsBroken(Malformed):
    """What is to be computed again is not the canonical document that was frozen."""

    code = "evaluation-inputs-broken"
    title = "These are no frozen inputs of an evaluation"
