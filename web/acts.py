"""Acts as the doors offer them: a name, what it needs, which verb carries it out.

API and pages do the same acts by the same names, and an act that was prepared for a self-held
signature is found again by its name when the signature comes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from base.db import ReadSession, WriteSession
from base.errors import Forbidden, NotFound
from identity.prepared import Document, Lookup
from ledger.acts import Verb
from ledger.recording import Act, Actor
from web.node import Node

# An id goes onto the public ledger even when it names nothing, so nothing but an id may stand there.
Id = Annotated[str, Field(pattern=r"^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$", max_length=30)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ReasonCode = Annotated[str, Field(pattern=r"^[A-Z_]{2,40}$")]
AmountMinor = Annotated[int, Field(ge=1, le=10**15)]
Count = Annotated[int, Field(ge=1, le=10**12)]
# A moment that survives being moved by a deadline or into another time zone.
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]
_LAYOUT: Final = frozenset("\t\n\r")
_NO_SIGNS: Final = frozenset("\x7f\ufffe\uffff")  # no document in XML can have the last two


def _whole(annotation: Any) -> bool:
    """Whether a field holds an integer, or nothing."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _whole(parts[0])
    if get_origin(annotation) in {Union, UnionType}:
        return all(part is NoneType or _whole(part) for part in parts)
    return annotation is int


class Asked(BaseModel):
    """A body as it comes in: nothing unknown, and text that is text (no database takes a NUL).

    A number is a number: `true` is no fen, and 1.0 is not exact. Forms of HTML know text: they say "1".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    _whole: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        cls._whole = frozenset(name for name, told in cls.model_fields.items() if _whole(told.annotation))

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: Any, told: ValidationInfo) -> Any:
        if isinstance(value, bool | float) and told.field_name in cls._whole:
            raise ValueError("a whole number is asked for")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _printable(cls, value: Any) -> Any:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any(c < " " or c in _NO_SIGNS for c in text if c not in _LAYOUT):
                raise ValueError("control characters are not taken")
        return value


class Args(Asked):
    """What an act is done with: JSON in, JSON kept."""


A = TypeVar("A", bound=Args)


@dataclass(frozen=True, slots=True)
class ActKind(Generic[A]):
    """One kind of act.

    `about` names the object it is about, for the record of a refusal; `roles` are those in which it
    can be done; `documents` fetches what a self-held signer must see beside the statement.
    """

    name: str
    event: str
    args: type[A]
    roles: frozenset[str]
    verb: Callable[[WriteSession, Act, A, Node], Awaitable[Any]]
    answer: Callable[[Any], BaseModel]
    about: Callable[[A], str]
    status: int = 200
    documents: Callable[[ReadSession, A], Awaitable[Sequence[Document]]] | None = None

    def bound(self, args: A, node: Node) -> Verb[Any]:
        """The verb with its arguments, on this node."""

        async def carry_out(s: WriteSession, act: Act) -> Any:
            return await self.verb(s, act, args, node)

        return carry_out

    def role_of(self, actor: Actor, wanted: str | None) -> str:
        """The role in which the actor does this: the wanted one, or the only one that fits.

        Raises Forbidden, naming the roles that could.
        """
        fitting = sorted(self.roles & actor.roles)
        if wanted is not None:
            fitting = [role for role in fitting if role == wanted]
        if len(fitting) != 1:
            raise Forbidden(
                "your role does not reach this" if not fitting else "name the role you act in",
                act=self.name,
                roles=sorted(self.roles),
                yours=sorted(actor.roles),
            )
        return fitting[0]


class ActUnknown(NotFound):
    code = "act-unknown"
    title = "No such kind of act"


_KINDS: dict[str, ActKind[Any]] = {}


def kind(made: ActKind[A]) -> ActKind[A]:
    """Register a kind of act under its name, once."""
    assert made.name not in _KINDS, made.name
    _KINDS[made.name] = made
    return made


def kind_of(name: str) -> ActKind[Any]:
    """A registered kind. Raises ActUnknown."""
    found = _KINDS.get(name)
    if found is None:
        raise ActUnknown("no such kind of act", act=name)
    return found


def kinds() -> Mapping[str, ActKind[Any]]:
    """All registered kinds, for the documentation and its tests."""
    return dict(_KINDS)


def lookup_on(node: Node) -> Lookup:
    """From a prepared act's name and arguments to the verb that carries it out on this node."""

    def lookup(name: str, args: Mapping[str, Any]) -> Verb[Any]:
        found = kind_of(name)
        return found.bound(found.args.model_validate(args), node)

    return lookup
