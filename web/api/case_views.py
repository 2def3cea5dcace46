"""A case as a supervisor sees it: its file, times, evidence, orders and flags."""

from datetime import datetime
from typing import Any

from base.db import ReadSession
from cases import repository
from cases.appealing import appeals_in
from cases.ordering import orders_in
from cases.reading import file_for, reads_file
from cases.tables import Case, CaseOrder, OrderProposal
from ledger.recording import Actor
from web.proceedings import DeadlineView, PaperView
from web.views import View


class CaseView(View):
    case_id: str
    status: str
    finding_id: str
    rule_id: str
    finding: dict[str, Any]
    filed_by: str
    filed_at: datetime
    closed_at: datetime | None
    kind: str
    matter: str
    authority: str | None
    sibling_id: str | None
    acted_on: str | None

    @classmethod
    def of(cls, row: Case) -> "CaseView":
        return cls.model_validate(row)


class OrderView(View):
    order_id: str
    case_id: str
    measure: str
    object_id: str
    reason_code: str
    issued_by: str
    issued_at: datetime
    statement_id: str

    @classmethod
    def of(cls, row: CaseOrder) -> "OrderView":
        return cls.model_validate(row)


class ProposalView(View):
    """An order that waits for a second officer."""

    order_id: str
    case_id: str
    measure: str
    object_id: str
    reason_code: str
    refund_minor: int | None
    proposed_by: str
    proposed_at: datetime

    @classmethod
    def of(cls, row: OrderProposal) -> "ProposalView":
        return cls.model_validate(row)


class FlagView(View):
    trade_id: str
    set_at: datetime
    cleared_at: datetime | None


class EvidenceView(View):
    """An entry as it was pinned: its leaf and the path that leads to the root."""

    seq: int
    order_id: str
    leaf_sha256: str
    tree_size: int
    root_sha256: str
    proof: list[str]
    pinned_at: datetime


class CaseRoomView(View):
    case: CaseView
    orders: list[OrderView]
    proposals: list[ProposalView]
    flags: list[FlagView]
    papers: list[PaperView]
    deadlines: list[DeadlineView]
    evidence: list[EvidenceView]

    @classmethod
    async def of(cls, s: ReadSession, row: Case, actor: Actor) -> "CaseRoomView":
        case_id, whole = row.case_id, reads_file(row, actor)
        way = appeals_in(await repository.papers_of(s, case_id=case_id)).way
        orders, proposals = await orders_in(s, case_id=case_id, whole=whole)
        return cls(
            case=CaseView.of(row),
            orders=[OrderView.of(one) for one in orders],
            proposals=[ProposalView.of(one) for one in proposals],
            flags=[FlagView.model_validate(one) for one in await repository.flags_of(s, case_id=case_id)],
            papers=[PaperView.model_validate(one) for one in await file_for(s, case=row, actor=actor)],
            deadlines=[
                DeadlineView.of(one, way or "") for one in await repository.deadlines_of(s, case_id=case_id)
            ],
            evidence=[
                EvidenceView.model_validate(one)
                for one in await repository.evidence_of(s, case_id=case_id)
                if whole
            ],
        )
