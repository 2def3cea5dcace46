"""The route of a declaration: thirteen rules, asked in the order of the law, each kept with its reason; pure.

CAC Order 16 of 2024 and what stands around it (`rules.md` §2.4.1). The first rule that decides gives the
route; those before it are told too, so that whoever reads the trace sees why none of them did. A ground that
an exporter names is worth nothing without what proves it (`Facts.proved`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from market.customs.declared import Declaration, Ground, Kind
from market.customs.rules import Decision, Needs, country_of
from market.customs.terms import term
from registry.rules import Level

_GBA_CITIES: Final = frozenset(
    {"4401", "4403", "4404", "4406", "4407", "4412", "4413", "4419", "4420"}  # the nine mainland cities
)
_GBA_REGIONS: Final = frozenset({"HK", "MO"})


class Way(StrEnum):
    """What a declaration needs before anything leaves."""

    PROHIBIT = "PROHIBIT"
    ASSESSMENT = "ASSESSMENT"
    GBA_STANDARD_CONTRACT = "GBA_STANDARD_CONTRACT"
    CONTRACT_OR_CERTIFICATION = "CONTRACT_OR_CERTIFICATION"
    EXEMPT_COLLECTED_ABROAD = "EXEMPT_COLLECTED_ABROAD"
    EXEMPT_NO_PERSONAL = "EXEMPT_NO_PERSONAL"
    EXEMPT_CONTRACT = "EXEMPT_CONTRACT"
    EXEMPT_EMPLOYEES = "EXEMPT_EMPLOYEES"
    EXEMPT_EMERGENCY = "EXEMPT_EMERGENCY"
    EXEMPT_ZONE = "EXEMPT_ZONE"
    EXEMPT_SMALL = "EXEMPT_SMALL"
    MANUAL = "MANUAL"

    @property
    def exempt(self) -> bool:
        return self.value.startswith("EXEMPT_")

    @property
    def counts(self) -> bool:
        """Rows 3 to 8 are not added to the counters; what is not decided yet is, to be safe."""
        return not self.exempt or self is Way.EXEMPT_SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One line of a zone's negative list: data that asks for a route from so many persons on."""

    entry_id: str
    zone: str
    industry: str
    scenario: str
    data_desc: str
    threshold: int
    way: Way

    def holds(self, said: Declaration, *, known: Collection[str], persons: int) -> bool:
        """Whether the line is about this: an empty industry or scenario is every one, on either side.

        What is said coarser than the line is, or with a scenario that no line of the list knows (`known`), is
        held by it. `persons` are those of the group's year.
        """
        industry, ours = said.industry.casefold(), self.industry.casefold()
        scenario = said.scenario.strip().casefold()
        return (
            (industry.startswith(ours) or ours.startswith(industry))
            and (not self.scenario or scenario not in known or scenario == self.scenario.strip().casefold())
            and persons >= self.threshold
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Distinct persons of the group since 1 January, this declaration's and those pending among them.

    `by` are the declarations that they come from. They are told to customs, never to another exporter.
    """

    persons: int = 0
    sensitive: int = 0
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the exchange holds about an exporter, beside what it says.

    `proved` are the grounds whose evidence is attached; `zone_list` is None where the zone has none in force,
    or where the exporter is not on the register as sitting in it. `zone_persons` are the persons of the
    group's year with those that a zone exempted, which its lines count.
    """

    at: datetime
    exporter_region: str
    recipient_region: str
    is_ciio: bool
    level: Level
    counts: Counts = field(default_factory=Counts)
    proved: frozenset[Ground] = frozenset()
    zone_list: Sequence[ListEntry] | None = None
    zone_persons: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule that was asked: whether it decided, and why (not)."""

    rule_id: str
    legal_basis: str
    decides: bool
    reason: str

    def document(self) -> dict[str, Any]:
        return {
            "rule_id": self.rule_id,
            "legal_basis": self.legal_basis,
            "decides": self.decides,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Routed:
    """The route, the rule that gave it, and every rule that was asked, in order."""

    way: Way
    rule_id: str
    trace: tuple[Tried, ...]


_Answer = tuple[Way | None, str]


def route_declaration(said: Declaration, facts: Facts) -> Routed:
    """The route of a declaration, with the trace of all rules up to the one that decides."""
    if said.kind is Kind.FOREIGN_REQUEST:
        asked = Tried(
            "XBD-FOREIGN",
            "DSL 36; PIPL 41",
            True,
            "a foreign court or authority asks: nothing goes without the competent authority's approval",
        )
        return Routed(Way.MANUAL, asked.rule_id, (asked,))
    trace: list[Tried] = []
    for rule_id, basis, ask in _RULES:
        way, reason = ask(said, facts)
        trace.append(Tried(rule_id, basis, way is not None, reason))
        if way is not None:
            return Routed(way, rule_id, tuple(trace))
    raise AssertionError("the last rule decides")


def _secret(said: Declaration, facts: Facts) -> _Answer:
    if said.state_secret or facts.level is Level.CORE:
        return Way.PROHIBIT, "state secret or core data: handed to the competent authority"
    return None, "neither a state secret nor core data"


def _important(said: Declaration, facts: Facts) -> _Answer:
    del said
    if facts.level is Level.IMPORTANT:
        return Way.ASSESSMENT, "important data, notified or published as such"
    return None, f"level {facts.level.value}: not notified and not published as important"


def _abroad(said: Declaration, facts: Facts) -> _Answer:
    return _ground(
        said,
        facts,
        Ground.COLLECTED_ABROAD,
        Way.EXEMPT_COLLECTED_ABROAD,
        "collected abroad, processed here, nothing domestic added",
    )


def _nothing_personal(said: Declaration, facts: Facts) -> _Answer:
    del facts
    if not said.personal:
        return Way.EXEMPT_NO_PERSONAL, "no personal information and no important data"
    return None, "there is personal information"


def _contract(said: Declaration, facts: Facts) -> _Answer:
    return _ground(
        said,
        facts,
        Ground.CONTRACT_WITH_INDIVIDUAL,
        Way.EXEMPT_CONTRACT,
        "needed to conclude or perform a contract with the individual",
    )


def _employees(said: Declaration, facts: Facts) -> _Answer:
    return _ground(
        said,
        facts,
        Ground.EMPLOYEES,
        Way.EXEMPT_EMPLOYEES,
        "employees, under lawful labour rules or a collective contract",
    )


def _emergency(said: Declaration, facts: Facts) -> _Answer:
    return _ground(
        said,
        facts,
        Ground.EMERGENCY,
        Way.EXEMPT_EMERGENCY,
        "emergency protecting life, health or property, or a statutory duty",
    )


def _zone(said: Declaration, facts: Facts) -> _Answer:
    if said.ground is not Ground.FREE_TRADE_ZONE:
        return None, "no free-trade zone is claimed"
    if facts.zone_list is None:
        return None, f"no negative list of {said.zone} is in force for this exporter"
    known = {entry.scenario.strip().casefold() for entry in facts.zone_list} - {""}
    persons = max(facts.zone_persons, said.persons + said.sensitive_persons)
    held = [entry for entry in facts.zone_list if entry.holds(said, known=known, persons=persons)]
    if not held:
        return Way.EXEMPT_ZONE, f"outside the negative list of {said.zone}"
    strictest = min(held, key=lambda entry: (_STRICTNESS[entry.way], entry.entry_id))
    if strictest.way.exempt:
        return None, f"on the negative list of {said.zone}"
    return strictest.way, f"on the negative list of {said.zone}: {strictest.entry_id}"


def _gba(said: Declaration, facts: Facts) -> _Answer:
    mainland = facts.exporter_region[:4] in _GBA_CITIES
    if mainland and facts.recipient_region in _GBA_REGIONS and said.country in _GBA_REGIONS:
        if any(country_of(place) not in _GBA_REGIONS for place in said.onward):
            return None, "passed on outside the Greater Bay Area"
        if country_of(said.storage_place) not in _GBA_REGIONS | {"CN"}:
            return None, "kept outside the Greater Bay Area"
        return Way.GBA_STANDARD_CONTRACT, "personal information within the Greater Bay Area"
    return None, "not between the nine mainland cities and Hong Kong or Macao"


def _ciio(said: Declaration, facts: Facts) -> _Answer:
    del said
    if facts.is_ciio:
        return Way.ASSESSMENT, "personal information of an operator of critical infrastructure"
    return None, "no operator of critical infrastructure"


def _many(said: Declaration, facts: Facts) -> _Answer:
    """Art 7(2) is about who exports: past either limit all that it exports is assessed, whichever it adds to.

    Art 7 gives way to Art 5(1)(4): fewer than 100,000 persons, and nothing sensitive in this, stay row 13's.
    """
    persons, sensitive = _limits("assessment_from", facts)
    if not said.sensitive and facts.counts.persons < _limits("contract_from", facts)[0]:
        return None, "fewer persons than a contract asks for, nothing sensitive"
    if facts.counts.persons >= persons:
        return Way.ASSESSMENT, f"{persons} persons or more since 1 January"
    if facts.counts.sensitive >= sensitive:
        return Way.ASSESSMENT, f"{sensitive} persons or more with sensitive data"
    return None, "below the limits of an assessment"


def _some(said: Declaration, facts: Facts) -> _Answer:
    persons, sensitive = _limits("contract_from", facts)
    if said.sensitive and facts.counts.sensitive >= sensitive:
        return Way.CONTRACT_OR_CERTIFICATION, "sensitive personal information"
    if facts.counts.persons >= persons and said.persons:
        return Way.CONTRACT_OR_CERTIFICATION, f"{persons} persons or more since 1 January"
    return None, "below the limits of a contract or certification, nothing sensitive"


def _few(said: Declaration, facts: Facts) -> _Answer:
    del said, facts
    return Way.EXEMPT_SMALL, "few persons, nothing sensitive"


def _ground(said: Declaration, facts: Facts, ground: Ground, way: Way, reason: str) -> _Answer:
    if said.ground is not ground:
        return None, "not claimed"
    if ground not in facts.proved:
        return None, "claimed, and its evidence is not attached"
    return way, reason


def _limits(name: str, facts: Facts) -> tuple[int, int]:
    return (
        term("XBD-COUNT", name, facts.at).whole,
        term("XBD-COUNT", f"{name}_sensitive", facts.at).whole,
    )


_STRICTNESS: Final[Mapping[Way, int]] = {
    Way.PROHIBIT: 0,
    Way.ASSESSMENT: 1,
    Way.GBA_STANDARD_CONTRACT: 2,
    Way.CONTRACT_OR_CERTIFICATION: 3,
    **{way: 4 for way in Way if way.exempt or way is Way.MANUAL},
}
_RULES: Final[tuple[tuple[str, str, Callable[[Declaration, Facts], _Answer]], ...]] = (
    ("XBD-R1", "DSL 21, 53; regulation 63", _secret),
    ("XBD-R2", "regulation 37; CAC16 Art 7", _important),
    ("XBD-R3", "CAC16 Art 4", _abroad),
    ("XBD-R4", "CAC16 Art 3", _nothing_personal),
    ("XBD-R5", "CAC16 Art 5(1)(1)", _contract),
    ("XBD-R6", "CAC16 Art 5(1)(2)", _employees),
    ("XBD-R7", "CAC16 Art 5(1)(3); regulation 35", _emergency),
    ("XBD-R8", "CAC16 Art 6", _zone),
    ("XBD-R9", "GBA standard-contract guidelines 2023 (HK), 2024 (MO)", _gba),
    ("XBD-R10", "CAC16 Art 7(1)", _ciio),
    ("XBD-R11", "CAC16 Art 7(2)", _many),
    ("XBD-R12", "CAC16 Art 8", _some),
    ("XBD-R13", "CAC16 Art 5(1)(4)", _few),
)


_ASSESSED: Final = frozenset({Way.ASSESSMENT})
_PROVED: Final = frozenset(
    {
        Way.EXEMPT_COLLECTED_ABROAD,
        Way.EXEMPT_CONTRACT,
        Way.EXEMPT_EMPLOYEES,
        Way.EXEMPT_EMERGENCY,
        Way.EXEMPT_ZONE,
    }
)
"""Rows 3 and 5 to 8 come before rows 9 to 13, whatever is in the data; never before row 2."""
_CONTRACTED: Final = _ASSESSED | _PROVED | {Way.CONTRACT_OR_CERTIFICATION, Way.GBA_STANDARD_CONTRACT}
_CARRIES: Final[Mapping[Needs, frozenset[Way]]] = {
    Needs.PROHIBITED: frozenset(),
    Needs.CONTRACT_OR_CERTIFICATION: _CONTRACTED,
    Needs.GBA_CONTRACT: _CONTRACTED | {Way.EXEMPT_SMALL},
    Needs.COUNT_OF_PERSONS: _CONTRACTED | {Way.EXEMPT_SMALL},
}


def carries(way: Way | None, decided: Decision) -> bool:
    """Whether a clearance of this way carries a delivery of which the exchange itself found `decided`.

    What is prohibited is carried by none, important data by an assessment alone, and personal data never by
    a clearance of data that is said to be neither personal nor important.
    """
    if way is None or way is Way.PROHIBIT:
        return False
    if decided.needs is None:
        return True
    if decided.needs is Needs.ASSESSMENT:
        return way in (_ASSESSED if decided.rule_id == "XBD-R2" else _ASSESSED | _PROVED)
    return way in _CARRIES[decided.needs]


def last_day_of(way: Way, said: Declaration, on: date) -> date:
    """The last day a clearance of this way can have: what rests on a year's count ends with that year."""
    year = counting_year(said, on)
    return min(said.period_to, date(year, 12, 31)) if way is Way.EXEMPT_SMALL else said.period_to


def counting_year(said: Declaration, on: date) -> int:
    """The year in which a flow that is routed on a day counts: of what begins in a later one, that one.

    The counters run from 1 January of the year in which data is provided (CAC16 Arts 5, 7, 8): what is
    declared in December for January leaves in January alone.
    """
    return max(on.year, said.period_from.year)
