"""The figures of an agency's lists, purely: counts in, shares out; nothing is rounded.

`counting.facts_of` counts; the yearly evaluation of agencies and the census read the figures. A share of
nothing is None: who was asked for no data has answered nothing late.
"""

from dataclasses import asdict, dataclass, fields
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFacts:
    """What is counted of one agency: entries as they are now, requests to share within a period."""

    systems: int = 0
    systems_with_data: int = 0
    entries: int = 0
    entries_complete: int = 0  # with a system, a theme or base library, and at least one field
    mounted: int = 0  # to a real resource
    flagged: int = 0  # not mounted, with the reason and a date
    demands: int = 0  # its own
    demands_matched: int = 0
    gaps: int = 0  # open demands of anybody that it sees to
    gaps_late: int = 0  # of them past their date
    items: int = 0  # of which it is the one source
    items_confirmed: int = 0
    conflicts: int = 0  # items that it and another quarrel over
    asked: int = 0  # requests to share that it was to answer in the period
    answered_in_time: int = 0
    answered_late: int = 0
    unanswered: int = 0  # overdue, and still without an answer
    refused: int = 0
    to_serve: int = 0  # granted, and due in the period or served
    served_in_time: int = 0
    served_late: int = 0  # or overdue

    def document(self) -> dict[str, int]:
        """As it is kept and stated: whole numbers by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFigures:
    """Shares from 0 to 1, or None where there is nothing to divide by; and what is open, in numbers."""

    completeness: Fraction | None
    mounting: Fraction | None
    accounted: Fraction | None
    """Entries that are mounted or flagged: what is neither, nobody knows of (R15)."""
    matched: Fraction | None
    confirmed: Fraction | None
    answered_in_time: Fraction | None
    served_in_time: Fraction | None
    open_gaps: int
    late_gaps: int
    conflicts: int


def figures_of(facts: ListFacts) -> ListFigures:
    """The figures of an agency. Raises ValueError where a part is greater than its whole."""
    return ListFigures(
        completeness=share_of(facts.entries_complete, facts.entries),
        mounting=share_of(facts.mounted, facts.entries),
        accounted=share_of(facts.mounted + facts.flagged, facts.entries),
        matched=share_of(facts.demands_matched, facts.demands),
        confirmed=share_of(facts.items_confirmed, facts.items),
        answered_in_time=share_of(
            facts.answered_in_time, facts.answered_in_time + facts.answered_late + facts.unanswered
        ),
        served_in_time=share_of(facts.served_in_time, facts.to_serve),
        open_gaps=facts.gaps,
        late_gaps=facts.gaps_late,
        conflicts=facts.conflicts,
    )


def together(all_facts: list[ListFacts]) -> ListFacts:
    """The counts of several agencies as one."""
    return ListFacts(
        **{one.name: sum(getattr(facts, one.name) for facts in all_facts) for one in fields(ListFacts)}
    )


def census_share(facts: ListFacts, *, said_systems: int, said_entries: int) -> Fraction | None:
    """How much of what an agency says it has is in its lists, complete: at most 1 (R07).

    Both lists count alike; None where it says it has nothing.
    """
    parts = [
        min(Fraction(1), Fraction(listed, said))
        for listed, said in ((facts.systems, said_systems), (facts.entries_complete, said_entries))
        if said > 0
    ]
    return sum(parts, Fraction(0)) / len(parts) if parts else None


def share_of(part: int, whole: int) -> Fraction | None:
    """A share; None of nothing. Raises ValueError where the part is greater than the whole."""
    if not 0 <= part <= whole:
        raise ValueError(f"{part} is no part of {whole}")
    return Fraction(part, whole) if whole else None
