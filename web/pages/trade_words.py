"""The words of a negotiation: why one refuses, how an offer stands, how goods are handed over."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

REFUSAL_REASONS: Final[Mapping[str, str]] = {
    "CAPACITY": N_("No capacity"),
    "SECURITY": N_("Security"),
    "BUYER_NOT_QUALIFIED": N_("The buyer is not qualified"),
    "BUYER_IN_BREACH": N_("The buyer is in breach of another contract"),
    "PURPOSE_NOT_ALLOWED": N_("The purpose is not allowed"),
    "RIGHTS_LIMITED": N_("Our own rights do not reach so far"),
    "LEVEL_OR_CHANNEL": N_("The level does not allow this channel"),
    "EXCLUSIVE_LICENCE": N_("Licensed exclusively to another"),
    "PRICE_NOT_AGREED": N_("No agreement on the price"),
    "TERMS_NOT_AGREED": N_("No agreement on the terms"),
    "PRODUCT_ENDING": N_("The product ends"),
    "INTERNAL_POLICY": N_("Internal policy"),
}

STANDINGS: Final[Mapping[str, str]] = {
    "STANDING": N_("It stands"),
    "EXPIRED": N_("Expired"),
    "ANSWERED": N_("Answered"),
    "ACCEPTED": N_("Offer accepted"),
    "OVER": N_("Over"),
}
BOUNDS: Final[Mapping[str, str]] = {
    "successful_calls": N_("Successful calls, at least"),
    "latency_p95_ms": N_("Latency of 95 % of the calls, at most, in milliseconds"),
    "available_bp": N_("Calls answered of ten thousand, at least"),
    "measured_days": N_("Days over which the calls are made, at least"),
    "test_set_sha256": N_("SHA-256 of the test set"),
    "test_result_sha256": N_("SHA-256 of the result on the test set"),
    "score_micro": N_("Score on the test set, at least, in millionths"),
    "tasks": N_("Tasks with a receipt, at least"),
    "spent_micro": N_("Privacy budget, at most, in millionths of epsilon"),
    "took_days": N_("All of it there within, in days"),
    "card_hours_milli": N_("Card-hours, at least, in thousandths"),
}
DELIVERY_MODES: Final[Mapping[str, str]] = {
    "download": N_("Download of the file"),
    "share": N_("Share of the table"),
    "credential": N_("Access with a quota"),
    "milestone": N_("By milestones"),
    "sandbox": N_("A task in the sandbox"),
    "lease": N_("Lease of capacity"),
    "verification": N_("Verification"),
}
