"""A price plan on pages: its fields in the form of a draft, and what it shows of a quantity. Pure.

Forms say yuan, one tier a line; plans say fen.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from base.errors import DomainError
from market.listings.categories import Label
from market.listings.plans import PLAN_LABELS, PlanMethod, PricePlan, rows_of, yuan_rate
from market.listings.tables import Listing
from pricing.errors import QuantityOutOfBounds
from pricing.whole import PLATFORM_FEE_BP, WholePrice, whole_price
from web.pages.forms import Form, Invalid, Problem
from web.pages.languages import N_

_OPEN: Final = frozenset({"*", "∞", "以上"})
_PAIR: Final = 2
_FEN: Final = 100
_SHOWN: Final = 20
_BAD_LINE: Final = N_("Write each tier as: last unit | yuan a unit; the last tier as: * | yuan a unit.")
_BAD_RATE: Final = N_("Enter an amount in yuan, such as 0.003.")


def plan_of_form(form: Form) -> dict[str, Any] | None:
    """The plan as the act takes it; None where the form names no method. Raises Invalid."""
    method = form.optional("plan_method")
    if method is None:
        return None
    plan: dict[str, Any] = {"method": method}
    lines = [line for line in form.text("plan_tiers").splitlines() if line.strip()]
    if method == PlanMethod.SUBSCRIPTION:
        plan["fee_minor"] = form.fen("plan_fee")
    elif method == PlanMethod.METERED and form.optional("plan_rate"):
        plan["rate_minor"] = _fen_rate(form.text("plan_rate"), "plan_rate", _BAD_RATE)
    else:
        plan["tiers"] = [_tier(line) for line in lines]
    if method == PlanMethod.METERED:
        plan |= {"commit_minor": form.fen("plan_commit"), "cap_minor": form.fen("plan_cap")}
    return plan


def _tier(line: str) -> dict[str, Any]:
    parts = [part.strip().replace(",", "") for part in line.replace("｜", "|").split("|")]
    if len(parts) != _PAIR or not (parts[0] in _OPEN or (parts[0].isascii() and parts[0].isdecimal())):
        raise Invalid(Problem("plan_tiers", _BAD_LINE))
    return {
        "up_to": None if parts[0] in _OPEN else int(parts[0]),
        "rate_minor": _fen_rate(parts[1], "plan_tiers", _BAD_LINE),
    }


def _fen_rate(text: str, name: str, said: str) -> str:
    """Yuan a unit as fen a unit, exact."""
    text = text.removeprefix("¥").strip()
    try:
        yuan = Decimal(text) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        yuan = None
    if yuan is None or not yuan.is_finite() or yuan < 0:
        raise Invalid(Problem(name, said))
    return format((yuan * _FEN).normalize(), "f")


@dataclass(frozen=True, slots=True)
class Planned:
    """What a page shows of a plan: its terms, and a quantity's price taken apart, or why there is none."""

    label: Label
    tiers: list[tuple[int, int | None, str]]
    fee_minor: int | None
    rate: str | None
    commit_minor: int | None
    cap_minor: int | None
    quantity: str
    price: WholePrice | None
    refusal: DomainError | None


def planned(plan: PricePlan, listing: Listing, asked: str = "") -> Planned:
    """A plan with the price of the quantity that was asked for, else of the one on offer. Rates in yuan."""
    wanted = Form({"quantity": [asked]}).whole("quantity")
    price, refusal = None, None
    try:
        if isinstance(wanted, str):
            raise QuantityOutOfBounds("a quantity is a whole number", quantity=asked[:_SHOWN])
        minor = plan.priced(wanted or listing.quantity).total_minor
        price = whole_price(minor, commission_bp=0, platform_bp=PLATFORM_FEE_BP)
    except DomainError as error:
        refusal = error
    rate = plan.terms.get("rate_minor")
    return Planned(
        label=PLAN_LABELS[plan.method],
        tiers=[(first, last, yuan_rate(each)) for first, last, each in rows_of(plan)],
        fee_minor=plan.terms.get("fee_minor"),
        rate=None if rate is None else yuan_rate(str(rate)),
        commit_minor=plan.terms.get("commit_minor"),
        cap_minor=plan.terms.get("cap_minor"),
        quantity=asked[:_SHOWN] if isinstance(wanted, str) else str(wanted or listing.quantity),
        price=price,
        refusal=refusal,
    )
