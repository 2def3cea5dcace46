"""Whether a question may be run: the budget, the number of questions, the approval. Pure.

Everything is whole millionths of ε, added up one after the other (sequential composition) over all questions
of a buyer about a product, under whatever rights and in whichever process they are asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from base.canonical import canonical
from market.delivery.sandbox.errors import (
    AlgorithmChanged,
    AlgorithmNotApproved,
    BudgetSpent,
    QuestionsUsedUp,
)
from market.delivery.sandbox.forms import refused
from market.listings.sandboxing import AnswerMode, SandboxTerms

LAPSE: Final = timedelta(minutes=10)  # longer than a run, a table's making and a wait for a place may take
MOST_EXACT: Final = 100  # each exact answer is held against all before it
ANSWER_FORMAT: Final = "databourse-answer/1"


@dataclass(frozen=True, slots=True)
class Budget:
    """How the budget of a buyer and a product stands. `held_micro` is of runs that are not over."""

    spent_micro: int
    held_micro: int
    questions: int
    running: int

    def left_micro(self, terms: SandboxTerms) -> int:
        """What may still be asked for."""
        return max(0, terms.epsilon_total_micro - self.spent_micro - self.held_micro)


def price(asked_micro: int | None, terms: SandboxTerms) -> int:
    """What a question costs: what was asked for, else the most of one question. Raises QuestionRefused."""
    if terms.mode is AnswerMode.PLAIN:
        if asked_micro:
            raise refused("epsilon", "exact answers have no privacy budget")
        return 0
    if asked_micro is None:
        return terms.epsilon_query_micro
    if not 0 < asked_micro <= terms.epsilon_query_micro:
        raise refused("epsilon", "a question has its most ε", most_micro=terms.epsilon_query_micro)
    return asked_micro


def questions_of(terms: SandboxTerms) -> int:
    """How many questions one buyer may ask about the product."""
    return terms.max_queries if terms.mode is AnswerMode.DP else min(terms.max_queries, MOST_EXACT)


def require_budget(budget: Budget, terms: SandboxTerms, *, epsilon_micro: int) -> None:
    """Whether one more question fits, running ones counted as asked. Raises QuestionsUsedUp, BudgetSpent."""
    most = questions_of(terms)
    if budget.questions + budget.running >= most:
        raise QuestionsUsedUp("every question was asked", asked=budget.questions, most=most)
    if budget.spent_micro + budget.held_micro + epsilon_micro > terms.epsilon_total_micro:
        raise BudgetSpent(
            "the privacy budget does not hold this question",
            asked_micro=epsilon_micro,
            left_micro=budget.left_micro(terms),
        )


def require_approved(
    terms: SandboxTerms, *, approved_sha256: str | None, registered: bool, runs_sha256: str
) -> None:
    """The digest of what would run against what was approved.

    Raises AlgorithmNotApproved where the terms ask for an approval that is not there, AlgorithmChanged where
    something else was registered than would run now.
    """
    if registered and approved_sha256 is not None and approved_sha256 != runs_sha256:
        raise AlgorithmChanged("the digest is another", approved=approved_sha256, runs=runs_sha256)
    if terms.approval and approved_sha256 is None:
        raise AlgorithmNotApproved("the seller approves questions before they run", runs=runs_sha256)


def answer_document(head: Mapping[str, Any], told: Mapping[str, Any]) -> bytes:
    """The answer as canonical bytes; its nonce keeps anyone from guessing it back from its digest."""
    return canonical({"format": ANSWER_FORMAT, **head, **told})
