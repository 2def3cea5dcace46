"""Calls that are counted: one by one as `market.delivery.meter` defines it, or many at once by sets.

What is here by sets decides nothing of its own: it asks the same rules. A call about which anything is not
as it should be (the first one of a delivery, a recipient's, one that is refused) is left out and goes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from sqlmodel import col, update

from base.db import RowSession, WriteSession
from base.errors import DomainError
from base.rows import Insert, Plan, Select, Update, read_rows
from identity.tables import OrganisationRow
from ledger.batch import Alone, Command
from ledger.recording import Act
from market.customs.gate import abroad
from market.customs.networks import ASKED_FROM
from market.customs.tables import EndpointRow
from market.delivery.access import Declared
from market.delivery.errors import EntitlementUsedUp
from market.delivery.gateway.errors import AnswerGone
from market.delivery.gateway.repository import call_of_use
from market.delivery.gateway.tables import CallRow
from market.delivery.keys import hold_key
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.meter.receipts import Used
from market.delivery.meter.service import Metered, count_use
from market.delivery.meter.tables import Use
from market.delivery.repository import STOPPED
from market.delivery.rules import EntitlementStatus, Right, require_usable
from market.delivery.service import check_deliverable
from market.delivery.tables import AccessKey, Entitlement
from market.listings.rules import ListingState
from market.listings.tables import Listing
from market.orders.permitting import Access, Policy, check_access, parse
from market.orders.rules import TradeState
from market.orders.tables import ContractPolicy, Trade

EVENT: Final = "DLV.USE"
MOST_REPEATS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """A call that was answered and is to be counted before its answer leaves.

    `known`: its key was counted before. `repeated`: and the call was made again, the answer not being kept.
    `asked_from` is the address of the call, which the batch writer's own task does not know.
    """

    entitlement_id: str
    trade_id: str
    listing_id: str
    key_id: str
    metered: Metered
    declared: Declared
    latency_ms: int
    outcome: str
    known: bool = False
    repeated: bool = False
    asked_from: str | None = None
    from_abroad: bool = False


@dataclass(frozen=True, slots=True)
class Charged:
    """The use that a call is counted as, and whether this very call made it."""

    use: Used
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call that is not charged: whose fault it was (`ok`: not the provider's), and how long it took."""

    entitlement_id: str
    ok: bool
    outcome: str
    latency_ms: int


def count_command(act: Act, said: Counting) -> Command:
    """The command of a call for the batch writer."""

    async def count(s: WriteSession, act: Act) -> Charged:
        token = ASKED_FROM.set(said.asked_from)
        try:
            return await count_call(s, act, said)
        finally:
            ASKED_FROM.reset(token)

    together = None if said.known or said.from_abroad else count_together
    return Command(act, count, EVENT, said.entitlement_id, together, said)


def failed_command(act: Act, said: Failed) -> Command:
    """The command that keeps what became of a call that is not charged."""

    async def note(s: WriteSession, act: Act) -> None:
        s.add(CallRow(**_failed(act, said)))
        await s.flush()

    return Command(act, note, EVENT, said.entitlement_id, note_together, said)


async def count_call(s: WriteSession, act: Act, said: Counting) -> Charged:
    """Count one call, if its key and its right still stand. Raises AccessKeyRefused, what `count_use` raises,
    and AnswerGone for a key whose call was made again as often as it may.
    """
    await hold_key(s, key_id=said.key_id, now=act.now)
    counted = await count_use(
        s,
        act,
        entitlement_id=said.entitlement_id,
        kind=DeliveryKind.API,
        metered=said.metered,
        declared=said.declared,
    )
    if counted.fresh:
        s.add(CallRow(**_call(act, said, counted.use.use_id)))
        await s.flush()
    elif said.repeated or not said.known:  # also one that was under way when its key was counted
        await _note_repeat(s, counted.use.use_id)
    return Charged(counted.use, counted.fresh)


async def _note_repeat(s: WriteSession, use_id: str) -> None:
    """Count that an answer was asked for again; its right's lock covers it."""
    call = await call_of_use(s, use_id=use_id)
    if call is None or call.repeats >= MOST_REPEATS:
        raise AnswerGone("it was given as often as it is without a charge", use_id=use_id)
    of_it = col(CallRow.call_id) == call.call_id
    await s.exec(update(CallRow).where(of_it).values(repeats=CallRow.repeats + 1))


def _call(act: Act, said: Counting, use_id: str) -> dict[str, Any]:
    return {
        "call_id": act.new_id("cal"),
        "entitlement_id": said.entitlement_id,
        "use_id": use_id,
        "ok": True,
        "outcome": said.outcome,
        "latency_ms": said.latency_ms,
        "repeats": 0,
        "called_at": act.now,
    }


def _failed(act: Act, said: Failed) -> dict[str, Any]:
    return {
        "call_id": act.new_id("cal"),
        "entitlement_id": said.entitlement_id,
        "use_id": None,
        "ok": said.ok,
        "outcome": said.outcome,
        "latency_ms": said.latency_ms,
        "repeats": 0,
        "called_at": act.now,
    }


# -- by sets


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallied:
    """A use that was written by sets."""

    use_id: str
    entitlement_id: str
    number: int
    kind: DeliveryKind
    key: str
    taken_by: str
    purpose: str | None
    recipient: str
    units: int
    bytes: int
    request_sha256: str
    answer_sha256: str
    epsilon_micro: int
    used_at: datetime


_fields_of: Final = attrgetter(*Tallied.__slots__)


@dataclass(slots=True)
class _Held:
    """A right as it stands under its lock, and how often it was used in this batch so far."""

    entitlement_id: str
    trade_id: str
    buyer_id: str
    kind: DeliveryKind
    sha256: str
    status: EntitlementStatus
    max_downloads: int
    used: int
    granted_at: datetime
    expires_at: datetime


_KEYS: Final = Select(
    AccessKey, "key_id", "org_id", "expires_at", "revoked_at", key="key_id", lock="FOR SHARE"
)
_TRADES: Final = Select(Trade, "trade_id", "status", "listing_id", key="trade_id", lock="FOR SHARE")
_RIGHTS: Final = Select(Entitlement, *_Held.__slots__, key="entitlement_id", lock="FOR UPDATE")
_LISTINGS: Final = Select(Listing, "listing_id", "status", key="listing_id", lock="FOR SHARE")
_POLICIES: Final = Select(ContractPolicy, "trade_id", "document", key="trade_id")
_PLACES: Final = Select(OrganisationRow, "org_id", "region", key="org_id")
_ENDPOINTS: Final = Select(EndpointRow, "org_id", "region", key="org_id")
_USES: Final = Insert(Use, *Tallied.__slots__)
_CALLS: Final = Insert(
    CallRow, "call_id", "entitlement_id", "use_id", "ok", "outcome", "latency_ms", "repeats", "called_at"
)
_USED: Final = Update(Entitlement, "used", "status", key="entitlement_id", expected="used")


async def note_together(s: RowSession, plan: Plan, commands: Sequence[Command]) -> Sequence[Any]:
    """Keep what became of calls that are not charged."""
    del s
    plan.add(_CALLS, [tuple(_failed(one.act, one.said).values()) for one in commands])
    return [None] * len(commands)


async def count_together(s: RowSession, plan: Plan, commands: Sequence[Command]) -> Sequence[Any]:
    """Count the calls that nothing speaks against; ALONE for the others.

    The plan breaks when a key was counted before, or somebody was faster.
    """
    said: list[Counting] = [command.said for command in commands]
    keys, trades, rights, listings, policies, places, endpoints = await read_rows(
        s,
        {
            _KEYS: sorted({one.key_id for one in said}),
            _TRADES: sorted({one.trade_id for one in said}),
            _RIGHTS: sorted({one.entitlement_id for one in said}),
            _LISTINGS: sorted({one.listing_id for one in said}),
            _POLICIES: sorted({one.trade_id for one in said}),
            _PLACES: sorted({one.declared.recipient or "" for one in said}),
            _ENDPOINTS: sorted({one.declared.recipient or "" for one in said}),
        },
    )
    known = _Known(
        keys={row[0]: row for row in keys},
        trades={row[0]: row for row in trades},
        rights={row[0]: _Held(*row) for row in rights},
        listings={row[0]: ListingState(row[1]) for row in listings},
        policies={row[0]: row[1] for row in policies},
        places={row[0]: row[1] for row in places},
        endpoints={row[0]: row[1] for row in endpoints},
        taken=set(),
    )
    before = {name: held.used for name, held in known.rights.items()}
    outcomes: list[Any] = [Alone.ALONE] * len(commands)
    uses, calls = [], []
    for at, (command, one) in enumerate(zip(commands, said, strict=True)):
        try:
            use = _decide(command.act, one, known)
        except (DomainError, KeyError, _LeftOut):
            continue
        uses.append(_fields_of(use))
        calls.append(tuple(_call(command.act, one, use.use_id).values()))
        outcomes[at] = Charged(use, fresh=True)
    plan.add(_USES, uses)
    changed = [held for name, held in sorted(known.rights.items()) if held.used != before[name]]
    moved = [(held.entitlement_id, before[held.entitlement_id], held.used, held.status) for held in changed]
    plan.add(_USED, moved, each=True)
    plan.add(_CALLS, calls)
    return outcomes


class _LeftOut(Exception):  # control flow: this call is decided alone
    pass


@dataclass(slots=True)
class _Known:
    keys: dict[str, Any]
    trades: dict[str, Any]
    rights: dict[str, _Held]
    listings: dict[str, ListingState]
    policies: dict[str, str]
    places: dict[str, str]
    endpoints: dict[str, str]
    taken: set[tuple[str, str]]


def _decide(act: Act, said: Counting, known: _Known) -> "Tallied":
    """The use that a call is, by the rules that `count_use` asks, in its order."""
    _, org_id, key_ends_at, revoked_at = known.keys[said.key_id]
    _, state, listing_id = known.trades[said.trade_id]
    held = known.rights[said.entitlement_id]
    by, status, metered = act.actor.org_id, TradeState(state), said.metered
    recipient = said.declared.recipient or by
    named = (said.entitlement_id, metered.key)
    if (
        revoked_at is not None
        or act.now >= key_ends_at
        or not (by == org_id == held.buyer_id)
        or recipient != held.buyer_id
        or held.trade_id != said.trade_id
        or listing_id != said.listing_id
        or status is TradeState.DELIVERING
        or named in known.taken
        or abroad(known.places[recipient], known.endpoints.get(recipient))  # what leaves is booked alone
    ):
        raise _LeftOut
    right = Right(
        holder_id=held.buyer_id,
        status=held.status,
        used=held.used,
        max_downloads=held.max_downloads,
        expires_at=held.expires_at,
        trade_stopped=status in STOPPED,
    )
    require_usable(right, org_id=by, now=act.now)
    require_kind(held.kind, DeliveryKind.API)
    check_deliverable(listing_id, known.listings[listing_id])
    if held.used >= held.max_downloads:
        raise EntitlementUsedUp("every use was made")
    number = held.used + 1
    purpose = said.declared.purpose
    document = known.policies.get(said.trade_id)
    if document is not None:
        policy = _parsed(document)
        purpose = purpose or policy.only_purpose
        check_access(
            policy,
            Access(
                by=held.buyer_id,
                recipient=recipient,
                place=known.places[recipient],
                purpose=purpose,
                file_sha256=held.sha256,
                at=act.now,
                started_at=held.granted_at,
                count=number,
            ),
        )
    known.taken.add(named)
    held.used = number
    if number == held.max_downloads:
        held.status = EntitlementStatus.USED_UP
    return Tallied(
        use_id=act.new_id("use"),
        entitlement_id=said.entitlement_id,
        number=number,
        kind=DeliveryKind.API,
        key=metered.key,
        taken_by=by,
        purpose=purpose,
        recipient=recipient,
        units=metered.units,
        bytes=metered.bytes,
        request_sha256=metered.request_sha256,
        answer_sha256=metered.answer_sha256,
        epsilon_micro=metered.epsilon_micro,
        used_at=act.now,
    )


@lru_cache(maxsize=256)
def _parsed(document: str) -> Policy:
    return parse(document)
