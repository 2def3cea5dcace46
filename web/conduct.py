"""A broker's conduct score out of the database: made of the statements a bundle of the same size holds."""

from collections.abc import Collection, Sequence
from typing import Final

from base.db import ReadSession
from base.errors import NotFound
from brokers.conduct.record import (
    CASE_EVENTS,
    CERTIFICATE_EVENTS,
    CONFIRMED,
    MANDATE_EVENTS,
    NOTICE_EVENTS,
    TRADE_EVENTS,
)
from brokers.conduct.repository import objects_of
from brokers.conduct.score import Score, score_on
from ledger import reader
from market.orders.repository import contracted_of_broker
from supervision.provenance.lineage import Said
from web.lineage import said_in

_AT_ONCE: Final = 400
_MOST: Final = 100_000


class NothingPublished(NotFound):
    code = "checkpoint-unknown"
    title = "No such checkpoint"


async def conduct_of(s: ReadSession, *, org_id: str, size: int | None = None) -> Score:
    """The score of a broker by the newest published checkpoint, or by the first `size` entries it holds.

    It is made for the moment the last of these entries was sealed. Raises NothingPublished.
    """
    newest = await reader.checkpoint(s)
    published = 0 if newest is None else newest.size
    size = published if size is None else size
    if not 0 < size <= published:
        raise NothingPublished("no checkpoint holds so many entries", size=size)
    last = await reader.entry(s, seq=size - 1)
    origin = (await reader.tree_head(s)).origin
    statements = await _statements(s, org_id, size)
    return score_on(org_id, statements, as_of=last.sealed_at, log=origin, size=size)


async def conduct_line(s: ReadSession, *, org_id: str) -> tuple[str, int] | None:
    """Band and score of a broker for a line in a list; None where nothing is published yet."""
    try:
        found = await conduct_of(s, org_id=org_id)
    except NothingPublished:
        return None
    return found.band, found.score


async def _statements(s: ReadSession, org_id: str, size: int) -> list[Said]:
    """What was said of the broker's certificates, mandates, notices, trades and cases, in ledger order."""
    certificates, mandates, notices = await objects_of(s, org_id=org_id)
    found = [
        *await _about(s, certificates, CERTIFICATE_EVENTS),
        *await _about(s, mandates, MANDATE_EVENTS),
        *await _about(s, notices, NOTICE_EVENTS),
        *await _about(s, await contracted_of_broker(s, broker_id=org_id), TRADE_EVENTS),
    ]
    cases = {str(one.says["case_id"]) for one in found if one.says.get("case_id") is not None}
    for event in CONFIRMED:
        named = await reader.statements_mentioning(s, object_ids=[org_id], event=event, limit=_MOST)
        cases |= {one.object_id for one in named}
    found += await _about(s, sorted(cases), CASE_EVENTS)
    sealed = [one for one in found if one.seq is not None and (one.log is not None or one.seq < size)]
    return sorted(sealed, key=_place)


def _place(said: Said) -> tuple[bool, float, int]:
    """Closed logs come before the present one, each in its own order: of those the time tells which."""
    assert said.seq is not None
    return said.log is None, 0 if said.log is None else said.at.timestamp(), said.seq


async def _about(s: ReadSession, ids: Sequence[str], events: Collection[str]) -> list[Said]:
    found: list[Said] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        rows = await reader.statements_about(s, object_ids=some, events=sorted(events), limit=_MOST)
        found += await said_in(s, rows)
    return found
