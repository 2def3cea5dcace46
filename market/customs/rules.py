"""Does a delivery leave the mainland, and by which route (CAC Order 16 of 2024; `rules.md` §2.4.1).

The tests run in the order of the law, as far as the exchange has facts. What is exempt passes; what
would need a filing, a certification or an assessment is refused, and what is prohibited too. Facts the
exchange does not collect (persons counted this year, free-trade-zone lists, the individual's contract)
are never assumed in the exporter's favour.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from market.customs.errors import CustomsRouteNotOpen, PlaceMalformed
from registry.rules import Level, PersonalData

_DIVISION: Final = re.compile(r"[1-8][0-9]{5}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_OUTSIDE_DIVISIONS: Final = {"71": "TW", "81": "HK", "82": "MO"}  # outside the mainland's customs of data
_GBA_CITIES: Final = frozenset(
    {"4401", "4403", "4404", "4406", "4407", "4412", "4413", "4419", "4420"}  # the nine mainland cities
)
_GBA_REGIONS: Final = frozenset({"HK", "MO"})


class Route(StrEnum):
    """What customs decides: `XBD.AUTO_ROUTE`."""

    DOMESTIC = "DOMESTIC"
    EXEMPT = "EXEMPT"
    REFUSED = "REFUSED"


class Needs(StrEnum):
    """The route that the law asks for where it is not open here."""

    PROHIBITED = "PROHIBITED"
    ASSESSMENT = "ASSESSMENT"
    GBA_CONTRACT = "GBA_CONTRACT"
    CONTRACT_OR_CERTIFICATION = "CONTRACT_OR_CERTIFICATION"
    COUNT_OF_PERSONS = "COUNT_OF_PERSONS"


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """Where a delivery goes and what it carries.

    Places are GB/T 2260 divisions or ISO 3166-1 countries. `endpoint` is where the data is received or
    read from: remote access from abroad is an export too. `collected_abroad`: collected abroad and
    processed here, with nothing domestic added that matters.
    """

    exporter_region: str
    recipient_region: str
    level: Level
    endpoint: str | None = None
    personal: PersonalData = field(default_factory=PersonalData)
    sensitive: bool = False
    state_secret: bool = False
    collected_abroad: bool = False
    exporter_is_ciio: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A route with the rule that decided it. `country` is ISO 3166-1 of where the data goes."""

    route: Route
    rule_id: str
    legal_basis: str
    reason: str
    country: str
    needs: Needs | None = None


def country_of(place: str) -> str:
    """The country or region of a place: CN for the mainland; HK, MO and TW are outside it.

    Raises PlaceMalformed.
    """
    if _DIVISION.fullmatch(place):
        return _OUTSIDE_DIVISIONS.get(place[:2], "CN")
    if _COUNTRY.fullmatch(place):
        return place
    raise PlaceMalformed("a place is six digits of GB/T 2260 or two letters of ISO 3166-1", place=place[:20])


def destination(facts: DeliveryFacts) -> str:
    """Where the data goes: outside the mainland if the recipient or the endpoint is."""
    for place in (facts.recipient_region, facts.endpoint):
        country = "CN" if place is None else country_of(place)
        if country != "CN":
            return country
    return "CN"


def route(facts: DeliveryFacts) -> Decision:
    """The route of a delivery: the first rule that decides. A refusal is returned, see `require_open`.

    Raises PlaceMalformed.
    """
    country = destination(facts)
    rule = next(rule for rule in _RULES if rule.decides(facts, country))
    return Decision(rule.route, rule.rule_id, rule.legal_basis, rule.reason, country, rule.needs)


def require_open(decision: Decision) -> None:
    """Refuse, with CustomsRouteNotOpen, a delivery whose route is not open."""
    if decision.route is Route.REFUSED:
        raise CustomsRouteNotOpen(
            f"the delivery to {decision.country} is not open: {decision.reason}",
            rule=decision.rule_id,
            legal_basis=decision.legal_basis,
            needs=decision.needs.value if decision.needs else "",
            country=decision.country,
        )


def _is_personal(facts: DeliveryFacts) -> bool:
    return facts.sensitive or (facts.personal.contained and not facts.personal.anonymised)


def _within_gba(facts: DeliveryFacts, country: str) -> bool:
    return facts.exporter_region[:4] in _GBA_CITIES and country in _GBA_REGIONS


@dataclass(frozen=True, slots=True)
class _Rule:
    rule_id: str
    legal_basis: str
    reason: str
    route: Route
    decides: Callable[[DeliveryFacts, str], bool]
    needs: Needs | None = None


# The order of rules.md §2.4.1, whose row numbers the ids carry; rows 5 to 8 and the counters of row 11
# rest on facts that the exchange does not collect.
_RULES: Final = (
    _Rule(
        "XBD-R0",
        "CAC16 Art 2",
        "recipient and endpoint are in the mainland",
        Route.DOMESTIC,
        lambda _, country: country == "CN",
    ),
    _Rule(
        "XBD-R1",
        "DSL 21, 53; reg 63",
        "state secret or core data",
        Route.REFUSED,
        lambda facts, _: facts.state_secret or facts.level is Level.CORE,
        Needs.PROHIBITED,
    ),
    _Rule(
        "XBD-R2",
        "CAC16 Art 7; reg 37",
        "important data",
        Route.REFUSED,
        lambda facts, _: facts.level is Level.IMPORTANT,
        Needs.ASSESSMENT,
    ),
    _Rule(
        "XBD-R3",
        "CAC16 Art 4",
        "collected abroad and only processed here",
        Route.EXEMPT,
        lambda facts, _: facts.collected_abroad,
    ),
    _Rule(
        "XBD-R4",
        "CAC16 Art 3",
        "no personal information and no important data",
        Route.EXEMPT,
        lambda facts, _: not _is_personal(facts),
    ),
    _Rule(
        "XBD-R9",
        "GBA standard-contract guidelines 2023 (HK), 2024 (MO)",
        "personal information within the Greater Bay Area",
        Route.REFUSED,
        _within_gba,
        Needs.GBA_CONTRACT,
    ),
    _Rule(
        "XBD-R10",
        "CAC16 Art 7(1)",
        "personal information of a CIIO",
        Route.REFUSED,
        lambda facts, _: facts.exporter_is_ciio,
        Needs.ASSESSMENT,
    ),
    _Rule(
        "XBD-R12",
        "CAC16 Art 8",
        "sensitive personal information",
        Route.REFUSED,
        lambda facts, _: facts.sensitive or facts.level is Level.GENERAL_4,
        Needs.CONTRACT_OR_CERTIFICATION,
    ),
    _Rule(
        "XBD-R13",
        "CAC16 Arts 5, 7, 8",
        "personal information, and this year's persons are not counted here",
        Route.REFUSED,
        lambda *_: True,
        Needs.COUNT_OF_PERSONS,
    ),
)


def needs_by(rule_id: str) -> Needs | None:
    """The route that a rule asks for; None where it asks for none."""
    return next((rule.needs for rule in _RULES if rule.rule_id == rule_id), None)
