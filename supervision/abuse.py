"""Abuse of dominance, AML Art 22: what the detectors AB1 to AB6 share. All are screens.

They look only at undertakings that are presumed dominant (AML24-1 to AML24-3), in the market in which they
are. The law names no number for them; the numbers are this project's own, and whether there is a good reason
(正当理由) is for people to hear.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from supervision.context import Context, Tables
from supervision.dominance import DOMINANCE, dominant
from supervision.finding import Explanation, Finding, Market, Severity
from supervision.saying import because, tell
from supervision.trades import counted_sales

CITES: Final = (*DOMINANCE, "AML24-X", "MARKET")
NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    }
)


def priced_sales(tables: Tables, context: Context) -> Any:
    """Counted sales with a quantity, and `price`: a quotient to sort and sift by, exact for whole prices."""
    sold = counted_sales(tables, context)
    sold = sold.mutate(
        quantity=sold.quantity.fill_null(1),
        unit=sold.unit.fill_null(""),
        licence=sold.licence_class.fill_null(""),
    )
    sold = sold.filter(sold.quantity > 0)
    return sold.mutate(price=sold.amount_minor.cast("float64") / sold.quantity.cast("float64"))


def dominants_sales(tables: Tables, context: Context, sold: Any) -> Any:
    """What the presumed dominant sold to others, not to its own group, in the markets in which they are."""
    group = dominant(tables, context).rename(seller_group="group")
    sold = sold.filter(sold.seller_group != sold.buyer_group)
    return sold.semi_join(group, ["category", "geo", "seller_group"])


def rivals_sales(tables: Tables, context: Context, sold: Any) -> Any:
    """The sales beside each dominant undertaking: `of_group`, and what the others sold in its market."""
    group = dominant(tables, context).rename(of_group="group")
    beside = group.inner_join(sold, ["category", "geo"])
    return beside.filter(beside.seller_group != beside.of_group, beside.seller_group != beside.buyer_group)


def suspected(
    rule_id: str,
    context: Context,
    *,
    zh: str,
    en: str,
    market: Market,
    window: tuple[datetime, datetime],
    subjects: Iterable[str | None],
    objects: Iterable[str | None],
    statistic: Mapping[str, Any],
    evidence: Iterable[int | None],
    innocent: tuple[Explanation, ...],
    severity: Severity = Severity.HIGH,
) -> Finding:
    """A finding of an abuse screen."""
    rebuttable = because(
        "not-dominant", "支配地位推定可被推翻", "the presumption of dominance can be rebutted"
    )
    return tell(
        rule_id,
        context,
        zh=f"涉嫌{zh}（线索，支配地位为推定）",
        en=f"suspected {en}; dominance is presumed, a clue only",
        market=market,
        severity=severity,
        window=window,
        subjects=subjects,
        objects=objects,
        statistic=statistic,
        evidence=evidence,
        innocent=(*innocent, rebuttable),
        screen=True,
        cites=CITES,
    )
