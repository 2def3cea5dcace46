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

TIERS: dict[str, Any] = {
    "tiers": [
        {"up_to": 1_000, "rate_minor": "10"},
        {"up_to": 10_000, "rate_minor": "5"},
        {"up_to": None, "rate_minor": "1"},
    ],
    "quantity": 15_000,
}

METERED: dict[str, Any] = {
    "rate_minor": "0.3",
    "events": [
        {"event_id": "e1", "quantity": 7, "at": "2026-10-02T08:00:00Z"},
        {
            "event_id": "e2",
            "quantity": 4,
            "at": "2026-10-31T23:59:59Z",
            "received_at": "2026-11-04T00:00:00Z",
        },
    ],
    "bills": [
        {"ends_at": "2026-11-01T00:00:00Z", "closes_at": "2026-11-03T00:00:00Z"},
        {"ends_at": "2026-12-01T00:00:00Z"},
    ],
}

SUBSCRIPTION: dict[str, Any] = {
    "fee_minor": 3_000,
    "period": {"first_day": "2026-11-01", "last_day": "2026-11-30"},
    "changes": [{"on": "2026-11-16", "fee_minor": 6_000}],
}

BIDS: dict[str, Any] = {
    "bids": [
        {"bidder": "a", "price_minor": 500},
        {"bidder": "b", "price_minor": 900},
        {"bidder": "c", "price_minor": 700},
    ]
}

GUIDE: dict[str, Any] = {
    "cost": {
        "costs": {"acquire": 6_000_000, "clean": 2_000_000, "comply": 2_000_000},
        "profit": "0.1",
        "depreciation": "0.2",
        "quality": "0.9",
    },
    "income": {"income_minor": [11_000_000, 12_100_000], "share": "0.5", "discount": "0.1"},
    "market": {
        "comparables": [{"price_minor": price * 100_000} for price in (90, 95, 100, 105, 110)],
        "quality": "0.9",
    },
}

# The example of Chen, Koutris and Kumar (SIGMOD'19): of four equally many buyers 775/4 is the best.
VERSIONS: dict[str, Any] = {
    "ladder": [
        {"amount": amount, "value_minor": value} for amount, value in ((1, 100), (2, 150), (3, 280), (4, 350))
    ]
}

# The example of Koutris et al. (PODS'12): every view at one price, the chain query costs six of them.
SLICE: dict[str, Any] = {
    "columns": {"X": ["a1", "a2", "a3", "a4"], "Y": ["b1", "b2", "b3"]},
    "relations": {
        "R": {"columns": ["X"], "rows": [["a1"], ["a2"]]},
        "S": {"columns": ["X", "Y"], "rows": [["a1", "b1"], ["a1", "b2"], ["a2", "b2"], ["a4", "b1"]]},
        "T": {"columns": ["Y"], "rows": [["b1"], ["b3"]]},
    },
    "prices": [
        {"relation": relation, "column": column, "value": value, "price_minor": 100}
        for relation, columns in (("R", "X"), ("S", "XY"), ("T", "Y"))
        for column in columns
        for value in (("a1", "a2", "a3", "a4") if column == "X" else ("b1", "b2", "b3"))
    ],
    "query": "Q(x,y) :- R(x),S(x,y),T(y)",
}

SHAPLEY: dict[str, Any] = {"players": ["a", "b"], "worth_minor": {"": 0, "a": 10, "b": 20, "a,b": 50}}

COMPOSITE: dict[str, Any] = {
    "revenue_minor": 100,
    "product": "P",
    "composition": {"P": {"a": 5_000, "Q": 5_000}, "Q": {"a": 3_333, "b": 6_667}},
}

KNN: dict[str, Any] = {
    "train": [[0], [1], ["2.5"]],
    "labels": ["a", 1, "a"],
    "test": [[0]],
    "test_labels": ["a"],
    "k": 2,
}

# By method; every method has one.
EXAMPLES: dict[str, dict[str, Any]] = {
    "fixed": FIXED,
    "negotiated": NEGOTIATION,
    "capped": CAPPED,
    "cap": CAP_YEAR,
    "guide": GUIDE,
    "versions": VERSIONS,
    "slice": SLICE,
    "shapley": SHAPLEY,
    "composite": COMPOSITE,
    "knn-shapley": KNN,
    "tiers": TIERS,
    "volume": TIERS,
    "metered": METERED,
    "subscription": SUBSCRIPTION,
    "second-price": {"units": 2, "reserve_minor": 100, **BIDS},
    "reserve": {"uniform": {"low_minor": 0, "high_minor": 100}},
    "rsop": {"seed": "00ff", **BIDS},
    "advice": {"low_minor": 100, "high_minor": 1_000, "horizon": 1_000, "history": []},
}
