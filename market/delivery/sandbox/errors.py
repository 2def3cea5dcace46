"""What the sandbox refuses."""

from base.errors import Conflict, NotFound, NotPermitted, Refusal, Unavailable


class QuestionRefused(Refusal):
    """The question is none that the terms allow; `reason` names what is in the way."""

    code = "question-refused"
    title = "This question is not answered here"


class BudgetSpent(Refusal):
    """The privacy budget of this buyer and product does not hold this question. Nothing was run."""

    code = "privacy-budget-spent"
    title = "The privacy budget does not suffice for this question"


class QuestionsUsedUp(Refusal):
    """Every question that the terms give this buyer and product was answered."""

    code = "questions-used-up"
    title = "Every question of the terms was asked"


class AlgorithmNotApproved(Refusal):
    """The terms ask for the seller's approval of the very question, and it has not given it."""

    code = "algorithm-not-approved"
    title = "The provider has not approved this question"


class AlgorithmChanged(Refusal):
    """What would run is not what was approved: the engine or the question has another digest."""

    code = "algorithm-changed"
    title = "What would run is not what was approved"


class AlgorithmUnknown(NotFound):
    code = "algorithm-unknown"
    title = "No such prepared question"


class AlgorithmDecided(Conflict):
    code = "algorithm-decided"
    title = "This prepared question was approved before"


class NotTheSeller(NotPermitted):
    code = "not-the-seller"
    title = "This is the provider's to decide"


class QuestionUnknown(NotFound):
    code = "question-unknown"
    title = "No such question"


class QuestionRunning(Conflict):
    """This question is being answered at this moment. `retry_after_s` says when to ask again."""

    code = "question-running"
    title = "This question is being answered"


class QuestionKeyReused(Conflict):
    code = "question-key-reused"
    title = "This Idempotency-Key was another question's"


class QuestionLapsed(Conflict):
    """The run took longer than it may: nothing left, nothing was spent."""

    code = "question-lapsed"
    title = "The run was given up: nothing was spent"


class RunBrokenOff(Refusal):
    """A limit ended the run after it had begun to read. That it did tells of the data: it has its price."""

    code = "run-broken-off"
    title = "The run went beyond its limits and was ended"


class SandboxDown(Unavailable):
    """The isolated process did not begin: nothing was read, nothing was spent."""

    code = "sandbox-down"
    title = "The sandbox does not answer now"


class AnswerErased(NotFound):
    """That it was answered and what it cost stand; the question and the answer were erased."""

    code = "answer-erased"
    title = "This answer has been erased"
