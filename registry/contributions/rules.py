"""What contributors may agree to, and what each is owed: pure.

A product of several inputs has at most twenty (`pricing.shapley` divides among as many), so nineteen give to
it beside its seller. Shares are of the seller's part of a price, after both fees, in basis points; they are
agreed, not computed. The figures are this project's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from base.ids import is_id
from base.money import allot
from registry.contributions.errors import ContributionMalformed, ContributionOpen
from registry.contributions.states import ContributionState
from registry.rules import Source

WHOLE_BP: Final = 10_000
MOST_CONTRIBUTORS: Final = 19
MAX_REFERENCE: Final = 60
OWN_SOURCES: Final = (Source.SELF_COLLECTED, Source.OWN_ACTIVITY, Source.UTILITY)
"""The sources that give their holder every right by themselves (Art 21; Art 15 for public services)."""


class BasisKind(StrEnum):
    """On what right a contributor provides its data to others."""

    REGISTRATION = "REGISTRATION"  # a property right registered here, by its number
    GRANT = "GRANT"  # authorised operation of public data, by its grant
    STATEMENT = "STATEMENT"  # a signed source statement of its own, by its digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A right and where it stands: a registration's number, a grant, or a source with its statement."""

    kind: BasisKind
    reference: str | None = None
    source: Source | None = None
    statement_sha256: str | None = None


def check_basis(basis: Basis) -> Basis:
    """The basis, if it is of the form of its kind and says nothing else. Raises ContributionMalformed."""
    stated = basis.kind is BasisKind.STATEMENT
    wrong = [
        ("reference", (basis.reference is None) is not stated),
        ("reference", len(basis.reference or "") > MAX_REFERENCE),
        ("reference", basis.kind is BasisKind.GRANT and not is_id(basis.reference or "", "aog")),
        ("source", stated is not (basis.source in OWN_SOURCES)),
        ("source", not stated and basis.source is not None),
        ("statement_sha256", (basis.statement_sha256 is not None) is not stated),
    ]
    fields = list(dict.fromkeys(name for name, is_wrong in wrong if is_wrong))
    if fields:
        raise ContributionMalformed("a basis names what its kind asks for, and nothing else", fields=fields)
    return basis


def check_shares(share_bp: int, agreed: Sequence[int]) -> None:
    """That a further share leaves the seller one, of at most twenty. Raises ContributionMalformed."""
    if len(agreed) >= MOST_CONTRIBUTORS:
        raise ContributionMalformed("no more contributors", fields=["contributor_id"], most=MOST_CONTRIBUTORS)
    if not 0 <= share_bp < WHOLE_BP - sum(agreed):
        raise ContributionMalformed(
            "all shares together leave the seller one",
            fields=["share_bp"],
            left_bp=WHOLE_BP - 1 - sum(agreed),
        )


def check_all_agreed(newest: Mapping[str, ContributionState]) -> None:
    """That each contributor's newest word is its agreement; the ask may have been taken back.

    `newest` is by contributor. Raises ContributionOpen, naming who has not.
    """
    fine = {ContributionState.AGREED, ContributionState.CANCELLED}
    open_ = sorted(who for who, state in newest.items() if state not in fine)
    if open_:
        raise ContributionOpen("not all contributors have agreed", contributors=open_)


def owed(net_minor: int, shares_bp: Mapping[str, int]) -> dict[str, int]:
    """What each contributor gets of a seller's part, in fen, by the largest remainder.

    The seller keeps what is left; of equal remainders the seller's is first, then the order of the ids.
    `net_minor` may be nothing. Raises Malformed for shares that are more than the whole.
    """
    order = sorted(shares_bp)
    kept = WHOLE_BP - sum(shares_bp.values())
    parts = allot(net_minor, [kept, *(shares_bp[who] for who in order)])
    return dict(zip(order, parts[1:], strict=True))
