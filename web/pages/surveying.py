"""The data-asset survey: the form of a unit, and for the data authority who has not answered."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Path
from starlette.responses import Response

from market.surveys import repository
from market.surveys.rules import (
    ANSWERERS,
    CLASSES,
    FIRST_YEAR,
    LAST_YEAR,
    READERS,
    SPENT,
    SurveyLine,
    asked_year,
    due_at,
)
from supervision.statistics.words import CODES
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.regions import REGIONS
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_LISTED: Final = 200
_CITIES: Final = {code: label for code, label in REGIONS.items() if code != "CN"}
_AMOUNTS: Final = (*(f"{item}_minor" for item in SPENT), "on_exchange_minor", "off_exchange_minor")
_NUMBERS: Final = ("staff_bp", "own_use_bp", "useful_life_years")


@router.get("/survey")
async def survey(visitor: VisitorDep) -> Response:
    """The survey of the last year: the form, or who has answered it."""
    return await _survey(visitor, asked_year(visitor.node.clock.now()), Filled())


async def _survey(visitor: Visitor, year: int, filled: Filled) -> Response:
    session = visitor.require(ANSWERERS | READERS)
    reads = visitor.may(READERS)
    async with visitor.node.database.read() as s:
        mine = await repository.newest(s, org_id=session.actor.org_id, year=year)
        silent = await repository.unanswered(s, year=year, limit=_LISTED) if reads else []
        answered = await repository.answered_count(s, year=year) if reads else 0
    return visitor.render(
        "survey.html",
        filled=filled,
        year=year,
        due_at=due_at(year),
        over=visitor.node.clock.now() > due_at(year),
        mine=mine,
        lines=[] if mine is None else orjson.loads(mine.lines),
        answers=visitor.may(ANSWERERS),
        roles=sorted(visitor.roles & ANSWERERS),
        reads=reads,
        silent=silent,
        answered=answered,
        items=_said(visitor, CODES["item"], SPENT),
        choices={name: _said(visitor, CODES.get(name, {}), codes) for name, codes in CLASSES.items()},
        industries=_said(visitor, CODES["section"], CODES["section"]),
        regions=visitor.labelled(_CITIES),
        columns=",".join(SurveyLine.__dataclass_fields__),
    )


def _said(visitor: Visitor, words: Mapping[str, Any], codes: Any) -> list[tuple[str, str]]:
    return [(code, visitor.named(words[code]) if code in words else code) for code in codes]


@router.post("/survey/{year}")
async def answer(visitor: VisitorDep, year: Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR)]) -> Response:
    """Answer it, or correct the answer."""
    form = await visitor.form()
    role = form.optional("role") or next(iter(sorted(visitor.roles & ANSWERERS)), None)
    return await attempt(
        visitor,
        form,
        act="survey.answer",
        args={"year": year, "explained": form.optional("explained")} | _lines(form),
        role=role,
        then="/survey",
        again=lambda filled: _survey(visitor, year, filled),
    )


def _lines(form: Form) -> dict[str, Any]:
    """The CSV that was pasted, else the one line of the form."""
    pasted = form.optional("csv")
    if pasted is not None:
        return {"csv": pasted}
    line: dict[str, Any] = {name: form.text(name) for name in (*CLASSES, "industry", "region")}
    line |= {name: form.fen(name) or 0 for name in _AMOUNTS}
    line |= {name: form.whole(name) for name in _NUMBERS}
    return {"lines": [line | {"cross_border": form.flag("cross_border")}]}
