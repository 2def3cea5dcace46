"""A price calculator: what a quantity costs for a use and a term, item by item, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import DomainError
from market.listings import repository
from market.listings.conditions import PURPOSE_LABELS, Conditions, Purpose
from market.listings.quoting import whole_quote
from market.listings.rules import MAX_QUANTITY, ListingState
from market.listings.tables import Listing
from market.quotes.rules import held_until
from pricing.quote import Quote
from pricing.whole import PLATFORM_FEE_BP, VAT_BP, WholePrice, whole_price
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.products import seen
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_MAX_MONTHS: Final = 1200
_BAD_QUANTITY: Final = N_("Enter a whole number of units.")
_BAD_MONTHS: Final = N_("Enter a whole number of months.")
_NOT_THIS_USE: Final = N_("The provider does not license this use.")
_TOO_LONG: Final = N_("The provider licenses no longer term.")
_NOT_EXCLUSIVE: Final = N_(
    "Licences here are not exclusive: the model contract grants one that others can have too."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the calculator is asked; what cannot be had is told in `wrong`, by field."""

    quantity: int
    use: str
    months: int
    exclusive: bool
    wrong: Mapping[str, str]

    @classmethod
    def read(cls, query: Mapping[str, str], listing: Listing, bounds: Conditions) -> "Asked":
        form = Form({name: [value[:40]] for name, value in query.items()})
        wrong: dict[str, str] = {}
        uses = [one.value for one in Purpose if one in bounds.purposes]
        usual = listing.quantity
        quantity: Any = form.whole("rows") if form.text("rows") else usual
        months: Any = form.whole("months") if form.text("months") else min(12, bounds.max_term_months)
        use = form.text("use") or uses[0]
        if not isinstance(quantity, int) or not 0 < quantity <= MAX_QUANTITY:
            quantity, wrong["rows"] = usual, _BAD_QUANTITY
        if not isinstance(months, int) or not 0 < months <= _MAX_MONTHS:
            months, wrong["months"] = min(12, bounds.max_term_months), _BAD_MONTHS
        elif months > bounds.max_term_months:
            wrong["months"] = _TOO_LONG
        if use not in uses:
            wrong["use"] = _NOT_THIS_USE
        exclusive = form.text("exclusive") in {"yes", "true", "1"}
        if exclusive:
            wrong["exclusive"] = _NOT_EXCLUSIVE
        return cls(quantity, use, months, exclusive, wrong)


@router.get("/products/{listing_id}/quote")
async def quote(visitor: VisitorDep, listing_id: str) -> Response:
    """What these terms cost, item by item; the address is the quote, the same for everybody."""
    return await _quote(visitor, listing_id, visitor.request.query_params, Filled())


@router.post("/products/{listing_id}/quote")
async def hold(visitor: VisitorDep, listing_id: str) -> Response:
    """Have the exchange hold these terms, as a buyer."""
    form = await visitor.form()
    asked = {name: form.text(name) for name in ("rows", "use", "months")}
    return await attempt(
        visitor,
        form,
        act="quote.hold",
        args={
            "listing_id": listing_id,
            "quantity": form.whole("rows"),
            "purpose": form.text("use"),
            "term_months": form.whole("months"),
        },
        role="BUYER",
        then=lambda held: f"/buy/quotes/{held['quote_id']}",
        again=lambda filled: _quote(visitor, listing_id, asked, filled),
    )


async def _quote(visitor: Visitor, listing_id: str, query: Mapping[str, str], filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        listing = await seen(s, visitor, listing_id)
        bounds = await repository.conditions_of(s, listing_id=listing_id)
        asked = Asked.read(query, listing, bounds)
        found: Quote | None = None
        refusal: DomainError | None = None
        try:
            found = await whole_quote(s, listing, quantity=asked.quantity)
        except DomainError as error:
            refusal = error
        names = await names_of(s, [listing.seller_id])
    return visitor.render(
        "quote.html",
        filled=filled,
        listing=listing,
        asked=asked,
        bounds=bounds,
        uses=[
            (one.value, visitor.named(PURPOSE_LABELS[one]))
            for one in Purpose
            if one in bounds.purposes or one.value == asked.use
        ],
        quote=found,
        refusal=refusal,
        whole=None if found is None else _whole(found),
        reasons=_reasons(found),
        names=names,
        vat_bp=VAT_BP,
        platform_bp=PLATFORM_FEE_BP,
        on_offer=listing.status is ListingState.LISTED,
        may_hold=visitor.may({"BUYER"}) and listing.seller_id != visitor.org_id,
        held_until=held_until(visitor.node.clock.now()),
        may_inquire=visitor.may({"BUYER", "BROKER"}) and listing.seller_id != visitor.org_id,
    )


def _whole(found: Quote) -> WholePrice:
    return whole_price(found.total_minor, commission_bp=0, platform_bp=PLATFORM_FEE_BP)


def _reasons(found: Quote | None) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The reasons of a quote: of each its code and its values."""
    return [] if found is None else [(one.code, one.values) for one in found.reasons]
