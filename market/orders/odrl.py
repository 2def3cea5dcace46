"""Whether a rule of an ODRL 2.2 policy is active for a request, in whatever profile. Pure.

What a rule leaves out (target, assignee, action) it leaves open. What the facts are, and what holds a
constraint, is the profile's to say: ours stands in `market.orders.permitting`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

# Which action is part of which (ODRL Vocabulary §4.1 `includedIn`; `write` by its Appendix A).
_USES: Final = (
    "acceptTracking aggregate annotate anonymize archive attribute compensate concurrentUse delete derive",
    "digitize distribute ensureExclusivity execute grantUse include index inform install modify move",
    "nextPolicy obtainConsent present read reproduce reviewPolicy stream synchronize textToSpeech transform",
    "translate uninstall watermark write",
)
_NARROWER: Final = (("present", "display play print"), ("reproduce", "extract"), ("transfer", "give sell"))
INCLUDED_IN: Final[Mapping[str, str | None]] = {
    "use": None,
    "transfer": None,
    **dict.fromkeys(" ".join(_USES).split(), "use"),
    **{part: whole for whole, parts in _NARROWER for part in parts.split()},
}
ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": eq,
    "neq": ne,
    "lt": lt,
    "lteq": le,
    "gt": gt,
    "gteq": ge,
}


class Operand(StrEnum):
    """How a logical constraint joins its parts (ODRL Information Model §2.5.2).

    `andSequence` asks for an order of events in time; of facts of one moment it is `and`.
    """

    AND = "and"
    AND_SEQUENCE = "andSequence"
    OR = "or"
    XONE = "xone"


class DutyState(StrEnum):
    """Where a duty of a permission stands: one that is not yet due stops nobody, a violated one does."""

    NOT_SET = "NonSet"
    FULFILLED = "Fulfilled"
    VIOLATED = "Violated"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on one fact of a request."""

    left: str
    operator: str
    right: Any


@dataclass(frozen=True, slots=True)
class Joined:
    """Constraints joined by a logical operand."""

    operand: Operand
    parts: "tuple[Constraint | Joined, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A permission or a prohibition; `duties` are the ids of those that go with a permission."""

    action: str | None = None
    target: str | None = None
    assignee: str | None = None
    constraints: tuple[Constraint | Joined, ...] = ()
    duties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants to do what with which asset."""

    by: str
    action: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The facts: what holds a constraint, who belongs to which collection, and where the duties stand."""

    holds: Callable[[Constraint], bool]
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    duties: Mapping[str, DutyState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What of a rule is satisfied; `failed` are the constraints that do not hold, in the rule's order."""

    target: bool
    party: bool
    action: bool
    failed: tuple[Constraint | Joined, ...]
    violated: tuple[str, ...]

    @property
    def covers(self) -> bool:
        """Whether the rule speaks of the request at all."""
        return self.target and self.party and self.action

    @property
    def active(self) -> bool:
        """Whether a permission permits the request, or a prohibition prohibits it."""
        return self.covers and not self.failed and not self.violated


def ask(rule: Rule, request: Request, world: World) -> Answer:
    """What a rule says of a request."""
    return Answer(
        target=_named(rule.target, request.target, world),
        party=_named(rule.assignee, request.by, world),
        action=rule.action is None or includes(rule.action, request.action),
        failed=tuple(one for one in rule.constraints if not _holds(one, world)),
        violated=tuple(one for one in rule.duties if world.duties.get(one) is DutyState.VIOLATED),
    )


def includes(whole: str, action: str) -> bool:
    """Whether an action is `whole` or, by however many steps, a part of it."""
    part: str | None = action
    while part is not None and part != whole:
        part = INCLUDED_IN.get(part)
    return part is not None


def _named(said: str | None, wanted: str, world: World) -> bool:
    return said is None or wanted == said or wanted in world.members.get(said, ())


def _holds(bound: Constraint | Joined, world: World) -> bool:
    if isinstance(bound, Constraint):
        return world.holds(bound)
    held = [_holds(part, world) for part in bound.parts]
    match bound.operand:
        case Operand.OR:
            return any(held)
        case Operand.XONE:
            return sum(held) == 1
        case _:
            return all(held)
