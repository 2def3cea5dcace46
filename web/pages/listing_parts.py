"""A listing as a list of tasks: what is done, what is missing, and where it is done. Pure."""

from dataclasses import dataclass
from typing import Final

from market.listings.states import ListingState
from market.listings.tables import Listing
from registry.tables import QualityRow
from web.pages.languages import N_

_PAST_DRAFT: Final = frozenset(set(ListingState) - {ListingState.DRAFT})
_REVIEWED: Final = frozenset(
    {ListingState.APPROVED, ListingState.LISTED, ListingState.SUSPENDED, ListingState.DELISTED}
)


@dataclass(frozen=True, slots=True)
class Task:
    """One part of a listing. `says` is what is missing, or how it stands; `place` is where on the page."""

    name: str
    done: bool
    says: str
    place: str = ""


def parts_of(listing: Listing, report: QualityRow | None) -> list[Task]:
    """The parts of a listing in their order, each with what is missing of it."""
    measured = report is not None
    passed = report is not None and report.passed
    submitted = listing.status in _PAST_DRAFT
    reviewed = listing.status in _REVIEWED
    return [
        Task(N_("Upload the file"), done=True, says=N_("The file is kept, encrypted."), place="upload"),
        Task(
            N_("Describe the product"),
            done=True,
            says=N_("It has its title, terms and price."),
            place="price",
        ),
        Task(
            N_("Measure the quality"),
            done=passed,
            says=N_("The quality passed.")
            if passed
            else N_("The quality did not pass: the report says what to fix.")
            if measured
            else N_("The quality has not been measured."),
            place="quality",
        ),
        Task(
            N_("Declare rights and materials, submit"),
            done=submitted,
            says=N_("It was submitted.") if submitted else N_("Rights and materials have not been declared."),
            place="submit",
        ),
        Task(
            N_("Review by the exchange"),
            done=reviewed,
            says=N_("The exchange approved it.") if reviewed else N_("The exchange has not approved it."),
        ),
        Task(
            N_("On offer"),
            done=listing.listed_at is not None,
            says=N_("Buyers see it, or saw it.") if listing.listed_at else N_("Buyers do not see it yet."),
        ),
    ]
