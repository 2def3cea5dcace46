"""A broker's disclosures and notices, and the parties' consents to its conflicts of interest."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from brokers.conduct import repository, service
from brokers.conduct.rules import Change, InterestKind
from ledger.reader import opening, statements_about
from ledger.recording import Act
from market.orders.consenting import consent_in_trade
from web.acts import ActKind, Args, Asked, Id, Moment, kind
from web.api.trades import TradeArgs
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["brokers"])
_BROKER = frozenset({"BROKER"})
_TOLD = frozenset({"DATA_AUTHORITY", "SAMR", "EXCHANGE_OPERATOR"})  # whom brokers tell
Text = Annotated[str, Field(min_length=1, max_length=service.MAX_TEXT)]


class InterestView(View):
    interest_id: str
    broker_id: str
    party_id: str
    kind: str
    share_bp: int | None
    disclosed_at: datetime
    ended_at: datetime | None


class ConsentView(View):
    trade_id: str
    broker_id: str
    org_id: str
    interests: list[str]
    consented_at: datetime


class NoticeView(View):
    notice_id: str
    broker_id: str
    kind: str
    about: str
    noticed_at: datetime | None
    takes_effect_at: datetime | None
    told_at: datetime
    late: bool


class WholeNoticeView(NoticeView):
    text: str | None


class DiscloseArgs(Args):
    party_id: Id
    kind: InterestKind
    share_bp: int | None = Field(default=None, ge=0, le=10_000)


async def _disclose(s: WriteSession, act: Act, args: DiscloseArgs, node: Node) -> Any:
    del node
    return await service.disclose_interest(s, act, **dict(args))


DISCLOSE = kind(
    ActKind(
        name="interest.disclose",
        event="CND.DISCLOSE",
        args=DiscloseArgs,
        roles=_BROKER,
        verb=_disclose,
        answer=InterestView.model_validate,
        about=lambda args: args.party_id,
        status=201,
    )
)


class InterestIdArgs(Args):
    interest_id: Id


async def _cease(s: WriteSession, act: Act, args: InterestIdArgs, node: Node) -> Any:
    del node
    return await service.end_interest(s, act, interest_id=args.interest_id)


CEASE = kind(
    ActKind(
        name="interest.end",
        event="CND.CEASE",
        args=InterestIdArgs,
        roles=_BROKER,
        verb=_cease,
        answer=InterestView.model_validate,
        about=lambda args: args.interest_id,
    )
)


async def _consent(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await consent_in_trade(s, act, trade_id=args.trade_id)


CONSENT = kind(
    ActKind(
        name="conflict.consent",
        event="CND.CONSENT",
        args=TradeArgs,
        roles=frozenset({"PROVIDER", "BUYER"}),
        verb=_consent,
        answer=ConsentView.model_validate,
        about=lambda args: args.trade_id,
        status=201,
    )
)


class SuspicionArgs(Args):
    about: Id
    noticed_at: Moment
    text: Text


async def _report(s: WriteSession, act: Act, args: SuspicionArgs, node: Node) -> Any:
    del node
    return await service.report_suspicion(s, act, **dict(args))


REPORT = kind(
    ActKind(
        name="suspicion.report",
        event="CND.REPORT",
        args=SuspicionArgs,
        roles=_BROKER,
        verb=_report,
        answer=NoticeView.model_validate,
        about=lambda _: "suspicion",  # a refusal is public, and must not warn anybody either
        status=201,
    )
)


class ChangeArgs(Args):
    change: Change
    takes_effect_at: Moment
    text: Text


async def _change(s: WriteSession, act: Act, args: ChangeArgs, node: Node) -> Any:
    del node
    return await service.notify_change(s, act, **dict(args))


CHANGE = kind(
    ActKind(
        name="change.notify",
        event="CND.CHANGE",
        args=ChangeArgs,
        roles=_BROKER,
        verb=_change,
        answer=NoticeView.model_validate,
        about=lambda args: args.change.value,
        status=201,
    )
)


@router.get("/broker-interests")
async def interests(caller: CallerDep, s: ReadDep, broker_id: Annotated[Id, Query()]) -> list[InterestView]:
    """What a broker has disclosed, for every member: it concerns whoever deals with it."""
    del caller
    rows = await repository.interests_of(s, broker_id=broker_id)
    return [InterestView.model_validate(row) for row in rows]


@router.post("/broker-interests", **answers(DISCLOSE, InterestView))
async def disclose(caller: CallerDep, args: DiscloseArgs) -> Response:
    """Disclose an interest in a member, as the broker."""
    return respond(await caller.do(DISCLOSE, args))


@router.post("/broker-interests/{interest_id}/end", **answers(CEASE, InterestView))
async def cease(interest_id: Id, caller: CallerDep) -> Response:
    """Say that an interest is over, as the broker."""
    return respond(await caller.do(CEASE, InterestIdArgs(interest_id=interest_id)))


@router.post("/trades/{trade_id}/conflict-consent", **answers(CONSENT, ConsentView))
async def consent(trade_id: Id, caller: CallerDep) -> Response:
    """Consent to the disclosed interests of the trade's broker, as a party."""
    return respond(await caller.do(CONSENT, TradeArgs(trade_id=trade_id)))


@router.get("/broker-notices")
async def notices(
    caller: CallerDep,
    s: ReadDep,
    broker_id: Annotated[Id | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
) -> list[NoticeView]:
    """What one's own organisation has told as a broker; authority, market regulator and exchange see all."""
    whose = broker_id if caller.actor.roles & _TOLD else caller.actor.org_id
    rows = await repository.notices_of(s, broker_id=whose, after=after)
    return [NoticeView.model_validate(row) for row in rows]


@router.get("/broker-notices/{notice_id}")
async def notice(notice_id: Id, caller: CallerDep, s: ReadDep) -> WholeNoticeView:
    """A notice with its words, for the broker that told it and for whom it was told."""
    whose = None if caller.actor.roles & _TOLD else caller.actor.org_id
    row = await repository.get_notice(s, notice_id=notice_id, broker_id=whose)
    told = await statements_about(s, object_ids=[notice_id], events=["CND.REPORT", "CND.CHANGE"])
    opened = [await opening(s, sha256=one.opening_sha256) for one in told if one.opening_sha256]
    text = opened[0]["text"] if opened and opened[0] is not None else None
    return WholeNoticeView(**NoticeView.model_validate(row).model_dump(), text=text)


@router.post("/broker-notices/suspicions", **answers(REPORT, NoticeView))
async def report(caller: CallerDep, args: SuspicionArgs) -> Response:
    """Report a suspected illegal source or use within 24 hours, as a broker."""
    return respond(await caller.do(REPORT, args))


class ChangeForm(Asked):
    change: Change
    takes_effect_at: Moment
    text: Text


@router.post("/broker-notices/changes", **answers(CHANGE, NoticeView))
async def change(caller: CallerDep, form: ChangeForm) -> Response:
    """Tell a change five working days before it takes effect, as a broker."""
    return respond(await caller.do(CHANGE, ChangeArgs(**form.model_dump())))
