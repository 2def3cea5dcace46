"""Uses rolled up into the exchange's statements (DLV.USAGE): a tree of receipts, and what they cost.

Once a day, at a right's end, and when somebody asks who has reason to. A use is in one statement, by its
number: what is counted while a statement is made is in the next. To ask twice states nothing twice.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from sqlmodel import col, func, select, update

from base.calendar import shanghai_day
from base.db import ReadSession, WriteSession
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from ledger.tree import Frontier, inclusion_proof, node_hash
from market.delivery import repository
from market.delivery.errors import UsageTooSmall, UsageUnknown
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.charges import charge_of, metered_plan, price_of
from market.delivery.meter.receipts import leaf_of
from market.delivery.meter.repository import MAX_PAGE, uses_of
from market.delivery.meter.tables import Usage, Use
from market.delivery.nightly import begin_rounds
from market.delivery.tables import Entitlement
from market.listings.plans import PricePlan
from market.orders.repository import get_contract

EVENT: Final = "DLV.USAGE"
USAGE_JOB: Final = "delivery.usage"
MOST_USES: Final = 10_000
LEAST_ASKED: Final = 1_000


async def make_usage_round(s: WriteSession, *, now: datetime) -> None:
    """Have every right's uses stated that are not, each by a job of its own, and the next round made."""
    day = shanghai_day(now).isoformat()
    for entitlement_id in await unstated(s):
        payload = {"entitlement_id": entitlement_id}
        await enqueue(s, kind=USAGE_JOB, key=f"{entitlement_id}:{day}", run_at=now, payload=payload)
    await begin_rounds(s, now=now)


async def unstated(s: ReadSession) -> Sequence[str]:
    """The rights with uses that no statement has."""
    stated = select(func.max(Usage.last)).where(Usage.entitlement_id == Entitlement.entitlement_id)
    query = select(Entitlement.entitlement_id).where(
        Entitlement.kind != DeliveryKind.FILE,
        col(Entitlement.used) > func.coalesce(stated.scalar_subquery(), 0),
    )
    return (await s.exec(query.order_by(Entitlement.entitlement_id))).all()


async def roll_up(s: WriteSession, act: Act, *, entitlement_id: str) -> list[Usage]:
    """State the uses of a right that are not stated yet, at most `MOST_USES` in a statement.

    Raises EntitlementUnknown.
    """
    _, entitlement = await repository.claim(s, entitlement_id=entitlement_id, moves_trade=False)
    plan = await _plan(s, entitlement.trade_id)
    before = await last_usage(s, entitlement_id=entitlement_id)
    made: list[Usage] = []
    while usage := await _state(s, act.as_exchange(), entitlement, before, plan):
        made.append(usage)
        before = usage
    return made


async def ask_for_usage(s: WriteSession, act: Act, *, entitlement_id: str) -> list[Usage]:
    """`roll_up` for a party that does not wait for the night. Raises UsageTooSmall below `LEAST_ASKED`."""
    entitlement = await repository.get_entitlement(s, entitlement_id=entitlement_id)
    before = await last_usage(s, entitlement_id=entitlement_id)
    waiting = entitlement.used - (before.last if before else 0)
    if waiting < LEAST_ASKED:
        raise UsageTooSmall("it is stated at night", unstated=waiting, least=LEAST_ASKED)
    return await roll_up(s, act, entitlement_id=entitlement_id)


async def _plan(s: ReadSession, trade_id: str) -> PricePlan | None:
    """None also for a contract from before there were plans, and for one whose text was erased."""
    contract = await get_contract(s, trade_id=trade_id)
    return (
        None if contract is None or not contract.document else metered_plan(orjson.loads(contract.document))
    )


async def _state(
    s: WriteSession, act: Act, entitlement: Entitlement, before: Usage | None, plan: PricePlan | None
) -> Usage | None:
    """State the next uses after those of `before`; None where there are none."""
    last = before.last if before else 0
    first, units, tree = last + 1, 0, Frontier()
    days: dict[str, list[int]] = {}
    while tree.size < MOST_USES:
        few = await uses_of(s, entitlement_id=entitlement.entitlement_id, after=last, limit=MAX_PAGE)
        if not few:
            break
        tree.extend(await asyncio.to_thread(_leaves, few, entitlement.trade_id))
        units += sum(use.units for use in few)
        for use in few:
            of_day = days.setdefault(use.used_at.astimezone(UTC).date().isoformat(), [0, 0])
            of_day[0] += 1
            of_day[1] += use.bytes
        last = few[-1].number
        assert last == first + tree.size - 1  # numbers are given one after the other, under the right's lock
        for use in few:
            s.expunge(use)
    if not tree.size:
        return None
    so_far = before.units_so_far if before else 0
    root = tree.root().hex()
    charges = {} if plan is None else _charges(plan, so_far, units)
    recorded = await record(
        s,
        act,
        Draft(
            EVENT,
            entitlement.trade_id,
            public={
                "trade_id": entitlement.trade_id,
                "entitlement_id": entitlement.entitlement_id,
                "kind": entitlement.kind.value,
                "first": first,
                "last": last,
                "uses": last - first + 1,
                "units": units,
                "root": root,
            },
            opening={
                "units_so_far": so_far + units,
                "days": [
                    {"day": day, "uses": uses, "bytes": size} for day, (uses, size) in sorted(days.items())
                ],
                **{name: str(fen) for name, fen in charges.items()},
            },
        ),
    )
    usage = Usage(
        usage_id=act.new_id("usg"),
        entitlement_id=entitlement.entitlement_id,
        first=first,
        last=last,
        units=units,
        root=root,
        units_so_far=so_far + units,
        stated_at=act.occurred_at,
        statement_id=recorded.statement_id,
        **charges,
    )
    s.add(usage)
    await s.flush()
    theirs = (col(Use.entitlement_id) == entitlement.entitlement_id, col(Use.number).between(first, last))
    await s.exec(update(Use).where(*theirs).values(usage_id=usage.usage_id))
    return usage


def _charges(plan: PricePlan, before: int, units: int) -> dict[str, int]:
    return {
        "charge_minor": charge_of(plan, before=before, units=units),
        "charged_minor": price_of(plan, before + units),
    }


async def last_usage(s: ReadSession, *, entitlement_id: str) -> Usage | None:
    """The latest statement of a right's uses."""
    query = select(Usage).where(Usage.entitlement_id == entitlement_id).order_by(col(Usage.first).desc())
    return (await s.exec(query.limit(1), execution_options={"populate_existing": True})).first()


async def usages_of(
    s: ReadSession, *, entitlement_id: str, after: int = 0, limit: int = 100
) -> Sequence[Usage]:
    """The statements of a right's uses, first to last, by keyset on their first use."""
    query = select(Usage).where(Usage.entitlement_id == entitlement_id, col(Usage.first) > after)
    return (await s.exec(query.order_by(col(Usage.first)).limit(min(limit, MAX_PAGE)))).all()


async def get_usage(s: ReadSession, *, usage_id: str) -> Usage:
    """One statement. Raises UsageUnknown."""
    usage = await s.get(Usage, usage_id)
    if usage is None:
        raise UsageUnknown("no such statement of usage", usage_id=usage_id)
    return usage


async def proof_of(s: ReadSession, use: Use, *, trade_id: str) -> dict[str, Any] | None:
    """The way from a use's receipt to the root that was stated (RFC 9162 §2.1.3); None before that."""
    if use.usage_id is None:
        return None
    usage = await get_usage(s, usage_id=use.usage_id)
    leaves: list[bytes] = []
    after = usage.first - 1
    while after < usage.last:
        few = await uses_of(s, entitlement_id=use.entitlement_id, after=after, limit=MAX_PAGE)
        leaves += await asyncio.to_thread(_leaves, few, trade_id)
        after = few[-1].number
        for one in few:
            s.expunge(one)
    size = usage.last - usage.first + 1
    path = await asyncio.to_thread(_path, use.number - usage.first, leaves[:size])
    return {
        "usage_id": usage.usage_id,
        "statement_id": usage.statement_id,
        "root": usage.root,
        "size": size,
        "index": use.number - usage.first,
        "path": [one.hex() for one in path],
    }


def _leaves(uses: Sequence[Use], trade_id: str) -> list[bytes]:
    """Their receipts' hashes; a tree has up to `MOST_USES`, so this is no work for the event loop."""
    return [leaf_of(use, trade_id=trade_id) for use in uses]


def _path(index: int, leaves: list[bytes]) -> Sequence[bytes]:
    rows = _rows(leaves)
    return inclusion_proof(index, len(leaves), lambda level, at: rows[level][at])


def _rows(leaves: list[bytes]) -> list[list[bytes]]:
    """The complete subtrees of a tree, level by level."""
    rows = [leaves]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return rows
