"""A delivery's stops, its failure, and the acceptance tests of what came."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.delivery import repository
from market.delivery.acceptance import Call, DeliveredCopy, Facts, Quality
from market.delivery.checks import EVENT
from market.delivery.errors import CheckErased
from market.delivery.rules import digest_field, etag
from market.delivery.tables import AcceptanceCheck
from market.trade.checking import check_copy
from market.trade.failing import say_delivery_failed
from market.trade.suspending import resume_delivery, suspend_delivery
from registry.quality import Dimension
from web.acts import ActKind, Args, Asked, Id, ReasonCode, Sha256, kind
from web.api.trades import TradeArgs, visible
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import TradeView, View

router = APIRouter(tags=["deliveries"])
_OPERATOR = frozenset({"EXCHANGE_OPERATOR"})
_BUYER = frozenset({"BUYER"})
Millionths = Annotated[int, Field(ge=0, le=10**15)]
Days = Annotated[int, Field(ge=0, le=10_000)]


async def _failed(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await say_delivery_failed(s, act, trade_id=args.trade_id)


FAILED = kind(
    ActKind(
        name="trade.delivery-failed",
        event="TRD.DELIVERY_FAIL",
        args=TradeArgs,
        roles=_BUYER,
        verb=_failed,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
    )
)


class StopForm(Asked):
    reason_code: ReasonCode


class StopArgs(Args, StopForm):
    trade_id: Id


async def _suspend(s: WriteSession, act: Act, args: StopArgs, node: Node) -> Any:
    del node
    return await suspend_delivery(s, act, **dict(args))


async def _resume(s: WriteSession, act: Act, args: StopArgs, node: Node) -> Any:
    del node
    return await resume_delivery(s, act, **dict(args))


SUSPEND, RESUME = (
    kind(
        ActKind(
            name=f"trade.{name}-delivery",
            event=f"TRD.{name.upper()}",
            args=StopArgs,
            roles=_OPERATOR,
            verb=verb,
            answer=TradeView.of,
            about=lambda args: args.trade_id,
        )
    )
    for name, verb in (("suspend", _suspend), ("resume", _resume))
)


class CallFact(Asked):
    ok: bool
    latency_ms: int = Field(ge=0, le=3_600_000)


class Tick(Asked):
    name: str = Field(min_length=1, max_length=200)
    there: bool


class ColumnFact(Asked):
    name: str = Field(max_length=200)
    type: str = Field(max_length=20)


class MeasuredFact(Asked):
    """What a quality report says of the copy (`databourse check` makes it)."""

    method: str = Field(max_length=60)
    columns: list[ColumnFact] = Field(max_length=500)
    rows: int = Field(ge=0, le=10**12)
    dimensions: dict[Dimension, Annotated[str, Field(pattern=r"^(100|[0-9]{1,2})\.[0-9]$")]]


class DeliveredFact(Asked):
    """The delivered copy: its digest and length, and what was measured, or why it could not be."""

    file_sha256: Sha256
    bytes: int = Field(ge=0, le=10**15)
    measured: MeasuredFact | None = None
    refused: str | None = Field(default=None, pattern=r"^[a-z-]{1,40}$")


class CheckForm(Asked):
    """What was found, by the members of the product's type; none of another type's."""

    calls: list[CallFact] | None = Field(default=None, min_length=1, max_length=1000, description="API")
    scope: list[Tick] | None = Field(default=None, min_length=1, max_length=200, description="REPORT")
    milestones: list[Tick] | None = Field(default=None, min_length=1, max_length=200, description="SERVICE")
    artefact_sha256: Sha256 | None = Field(default=None, description="TOOL: what ran")
    test_result_sha256: Sha256 | None = Field(default=None, description="TOOL: what came out")
    declared_result_sha256: Sha256 | None = Field(
        default=None, description="TOOL: what was to come out, where the contract does not say"
    )
    test_set_sha256: Sha256 | None = Field(default=None, description="TOOL: on what it ran")
    score_micro: Millionths | None = Field(default=None, description="TOOL: millionths of the metric")
    receipt_sha256: Sha256 | None = Field(default=None, description="PRIVACY: the task's receipt")
    receipt_result_sha256: Sha256 | None = Field(default=None, description="PRIVACY: the receipt's result")
    result_sha256: Sha256 | None = Field(default=None, description="PRIVACY: the result that came out")
    budget_micro: Millionths | None = Field(default=None, description="PRIVACY: millionths of epsilon")
    spent_micro: Millionths | None = None
    tasks: Annotated[int, Field(ge=0, le=10**6)] | None = Field(default=None, description="PRIVACY")
    measured_days: Days | None = Field(default=None, description="API: over how many days it was called")
    took_days: Days | None = Field(default=None, description="PRIVACY, COMPUTE: until all of it was there")
    card_hours_milli: Millionths | None = Field(default=None, description="COMPUTE: thousandths")
    verifications: list[bool] | None = Field(default=None, min_length=1, max_length=1000, description="CERT")
    delivered: DeliveredFact | None = Field(default=None, description="DATASET: a mismatch opens a dispute")


class CheckArgs(Args, CheckForm):
    trade_id: Id


def _ticks(ticks: list[Tick] | None) -> dict[str, bool] | None:
    """A name that stands twice is there only if it is both times."""
    if ticks is None:
        return None
    found: dict[str, bool] = {}
    for tick in ticks:
        found[tick.name] = found.get(tick.name, True) and tick.there
    return found


async def _check(s: WriteSession, act: Act, args: CheckArgs, node: Node) -> Any:
    del node
    given = {name: value for name, value in dict(args).items() if name != "trade_id"}
    calls = None if args.calls is None else [Call(call.ok, call.latency_ms) for call in args.calls]
    ticked = {"scope": _ticks(args.scope), "milestones": _ticks(args.milestones)}
    copy = None if args.delivered is None else _copy(args.delivered)
    facts = Facts(**(given | ticked | {"calls": calls, "delivered": copy}))
    return await check_copy(s, act, trade_id=args.trade_id, facts=facts)


def _copy(told: DeliveredFact) -> DeliveredCopy:
    quality = None
    if told.measured is not None:
        measured = told.measured
        schema = tuple((column.name, column.type) for column in measured.columns)
        scores = {name.value: score for name, score in measured.dimensions.items()}
        quality = Quality(measured.method, schema, measured.rows, scores)
    return DeliveredCopy(told.file_sha256, told.bytes, quality, None if quality else told.refused)


class CheckView(View):
    check_id: str
    trade_id: str
    made_by: str
    role: str
    passed: bool
    report_sha256: str
    checked_at: datetime
    statement_id: str

    @classmethod
    def of(cls, row: AcceptanceCheck) -> "CheckView":
        return cls.model_validate(row)


CHECK = kind(
    ActKind(
        name="trade.check-goods",
        event=EVENT,
        args=CheckArgs,
        roles=_BUYER,
        verb=_check,
        answer=CheckView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


@router.post("/trades/{trade_id}/delivery-failed", **answers(FAILED, TradeView))
async def failed(trade_id: Id, caller: CallerDep) -> Response:
    """Say, as the buyer and after the term, that the delivery has failed: the price is paid back."""
    return respond(await caller.do(FAILED, TradeArgs(trade_id=trade_id)))


@router.post("/trades/{trade_id}/suspend-delivery", **answers(SUSPEND, TradeView))
async def suspend(trade_id: Id, caller: CallerDep, form: StopForm) -> Response:
    """Stop a delivery under way, as the exchange; a regulator orders it in a case."""
    return respond(await caller.do(SUSPEND, StopArgs(trade_id=trade_id, reason_code=form.reason_code)))


@router.post("/trades/{trade_id}/resume-delivery", **answers(RESUME, TradeView))
async def resume(trade_id: Id, caller: CallerDep, form: StopForm) -> Response:
    """Let a delivery go on that the exchange has stopped, when what it rests on stands."""
    return respond(await caller.do(RESUME, StopArgs(trade_id=trade_id, reason_code=form.reason_code)))


@router.post("/trades/{trade_id}/checks", **answers(CHECK, CheckView))
async def check(trade_id: Id, caller: CallerDep, form: CheckForm) -> Response:
    """Test what came, as the buyer, by the facts of the product's type; accepts nothing.

    It disputes nothing either, but for a data set that differs from what was sold: that is disputed.
    """
    return respond(await caller.do(CHECK, CheckArgs(trade_id=trade_id, **dict(form))))


@router.get("/trades/{trade_id}/checks")
async def checks(trade_id: Id, caller: CallerDep, s: ReadDep) -> list[CheckView]:
    """The acceptance tests of a trade's goods, the exchange's own among them."""
    await visible(s, caller, trade_id)
    return [CheckView.of(row) for row in await repository.checks_of(s, trade_id=trade_id)]


@router.get("/trades/{trade_id}/checks/{check_id}", response_class=Response)
async def report(trade_id: Id, check_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """The report of a test, the very bytes that the ledger names by their digest."""
    await visible(s, caller, trade_id)
    row = await repository.get_check(s, trade_id=trade_id, check_id=check_id)
    if not row.report:
        raise CheckErased("erased", check_id=check_id, report_sha256=row.report_sha256)
    headers = {"etag": etag(row.report_sha256), "repr-digest": digest_field(row.report_sha256)}
    return Response(row.report, media_type="application/json", headers=headers)
