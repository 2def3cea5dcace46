"""The public register of brokers, folded out of what the ledger says of their certificates. Pure.

A holding is a certificate with the application that it began as: one id, one chain of `BRK.*` statements.
Nothing is kept beside the statements, so whoever has the ledger has this register, of today and of any day
before. What of it is public, decision 13 says: all that was ever certified or on public notice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from base.calendar import end_of_day_shanghai, shanghai_day
from base.clock import parse_rfc3339
from base.errors import Malformed
from brokers.states import AT_WORK, CertificateEvent, CertificateState

EVENTS: Final = tuple(f"BRK.{event.value}" for event in CertificateEvent)
_SAYS: Final = frozenset(
    {"cert_no", "broker_type", "grade", "sectors", "max_level", "cross_border", "valid_from", "valid_to"}
)
_PUBLISHES: Final = frozenset({"BRK.NOTICE", "BRK.CERTIFY"})


class DayAhead(Malformed):
    code = "register-day-ahead"
    title = "The register knows no day to come"


@dataclass(frozen=True, slots=True)
class Step:
    """A statement of a certificate (or of a case about its holder): what it says in public, where it stands.

    `seq` is None until it is sealed; `log` is the origin of a closed log, where it stands in one.
    """

    event: str
    object_id: str
    at: datetime
    says: Mapping[str, Any]
    statement_id: str
    seq: int | None = None
    log: str | None = None

    @property
    def before(self) -> str | None:
        """The state it begins in."""
        return self.says.get("from")

    @property
    def after(self) -> str | None:
        """The state it leads to."""
        return self.says.get("to")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a holding is at a moment: its state since when, and what its certificate says."""

    cert_id: str
    org_id: str
    state: CertificateState
    since: datetime
    cert_no: str | None
    broker_type: str
    grade: int
    sectors: tuple[str, ...]
    max_level: str
    cross_border: bool
    valid_from: datetime | None
    valid_to: datetime | None
    in_force: bool


@dataclass(slots=True)
class Holding:
    """A certificate, or the application it still is, with every step of it in the order of the ledger."""

    cert_id: str
    org_id: str
    steps: list[Step] = field(default_factory=list)

    def until(self, at: datetime) -> list[Step]:
        """The steps up to a moment."""
        return [step for step in self.steps if step.at <= at]

    def is_public(self, at: datetime) -> bool:
        """Whether it was certified or put on public notice by then."""
        return any(step.event in _PUBLISHES and step.at <= at for step in self.steps)

    def on(self, at: datetime) -> Standing | None:
        """What it was at a moment; None before it began."""
        told = self.until(at)
        if not told:
            return None
        says: dict[str, Any] = {}
        state = since = None
        for step in told:
            says |= {name: value for name, value in step.says.items() if name in _SAYS}
            if step.after != state:
                state, since = step.after, step.at
        assert state is not None
        assert since is not None
        valid_from, valid_to = (_moment(says.get(name)) for name in ("valid_from", "valid_to"))
        return Standing(
            self.cert_id,
            self.org_id,
            CertificateState(state),
            since,
            says.get("cert_no"),
            says["broker_type"],
            says["grade"],
            tuple(says["sectors"]),
            says["max_level"],
            says["cross_border"],
            valid_from,
            valid_to,
            CertificateState(state) in AT_WORK
            and valid_from is not None
            and valid_to is not None
            and valid_from <= at <= valid_to,
        )


@dataclass(frozen=True, slots=True)
class Holder:
    """The organisation behind a certificate, as its admission names it."""

    org_id: str
    name: str
    uscc: str


def fold(steps: Iterable[Step]) -> dict[str, Holding]:
    """Holdings by id, out of statements in the order of the ledger."""
    found: dict[str, Holding] = {}
    for step in steps:
        held = found.get(step.object_id)
        if held is None:
            held = found[step.object_id] = Holding(step.object_id, str(step.says["org_id"]))
        held.steps.append(step)
    return found


def moment_of(on: date | None, *, now: datetime) -> datetime:
    """The moment a day's register is of: its end in Shanghai, or now while it lasts. Raises DayAhead."""
    if on is None:
        return now
    if on > shanghai_day(now):
        raise DayAhead("this day has not begun", on=on.isoformat())
    return min(end_of_day_shanghai(on), now)


def _moment(text: Any) -> datetime | None:
    return parse_rfc3339(text) if isinstance(text, str) else None
