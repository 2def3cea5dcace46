"""Facts of each method that give a quote: the worked examples of the rules."""

from typing import Any

FIXED: dict[str, Any] = {
    "price_minor": 68_000_000,
    "product_id": "prd_1",
    "unit": "rows",
    "quantity": 252_000,
}

CAPPED: dict[str, Any] = {"price_minor": 8_000, "cap_minor": 8_000, "cap_basis": "AOG-2026-03"}

# rules.md §2.6, in fen.
CAP_YEAR: dict[str, Any] = {
    "cost_minor": 1_200_000_000,
    "subsidy_minor": 200_000_000,
    "bond_yield": "0.0175",
    "margin": "0.06",
    "actual_minor": 1_290_000_000,
}

# SC-1: 760,000, then 620,000, then 680,000 yuan, accepted by the buyer.
NEGOTIATION: dict[str, Any] = {
    "offers": [
        {
            "by": "PROVIDER",
            "price_minor": 76_000_000,
            "made_at": "2026-11-09T01:00:00.000Z",
            "expires_at": "2026-11-11T01:00:00.000Z",
        },
        {
            "by": "BUYER",
            "price_minor": 62_000_000,
            "made_at": "2026-11-10T01:00:00.000Z",
            "expires_at": "2026-11-12T01:00:00.000Z",
        },
        {
            "by": "PROVIDER",
            "price_minor": 68_000_000,
            "made_at": "2026-11-11T01:00:00.000Z",
            "expires_at": "2026-11-13T01:00:00.000Z",
        },
    ],
    "accepted": {"offer_no": 3, "by": "BUYER", "at": "2026-11-12T01:00:00.000Z"},
    "floor_minor": 60_000_000,
    "ceiling_minor": 70_000_000,
}

# By method; every method has one.
EXAMPLES: dict[str, dict[str, Any]] = {
    "fixed": FIXED,
    "negotiated": NEGOTIATION,
    "capped": CAPPED,
    "cap": CAP_YEAR,
}
