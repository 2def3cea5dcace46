"""The yearly evaluation of agencies: periods, reports, scores, objections, publication; and its bytes."""

from datetime import date, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession, WriteSession
from base.errors import NotFound
from identity.repository import organisation_names
from ledger.recording import Act
from registry.evaluation import repository, service
from registry.evaluation.rules import compute
from registry.evaluation.seeing import LOOKERS, drilled, may_see, rows_of, sees_inside
from registry.evaluation.states import AGENCY, AUTHORITY, EvaluationState
from registry.evaluation.tables import EvaluationRow, FrozenRow, PeriodRow
from web.acts import ActKind, Args, Asked, Id, Sha256, kind
from web.deps import Caller, CallerDep, ReadDep, VisitorDep, answers, respond
from web.node import Node
from web.sheets import sheet
from web.views import View

router = APIRouter(tags=["agencies"])
Text = Annotated[str, Field(min_length=1, max_length=4_000)]
_PUBLISHED: Final = (EvaluationState.PUBLISHED,)


class PeriodView(View):
    period_id: str
    authority_id: str
    name: str
    covers_from: date
    covers_to: date
    opened_at: datetime

    @classmethod
    def of(cls, row: PeriodRow) -> "PeriodView":
        return cls.model_validate(row)


class EvaluationView(View):
    """`score` is in hundredths of a point; None where too little could be weighed."""

    evaluation_id: str
    period_id: str
    agency_id: str
    status: str
    due_at: datetime | None
    reported_at: datetime | None
    version: int
    score: int | None
    grade: str | None
    scored_at: datetime | None
    objected_at: datetime | None
    answered_at: datetime | None
    published_at: datetime | None

    @classmethod
    def of(cls, row: EvaluationRow) -> "EvaluationView":
        return cls.model_validate(row)


class FullEvaluationView(EvaluationView):
    """With each indicator down to its records; what was written is for the agency and who supervises."""

    inputs_sha256: str | None
    indicators: list[dict[str, Any]]
    chief_id: str | None
    objected_as: str | None
    report: str | None
    objection: str | None
    answer: str | None


class RecomputedView(View):
    """What the frozen inputs come to when they are computed again now."""

    inputs_sha256: str
    result: dict[str, Any]
    equal: bool


class PublishedView(View):
    period_id: str
    published: int


class OpenArgs(Args):
    """A period that is over, both days inclusive, and the agencies that are evaluated in it."""

    name: Annotated[str, Field(min_length=1, max_length=service.MAX_NAME)]
    covers_from: date
    covers_to: date
    agency_ids: list[Id] = Field(min_length=1, max_length=service.MAX_AGENCIES)


class SaidForm(Asked):
    text: Text
    document_sha256: Sha256


class AnswerForm(Asked):
    text: Text
    upheld: bool


class EvaluationArgs(Args):
    evaluation_id: Id


class SaidArgs(EvaluationArgs, SaidForm):
    pass


class AnswerArgs(EvaluationArgs, AnswerForm):
    pass


class PeriodArgs(Args):
    period_id: Id


def _plain(verb: Any) -> Any:
    async def carry_out(s: WriteSession, act: Act, args: Args, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


async def _publish(s: WriteSession, act: Act, args: PeriodArgs, node: Node) -> dict[str, Any]:
    del node
    rows = await service.publish_period(s, act, period_id=args.period_id)
    return {"period_id": args.period_id, "published": len(rows)}


def _kind(name: str, event: str, args: type[Args], roles: frozenset[str], verb: Any) -> ActKind[Any]:
    made: ActKind[Any] = ActKind(
        name=f"evaluation.{name}",
        event=event,
        args=args,
        roles=roles,
        verb=_plain(verb),
        answer=EvaluationView.of,
        about=lambda args: args.evaluation_id,
    )
    return kind(made)


OPEN = kind(
    ActKind(
        name="evaluation.open",
        event="EVL.OPEN",
        args=OpenArgs,
        roles=AUTHORITY,
        verb=_plain(service.open_period),
        answer=PeriodView.of,
        about=lambda _: "evaluation",
        status=201,
    )
)
SELF_REPORT = _kind("self_report", "EVL.SELF_REPORT", SaidArgs, AGENCY, service.self_report)
SCORE = _kind("score", "EVL.SCORE", EvaluationArgs, AUTHORITY, service.score)
OBJECT = _kind("object", "EVL.OBJECT", SaidArgs, AGENCY, service.object_to)
ANSWER = _kind("answer", "EVL.DISMISS", AnswerArgs, AUTHORITY, service.answer)
PUBLISH = kind(
    ActKind(
        name="evaluation.publish",
        event="EVL.PUBLISH",
        args=PeriodArgs,
        roles=AUTHORITY,
        verb=_publish,
        answer=PublishedView.model_validate,
        about=lambda args: args.period_id,
    )
)


@router.get("/evaluation-periods")
async def periods(s: ReadDep) -> list[PeriodView]:
    """The periods that agencies were, or are being, evaluated in, newest first."""
    return [PeriodView.of(row) for row in await repository.periods(s)]


@router.post("/evaluation-periods", **answers(OPEN, PeriodView))
async def open_period(caller: CallerDep, args: OpenArgs) -> Response:
    """Open the evaluation of a period that is over, as the data authority."""
    return respond(await caller.do(OPEN, args))


@router.post("/evaluation-periods/{period_id}/publish", **answers(PUBLISH, PublishedView))
async def publish(period_id: Id, caller: CallerDep) -> Response:
    """Publish every evaluation of a period beside the others, once all of them are final."""
    return respond(await caller.do(PUBLISH, PeriodArgs(period_id=period_id)))


@router.get("/evaluations")
async def evaluations(
    visitor: VisitorDep,
    s: ReadDep,
    period_id: Annotated[Id | None, Query()] = None,
    agency_id: Annotated[Id | None, Query()] = None,
) -> list[EvaluationView]:
    """What is published; one's own, for an agency; all, for who supervises. Newest first."""
    rows = await _seen(s, visitor, period_id=period_id, agency_id=agency_id)
    return [EvaluationView.of(row) for row in rows]


@router.get("/evaluations.csv", response_class=Response)
async def table(visitor: VisitorDep, s: ReadDep, period_id: Annotated[Id, Query()]) -> Response:
    """The evaluations of a period as a table: an agency a line, the points of each indicator."""
    rows = await _seen(s, visitor, period_id=period_id)
    kept = await repository.frozen_of(s, evaluation_ids=[row.evaluation_id for row in rows])
    names = await organisation_names(s, org_ids={row.agency_id for row in rows})
    listed = [
        (row, names.get(row.agency_id, row.agency_id), kept.get(row.evaluation_id))
        for row in sorted(rows, key=lambda row: row.agency_id)
    ]
    head, *lines = rows_of(listed)
    return sheet(f"evaluations-{period_id}.csv", head, lines)


@router.get("/evaluations/{evaluation_id}")
async def evaluation(evaluation_id: Id, visitor: VisitorDep, s: ReadDep) -> FullEvaluationView:
    """An evaluation with each score down to its records."""
    row, kept, inside = await _one(s, visitor, evaluation_id)
    written = ("report", "objection", "answer", "chief_id", "objected_as")
    return FullEvaluationView(
        **EvaluationView.of(row).model_dump(),
        inputs_sha256=None if kept is None else kept.inputs_sha256,
        indicators=[] if kept is None else drilled(kept, inside=inside),
        **{name: getattr(row, name) if inside else None for name in written},
    )


@router.get("/evaluations/{evaluation_id}/inputs.json", response_class=Response)
async def inputs(evaluation_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """The frozen inputs as they are, for the agency and who supervises: their digest is on the ledger."""
    _, kept, inside = await _one(s, caller, evaluation_id)
    if kept is None or not inside:
        raise NotFound("no such inputs", evaluation_id=evaluation_id)
    return Response(kept.inputs, media_type="application/json")


@router.get("/evaluations/{evaluation_id}/recomputed")
async def recomputed(evaluation_id: Id, visitor: VisitorDep, s: ReadDep) -> RecomputedView:
    """The frozen inputs computed again now, and whether that gives the same bytes as when it was stated."""
    _, kept, _ = await _one(s, visitor, evaluation_id)
    if kept is None:
        raise NotFound("it is not scored yet", evaluation_id=evaluation_id)
    again = compute(kept.inputs)
    view = {"inputs_sha256": kept.inputs_sha256, "result": orjson.loads(again)}
    return RecomputedView(**view, equal=again == kept.result)


@router.post("/evaluations/{evaluation_id}/report", **answers(SELF_REPORT, EvaluationView))
async def self_report(evaluation_id: Id, caller: CallerDep, form: SaidForm) -> Response:
    """Hand in the agency's own report, as its chief data officer."""
    return respond(await caller.do(SELF_REPORT, SaidArgs(evaluation_id=evaluation_id, **dict(form))))


@router.post("/evaluations/{evaluation_id}/score", **answers(SCORE, EvaluationView))
async def score(evaluation_id: Id, caller: CallerDep) -> Response:
    """Collect the figures from the records, freeze them and score by them, as the data authority."""
    return respond(await caller.do(SCORE, EvaluationArgs(evaluation_id=evaluation_id)))


@router.post("/evaluations/{evaluation_id}/objection", **answers(OBJECT, EvaluationView))
async def object_to(evaluation_id: Id, caller: CallerDep, form: SaidForm) -> Response:
    """Say what is wrong with a score, as the agency's chief data officer."""
    return respond(await caller.do(OBJECT, SaidArgs(evaluation_id=evaluation_id, **dict(form))))


@router.post("/evaluations/{evaluation_id}/answer", **answers(ANSWER, EvaluationView))
async def answer(evaluation_id: Id, caller: CallerDep, form: AnswerForm) -> Response:
    """Answer an objection, as another officer than who scored; where it is right it is collected anew."""
    return respond(await caller.do(ANSWER, AnswerArgs(evaluation_id=evaluation_id, **dict(form))))


async def _seen(
    s: ReadSession, visitor: Caller | None, *, period_id: str | None = None, agency_id: str | None = None
) -> list[EvaluationRow]:
    all_seen = visitor is not None and bool(visitor.actor.roles & LOOKERS)
    rows = await repository.evaluations(
        s,
        period_id=period_id,
        agency_id=agency_id,
        states=() if all_seen else _PUBLISHED,
        or_agency=None if visitor is None else visitor.actor.org_id,
    )
    return list(rows)


async def _one(
    s: ReadSession, visitor: Caller | None, evaluation_id: str
) -> tuple[EvaluationRow, FrozenRow | None, bool]:
    """An evaluation that the visitor may see, its newest inputs, and whether he or she sees inside."""
    row = await repository.get_evaluation(s, evaluation_id=evaluation_id)
    org_id = None if visitor is None else visitor.actor.org_id
    roles = frozenset[str]() if visitor is None else visitor.actor.roles
    if not may_see(row, org_id=org_id, roles=roles):
        raise NotFound("no such evaluation", evaluation_id=evaluation_id)
    kept = await repository.frozen(s, evaluation_id=evaluation_id, version=row.version)
    return row, kept, sees_inside(row, org_id=org_id, roles=roles)
