"""The words of those who look after the market: measures, findings, work that waits for a person."""

from collections.abc import Mapping
from typing import Final

from web.pages import case_words
from web.pages.languages import N_

POWERS: Final[Mapping[str, str]] = {
    "MATCH": N_("Find and bring together"),
    "NEGOTIATE": N_("Negotiate and accept within the limits"),
    "SET_PRICE": N_("Set the price itself"),
    "TAKE_TITLE": N_("Take title in our name"),
}
BROKER_TYPES: Final[Mapping[str, str]] = {
    "T": N_("Technical empowerment"),
    "D": N_("Data empowerment"),
    "M": N_("Entrusted exercise of rights"),
}
CASES: Final = case_words.STATES
CONDUCT: Final[Mapping[str, str]] = {
    **case_words.EVENTS,
    "MND.SIGN": N_("Mandate signed by the client"),
    "MND.ACCEPT": N_("Mandate accepted by the broker"),
    "MND.REVOKE": N_("Mandate revoked"),
    "MND.FREEZE": N_("Mandate frozen with the certificate"),
    "MND.UNFREEZE": N_("Mandate in force again"),
    "MND.EXPIRE": N_("Mandate ended"),
    "REG.REVOKE": N_("Registered right revoked"),
    "REG.CANCEL": N_("Registered right given up"),
    "MND.FULFIL": N_("Mandate fulfilled"),
    "ORD.PROPOSE": N_("Order proposed"),
    "ORD.WITHDRAW": N_("Proposed order withdrawn"),
    "MND.TERMINATE": N_("Mandate ended with the certificate"),
    "MND.TAKE_OVER": N_("Trades taken over by the client"),
    "MND.HAND_OVER": N_("Mandate handed over to another broker"),
    "CND.DISCLOSE": N_("Interest disclosed by a broker"),
    "CND.CEASE": N_("Disclosed interest over"),
    "CND.CONSENT": N_("Conflict of interest consented to"),
    "RWD.CLAIM": N_("Reward of a broker without a seat"),
    "RWD.CONTEST": N_("Reward contested"),
    "RWD.ANSWER": N_("Contest answered by the broker"),
    "RWD.WITHDRAW": N_("Contest withdrawn"),
    "RWD.DECIDE": N_("Contest decided"),
    "RWD.RELEASE": N_("Reward given up by the broker"),
    "RWD.FALL": N_("Reward not owed any more"),
    "MED.SEND": N_("Matches sent by a broker to its client"),
    "CND.REPORT": N_("Suspicion reported by a broker"),
    "CND.CHANGE": N_("Change told by a broker"),
    "CND.CHECK": N_("Source and parties checked by the broker"),
}
RIGHTS: Final[Mapping[str, str]] = {
    "HOLD": N_("To hold"),
    "USE": N_("To use"),
    "OPERATE": N_("To operate"),
}
INTERESTS: Final[Mapping[str, str]] = {
    "OWNERSHIP": N_("A share"),
    "CONTROL": N_("One controller"),
    "MANAGEMENT": N_("The same people manage both"),
}
CHANGES: Final[Mapping[str, str]] = {
    "NAME": N_("Of the name"),
    "CAPITAL": N_("Of the capital"),
    "CONTROL": N_("Of who controls it"),
    "SCOPE": N_("Of what it does"),
}
NOTICES: Final[Mapping[str, str]] = {"SUSPICION": N_("Suspicion"), "CHANGE": N_("Change")}
MEASURES: Final[Mapping[str, str]] = {
    **case_words.MEASURES,
    "FREEZE_TRADE": N_("Freeze a trade"),
    "UNFREEZE_TRADE": N_("Release a frozen trade"),
    "SUSPEND_CERTIFICATE": N_("Suspend a broker's certificate"),
    "REINSTATE_CERTIFICATE": N_("Reinstate a broker's certificate"),
    "SUSPEND_LISTING": N_("Suspend a listing"),
    "RESUME_LISTING": N_("Resume a listing"),
    "SUSPEND_DELIVERY": N_("Suspend a delivery"),
    "RESUME_DELIVERY": N_("Resume a delivery"),
    "REFUND_TRADE": N_("Have a settled trade paid back"),
    "VOID_TRADE": N_("Make a contract void"),
}
SEVERITIES: Final[Mapping[str, str]] = {"high": N_("High"), "medium": N_("Medium"), "low": N_("Low")}
CONFIDENCES: Final[Mapping[str, str]] = {
    "high": N_("Firm"),
    "low": N_("Small sample, a clue only"),
}
CHECKED: Final[Mapping[str, str]] = {
    "ruled_out": N_("Ruled out"),
    "applies": N_("Applies"),
    "open": N_("Open: a person must ask"),
}
HHI_BANDS: Final[Mapping[str, str]] = {
    "low": N_("Low concentration"),
    "moderate": N_("Moderate concentration"),
    "high": N_("High concentration"),
}
CR4_BANDS: Final[Mapping[str, str]] = {
    "fragmented": N_("Fragmented"),
    "oligopolistic": N_("Oligopolistic"),
    "very_high": N_("Very high"),
}
STAGES: Final[Mapping[str, str]] = {
    "export": N_("Exporting the ledger"),
    "evidence": N_("Deriving the evidence tables"),
    "supervise": N_("Running the rules"),
    "analyse": N_("Looking at the markets"),
    "statistics": N_("Adding up the statistics"),
    "done": N_("Finished"),
    "failed": N_("Failed"),
}
WORK: Final[Mapping[str, str]] = {
    "unknown-entry": N_("The bank shows an entry that we do not know"),
    "amount-differs": N_("The bank booked another amount"),
    "missing-entry": N_("The bank does not show an entry that we know"),
    "opening-balance": N_("The day's opening balance differs"),
    "closing-balance": N_("The day's closing balance differs"),
    "paid-otherwise": N_("The bank paid otherwise than instructed"),
    "payee-account-missing": N_("A payee has not named an account"),
    "instruction-rejected": N_("The bank rejected an instruction"),
    "paid-after-rejection": N_("The bank paid what it had rejected"),
    "rejected-after-payment": N_("The bank rejected what it had paid"),
    "other-day": N_("The bank booked it on another day"),
    "instruction-expired": N_("The bank did not answer an instruction in time"),
    "payment-unconfirmed": N_("The bank took an instruction and never told that it paid"),
    "paid-after-all": N_("The bank paid what was given up"),
    "paid-twice": N_("The bank paid a second time what it had paid"),
    "payment-not-made": N_("The bank's statements show no payment"),
    "fee-not-back": N_("The platform fee that goes back has not come in"),
    "claim-overdue": N_("A claim is not paid in time"),
}
FACTS: Final[Mapping[str, str]] = {
    "kind": N_("Kind"),
    "instruction_id": N_("Payment instruction"),
    "claim_id": N_("Claim"),
    "dispute_id": N_("Dispute"),
    "entry_id": N_("The bank's reference"),
    "org_id": N_("Member"),
    "debtor_id": N_("Who owes it"),
    "name": N_("Name"),
    "booked_on": N_("Booked on"),
    "due_at": N_("Due by"),
    "reasons": N_("Reasons"),
    "expected_minor": N_("Expected"),
    "actual_minor": N_("Actual"),
}
FOUND: Final[Mapping[str, str]] = {
    "PAID": N_("Paid as instructed"),
    "NOT_PAID": N_("Nothing was paid"),
    "OTHERWISE": N_("Paid otherwise: the bank has to put it right first"),
}
WAITS: Final[Mapping[str, str]] = {
    "bank-statement-missing": N_("The bank's statements are not all there yet"),
    "bank-statement-contradicts": N_("Two statements of the bank contradict each other"),
}
NOT_PAID: Final[Mapping[str, str]] = {
    "AC02": N_("the account to be debited is not ours"),
    "AC03": N_("the payee's account does not exist"),
    "AM01": N_("an amount of zero"),
    "AM03": N_("another currency"),
    "AM04": N_("the account does not hold the sum"),
    "AM10": N_("the control sum is wrong"),
    "AM18": N_("the number of payments is wrong"),
    "DT01": N_("the day of execution is wrong"),
    "DU04": N_("it was paid before"),
    "MS03": N_("the bank gives no reason"),
    "bad-signature": N_("the signature does not fit"),
    "malformed": N_("the message is malformed"),
    "message-id-reused": N_("the message's id was used before"),
    "too-large": N_("the message is too large"),
    "instruction-expired": N_("the bank did not answer in time"),
}
MOVEMENTS: Final[Mapping[str, str]] = {
    "FUNDED": N_("Escrow funded"),
    "SELLER": N_("Provider's proceeds"),
    "COMMISSION": N_("Broker's commission"),
    "PLATFORM_FEE": N_("Platform fee"),
    "REFUNDED": N_("Refunded to the buyer"),
    "CLAIM": N_("Claim paid"),
    "SETTLED": N_("Settled"),
    "OTHER": N_("Other"),
}
BOOKS: Final[Mapping[str, str]] = {
    "platform-fee": N_("Platform fee"),
    "escrow": N_("The escrow account as a whole"),
}
DISCIPLINE: Final[Mapping[str, str]] = {
    "suspend": N_("Suspend"),
    "reinstate": N_("Reinstate"),
    "revoke": N_("Revoke for good"),
}
RESOLUTIONS: Final[Mapping[str, str]] = {
    "CORRECTED": N_("It was put right"),
    "EXPLAINED": N_("Money and books agree after all"),
    "HANDED_OVER": N_("Handed over to an authority or a court"),
}

REASONS: Final[Mapping[str, str]] = {
    "revoked": N_("Certificate revoked"),
    "suspended": N_("Certificate suspended"),
    "annual_failed": N_("Annual review failed"),
    "report_missed": N_("Annual report missing"),
    "rectify_missed": N_("Not put right in time"),
    "case_confirmed": N_("Suspicion confirmed"),
    "scope_cut": N_("Scope cut"),
    "refund_fault": N_("Refund for which the broker is at fault"),
    "warned": N_("Warning"),
    "suspicion_late": N_("Suspicion reported late"),
    "report_late": N_("Annual report filed late"),
    "rectify": N_("To be put right"),
    "change_late": N_("Change told late"),
    "dispute_lost": N_("The client lost a dispute"),
    "client_served": N_("A client's mandate was fulfilled"),
    "mandates_unfulfilled": N_("Too many mandates came to nothing"),
}
STANDINGS: Final[Mapping[str, str]] = {
    "counts": N_("counts"),
    "open-case": N_("does not count: its case is open"),
    "no-case": N_("does not count: its case was closed without result"),
    "same-matter": N_("does not count: something heavier counts for the same matter"),
    "trade-undone": N_("does not count: the trade is void, taken back or flagged"),
    "too-old": N_("does not count any more: too old"),
}
HELD: Final[Mapping[str, str]] = {
    "revoked": N_("who was revoked is in band D"),
    "suspended": N_("who was suspended is in band C at best"),
    "short-record": N_("band A is for who has served enough clients"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    **case_words.GROUPS,
    "conduct": REASONS,
    "conduct_standing": STANDINGS,
    "held": HELD,
}
