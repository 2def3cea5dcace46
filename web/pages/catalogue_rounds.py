"""The yearly round of the important-data catalogue on pages, and the figures by department and sector."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from registry.assessments import repository
from registry.assessments.rounds import answers_of, unanswered
from registry.assessments.seeing import OVERSEEING
from registry.assessments.states import AUTHORITIES, RoundState
from registry.grading.states import CATALOGUERS
from web.pages.acting import attempt
from web.pages.assessing import role_for
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep
from web.securing import visible_round

router = APIRouter()
_WHO: Final = CATALOGUERS | OVERSEEING


@router.get("/security/rounds")
async def rounds(visitor: VisitorDep) -> Response:
    """The rounds of one's own department; all of them and the figures, for who oversees."""
    return await _rounds(visitor, Filled())


async def _rounds(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require(_WHO)
    oversees = visitor.may(OVERSEEING)
    own = None if oversees else session.actor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.rounds(s, department_id=own)
        figures = await repository.catalogue_counts(s) if oversees else []
        names = await names_of(s, (one.department_id for one in rows), (one[0] for one in figures))
    return visitor.render(
        "rounds.html",
        filled=filled,
        rows=rows,
        figures=figures,
        names=names,
        opens=visitor.may(AUTHORITIES),
    )


@router.post("/security/rounds")
async def open_rounds(visitor: VisitorDep) -> Response:
    """Open this year's rounds at once."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="rounds.open",
        args={},
        role=role_for(visitor, "rounds.open"),
        then="/security/rounds",
        again=lambda filled: _rounds(visitor, filled),
    )


@router.get("/security/rounds/{round_id}")
async def one_round(visitor: VisitorDep, round_id: str) -> Response:
    """A round: each entry and what became of it, and what nobody has answered for."""
    return await _round(visitor, round_id, Filled())


async def _round(visitor: Visitor, round_id: str, filled: Filled) -> Response:
    session = visitor.require(_WHO)
    async with visitor.node.database.read() as s:
        row = await visible_round(s, session.actor, round_id)
        entries = await repository.entries_in(s, department_id=row.department_id, sector=row.sector)
        missing = await unanswered(s, row)
        names = await names_of(s, [row.department_id])
    mine = visitor.org_id == row.department_id and visitor.may(CATALOGUERS)
    answers = row.answers or answers_of(entries, row)
    return visitor.render(
        "round.html",
        filled=filled,
        row=row,
        answered=[(one, answers[one.entry_id]) for one in entries if one.entry_id in answers],
        missing=missing,
        names=names,
        answers=mine and row.status is not RoundState.ANSWERED,
    )


@router.post("/security/rounds/{round_id}/answer")
async def answer(visitor: VisitorDep, round_id: str) -> Response:
    """Answer a round, as the chief data officer."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="rounds.answer",
        args={"round_id": round_id, "kept": form.every("kept")},
        action="answer",
        then=f"/security/rounds/{round_id}",
        again=lambda filled: _round(visitor, round_id, filled),
    )
