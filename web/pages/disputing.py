"""A trade's dispute and its refund after the release, on its page: who says what, and the forms for it."""

from collections.abc import Mapping
from typing import Any, Final

from base.db import ReadSession
from market.disputes import repository
from market.disputes.rules import DISPUTABLE, REFUNDABLE, DisputeState, Fault, Ground, Outcome, ProposalState
from market.disputes.tables import Dispute
from market.orders.states import MOVES, TradeEvent, TradeState
from market.orders.tables import Trade
from market.settlement.repository import claims_of
from market.settlement.tables import ClaimStatus
from web.pages.forms import Form
from web.pages.room import Room, Taken
from web.pages.steps import Step
from web.pages.visiting import OPERATOR, SUPERVISORS

_SIDES: Final = frozenset({"BUYER", "PROVIDER"})


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """What is disputed, proposed and ruled; who owes what of a refund; what the visitor can do about it."""
    visitor, trade = room.visitor, room.trade
    dispute = await repository.find_dispute(s, trade_id=trade.trade_id)
    mine = None if room.part is None or room.part.role not in _SIDES else room.part.role
    in_window = trade.accept_by is not None and room.now <= trade.accept_by
    return {
        "dispute": dispute,
        "dispute_forms": None if dispute is None else await _talks(s, room, dispute, mine),
        "may_dispute": mine is not None and trade.status is TradeState.DELIVERED and in_window,
        "may_refund": visitor.may(OPERATOR) and (trade.status, TradeEvent.POST_REFUND) in MOVES,
        "claims": await claims_of(s, trade_id=trade.trade_id),
        "overdue": [
            claim.claim_id
            for claim in await claims_of(s, trade_id=trade.trade_id)
            if claim.status is ClaimStatus.OPEN and room.now >= claim.due_at
        ],
        "late_refund": await repository.late_refund_of(s, trade_id=trade.trade_id),
        "disputable": visitor.options("ground", [one for one in Ground if one in DISPUTABLE]),
        "refundable": visitor.options("ground", [one for one in Ground if one in REFUNDABLE]),
        "outcomes": visitor.options("outcome", list(Outcome)),
        "faults": visitor.options("fault", list(Fault)),
    }


async def _talks(s: ReadSession, room: Room, dispute: Dispute, mine: str | None) -> Mapping[str, Any]:
    """The proposals and votes of a dispute, and which of its forms the visitor gets."""
    votes = await repository.votes_of(s, dispute_id=dispute.dispute_id)
    running = dispute.status is DisputeState.OPEN and room.trade.status is TradeState.DISPUTED
    mediating = running and mine is not None and room.now <= dispute.mediate_by
    proposals = await repository.proposals_of(s, dispute_id=dispute.dispute_id)
    stand = [one for one in proposals if one.status is ProposalState.OPEN and running and mine is not None]
    readable = dispute.status is DisputeState.ENDED or room.visitor.may(SUPERVISORS)
    return {
        "proposals": proposals,
        "votes": votes if readable else [],
        "votes_given": len(votes),
        "overdue": running and room.now > dispute.mediate_by,
        "propose": mediating,
        "agree_to": [one.number for one in stand if mediating and one.side != mine],
        "withdraw": [one.number for one in stand if one.side == mine],
        "rule": running and room.visitor.may(OPERATOR),
    }


def _dispute(form: Form, _: Trade) -> dict[str, Any]:
    """Evidence is one a line: a name, a space, a SHA-256."""
    lines = [line.rpartition(" ") for line in form.text("evidence").splitlines() if line.strip()]
    shown = [{"name": name.strip(), "sha256": digest.strip()} for name, _space, digest in lines]
    return {"ground": form.text("ground"), "text": form.text("text"), "evidence": shown}


def _award(form: Form) -> dict[str, Any]:
    return {"outcome": form.text("outcome"), "refund_minor": form.fen("refund_minor")}


def _propose(form: Form, _: Trade) -> dict[str, Any]:
    return _award(form) | {"note": form.text("note")}


def _number(form: Form, _: Trade) -> dict[str, Any]:
    return {"proposal_no": form.whole("proposal_no")}


def _vote(form: Form, _: Trade) -> dict[str, Any]:
    return _award(form) | {"reasons": form.text("reasons")}


def _court(form: Form, _: Trade) -> dict[str, Any]:
    return _award(form) | {"award_sha256": form.text("award_sha256")}


def _refund(form: Form, _: Trade) -> dict[str, Any]:
    return {
        "ground": form.text("ground"),
        "fault": form.every("fault"),
        "refund_minor": form.fen("refund_minor"),
        "bought": form.whole("bought"),
        "used": form.whole("used"),
        "award_sha256": form.optional("award_sha256"),
    }


TAKEN: Final[Mapping[Step, Taken]] = {
    Step.DISPUTE: Taken("trade.dispute", _dispute),
    Step.PROPOSE: Taken("dispute.propose", _propose),
    Step.WITHDRAW_PROPOSAL: Taken("dispute.withdraw", _number),
    Step.AGREE: Taken("dispute.agree", _number),
    Step.VOTE: Taken("dispute.vote", _vote),
    Step.AWARD: Taken("dispute.award", _court),
    Step.POST_REFUND: Taken("trade.post-refund", _refund),
}
