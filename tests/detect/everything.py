"""All planters, by being imported."""

from tests.detect import (
    abusing,
    advancing,
    bidding,
    brokering,
    competition,
    concerted,
    crossing,
    granting,
    origins,
    prices,
    screening,
    washing,
)
from tests.detect.planted import PLANTERS, plant

MODULES = (
    abusing,
    advancing,
    bidding,
    brokering,
    competition,
    concerted,
    crossing,
    granting,
    origins,
    prices,
    screening,
    washing,
)
RULES = tuple(sorted(PLANTERS))


def planted_once(market):
    """One violation of each of these rules beside whatever stands in the market."""
    for rule_id in RULES:
        plant(rule_id, market, f"V{rule_id}", guilty=True)
    return market


def is_screen(rule_id):
    """Whether the planted cases of a rule are a screen's: what it says is a hint."""
    return PLANTERS[rule_id].screen
