"""The register out of the database: `BRK.*` statements, and who the holders are by their admission.

Folded once for a state of the ledger: a further statement is folded behind those that were there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, func
from sqlmodel import col, select

from base.db import ReadSession
from brokers.conduct.record import CONFIRMED
from brokers.conduct.rules import NoticeKind
from brokers.conduct.tables import BrokerNoticeRow, InterestRow
from brokers.credential.document import Practitioner
from brokers.credential.repository import credential_of
from brokers.errors import CertificateUnknown
from brokers.register import EVENTS, Holder, Holding, Step, fold
from brokers.states import MandateState
from brokers.tables import MandateRow
from ledger import reader
from ledger.log_keys import past_places

ADMITTED: Final = "ORG.ADMIT"
_MOST: Final = 1000
_AT_ONCE: Final = 400


@dataclass(slots=True)
class Register:
    """Every holding and holder, up to the statement that `newest` names."""

    newest: tuple[int, int] = (0, 0)
    holdings: dict[str, Holding] = field(default_factory=dict)
    holders: dict[str, Holder] = field(default_factory=dict)

    def numbered(self, no: str) -> Holding:
        """A holding by its certificate's number, or by its id. Raises CertificateUnknown."""
        found = self.holdings.get(no)
        if found is None:
            named = (held for held in self.holdings.values() if _number_of(held) == no)
            found = next(named, None)
        if found is None:
            raise CertificateUnknown("no such certificate", cert_no=no)
        return found

    def of(self, org_id: str) -> list[Holding]:
        """What one organisation holds or held, in the order of the ledger."""
        return [held for held in self.holdings.values() if held.org_id == org_id]


_kept: WeakKeyDictionary[Engine, Register] = WeakKeyDictionary()


def _number_of(held: Holding) -> str | None:
    return next((step.says["cert_no"] for step in held.steps if "cert_no" in step.says), None)


async def the_register(s: ReadSession) -> Register:
    """The register as the ledger has it now. What is got is shared: nobody changes it."""
    engine = s.get_bind().engine
    held = _kept.get(engine) or Register()
    newest = await reader.newest_of(s, events=EVENTS)
    if newest == held.newest:
        return held
    steps = [step for one in held.holdings.values() for step in one.steps]
    come = await reader.statements_of_events(s, events=EVENTS, after=held.newest[1])
    if held.newest[0] + len(come) != newest[0]:  # one that was recorded before was committed after
        steps, come = [], await reader.statements_of_events(s, events=EVENTS)
    holdings = fold([*steps, *(_step(one) for one in come)])
    unknown = {one.org_id for one in holdings.values()} - held.holders.keys()
    made = Register(newest, holdings, held.holders | await _holders(s, sorted(unknown)))
    _kept[engine] = made
    return made


def _step(said: reader.Statement) -> Step:
    return Step(said.event, said.object_id, said.occurred_at, said.predicate, said.statement_id, said.seq)


async def _holders(s: ReadSession, org_ids: Sequence[str]) -> dict[str, Holder]:
    found: dict[str, Holder] = {}
    for begin in range(0, len(org_ids), _AT_ONCE):
        some = org_ids[begin : begin + _AT_ONCE]
        rows = await reader.statements_about(s, object_ids=some, events=[ADMITTED], limit=_AT_ONCE)
        for said in rows:
            says = said.predicate
            found[said.object_id] = Holder(said.object_id, says["name"], says["uscc"])
    return found


async def holdings_of(s: ReadSession, *, cert_ids: Sequence[str]) -> dict[str, Holding]:
    """Some holdings read anew, each step with its place in the ledger, also in a closed log."""
    rows = await reader.statements_about(s, object_ids=cert_ids, events=EVENTS, limit=_MOST)
    return fold(await _placed(s, rows))


async def _placed(s: ReadSession, rows: Sequence[reader.Statement]) -> list[Step]:
    """Statements with their places in the ledger, also in closed logs."""
    elsewhere = [said.statement_id for said in rows if said.seq is None]
    past = await past_places(s, statement_ids=elsewhere) if elsewhere else {}
    found = []
    for said in rows:
        log, seq = past.get(said.statement_id, (None, said.seq))
        found.append(replace(_step(said), seq=seq, log=log))
    return found


@dataclass(frozen=True, slots=True)
class Mandates:
    """How many mandates a broker has, by how they stand; whose they are is nobody's business."""

    in_force: int
    frozen: int
    ended: int


async def mandates_counted(s: ReadSession, *, broker_id: str) -> Mandates:
    """A broker's mandates, counted; those that wait for its acceptance are none yet."""
    query = (
        select(MandateRow.status, func.count())
        .where(MandateRow.broker_id == broker_id)
        .group_by(col(MandateRow.status))
    )
    counts = {MandateState(state): count for state, count in (await s.exec(query)).all()}
    running = {MandateState.ACTIVE, MandateState.FROZEN}
    waiting = {MandateState.DRAFT, MandateState.SIGNED}
    ended = sum(count for state, count in counts.items() if state not in running | waiting)
    return Mandates(counts.get(MandateState.ACTIVE, 0), counts.get(MandateState.FROZEN, 0), ended)


async def interests_disclosed(s: ReadSession, *, broker_id: str) -> Sequence[InterestRow]:
    """What a broker has disclosed of interests in members, first to last."""
    query = select(InterestRow).where(InterestRow.broker_id == broker_id)
    return (await s.exec(query.order_by(InterestRow.interest_id).limit(_MOST))).all()


async def changes_told(s: ReadSession, *, broker_id: str) -> Sequence[BrokerNoticeRow]:
    """The changes a broker has told (BR13), first to last; not what it reported of others."""
    query = select(BrokerNoticeRow).where(
        BrokerNoticeRow.broker_id == broker_id, BrokerNoticeRow.kind == NoticeKind.CHANGE
    )
    return (await s.exec(query.order_by(BrokerNoticeRow.notice_id).limit(_MOST))).all()


async def practitioners_of(s: ReadSession, *, cert_id: str) -> list[Practitioner]:
    """The practitioners that the present credential names; none where it names none, or there is none."""
    row = await credential_of(s, cert_id=cert_id)
    if row is None or row.document is None:
        return []
    named = orjson.loads(row.document)["credentialSubject"].get("practitioners", [])
    return [Practitioner(one["name"], one.get("practitionerNumber")) for one in named]


async def confirmed_against(s: ReadSession, *, org_id: str) -> list[Step]:
    """Cases that an authority decided against an organisation, first to last; no open one is among them."""
    found = [
        said
        for event in reversed(CONFIRMED)
        for said in await reader.statements_mentioning(s, object_ids=[org_id], event=event, limit=_MOST)
    ]
    return await _placed(s, found)


async def names_of_parties(s: ReadSession, org_ids: Iterable[str]) -> dict[str, str]:
    """The names of members as their admission has them."""
    return {org_id: one.name for org_id, one in (await _holders(s, sorted(set(org_ids)))).items()}
