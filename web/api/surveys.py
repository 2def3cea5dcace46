"""The data-asset survey: one's own answers, and for the data authority who has not given one."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from base.errors import Forbidden
from ledger.recording import Act
from market.surveys import repository, service
from market.surveys.errors import SurveyMalformed, SurveyUnknown
from market.surveys.rules import (
    ANSWERERS,
    CLASSES,
    FIRST_YEAR,
    LAST_YEAR,
    MOST_CSV,
    MOST_LINES,
    MOST_MINOR,
    READERS,
    SurveyLine,
    due_at,
    lines_of,
    opens_at,
)
from market.surveys.tables import SurveyAnswer
from web.acts import ActKind, Args, Asked, kind
from web.deps import Caller, CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["survey"])
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
_Amount = Annotated[int, Field(ge=0, le=MOST_MINOR)]
_Share = Annotated[int, Field(ge=0, le=10_000)]
_Code = Annotated[str, Field(max_length=20)]


class LineForm(Asked):
    """One class of the unit's data: amounts in fen, shares per 10,000, life in whole years."""

    source: _Code = Field(description=", ".join(CLASSES["source"]))
    form: _Code = Field(description=", ".join(CLASSES["form"]))
    industry: _Code = Field(description="Section of GB/T 4754, with or without its division")
    stage: _Code = Field(description=", ".join(CLASSES["stage"]))
    right: _Code = Field(description=", ".join(CLASSES["right"]))
    level: _Code = Field(description=", ".join(CLASSES["level"]))
    region: _Code = Field(description="GB/T 2260, six digits")
    cross_border: bool = False
    collection_minor: _Amount = 0
    purchase_minor: _Amount = 0
    cleaning_minor: _Amount = 0
    storage_minor: _Amount = 0
    analysis_minor: _Amount = 0
    security_minor: _Amount = 0
    circulation_minor: _Amount = 0
    staff_bp: _Share
    own_use_bp: _Share
    useful_life_years: int = Field(ge=1, le=50)
    on_exchange_minor: _Amount = 0
    off_exchange_minor: _Amount = 0


class AnswerForm(Asked):
    """Lines, or a CSV of them; what is unlikely is taken with an explanation."""

    lines: list[LineForm] = Field(default=[], max_length=MOST_LINES)
    csv: str | None = Field(default=None, max_length=MOST_CSV)
    explained: str | None = Field(default=None, max_length=service.LONGEST_EXPLANATION)


class AnswerArgs(Args, AnswerForm):
    year: Year


class SurveyAnswerView(View):
    """An answer, with its lines for whom they concern."""

    survey_id: str
    org_id: str
    year: int
    answer_no: int
    corrects: str | None
    late: bool
    answered_at: datetime
    explained: str | None
    lines: list[dict[str, Any]]

    @classmethod
    def of(cls, row: SurveyAnswer) -> "SurveyAnswerView":
        names = set(cls.model_fields) - {"lines"}
        return cls(**{name: getattr(row, name) for name in names}, lines=orjson.loads(row.lines))


async def _answer(s: WriteSession, act: Act, args: AnswerArgs, node: Node) -> Any:
    del node
    if (args.csv is None) == (not args.lines):
        raise SurveyMalformed("either lines or a CSV of them", lines=[])
    lines = [SurveyLine(**dict(line)) for line in args.lines]
    if args.csv is not None:
        lines = lines_of(args.csv)
    return await service.answer_survey(s, act, year=args.year, lines=lines, explained=args.explained)


ANSWER = kind(
    ActKind(
        name="survey.answer",
        event=service.EVENT,
        args=AnswerArgs,
        roles=ANSWERERS,
        verb=_answer,
        answer=SurveyAnswerView.of,
        about=lambda args: f"survey-{args.year}",
        status=201,
    )
)


class SilentView(View):
    org_id: str
    name: str
    region: str


class SurveyView(View):
    """How far the survey of a year has come."""

    year: int
    opens_at: datetime
    due_at: datetime
    answered: int
    silent: list[SilentView]


@router.post("/surveys/{year}/answers", **answers(ANSWER, SurveyAnswerView))
async def answer(year: Year, caller: CallerDep, form: AnswerForm) -> Response:
    """Answer the data-asset survey of a year, or correct one's answer, for one's organisation."""
    return respond(await caller.do(ANSWER, AnswerArgs(year=year, **dict(form))))


@router.get("/surveys/{year}/answer")
async def own_answer(year: Year, caller: CallerDep, s: ReadDep) -> SurveyAnswerView:
    """One's own answer to a year, as it stands."""
    row = await repository.newest(s, org_id=caller.actor.org_id, year=year)
    if row is None:
        raise SurveyUnknown("this year is not answered", year=year)
    return SurveyAnswerView.of(row)


@router.get("/surveys/{year}")
async def survey(
    year: Year, caller: CallerDep, s: ReadDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> SurveyView:
    """How many have answered, until when it is due, and who has not answered; for the data authority."""
    _require(caller)
    silent = await repository.unanswered(s, year=year, after=after, limit=100)
    return SurveyView(
        year=year,
        opens_at=opens_at(year),
        due_at=due_at(year),
        answered=await repository.answered_count(s, year=year),
        silent=[SilentView(org_id=one.org_id, name=one.name, region=one.region) for one in silent],
    )


def _require(caller: Caller) -> None:
    if not READERS & caller.actor.roles:
        raise Forbidden("the survey is the data authority's", roles=sorted(READERS))
