"""What a browser sends: forms read within bounds, their values as acts take them, and what is wrong.

A value that cannot be read is handed on in a form that no argument accepts, so that the problem is
named at its field by the same check as every other.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import Request
from pydantic import ValidationError

from base.clock import SHANGHAI, rfc3339
from base.errors import DomainError, Malformed, TooLarge
from web.pages.languages import N_
from web.pages.words import EVENTS
from web.problems import problem_of

MAX_FORM_BYTES: Final = 128 * 1024
MAX_FIELDS: Final = 200
URLENCODED: Final = "application/x-www-form-urlencoded"
_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
_MAX_YUAN: Final = Decimal(10) ** 12
OWN_FIELDS: Final = frozenset({"csrf", "idempotency_key", "step_up_password"})

_ROOMS: Final = {
    "trade-wrong-state": "TRD",
    "listing-wrong-state": "LST",
    "certificate-wrong-state": "BRK",
}
"""Refusals by a state, with the room whose events they name."""

_SAYS: Final[Mapping[str, str]] = {
    "missing": N_("Fill in this field."),
    "string_too_short": N_("Fill in this field."),
    "string_too_long": N_("This is too long."),
    "string_pattern_mismatch": N_("This does not have the form asked for."),
    "int_parsing": N_("Enter a number."),
    "int_type": N_("Enter a number."),
    "greater_than_equal": N_("This is too small."),
    "less_than_equal": N_("This is too large."),
    "datetime_from_date_parsing": N_("Enter a day and a time."),
    "datetime_parsing": N_("Enter a day and a time."),
    "timezone_aware": N_("Enter a day and a time."),
    "enum": N_("Choose one of the list."),
    "too_short": N_("Choose at least one."),
}
_SAYS_MOST: Final[Mapping[str, str]] = {
    "string_too_long": N_("This is too long: at most %(bound)s characters."),
    "greater_than_equal": N_("This is too small: at least %(bound)s."),
    "less_than_equal": N_("This is too large: at most %(bound)s."),
}
_BOUNDS: Final = {"string_too_long": "max_length", "greater_than_equal": "ge", "less_than_equal": "le"}
_DIGITS: Final = N_("Enter %(count)s digits of 0-9 and a-f.")
_HEX: Final = {"^[0-9a-f]{64}$": 64, "^[0-9a-f]{64}\\Z": 64}
_OTHERWISE: Final = N_("This does not have the form asked for.")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, or with the whole (`name` empty), as a text to be translated.

    `values` are filled in after that, where the text has places for them.
    """

    name: str
    text: str
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form as they were sent."""

    fields: Mapping[str, Sequence[str]]

    def text(self, name: str) -> str:
        """A field, trimmed; empty when it was not sent."""
        values = self.fields.get(name)
        return values[0].strip() if values else ""

    def optional(self, name: str) -> str | None:
        """A field, or None when it is empty."""
        return self.text(name) or None

    def every(self, name: str) -> list[str]:
        """All values of a field of several."""
        return [value for value in self.fields.get(name, ()) if value]

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.text(name))

    def fen(self, name: str) -> int | str | None:
        """An amount in yuan as whole fen; None when empty, and unreadable text as such."""
        text = self.text(name).replace(",", "").replace("，", "").removeprefix("¥").strip()
        if not text:
            return None
        try:
            amount = Decimal(text) if text.isascii() and "_" not in text else None
        except InvalidOperation:
            amount = None
        if amount is None or not amount.is_finite() or abs(amount) > _MAX_YUAN or amount * 100 % 1:
            return _UNREADABLE
        return int(amount * 100)

    def whole(self, name: str) -> int | str | None:
        """A whole number; None when empty, and unreadable text as such."""
        text = self.text(name).replace(",", "").replace("，", "")
        if not text:
            return None
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else _UNREADABLE  # noqa: PLR2004

    def moment(self, name: str) -> str | None:
        """A Beijing time of a date-and-time field as RFC 3339; None when empty."""
        text = self.text(name)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return _UNREADABLE
        return rfc3339(at.replace(tzinfo=SHANGHAI) if at.tzinfo is None else at)

    def kept(self) -> dict[str, list[str]]:
        """What a later form has to send again: everything but the form's own fields."""
        return {name: list(values) for name, values in self.fields.items() if name not in OWN_FIELDS}


async def read_form(request: Request) -> Form:
    """The urlencoded form in a request's body. Raises Malformed, TooLarge."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        raise Malformed("a form is expected", media_type=URLENCODED)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge("the form is too large", limit_bytes=MAX_FORM_BYTES)
    return parse_form(bytes(body))


def parse_form(body: bytes) -> Form:
    """A body's fields in their order. Raises Malformed."""
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            strict_parsing=bool(body),
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Malformed("the form cannot be read") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Form(fields)


@dataclass(frozen=True, slots=True)
class Told:
    """An error of the house as a page tells it."""

    status: int
    code: str
    title: str
    detail: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes(self) -> Sequence[str] | None:
        """The events that a state takes, where that is what the refusal tells by codes; None for others."""
        room, allowed = _ROOMS.get(self.code), self.facts.get("allowed")
        if room is None or not isinstance(allowed, list) or " does not take " not in self.detail:
            return None
        return [f"{room}.{event}" for event in allowed if f"{room}.{event}" in EVENTS]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a page's form shows: empty at first, else what was sent with what was wrong with it.

    `action` tells apart several forms of one page. `error` is a refusal of the house, shown with its code.
    """

    action: str = ""
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    error: Told | None = None

    def of(self, action: str) -> "Filled":
        """This, for the form of that name; an empty one for the others."""
        return self if self.action == action else Filled(action)

    def value(self, name: str, default: str = "") -> str:
        """What a field shows."""
        found = self.values.get(name)
        return found[0] if found else default

    def every(self, name: str) -> Sequence[str]:
        """What a field of several shows."""
        return self.values.get(name, ())

    def wrong(self, name: str) -> Problem | None:
        """What is wrong with a field."""
        return next((problem for problem in self.problems if problem.name == name), None)

    @property
    def status(self) -> int:
        """The page's status: 200 for a fresh form, 422 for wrong fields, the error's own otherwise."""
        if self.error is not None:
            return self.error.status
        return 422 if self.problems else 200


def sent_back(action: str, form: Form, error: "DomainError | ValidationError | Invalid") -> Filled:
    """A form as it comes back: the input kept, and what was wrong."""
    if isinstance(error, Invalid):
        return Filled(action, form.kept(), error.problems)
    if isinstance(error, ValidationError):
        return Filled(action, form.kept(), tuple(_problems(error)))
    return Filled(action, form.kept(), *_at_fields(form, error))


def _at_fields(form: Form, error: DomainError) -> tuple[tuple[Problem, ...], Told | None]:
    """A refusal that names fields of the form, said at each of them; any other as it is."""
    names = error.facts.get("fields")
    if not isinstance(error, Malformed) or not names or not set(names) <= form.fields.keys():
        return (), told(error)
    alone = error.detail if len(names) == 1 else _OTHERWISE
    return tuple(Problem(one, alone if form.text(one) else _SAYS["missing"]) for one in names), None


def told(error: DomainError) -> Told:
    """An error as a page tells it, by the same rules as the API's problem documents."""
    status, body = problem_of(error)
    return told_of(status, body)


def told_of(status: int, body: bytes) -> Told:
    """The content of a problem document."""
    document: dict[str, Any] = orjson.loads(body)
    known = {name: str(document.pop(name, "")) for name in ("code", "title", "detail")}
    for name in ("type", "status", "request_id"):
        document.pop(name, None)
    return Told(status, known["code"], known["title"], known["detail"], document)


def fresh_key() -> str:
    """A key for one sending of one form."""
    return secrets.token_hex(16)


class Invalid(Exception):  # control flow back to the form, never an answer of its own
    """Fields that the page itself found wrong."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("the form is not filled in rightly")
        self.problems = problems


def _problems(error: ValidationError) -> list[Problem]:
    found: dict[str, Problem] = {}
    for item in error.errors(include_url=False, include_input=False)[:MAX_FIELDS]:
        name = str(item["loc"][0]) if item["loc"] else ""
        found.setdefault(name, _problem(name, item))
    return list(found.values())


def _problem(name: str, item: Any) -> Problem:
    """What is wrong, with the bound that was passed where the argument has one."""
    kind, context = _kind(item), item.get("ctx", {})
    bound = context.get(_BOUNDS.get(kind, ""))
    if kind == "string_pattern_mismatch" and context.get("pattern") in _HEX:
        return Problem(name, _DIGITS, {"count": _HEX[context["pattern"]]})
    if type(bound) is int and not name.endswith("_minor"):  # amounts are typed in yuan
        return Problem(name, _SAYS_MOST[kind], {"bound": bound})
    return Problem(name, _SAYS.get(kind, _OTHERWISE))


def _kind(item: Any) -> str:
    """None where a value was wanted is a field that was left empty."""
    kind = str(item["type"])
    return "missing" if kind in {"int_type", "string_type", "datetime_type"} else kind
