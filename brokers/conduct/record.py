"""A broker's conduct as the ledger tells it: public statements folded into incidents and mandates. Pure.

Only what is decided is an incident: a measure of discipline, a confirmed case, a lost dispute, something told
late. A measure taken in a case waits for the decision and leaves with the case. Trades that are void, taken
back, or under a flag of suspected washing are no business and no dispute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from base.clock import parse_rfc3339

_MEASURES: Final[Mapping[str, str]] = {
    "BRK.WARN": "warned",
    "BRK.CUT_SCOPE": "scope_cut",
    "BRK.SUSPEND": "suspended",
    "BRK.REVOKE": "revoked",
}
_YEARLY: Final[Mapping[str, tuple[str, str]]] = {  # what it is, and of which matter of that year
    "BRK.MISS_REPORT": ("report_missed", "report"),
    "BRK.ANNUAL_REPORT": ("report_late", "report"),
    "BRK.RECTIFY": ("rectify", "review"),
    "BRK.RECTIFY_MISS": ("rectify_missed", "review"),
    "BRK.ANNUAL_FAIL": ("annual_failed", "review"),
}
_TOLD: Final[Mapping[str, str]] = {"CND.REPORT": "suspicion_late", "CND.CHANGE": "change_late"}
_MANDATES: Final = frozenset({"MND.SIGN", "MND.ACCEPT"})
_ENDS: Final = frozenset({"MND.REVOKE", "MND.TERMINATE", "MND.TAKE_OVER", "MND.EXPIRE"})
_WITHOUT_BLAME: Final = frozenset({"MND.HAND_OVER", "MND.FULFIL"})
_LOST: Final[Mapping[str, str]] = {"TRD.RULE_FOR_BUYER": "PROVIDER", "TRD.RULE_FOR_SELLER": "BUYER"}
_UNDONE: Final = frozenset({"TRD.VOID", "TRD.REFUND", "TRD.POST_REFUND"})
_FLAGS: Final = frozenset({"FLG.SET", "FLG.CLEAR"})
_JUDGED: Final = frozenset({"PANEL", "COURT"})  # what the parties agreed on was lost by nobody
CONFIRMED: Final = ("CSE.PUBLISH", "CSE.DECIDE")
"""What names whom a case is held against: its publication; in older logs the decision did."""

CERTIFICATE_EVENTS: Final = frozenset({"BRK.CERTIFY", *_MEASURES, *_YEARLY})
MANDATE_EVENTS: Final = _MANDATES | _ENDS | _WITHOUT_BLAME
NOTICE_EVENTS: Final = frozenset(_TOLD)
TRADE_EVENTS: Final = frozenset({"TRD.CONTRACT", "TRD.SETTLE", *_LOST, *_UNDONE, *_FLAGS})
CASE_EVENTS: Final = frozenset({*CONFIRMED, "CSE.NO_CASE", "CSE.REVOKE"})
_PENDING: Final = "TRANSFER"  # handed to public security: nobody has decided
EVENTS: Final = CERTIFICATE_EVENTS | MANDATE_EVENTS | NOTICE_EVENTS | TRADE_EVENTS | CASE_EVENTS


class Statement(Protocol):
    """A sealed public statement: `log` is the origin of a closed log, where it stands in one."""

    @property
    def event(self) -> str: ...
    @property
    def object_id(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def seq(self) -> int | None: ...
    @property
    def log(self) -> str | None: ...
    @property
    def says(self) -> Mapping[str, Any]: ...


class Standing(StrEnum):
    """Whether an incident counts."""

    COUNTS = "counts"
    OPEN_CASE = "open-case"  # an interim measure: nothing is decided
    NO_CASE = "no-case"  # the case was closed without result
    SAME_MATTER = "same-matter"  # something heavier counts for it
    TRADE_UNDONE = "trade-undone"  # void, or under a flag
    TOO_OLD = "too-old"


@dataclass(frozen=True, slots=True)
class Cite:
    """An entry of the ledger."""

    event: str
    seq: int | None
    log: str | None

    def document(self) -> dict[str, Any]:
        where = {} if self.log is None else {"log": self.log}
        return {"event": self.event, "seq": self.seq, **where}


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened once; `matter` is what several may be about, `case_id` where a case decides."""

    kind: str
    matter: str
    at: datetime
    cites: tuple[Cite, ...]
    case_id: str | None = None
    trade_id: str | None = None


@dataclass(slots=True)
class _Mandate:
    client_id: str
    side: str
    listing_id: str | None
    ends_at: datetime
    accepted: datetime | None = None
    ended: str | None = None
    ended_at: datetime | None = None
    first_contract: datetime | None = None
    settled: list[tuple[str, Cite]] = field(default_factory=list)

    def covers(self, says: Mapping[str, Any], at: datetime) -> bool:
        client = says["seller_id"] if self.side == "PROVIDER" else says["buyer_id"]
        running = self.accepted is not None and (self.ended_at is None or at <= self.ended_at)
        listed = self.listing_id in {None, says["listing_id"]}
        return running and listed and client == self.client_id and at <= self.ends_at


@dataclass(slots=True)
class _Trade:
    mandates: list[_Mandate]
    undone: bool = False
    flags: set[str] = field(default_factory=set)

    @property
    def sides(self) -> set[str]:
        return {mandate.side for mandate in self.mandates}

    @property
    def counts(self) -> bool:
        return not self.undone and not self.flags


@dataclass(frozen=True, slots=True)
class Mandates:
    """How a broker's mandates went: in force now, fulfilled by a settled trade, ended by others without one.

    `served` are the clients with a fulfilled mandate and the entry of its first settlement; `waits` the whole
    days from each mandate to its first contract. A mandate that was handed over has ended without blame.
    """

    accepted: int
    running: int
    fulfilled: int
    unfulfilled: tuple[Cite, ...]
    served: Mapping[str, Cite]
    waits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """All that a score is made of."""

    org_id: str
    certified_at: datetime | None
    incidents: tuple[Incident, ...]
    decided: frozenset[str]
    dismissed: frozenset[str]
    undone: frozenset[str]
    mandates: Mandates


def fold(org_id: str, statements: Iterable[Statement], *, until: datetime) -> Record:
    """The conduct of an organisation out of statements in ledger order; those of others are passed over.

    Nothing said after `until` counts. Raises KeyError, TypeError or ValueError for what is not of its form.
    """
    book = _Book(org_id)
    for said in statements:
        if said.event in EVENTS and said.at <= until:
            book.take(said)
    return book.record(until)


class _Book:
    """What is known after each statement."""

    def __init__(self, org_id: str) -> None:
        self._org_id = org_id
        self._certified_at: datetime | None = None
        self._incidents: list[Incident] = []
        self._cases: dict[str, bool] = {}
        self._mandates: dict[str, _Mandate] = {}
        self._of_client: dict[str, list[_Mandate]] = {}
        self._ended: dict[str, Cite] = {}
        self._trades: dict[str, _Trade] = {}

    def take(self, said: Statement) -> None:
        if said.event in CASE_EVENTS:
            self._case(said)
        elif said.event in CERTIFICATE_EVENTS:
            if said.says.get("org_id") == self._org_id:
                self._certificate(said)
        elif said.event in MANDATE_EVENTS:
            if said.says.get("broker_id") == self._org_id:
                self._mandate(said)
        elif said.event in NOTICE_EVENTS:
            if said.says.get("actor") == self._org_id and said.says.get("late") is True:
                self._add(_TOLD[said.event], said)
        else:
            self._trade(said)

    def _add(self, kind: str, said: Statement, matter: str | None = None, case_id: str | None = None) -> None:
        trade_id = said.object_id if said.event.startswith("TRD.") else None
        own = f"{said.event}:{said.object_id}:{said.seq}"
        self._incidents.append(
            Incident(kind, matter or own, said.at, (_cite(said),), case_id=case_id, trade_id=trade_id)
        )

    def _case(self, said: Statement) -> None:
        says = said.says
        outcome = says.get("outcome")
        if said.event not in CONFIRMED:
            self._cases[said.object_id] = False
        elif outcome != _PENDING:
            self._cases[said.object_id] = outcome != "NONE"
            if self._org_id in says.get("org_ids", ()):
                self._add("case_confirmed", said, f"case:{said.object_id}")

    def _certificate(self, said: Statement) -> None:
        says = said.says
        if said.event == "BRK.CERTIFY":
            if self._certified_at is None:
                self._certified_at = said.at
        elif said.event in _YEARLY:
            kind, matter = _YEARLY[said.event]
            if said.event != "BRK.ANNUAL_REPORT" or says.get("late") is True:
                self._add(kind, said, f"{matter}:{says['cert_id']}:{says['year']}")
        elif says.get("role") != "EXCHANGE_OPERATOR":  # an emergency suspension is nobody's decision yet
            case_id = says.get("case_id")
            self._add(_MEASURES[said.event], said, case_id and f"case:{case_id}", case_id)

    def _mandate(self, said: Statement) -> None:
        says = said.says
        if said.event == "MND.SIGN":
            client_id, ends_at = says["client_id"], parse_rfc3339(says["ends_at"])
            given = _Mandate(client_id, says["side"], says["listing_id"], ends_at)
            self._mandates[said.object_id] = given
            self._of_client.setdefault(client_id, []).append(given)
            return
        mandate = self._mandates.get(said.object_id)
        if mandate is None:  # given in a closed log that was not handed in
            return
        if said.event == "MND.ACCEPT":
            mandate.accepted = said.at
        elif mandate.ended is None:
            mandate.ended, mandate.ended_at = said.event, said.at
            self._ended[said.object_id] = _cite(said)

    def _trade(self, said: Statement) -> None:
        if said.event == "TRD.CONTRACT" and said.says.get("broker_id") == self._org_id:
            clients = dict.fromkeys((said.says["seller_id"], said.says["buyer_id"]))
            theirs = [one for client_id in clients for one in self._of_client.get(client_id, ())]
            covering = [one for one in theirs if one.covers(said.says, said.at)]
            self._trades[said.object_id] = _Trade(covering)
            for one in covering:
                one.first_contract = one.first_contract or said.at
        elif said.object_id in self._trades:
            self._step(self._trades[said.object_id], said)

    def _step(self, trade: _Trade, said: Statement) -> None:
        says = said.says
        if said.event == "TRD.SETTLE":
            for mandate in trade.mandates:
                mandate.settled.append((said.object_id, _cite(said)))
        elif said.event in _LOST:
            if says.get("basis") in _JUDGED and trade.sides == {_LOST[said.event]}:
                self._add("dispute_lost", said, f"trade:{said.object_id}")
        elif said.event in _FLAGS:
            (trade.flags.add if said.event == "FLG.SET" else trade.flags.discard)(says["case_id"])
        elif said.event in _UNDONE:
            trade.undone = True
            if "BROKER" in says.get("fault", ()):
                self._add("refund_fault", said, f"trade:{said.object_id}")

    def record(self, until: datetime) -> Record:
        undone = {trade_id for trade_id, trade in self._trades.items() if not trade.counts}
        return Record(
            org_id=self._org_id,
            certified_at=self._certified_at,
            incidents=tuple(self._incidents),
            decided=frozenset(case for case, held in self._cases.items() if held),
            dismissed=frozenset(case for case, held in self._cases.items() if not held),
            undone=frozenset(undone),
            mandates=self._tally(undone, until),
        )

    def _tally(self, undone: set[str], until: datetime) -> Mandates:
        accepted = {key: one for key, one in self._mandates.items() if one.accepted is not None}
        served: dict[str, Cite] = {}
        fulfilled: set[str] = set()
        for key, mandate in accepted.items():
            for trade_id, cite in mandate.settled:
                if trade_id not in undone:
                    fulfilled.add(key)
                    served.setdefault(mandate.client_id, cite)
        failed = [
            cite
            for key, cite in self._ended.items()
            if key in accepted and key not in fulfilled and accepted[key].ended not in _WITHOUT_BLAME
        ]
        running = [one for one in accepted.values() if one.ended is None and until <= one.ends_at]
        waits = [
            (one.first_contract - one.accepted) // timedelta(days=1)
            for one in accepted.values()
            if one.first_contract is not None and one.accepted is not None
        ]
        return Mandates(
            len(accepted), len(running), len(fulfilled), tuple(failed), served, tuple(sorted(waits))
        )


def _cite(said: Statement) -> Cite:
    return Cite(said.event, said.seq, said.log)
