"""Who decides a dispute that the sides do not: three officers of the exchange, or a court.

An officer votes in person, once, with reasons, and on no dispute of an organisation that he or she, or the
exchange itself, is related to; natural persons count, whatever their logins (`identity.natural`). When three
have voted the dispute ends by what the majority says. A court's award is carried out as it is written; its
digest goes onto the ledger.
"""

from typing import Final

from base.db import WriteSession
from base.errors import NotFound
from identity.repository import get_organisation
from identity.service import require_identified, require_unbound
from ledger.recording import Act, record
from ledger.statement import Draft
from market.disputes import repository
from market.disputes.rules import (
    Award,
    Basis,
    award_of,
    check_digest,
    check_reasons,
    check_voter,
    ruling,
)
from market.disputes.service import end_dispute, open_dispute_of
from market.disputes.tables import Dispute, Vote
from market.orders import repository as trades
from market.orders.errors import TradeWrongRole
from market.orders.officers import officer_on, require_unrelated
from market.orders.statements import named
from market.orders.states import TradeEvent
from market.orders.tables import OfficerTie

OFFICER: Final = "EXCHANGE_OPERATOR"


async def declare_tie(s: WriteSession, act: Act, *, org_id: str) -> OfficerTie:
    """Say, as an officer, that one is related to an organisation (DSP.RECUSE): one decides on no trade of it.

    Who is related stays in the opening. Raises TradeWrongRole, OfficerNeeded, NotFound.
    """
    _only_the_exchange(act)
    officer_id = check_voter(act.actor.user_id, logins=(), voted=())
    if await get_organisation(s, org_id=org_id) is None:
        raise NotFound("no such organisation", org_id=org_id)
    said = Draft("DSP.RECUSE", org_id, public={"org_id": org_id}, opening={"officer_id": officer_id})
    recorded = await record(s, act, said)
    tie = OfficerTie(
        officer_id=officer_id,
        org_id=org_id,
        declared_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    tie = await s.merge(tie)  # said again: the later word stands
    await s.flush()
    return tie


async def vote(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    outcome: str,
    reasons: str,
    refund_minor: int | None = None,
) -> Dispute:
    """One officer's vote on a dispute, with its reasons (DSP.VOTE); the third one ends it.

    The votes, the officers and their reasons stay in the openings; how many have voted is public. The
    exchange then states TRD.RULE_FOR_SELLER, TRD.PARTIAL or TRD.RULE_FOR_BUYER on the basis PANEL. Raises
    TradeWrongState, TradeWrongRole, OfficerNeeded, OfficerRelated, VotedBefore, PersonNotIdentified,
    PersonsBound, DisputeMalformed, RefundBeyondPaid.
    """
    _only_the_exchange(act)
    trade = await trades.claim_trade(s, trade_id=trade_id)
    dispute = await open_dispute_of(s, act, trade, TradeEvent.RULE_FOR_SELLER)
    assert trade.price_minor is not None
    award = award_of(outcome, refund_minor, price_minor=trade.price_minor)
    check_reasons(reasons)
    earlier = [
        one
        for one in await repository.votes_of(s, dispute_id=dispute.dispute_id)
        if not (
            await officer_on(s, trade, org_id=act.actor.org_id, user_id=one.officer_id)
        ).related_to  # declared since
    ]
    officer = await require_unrelated(s, act, trade)
    officer_id = check_voter(
        officer.user_id, logins=officer.logins, voted=[one.officer_id for one in earlier]
    )
    await require_identified(s, user_id=officer_id)
    await require_unbound(s, user_id=officer_id, others=[one.officer_id for one in earlier])
    recorded = await record(
        s,
        act,
        Draft(
            "DSP.VOTE",
            trade_id,
            public=named(trade) | {"dispute_id": dispute.dispute_id, "votes": len(earlier) + 1},
            opening={
                "officer_id": officer_id,
                "outcome": award.outcome.value,
                "refund_minor": str(award.refund_minor),
                "reasons": reasons,
            },
        ),
    )
    given = Vote(
        dispute_id=dispute.dispute_id,
        officer_id=officer_id,
        outcome=award.outcome,
        refund_minor=award.refund_minor,
        reasons=reasons,
        voted_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(given)
    await s.flush()
    ruled = ruling([Award(one.outcome, one.refund_minor) for one in (*earlier, given)])
    if ruled is None:
        return dispute
    return await end_dispute(
        s,
        act.as_exchange(),
        trade=trade,
        dispute=dispute,
        award=ruled,
        basis=Basis.PANEL,
        opening={"votes": [one.statement_id for one in (*earlier, given)]},
    )


async def execute_award(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    outcome: str,
    award_sha256: str,
    refund_minor: int | None = None,
) -> Dispute:
    """Carry out a court's or an arbitrator's award on a dispute, as the exchange (basis COURT).

    `award_sha256` is the digest of the document, in hex: who has it can show that it is the one. An officer
    who may not rule does not do this either. Raises TradeWrongState, TradeWrongRole, OfficerNeeded,
    OfficerRelated, DisputeMalformed, RefundBeyondPaid.
    """
    _only_the_exchange(act)
    trade = await trades.claim_trade(s, trade_id=trade_id)
    dispute = await open_dispute_of(s, act, trade, TradeEvent.RULE_FOR_SELLER)
    assert trade.price_minor is not None
    award = award_of(outcome, refund_minor, price_minor=trade.price_minor)
    digest = check_digest(award_sha256)
    check_voter((await require_unrelated(s, act, trade)).user_id, logins=(), voted=())
    dispute.award_sha256 = digest
    return await end_dispute(
        s,
        act,
        trade=trade,
        dispute=dispute,
        award=award,
        basis=Basis.COURT,
        public={"award_sha256": digest},
        subjects={"award": digest},
    )


def _only_the_exchange(act: Act) -> None:
    if act.role != OFFICER:
        raise TradeWrongRole("the exchange's officers rule", role=act.role, roles=[OFFICER])
