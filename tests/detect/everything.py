"""All planters, by being imported."""

from tests.detect import (
    abusing,
    advancing,
    bidding,
    brokering,
    competition,
    computing,
    concerted,
    crossing,
    granting,
    origins,
    prices,
    screening,
    timing,
    washing,
)
from tests.detect.planted import PLANTERS, plant

MODULES = (
    abusing,
    advancing,
    bidding,
    brokering,
    competition,
    computing,
    concerted,
    crossing,
    granting,
    origins,
    prices,
    screening,
    timing,
    washing,
)
ALL = tuple(sorted(PLANTERS))
RULES = tuple(name for name in ALL if not PLANTERS[name].alone)
ALONE = tuple(name for name in ALL if PLANTERS[name].alone)
"""What reads tables that others' cases would spoil: `rule:way`."""


def planted_once(market):
    """One violation of each of these rules beside whatever stands in the market."""
    for rule_id in RULES:
        plant(rule_id, market, f"V{rule_id}", guilty=True)
    return market


def is_screen(planted):
    """Whether the planted cases of a rule are a screen's: what it says is a hint."""
    return PLANTERS[planted].screen
