"""The register of brokers as the API and the pages show it: with what the market adds to it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from base.db import ReadSession
from brokers.conduct.tables import BrokerNoticeRow, InterestRow
from brokers.credential.document import Practitioner
from brokers.errors import CertificateUnknown
from brokers.register import Holder, Holding, Standing, Step
from brokers.register_conduct import Measure, records_of
from brokers.register_reading import (
    Mandates,
    changes_told,
    confirmed_against,
    holdings_of,
    interests_disclosed,
    mandates_counted,
    names_of_parties,
    practitioners_of,
    the_register,
)
from brokers.register_search import Page, Wanted, search
from brokers.register_statistics import (
    Quarter,
    Settled,
    Statistics,
    closed_quarters,
    quarters,
    statistics,
)
from ledger.reader import newest_of
from market.orders.tables import Trade
from market.settlement.mediated import UNDOES, mediated, undone_among

Mediated = Sequence[tuple[Holder, Sequence[Quarter]]]


@dataclass(frozen=True, slots=True)
class Record:
    """All that the register tells of one certificate and of the broker who holds it."""

    holding: Holding
    standing: Standing
    holder: Holder
    others: Sequence[Standing]
    measures: Sequence[Measure]
    interests: Sequence[InterestRow]
    party_names: Mapping[str, str]
    changes: Sequence[BrokerNoticeRow]
    confirmed: Sequence[Step]
    practitioners: Sequence[Practitioner]
    mandates: Mandates
    mediated: Sequence[Quarter]
    barred_until: datetime | None


async def lines_on(
    s: ReadSession, wanted: Wanted, *, at: datetime, after: str | None = None, limit: int | None = None
) -> Page:
    """Lines of the register as it was at a moment. Raises CursorUnknown."""
    register = await the_register(s)
    return search(register.holdings.values(), register.holders, wanted, at=at, after=after, limit=limit)


async def record_on(s: ReadSession, *, no: str, at: datetime, now: datetime) -> Record:
    """The record of a certificate as it was at a moment.

    Practitioners, mandates and mediated trades are those of now. Raises CertificateUnknown, also for what was
    not public then.
    """
    register = await the_register(s)
    named = register.numbered(no)
    read = await holdings_of(s, cert_ids=[held.cert_id for held in register.of(named.org_id)])
    own = [held for held in read.values() if held.is_public(at)]
    holding = read[named.cert_id]
    standing = holding.on(at)
    if standing is None or holding not in own:
        raise CertificateUnknown("no such certificate", cert_no=no)
    measures = records_of(own, at=at)
    interests = [
        one for one in await interests_disclosed(s, broker_id=named.org_id) if one.disclosed_at <= at
    ]
    bars = [one.until for one in measures if one.kind == "REVOCATION" and one.until is not None]
    others = [held.on(at) for held in own if held is not holding]
    confirmed = await confirmed_against(s, org_id=named.org_id)
    return Record(
        holding,
        standing,
        register.holders[named.org_id],
        [one for one in others if one is not None],
        measures,
        interests,
        await names_of_parties(s, (one.party_id for one in interests)),
        [one for one in await changes_told(s, broker_id=named.org_id) if one.told_at <= at],
        [one for one in confirmed if one.at <= at],
        await practitioners_of(s, cert_id=named.cert_id),
        await mandates_counted(s, broker_id=named.org_id),
        (await _mediated(s, at=now, broker_id=named.org_id)).get(named.org_id, ()),
        max(bars, default=None),
    )


async def figures_on(s: ReadSession, *, at: datetime) -> Statistics:
    """The register's figures as they were at a moment."""
    register = await the_register(s)
    return statistics(register.holdings.values(), at=at)


_kept: WeakKeyDictionary[Engine, tuple[Any, Mediated]] = WeakKeyDictionary()


async def mediated_by_broker(s: ReadSession, *, at: datetime) -> Mediated:
    """Every broker's closed quarters, by name; found once for a state of what makes them."""
    key = closed_quarters(at), await newest_of(s, events=UNDOES)
    engine = s.get_bind().engine
    kept = _kept.get(engine)
    if kept is None or kept[0] != key:
        holders = (await the_register(s)).holders
        found = [(holders[who], some) for who, some in (await _mediated(s, at=at)).items()]
        kept = _kept[engine] = key, sorted(found, key=lambda one: (one[0].name, one[0].org_id))
    return kept[1]


async def _mediated(
    s: ReadSession, *, at: datetime, broker_id: str | None = None
) -> Mapping[str, Sequence[Quarter]]:
    since, until = closed_quarters(at)
    rows = await mediated(s, since=since, until=until, broker_id=broker_id)
    undone, changed = await undone_among(s, trade_ids=[row.trade_id for row in rows])
    by_broker: dict[str, list[Settled]] = defaultdict(list)
    for row in rows:
        settled = _settled(row)
        by_broker[settled.broker_id].append(settled)
    return {who: quarters(some, undone=undone, changed=changed) for who, some in by_broker.items()}


def _settled(row: Trade) -> Settled:
    assert row.broker_id is not None
    assert row.price_minor is not None
    assert row.settled_at is not None
    return Settled(row.trade_id, row.broker_id, row.seller_id, row.buyer_id, row.price_minor, row.settled_at)
