"""What the survey refuses."""

from base.errors import Malformed, NotFound, Refusal


class SurveyMalformed(Malformed):
    """A line is not one: `lines` names each with what is wrong in it."""

    code = "survey-malformed"
    title = "Not a survey answer"


class SurveyNotOpen(Refusal):
    """A year is asked about from the first of January after it."""

    code = "survey-not-open"
    title = "This year is not asked about"


class SurveyImplausible(Refusal):
    """Something in the answer is unlikely: `doubts` says what. It is taken with an explanation."""

    code = "survey-implausible"
    title = "The answer is unlikely, and nothing explains it"


class SurveyUnknown(NotFound):
    code = "survey-unknown"
    title = "No such survey answer"
