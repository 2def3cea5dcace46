"""What is measured to answer a question, how far one unit can move it, and which part of ε it gets. Pure.

A unit has at most `unit_rows` rows in what is measured, each in one group. So the groups of a question are
disjoint: the noise of a number covers all its groups at once (parallel composition), and the numbers of a
question share its ε (sequential composition), as the questions share the budget.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from market.delivery.sandbox.forms import Aggregate, Form, Output, grouped_by_found, refused
from market.listings.sandboxing import AnswerMode, SandboxTerms

FORMAT: Final = "databourse-sandbox/2"
ENGINES: Final = ("duckdb", "opendp")


class Measured(StrEnum):
    """A number of each group. CENTRED is a sum of differences from the middle of the clipping bounds.

    UNITS, those that have a value, is measured to leave exact numbers out, and told to nobody.
    """

    ROWS = "ROWS"
    FILLED = "FILLED"
    DISTINCT = "DISTINCT"
    SUM = "SUM"
    CENTRED = "CENTRED"
    UNITS = "UNITS"


@dataclass(frozen=True, slots=True)
class Number:
    """One measured number of each group."""

    measured: Measured
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The numbers with their sensitivities (how far one unit moves all groups together) and shares of ε.

    `delta_pico` is spent where groups are told as they are found, else 0.
    """

    numbers: tuple[Number, ...]
    sensitivities: tuple[int, ...]
    shares_micro: tuple[int, ...]
    delta_pico: int

    @property
    def epsilon_micro(self) -> int:
        """What the question costs."""
        return sum(self.shares_micro)


def numbers_of(output: Output) -> tuple[Number, ...]:
    """What a column of the answer is made of; nothing for a group column."""
    match output.aggregate:
        case Aggregate.COUNT if output.column is None:
            return (Number(Measured.ROWS),)
        case Aggregate.COUNT:
            return (Number(Measured.FILLED, output.column),)
        case Aggregate.COUNT_DISTINCT:
            return (Number(Measured.DISTINCT, output.column),)
        case Aggregate.SUM:
            return (Number(Measured.SUM, output.column),)
        case Aggregate.AVG:
            return (Number(Measured.CENTRED, output.column), Number(Measured.FILLED, output.column))
    return ()


def plan_of(form: Form, terms: SandboxTerms, *, epsilon_micro: int) -> Plan:
    """How a question is answered for so much ε. Raises QuestionRefused for too little of it.

    The rows of each group are always measured: by them small groups are left out.
    """
    private = terms.mode is AnswerMode.DP
    wanted = [Number(Measured.ROWS)]
    for output in form.outputs:
        wanted += numbers_of(output)
        if not private and output.aggregate is not None and output.column is not None:
            wanted.append(behind(output.column, terms))
    numbers = tuple(dict.fromkeys(wanted))
    sensitivities = tuple(sensitivity(number, terms) for number in numbers)
    if not private:
        return Plan(numbers, sensitivities, (0,) * len(numbers), 0)
    share, rest = divmod(epsilon_micro, len(numbers))
    if share == 0:
        raise refused("epsilon", "so little ε answers nothing", least_micro=len(numbers))
    shares = (share + rest, *[share] * (len(numbers) - 1))
    found = grouped_by_found(form, terms)
    return Plan(numbers, sensitivities, shares, (terms.delta_pico or 0) if found else 0)


def behind(column: str, terms: SandboxTerms) -> Number:
    """Of how many an exact number of a column is: rows with a value, or units where one may have many."""
    return Number(Measured.FILLED if terms.unit_column is None else Measured.UNITS, column)


def sensitivity(number: Number, terms: SandboxTerms) -> int:
    """How far all groups together move, added up, when one unit comes or goes."""
    each = 1
    if number.measured in {Measured.SUM, Measured.CENTRED}:
        low, high = bounds_of(number, terms)
        middle = centre(low, high) if number.measured is Measured.CENTRED else 0
        each = max(abs(low - middle), abs(high - middle))
    return each * terms.unit_rows


def bounds_of(number: Number, terms: SandboxTerms) -> tuple[int, int]:
    """The clipping bounds of what is added up, in units of the column's last decimal."""
    column = terms.column(number.column or "")
    assert column is not None
    assert column.bounds is not None
    return column.bounds


def centre(low: int, high: int) -> int:
    """The middle of clipping bounds, rounded down."""
    return (low + high) // 2


def engine() -> dict[str, str]:
    """What runs a question: our own format and the versions of what it stands on."""
    return {"format": FORMAT, **{name: version(name) for name in ENGINES}}


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A question with everything that decides its answer but the data and the noise."""

    form: Form
    plan: Plan
    terms: SandboxTerms
    nonce: str

    @property
    def query_sha256(self) -> str:
        """The digest of the question; with a nonce, so that nobody guesses it from the ledger."""
        return sha256_hex(canonical({"nonce": self.nonce, "query": self.form.document()}))

    @property
    def sha256(self) -> str:
        """The digest of what runs: the same question by another engine, or at another price, is another."""
        return sha256_hex(canonical(self.document()))

    def document(self) -> Mapping[str, Any]:
        """What is digested; who has the question and the nonce can make it again."""
        return {
            "nonce": self.nonce,
            "query": self.form.document(),
            "epsilon_micro": self.plan.epsilon_micro,
            "delta_pico": self.plan.delta_pico,
            "terms_sha256": sha256_hex(canonical(self.terms.document())),
            "engine": engine(),
        }
