"""A broker's reward without a seat in the trade (BR-BYPASS): claimed, contested, decided, given up."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.orders import contests
from market.orders.rewarding import Claim, claim_seen
from market.orders.rules import MAX_NOTE
from market.orders.tables import RewardContest
from market.trade import contesting
from web.acts import ActKind, Args, Asked, Id, kind
from web.api.trades import SUPERVISORS, visible
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import TradeView, View

router = APIRouter(tags=["trades"])
_TWO_SIDES: Final = frozenset({"PROVIDER", "BUYER"})
_BROKER: Final = frozenset({"BROKER"})
_OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})
Words = Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]


class ClaimView(View):
    broker_id: str
    mandate_id: str
    client_id: str
    fee_bp: int
    source_id: str
    introduced_at: datetime
    until: datetime | None

    @classmethod
    def of(cls, claim: Claim) -> "ClaimView":
        return cls.model_validate(claim)


class ContestView(View):
    contest_id: str
    trade_id: str
    broker_id: str
    mandate_id: str
    contester_id: str
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None
    upheld: bool | None
    withdrawn: bool
    decided_at: datetime | None

    @classmethod
    def of(cls, row: RewardContest) -> "ContestView":
        return cls.model_validate(row)


class ContestTold(ContestView):
    """With what was said, as long as it is there: for the two sides, the broker and the exchange."""

    said: dict[str, str]


class ReasonsForm(Asked):
    reasons: Words


class ContestArgs(Args, ReasonsForm):
    trade_id: Id


class ContestOnly(Args):
    contest_id: Id


class AnswerForm(Asked):
    text: Words


class AnswerArgs(ContestOnly, AnswerForm):
    pass


class DecisionForm(ReasonsForm):
    upheld: bool


class DecisionArgs(ContestOnly, DecisionForm):
    pass


class ReleaseArgs(Args):
    trade_id: Id


async def _contest(s: WriteSession, act: Act, args: ContestArgs, node: Node) -> Any:
    del node
    return await contesting.contest_reward(s, act, trade_id=args.trade_id, reasons=args.reasons)


async def _answer(s: WriteSession, act: Act, args: AnswerArgs, node: Node) -> Any:
    del node
    return await contesting.answer_contest(s, act, contest_id=args.contest_id, text=args.text)


async def _withdraw(s: WriteSession, act: Act, args: ContestOnly, node: Node) -> Any:
    del node
    return await contesting.withdraw_contest(s, act, contest_id=args.contest_id)


async def _decide(s: WriteSession, act: Act, args: DecisionArgs, node: Node) -> Any:
    del node
    return await contesting.decide_contest(
        s, act, contest_id=args.contest_id, upheld=args.upheld, reasons=args.reasons
    )


async def _release(s: WriteSession, act: Act, args: ReleaseArgs, node: Node) -> Any:
    del node
    return await contesting.release_reward(s, act, trade_id=args.trade_id)


CONTEST = kind(
    ActKind(
        name="reward.contest",
        event="RWD.CONTEST",
        args=ContestArgs,
        roles=_TWO_SIDES,
        verb=_contest,
        answer=ContestView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)
ANSWER = kind(
    ActKind(
        name="reward.answer",
        event="RWD.ANSWER",
        args=AnswerArgs,
        roles=_BROKER,
        verb=_answer,
        answer=ContestView.of,
        about=lambda args: args.contest_id,
    )
)
WITHDRAW = kind(
    ActKind(
        name="reward.withdraw",
        event="RWD.WITHDRAW",
        args=ContestOnly,
        roles=_TWO_SIDES,
        verb=_withdraw,
        answer=ContestView.of,
        about=lambda args: args.contest_id,
    )
)
DECIDE = kind(
    ActKind(
        name="reward.decide",
        event="RWD.DECIDE",
        args=DecisionArgs,
        roles=_OPERATOR,
        verb=_decide,
        answer=ContestView.of,
        about=lambda args: args.contest_id,
    )
)
RELEASE = kind(
    ActKind(
        name="reward.release",
        event="RWD.RELEASE",
        args=ReleaseArgs,
        roles=_BROKER,
        verb=_release,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
    )
)


@router.get("/trades/{trade_id}/reward")
async def reward(trade_id: Id, caller: CallerDep, s: ReadDep) -> ClaimView | None:
    """The reward that a trade without a broker owes to one that introduced its two sides; null for none."""
    trade = await visible(s, caller, trade_id)
    claim = await claim_seen(s, trade, at=caller.node.clock.now(), price_minor=trade.price_minor)
    return ClaimView.of(claim) if claim else None


@router.get("/reward-contests")
async def reward_contests(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[ContestTold]:
    """The contests of one's trades or rewards, newest first; the exchange and supervisors see all."""
    org_id = None if caller.actor.roles & SUPERVISORS else caller.actor.org_id
    rows = await contests.contests_of(s, org_id=org_id, after=after, limit=limit)
    return [
        ContestTold(
            **ContestView.of(row).model_dump(), said=await contests.words_of(s, contest_id=row.contest_id)
        )
        for row in rows
    ]


@router.post("/trades/{trade_id}/reward-contest", **answers(CONTEST, ContestView))
async def contest_reward(trade_id: Id, caller: CallerDep, form: ReasonsForm) -> Response:
    """Say why the broker is owed nothing in this trade, as seller or buyer, before it is concluded."""
    return respond(await caller.do(CONTEST, ContestArgs(trade_id=trade_id, **form.model_dump())))


@router.post("/trades/{trade_id}/reward-release", **answers(RELEASE, TradeView))
async def release_reward(trade_id: Id, caller: CallerDep) -> Response:
    """Give up what a trade owes you, as the broker."""
    return respond(await caller.do(RELEASE, ReleaseArgs(trade_id=trade_id)))


@router.post("/reward-contests/{contest_id}/answer", **answers(ANSWER, ContestView))
async def answer_contest(contest_id: Id, caller: CallerDep, form: AnswerForm) -> Response:
    """Say why the reward is owed, as the broker, once."""
    return respond(await caller.do(ANSWER, AnswerArgs(contest_id=contest_id, **form.model_dump())))


@router.post("/reward-contests/{contest_id}/withdraw", **answers(WITHDRAW, ContestView))
async def withdraw_contest(contest_id: Id, caller: CallerDep) -> Response:
    """Take one's contest back; the reward stands."""
    return respond(await caller.do(WITHDRAW, ContestOnly(contest_id=contest_id)))


@router.post("/reward-contests/{contest_id}/decision", **answers(DECIDE, ContestView))
async def decide_contest(contest_id: Id, caller: CallerDep, form: DecisionForm) -> Response:
    """Decide a contest, as an officer of the exchange who is related to none of them."""
    return respond(await caller.do(DECIDE, DecisionArgs(contest_id=contest_id, **form.model_dump())))
