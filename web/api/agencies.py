"""What an agency owes and has on record, and how mature an organisation's management of data is (DCMM)."""

from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from base.errors import NotFound
from identity.repository import get_organisation
from identity.rules import Role
from ledger.recording import Act
from registry.duties.service import Checked, checklist_of
from registry.evaluation.seeing import LOOKERS
from registry.maturity import service
from registry.maturity.states import AUTHORITY, MEMBERS, MaturityEvent, MaturityState
from registry.maturity.tables import MaturityRow
from web.acts import ActKind, Args, Asked, Id, Sha256, kind
from web.deps import CallerDep, NodeDep, ReadDep, VisitorDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["agencies"])
Level = Annotated[int, Field(ge=1, le=5, description="GB/T 36073: 1 initial to 5 optimised")]
Reason = Annotated[str, Field(max_length=service.MAX_TEXT)]
_PUBLIC: Final = frozenset({MaturityState.CONFIRMED, MaturityState.REVOKED})


class DutyView(View):
    """A duty, its legal basis, and the evidence: `verdict` is MET, PARTLY, MISSING or NOT_ASKED."""

    stage: str
    duty: str
    legal_basis: str
    source_status: str
    rule: str
    verdict: str
    done: int
    of: int | None
    record_id: str | None
    at: datetime | None
    lacking: list[str]

    @classmethod
    def of_line(cls, line: Checked) -> "DutyView":
        return cls(
            stage=line.duty.stage.value,
            duty=line.duty.name,
            legal_basis=line.duty.legal_basis,
            source_status=line.duty.source_status,
            rule=line.duty.cited,
            verdict=line.verdict.value,
            done=line.evidence.done,
            of=line.evidence.of,
            record_id=line.evidence.record_id,
            at=line.evidence.at,
            lacking=list(line.evidence.lacking),
        )


class MaturityView(View):
    maturity_id: str
    org_id: str
    level: int
    certificate_sha256: str
    issued_on: date
    valid_until: date
    status: str
    claimed_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: MaturityRow) -> "MaturityView":
        return cls.model_validate(row)


class ClaimArgs(Args):
    """One's own certificate."""

    level: Level
    certificate_sha256: Sha256
    issued_on: date
    valid_until: date


class RecordArgs(ClaimArgs):
    """Another organisation's certificate, as the data authority."""

    org_id: Id


class DecideForm(Asked):
    event: MaturityEvent
    reason: Reason = ""


class DecideArgs(Args, DecideForm):
    maturity_id: Id


async def _claim(s: WriteSession, act: Act, args: ClaimArgs, node: Node) -> Any:
    del node
    return await service.claim_level(s, act, **dict(args))


async def _record(s: WriteSession, act: Act, args: RecordArgs, node: Node) -> Any:
    del node
    return await service.record_level(s, act, **dict(args))


async def _decide(s: WriteSession, act: Act, args: DecideArgs, node: Node) -> Any:
    del node
    return await service.decide_level(s, act, **dict(args))


CLAIM = kind(
    ActKind(
        name="maturity.claim",
        event="DCM.CLAIM",
        args=ClaimArgs,
        roles=MEMBERS,
        verb=_claim,
        answer=MaturityView.of,
        about=lambda _: "maturity",
        status=201,
    )
)
RECORD = kind(
    ActKind(
        name="maturity.record",
        event="DCM.RECORD",
        args=RecordArgs,
        roles=AUTHORITY,
        verb=_record,
        answer=MaturityView.of,
        about=lambda args: args.org_id,
        status=201,
    )
)
DECIDE = kind(
    ActKind(
        name="maturity.decide",
        event="DCM.CONFIRM",
        args=DecideArgs,
        roles=AUTHORITY,
        verb=_decide,
        answer=MaturityView.of,
        about=lambda args: args.maturity_id,
    )
)


@router.get("/agencies/{agency_id}/duties")
async def duties(agency_id: Id, caller: CallerDep, s: ReadDep, node: NodeDep) -> list[DutyView]:
    """The duties of an agency along the life cycle, each with its evidence; for it and who supervises."""
    organisation = await get_organisation(s, org_id=agency_id)
    mine = caller.actor.org_id == agency_id or bool(caller.actor.roles & LOOKERS)
    if organisation is None or Role.PUBLIC_AGENCY not in organisation.roles or not mine:
        raise NotFound("no such agency", agency_id=agency_id)
    lines = await checklist_of(s, agency_id=agency_id, now=node.clock.now())
    return [DutyView.of_line(line) for line in lines]


@router.get("/maturity")
async def certificates(
    visitor: VisitorDep,
    s: ReadDep,
    org_id: Annotated[Id | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
) -> list[MaturityView]:
    """Certificates of maturity that are confirmed or revoked; what is only claimed, to whom it concerns."""
    rows = await service.certificates(s, org_id=org_id, after=after)
    own = None if visitor is None else visitor.actor.org_id
    all_seen = visitor is not None and bool(visitor.actor.roles & LOOKERS)
    seen = [row for row in rows if all_seen or row.org_id == own or row.status in _PUBLIC]
    return [MaturityView.of(row) for row in seen]


@router.post("/maturity", **answers(CLAIM, MaturityView))
async def claim(caller: CallerDep, args: ClaimArgs) -> Response:
    """Claim one's own level of maturity with the digest of its certificate."""
    return respond(await caller.do(CLAIM, args))


@router.post("/maturity/record", **answers(RECORD, MaturityView))
async def record(caller: CallerDep, args: RecordArgs) -> Response:
    """Record another organisation's level from its certificate, as the data authority."""
    return respond(await caller.do(RECORD, args))


@router.post("/maturity/{maturity_id}/decision", **answers(DECIDE, MaturityView))
async def decide(maturity_id: Id, caller: CallerDep, form: DecideForm) -> Response:
    """Confirm, decline or revoke a certificate, as the data authority."""
    return respond(await caller.do(DECIDE, DecideArgs(maturity_id=maturity_id, **dict(form))))
