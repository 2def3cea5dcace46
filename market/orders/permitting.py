"""What a usage policy says of an access: the ODRL of our profile, read strictly and asked. Pure.

It is asked in one order: what a prohibition covers is refused; then a permission must cover the access and
every constraint of it must hold. A member, an action, an operand or an operator that is not known here
refuses (ODRL Information Model §2.3: who does not understand a profile must not process its policies).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import orjson

from market.listings.conditions import places_holding
from market.orders.errors import (
    CountExceeded,
    PolicyNotUnderstood,
    PolicyRefuses,
    PurposeNotPermitted,
    RecipientNotPermitted,
    TermEnded,
    TerritoryNotPermitted,
    UseProhibited,
)
from market.orders.odrl import ORDERED, Answer, Constraint, Request, Rule, World, ask
from market.orders.policy import CONTEXT, MEET, ORG, PROFILE, PURPOSE, party, target_of
from market.orders.scope import licence_end

_RULE: Final = ("target", "assigner", "assignee", "action", "constraint")
_POLICY: Final = (
    "@context",
    "@type",
    "uid",
    "profile",
    "conflict",
    "permission",
    "prohibition",
    "obligation",
)

# What may be asked and said in this profile; a larger vocabulary is not understood, however well it is known.
_ACTIONS: Final = frozenset(
    {"use", "transfer", "delete", "derive", "distribute", "grantUse", "read", "reproduce", "give", "sell"}
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was understood."""

    uid: str
    permissions: tuple[Rule, ...]
    prohibitions: tuple[Rule, ...]

    @property
    def purposes(self) -> frozenset[str]:
        """The codes of the purposes that its permissions name."""
        named = [one.right for one in self._bounds if (one.left, one.operator) == ("purpose", "isAnyOf")]
        return frozenset().union(*named)

    @property
    def only_purpose(self) -> str | None:
        """The purpose of a licence that has but one: an access that declares none is for that."""
        return min(self.purposes) if len(self.purposes) == 1 else None

    @property
    def most_uses(self) -> int | None:
        """How often the right may be exercised; None where that is not bounded."""
        return min(self._uppermost("count"), default=None)

    @property
    def ends_by(self) -> datetime | None:
        """The moment after which nothing is allowed any more, whenever the delivery began."""
        return min(self._uppermost("dateTime"), default=None)

    def _uppermost(self, left: str) -> list[Any]:
        return [one.right for one in self._bounds if (one.left, one.operator) == (left, "lteq")]

    @property
    def _bounds(self) -> list[Constraint]:
        bounds = (one for rule in self.permissions for one in rule.constraints)
        return [one for one in bounds if isinstance(one, Constraint)]  # the profile joins none


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One use of what was sold. `count` is which use it is, from 1 on; `place` is where the recipient is."""

    by: str
    recipient: str
    place: str
    purpose: str | None
    file_sha256: str
    at: datetime
    started_at: datetime
    count: int
    action: str = "use"


def parse(document: bytes | str) -> Policy:
    """A policy of this profile. Raises PolicyNotUnderstood for anything that is not known here."""
    try:
        said = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise PolicyNotUnderstood("the policy is no JSON") from None
    _members(said, _POLICY, "the policy")
    for name, wanted in (
        ("@context", CONTEXT),
        ("@type", "Agreement"),
        ("profile", PROFILE),
        ("conflict", "prohibit"),
    ):
        if said.get(name) != wanted:
            raise PolicyNotUnderstood(f"the policy's {name} is not known", member=name)
    for duty in _listed(said.get("obligation", [])):
        _members(duty, _RULE, "an obligation")
        if duty.get("action") not in {"delete", MEET}:
            raise PolicyNotUnderstood("an obligation that is not known", action=str(duty.get("action"))[:60])
    return Policy(
        _text(said, "uid"),
        tuple(_rule(one) for one in _listed(said.get("permission", []))),
        tuple(_rule(one) for one in _listed(said.get("prohibition", []))),
    )


def _rule(said: Any) -> Rule:
    _members(said, _RULE, "a rule")
    action = _text(said, "action")
    if action not in _ACTIONS:
        raise PolicyNotUnderstood("an action that is not known", action=action[:60])
    constraints = tuple(_parsed(one) for one in _listed(said.get("constraint", [])))
    return Rule(
        action=action,
        target=_text(said, "target"),
        assignee=_text(said, "assignee"),
        constraints=constraints,
    )


def _parsed(said: Any) -> Constraint:
    _members(said, ["leftOperand", "operator", "rightOperand"], "a constraint")
    left, operator, right = _text(said, "leftOperand"), _text(said, "operator"), said.get("rightOperand")
    reader = _READERS.get((left, operator))
    if reader is None:
        raise PolicyNotUnderstood("a constraint that is not known", left=left[:60], operator=operator[:60])
    try:
        return Constraint(left, operator, reader(right))
    except (ValueError, KeyError, TypeError):
        raise PolicyNotUnderstood("a right operand without form", left=left) from None


def _iris(prefix: str) -> Callable[[Any], frozenset[str]]:
    def read(right: Any) -> frozenset[str]:
        return frozenset(_after(prefix, one["@id"]) for one in _listed(right))

    return read


def _after(prefix: str, iri: str) -> str:
    if not iri.startswith(prefix):
        raise ValueError(iri)
    return iri.removeprefix(prefix)


def _places(right: Any) -> frozenset[str]:
    places = frozenset(_listed(right))
    if not all(isinstance(place, str) for place in places):
        raise ValueError(right)
    return places


def _value(kind: str, right: Any) -> str:
    if not isinstance(right, dict) or right.keys() != {"@value", "@type"} or right["@type"] != f"xsd:{kind}":
        raise ValueError(right)
    return str(right["@value"])


def _moment(right: Any) -> datetime:
    moment = datetime.fromisoformat(_value("dateTime", right))
    if moment.tzinfo is None:
        raise ValueError(right)
    return moment


def _number(right: Any) -> int:
    return int(_value("integer", right))


def _months(right: Any) -> int:
    text = _value("duration", right)
    if not (text.startswith("P") and text.endswith("M")):
        raise ValueError(right)
    return int(text[1:-1])


_READERS: Final[Mapping[tuple[str, str], Callable[[Any], Any]]] = {
    ("purpose", "isAnyOf"): _iris(PURPOSE),
    ("purpose", "isNoneOf"): _iris(PURPOSE),
    ("recipient", "isAnyOf"): _iris(ORG),
    ("recipient", "isNoneOf"): _iris(ORG),
    ("spatial", "isAnyOf"): _places,
    ("spatial", "isNoneOf"): _places,
    ("elapsedTime", "lteq"): _months,
    **{("dateTime", operator): _moment for operator in ORDERED},
    **{("count", operator): _number for operator in ORDERED},
}
_REFUSED_BY: Final[Mapping[str, type[PolicyRefuses]]] = {
    "purpose": PurposeNotPermitted,
    "spatial": TerritoryNotPermitted,
    "dateTime": TermEnded,
    "elapsedTime": TermEnded,
    "count": CountExceeded,
    "recipient": RecipientNotPermitted,
}


def check_access(policy: Policy, access: Access) -> None:
    """Whether a policy lets an access be.

    Raises UseProhibited, PurposeNotPermitted, TerritoryNotPermitted, TermEnded, CountExceeded or
    RecipientNotPermitted, and PolicyNotUnderstood for an action that is not known.
    """
    if access.action not in _ACTIONS:
        raise PolicyNotUnderstood("an action that is not known", action=access.action[:60])
    if any(_asked(rule, access, undeclared=True).active for rule in policy.prohibitions):
        raise UseProhibited("the contract prohibits this", action=access.action)
    answers = [_asked(rule, access, undeclared=False) for rule in policy.permissions]
    covering = [answer for answer in answers if answer.covers]
    if not covering:
        raise UseProhibited("no permission of the contract covers this", action=access.action)
    if not any(answer.active for answer in covering):
        raise _refusal(next(one for one in covering[0].failed if isinstance(one, Constraint)), access)


def _asked(rule: Rule, access: Access, *, undeclared: bool) -> Answer:
    request = Request(by=party(access.by), action=access.action, target=target_of(access.file_sha256))
    return ask(rule, request, World(holds=partial(_holds, access=access, undeclared=undeclared)))


def _refusal(failed: Constraint, access: Access) -> PolicyRefuses:
    if failed.left == "purpose" and access.purpose is None:
        return PurposeNotPermitted("declare for which of its purposes", permitted=sorted(failed.right))
    facts = {"permitted": sorted(failed.right)} if isinstance(failed.right, frozenset) else {}
    refused = _REFUSED_BY[failed.left]
    return refused(f"the contract's bound on {failed.left} does not hold", operand=failed.left, **facts)


def _holds(constraint: Constraint, *, access: Access, undeclared: bool) -> bool:
    """Whether a bound holds; `undeclared` is the answer for a fact that nobody told."""
    left, operator, right = constraint.left, constraint.operator, constraint.right
    if left == "elapsedTime":
        return access.at <= licence_end(access.started_at, right)
    if left in {"dateTime", "count"}:
        fact = access.at if left == "dateTime" else access.count
        return ORDERED[operator](fact, right)
    facts = {
        "purpose": () if access.purpose is None else (access.purpose,),
        "spatial": places_holding(access.place),
        "recipient": (access.recipient,),
    }[left]
    if not facts:
        return undeclared
    return bool(right.intersection(facts)) == (operator == "isAnyOf")


def _members(said: Any, known: Sequence[str], what: str) -> None:
    if not isinstance(said, dict) or not said.keys() <= set(known):
        raise PolicyNotUnderstood(f"{what} has members that are not known")


def _listed(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise PolicyNotUnderstood("a list is expected in the policy")
    return said


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise PolicyNotUnderstood(f"{name} is missing in the policy", member=name)
    return value
