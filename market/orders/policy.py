"""The usage policy of a contract: an ODRL 2.2 Agreement, made of the licence that was agreed. Pure.

The profile is described in `docs/contract.md`; what a policy says of an access is asked in
`market.orders.permitting`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.canonical import canonical
from base.clock import rfc3339
from market.listings.categories import ProductType
from market.orders.acceptance import TESTS, AcceptanceTerms, Bound, Holds
from market.orders.scope import LicenceScope, licence_end

CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
PROFILE: Final = "urn:databourse:odrl:1"
MEDIA_TYPE: Final = "application/ld+json"
LEAD_MONTHS: Final = 6  # how long after the contract a licence may at most begin
PURPOSE: Final = f"{PROFILE}:purpose:"
MEASURE: Final = f"{PROFILE}:measure:"
MEET: Final = f"{PROFILE}:action:meet"
ORG: Final = "urn:databourse:org:"
_LICENCE_END: Final = f"{PROFILE}:event:licence-end"
_WORKING_DAY: Final = f"{PROFILE}:unit:working-day"


@dataclass(frozen=True, slots=True)
class Bounded:
    """A bound that the goods have to hold when they are accepted."""

    name: str
    operator: str
    bound: Bound


_OPERATORS: Final = {Holds.LEAST: "gteq", Holds.MOST: "lteq", Holds.SAME: "eq"}


def bounds_of(product_type: ProductType, terms: AcceptanceTerms) -> tuple[Bounded, ...]:
    """The acceptance terms of a contract, in the order of the type's tests."""
    return tuple(
        Bounded(test.name, _OPERATORS[test.holds], terms.bounds[test.name])
        for test in TESTS.get(product_type, ())
        if test.name in terms.bounds
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a policy is made of: who gives whom which file, until when and how."""

    trade_id: str
    seller_id: str
    buyer_id: str
    file_sha256: str
    territory: tuple[str, ...]
    term_months: int
    dated_at: datetime
    scope: LicenceScope
    accepted_by: tuple["Bounded", ...] = ()

    @property
    def ends_by(self) -> datetime:
        """The latest end: the term begins with the delivery, at most `LEAD_MONTHS` after the contract."""
        return licence_end(self.dated_at, LEAD_MONTHS + self.term_months)


def build(licence: Licence) -> bytes:
    """The policy as canonical JSON-LD, ready to be digested."""
    scope = licence.scope
    about = {
        "target": target_of(licence.file_sha256),
        "assigner": party(licence.seller_id),
        "assignee": party(licence.buyer_id),
    }
    constraints = [
        _constraint("purpose", "isAnyOf", [{"@id": f"{PURPOSE}{one.value}"} for one in scope.purposes]),
        _constraint("spatial", "isAnyOf", list(licence.territory)),
        _constraint("dateTime", "lteq", _typed(rfc3339(licence.ends_by), "dateTime")),
        _constraint("elapsedTime", "lteq", _typed(f"P{licence.term_months}M", "duration")),
        _constraint("count", "lteq", _typed(str(scope.max_count), "integer")),
        _constraint(
            "recipient",
            "isAnyOf",
            [{"@id": party(one)} for one in (licence.buyer_id, *scope.recipients)],
        ),
    ]
    allowed = ["use", *(["derive"] if scope.derivative_allowed else [])]
    barred = ["grantUse", "sell", "transfer", *([] if scope.derivative_allowed else ["derive"])]
    document = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": f"urn:databourse:policy:{licence.trade_id}",
        "profile": PROFILE,
        "conflict": "prohibit",
        "permission": [about | {"action": action, "constraint": constraints} for action in allowed],
        "prohibition": [about | {"action": action} for action in sorted(barred)],
        "obligation": [
            about
            | {
                "action": "delete",
                "constraint": [
                    _constraint("event", "gt", {"@id": _LICENCE_END}),
                    _constraint("elapsedTime", "lteq", _typed(str(scope.delete_within_wd), "integer"))
                    | {"unit": {"@id": _WORKING_DAY}},
                ],
            },
            *_provider_duty(licence),
        ],
    }
    return canonical(document)


def _provider_duty(licence: Licence) -> list[dict[str, Any]]:
    """The provider owes goods that hold the bounds by which they are accepted."""
    if not licence.accepted_by:
        return []
    return [
        {
            "target": target_of(licence.file_sha256),
            "assigner": party(licence.buyer_id),
            "assignee": party(licence.seller_id),
            "action": MEET,
            "constraint": [
                _constraint(
                    f"{MEASURE}{one.name}",
                    one.operator,
                    _typed(str(one.bound), "integer") if isinstance(one.bound, int) else one.bound,
                )
                for one in licence.accepted_by
            ],
        }
    ]


def party(org_id: str) -> str:
    """The IRI of an organisation."""
    return f"{ORG}{org_id}"


def target_of(file_sha256: str) -> str:
    """The IRI of what a licence is about: the very bytes that were sold."""
    return f"urn:databourse:file:sha256:{file_sha256}"


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}
