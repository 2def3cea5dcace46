"""What decides a dispute and a refund: grounds, outcomes, a panel's majority, amounts. Pure.

Amounts are whole fen. What goes back never exceeds what was paid, and every division of it sums to it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.money import allot
from market.disputes.errors import (
    DisputeMalformed,
    EvidenceMissing,
    OfficerNeeded,
    RefundBeyondPaid,
    VotedBefore,
)

CLAIM_WORKING_DAYS: Final = 10  # who was paid pays back within these
PANEL: Final = 3
MAX_EVIDENCE: Final = 20
MAX_TEXT: Final = 4000
MAX_NAME: Final = 200
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Ground(StrEnum):
    """Why goods are disputed, or money goes back (`rules.md` §2.7)."""

    NOT_DELIVERED = "NOT_DELIVERED"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    DIGEST = "DIGEST"
    SCHEMA = "SCHEMA"
    ROWS = "ROWS"
    QUALITY = "QUALITY"
    ILLEGAL_SOURCE = "ILLEGAL_SOURCE"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    REGULATOR_ORDER = "REGULATOR_ORDER"
    DUPLICATE = "DUPLICATE"
    UNUSED_QUOTA = "UNUSED_QUOTA"
    PAYMENT = "PAYMENT"
    OTHER = "OTHER"


DISPUTABLE: Final = frozenset(Ground) - {Ground.NOT_DELIVERED, Ground.REGULATOR_ORDER, Ground.UNUSED_QUOTA}
"""What a delivery is disputed for; the others are grounds of a refund alone."""
REFUNDABLE: Final = frozenset(Ground) - {Ground.PAYMENT}


class Side(StrEnum):
    """Who opened a dispute; the exchange does when a test of what was delivered fails."""

    BUYER = "BUYER"
    PROVIDER = "PROVIDER"
    EXCHANGE = "EXCHANGE"


class Outcome(StrEnum):
    """What becomes of the price: all to the seller, part of it back, all of it back."""

    ACCEPT = "ACCEPT"
    PARTIAL = "PARTIAL"
    REFUND = "REFUND"


class Basis(StrEnum):
    """By what a dispute ended."""

    AGREED = "AGREED"
    PANEL = "PANEL"
    COURT = "COURT"
    VOID = "VOID"  # an authority made the contract void


class DisputeState(StrEnum):
    OPEN = "OPEN"
    ENDED = "ENDED"


class ProposalState(StrEnum):
    """LAPSED is a proposal that stood when the dispute ended otherwise."""

    OPEN = "OPEN"
    REPLACED = "REPLACED"
    WITHDRAWN = "WITHDRAWN"
    AGREED = "AGREED"
    LAPSED = "LAPSED"


class Fault(StrEnum):
    """Whose fault a refund after release is; none may be named."""

    SELLER = "SELLER"
    BROKER = "BROKER"
    PLATFORM = "PLATFORM"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A thing that shows something, by what it is called and its SHA-256 in hex; who has it keeps it."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Award:
    """What becomes of a price: `refund_minor` fen of it go back to the buyer."""

    outcome: Outcome
    refund_minor: int


def parse_ground(text: str, *, among: Collection[Ground]) -> Ground:
    """A ground of the list; raises DisputeMalformed."""
    known = [ground for ground in Ground if ground in among]
    if text not in known:
        raise DisputeMalformed(
            "no such ground here", ground=text[:MAX_NAME], known=[str(one) for one in known]
        )
    return Ground(text)


def check_evidence(text: str, evidence: Sequence[Evidence]) -> None:
    """Something is said or shown, within bounds. Raises EvidenceMissing, DisputeMalformed."""
    if not text.strip() and not evidence:
        raise EvidenceMissing("say what is wrong, or name what shows it")
    check_text(text)
    if len(evidence) > MAX_EVIDENCE:
        raise DisputeMalformed("too many pieces of evidence", limit=MAX_EVIDENCE)
    for piece in evidence:
        if not 0 < len(piece.name) <= MAX_NAME or not _DIGEST.fullmatch(piece.sha256):
            raise DisputeMalformed("evidence is a name and a SHA-256 in hex", name=piece.name[:MAX_NAME])


def check_text(text: str) -> None:
    """Raises DisputeMalformed for a text that is too long."""
    if len(text) > MAX_TEXT:
        raise DisputeMalformed("the text is too long", limit=MAX_TEXT)


def check_reasons(text: str) -> None:
    """A ruling gives its reasons. Raises DisputeMalformed."""
    if not text.strip():
        raise DisputeMalformed("a vote gives its reasons", member="reasons")
    check_text(text)


def check_digest(text: str) -> str:
    """A SHA-256 in hex; raises DisputeMalformed."""
    if not _DIGEST.fullmatch(text):
        raise DisputeMalformed("a digest is a SHA-256 in hex", digest=text[:MAX_NAME])
    return text


def award_of(outcome: str, refund_minor: int | None, *, price_minor: int) -> Award:
    """What an outcome gives back of a price: nothing, a part that is neither nothing nor all, or all.

    `refund_minor` is said for PARTIAL alone. Raises DisputeMalformed; RefundBeyondPaid for a part that is
    not less than the price.
    """
    if outcome not in list(Outcome):
        raise DisputeMalformed(
            "no such outcome", outcome=outcome[:MAX_NAME], known=[str(one) for one in Outcome]
        )
    if Outcome(outcome) is not Outcome.PARTIAL:
        if refund_minor is not None:
            raise DisputeMalformed("an amount is named where part of the price goes back", outcome=outcome)
        return Award(Outcome(outcome), 0 if outcome == Outcome.ACCEPT else price_minor)
    if refund_minor is None or refund_minor <= 0:
        raise DisputeMalformed("name the part of the price that goes back", member="refund_minor")
    if refund_minor >= price_minor:
        raise RefundBeyondPaid(
            "part of the price is less than all of it",
            refund_minor=str(refund_minor),
            price_minor=str(price_minor),
        )
    return Award(Outcome.PARTIAL, refund_minor)


def ruling(votes: Sequence[Award]) -> Award | None:
    """What a panel has decided: None until all its members have voted.

    The vote that two of them share. Where all three differ it is the middle one: two of three give back
    at least as much, and two at most as much.
    """
    if len(votes) < PANEL:
        return None
    return sorted(votes, key=lambda vote: vote.refund_minor)[len(votes) // 2]


def check_voter(user_id: str | None, *, logins: Collection[str], voted: Collection[str]) -> str:
    """Who may vote on a dispute now; the person's id. `logins` are all of this natural person.

    Raises OfficerNeeded, VotedBefore.
    """
    if user_id is None:
        raise OfficerNeeded("a vote is a person's")
    if {user_id, *logins} & set(voted):
        raise VotedBefore("each officer votes once, under whatever login")
    return user_id


def unused_refund(price_minor: int, *, bought: int, used: int) -> int:
    """What goes back of a price for quota that was bought and not used, in fen, by the largest remainder.

    Raises DisputeMalformed unless 0 <= used <= bought and something was bought.
    """
    if not 0 <= used <= bought or bought == 0:
        raise DisputeMalformed("used is at most what was bought", used=str(used), bought=str(bought))
    _, unused = allot(price_minor, [used, bought - used])
    return unused


def returning(fault: Collection[Fault]) -> frozenset[str]:
    """Who gives its fee back, pro rata: broker and platform where the seller or the broker is at fault.

    The platform also where the fault is its own (`rules.md` §2.7). The seller owes the rest in any case.
    """
    both = {"BROKER", "PLATFORM"} if {Fault.SELLER, Fault.BROKER} & set(fault) else set()
    return frozenset(both | ({"PLATFORM"} & {str(one) for one in fault}))


def check_refund(refund_minor: int, *, outstanding_minor: int) -> None:
    """More than nothing, and no more than what was paid and not claimed back; RefundBeyondPaid."""
    if refund_minor <= 0:
        raise DisputeMalformed("a refund is more than nothing", member="refund_minor")
    if refund_minor > outstanding_minor:
        raise RefundBeyondPaid(
            "more than what was paid",
            refund_minor=str(refund_minor),
            paid_minor=str(outstanding_minor),
        )


def outstanding(released: Mapping[str, int], claimed: Mapping[str, int]) -> dict[str, int]:
    """What can still be claimed of each that was paid out of a trade, after what was claimed before.

    A seller that gave back more than it had (the fees of a refund without another's fault) has given it for
    the others: of all of them no more is claimed than was paid, so nobody is refunded more than the price.
    """
    rest = {payee: amount - claimed.get(payee, 0) for payee, amount in released.items()}
    given_for_others = -sum(amount for amount in rest.values() if amount < 0)
    left = {}
    for payee, amount in rest.items():
        taken = min(max(amount, 0), given_for_others)
        given_for_others -= taken
        if amount - taken > 0:
            left[payee] = amount - taken
    return left
