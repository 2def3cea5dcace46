"""A broker's disclosures and notices, and the parties' consents to its conflicts of interest."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from brokers.conduct import repository, service
from brokers.conduct.errors import SourceCheckUnknown
from brokers.conduct.records import MAX_NAME, Papers
from brokers.conduct.rules import Change, InterestKind
from brokers.repository import certificate_by_no
from ledger.reader import opening, statements_about
from ledger.recording import Act
from market.orders.consenting import consent_in_trade
from market.orders.repository import get_trade
from market.orders.vouching import check_source
from web.acts import ActKind, Args, Asked, Id, Moment, Sha256, kind
from web.api.brokers import CertificateNo
from web.api.trades import TradeArgs
from web.conduct import conduct_of
from web.deps import JSON, CallerDep, ReadDep, answers, respond
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


class PapersForm(Asked):
    """Digests of the papers in the broker's files, and what they are called there, in this order."""

    source_sha256: Sha256
    seller_sha256: Sha256
    buyer_sha256: Sha256
    documents: list[Annotated[str, Field(min_length=1, max_length=MAX_NAME)]] = Field(
        min_length=3, max_length=3
    )


class CheckArgs(Args, PapersForm):
    trade_id: Id


async def _check(s: WriteSession, act: Act, args: CheckArgs, node: Node) -> Any:
    del node
    papers = Papers(args.source_sha256, args.seller_sha256, args.buyer_sha256, args.documents)
    return await check_source(s, act, trade_id=args.trade_id, papers=papers)


class CheckView(View):
    statement_id: str
    trade_id: str
    broker_id: str
    source_sha256: str
    seller_sha256: str
    buyer_sha256: str
    documents: list[str]
    checked_at: datetime
    keep_until: datetime


CHECK = kind(
    ActKind(
        name="source.check",
        event="CND.CHECK",
        args=CheckArgs,
        roles=_BROKER,
        verb=_check,
        answer=CheckView.model_validate,
        about=lambda args: args.trade_id,
        status=201,
    )
)


@router.post("/trades/{trade_id}/source-check", **answers(CHECK, CheckView))
async def check(trade_id: Id, caller: CallerDep, form: PapersForm) -> Response:
    """Record, as the trade's broker, that source and parties are checked: before its signature (BR3)."""
    return respond(await caller.do(CHECK, CheckArgs(trade_id=trade_id, **form.model_dump())))


@router.get("/trades/{trade_id}/source-check")
async def checked(trade_id: Id, caller: CallerDep, s: ReadDep) -> CheckView:
    """What the broker has recorded of a trade, for the broker and for whom it reports to."""
    trade = await get_trade(s, trade_id=trade_id)
    reads = caller.actor.roles & _TOLD or caller.actor.org_id == trade.broker_id
    row = await repository.source_check_of(s, trade_id=trade_id, broker_id=trade.broker_id or "")
    if not reads or row is None:
        raise SourceCheckUnknown("no check of this trade is recorded", trade_id=trade_id)
    return CheckView.model_validate(row)


@router.get("/brokers/{cert_no}/conduct", response_class=Response)
async def score(
    cert_no: CertificateNo, s: ReadDep, size: Annotated[int | None, Query(ge=1, le=2**53)] = None
) -> Response:
    """A broker's conduct score with its reasons, by the newest checkpoint or its first `size` entries.

    Canonical JSON: `databourse conduct` makes the same bytes of a bundle that ends there.
    """
    certificate = await certificate_by_no(s, cert_no=cert_no)
    found = await conduct_of(s, org_id=certificate.org_id, size=size)
    return Response(found.published(), media_type=JSON)


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
