"""Answering the survey: a signed statement whose figures stand in the opening; a later one corrects it."""

from collections.abc import Sequence
from typing import Any, Final

from base.canonical import canonical
from base.db import WriteSession
from identity.repository import lock_organisation
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.surveys import repository
from market.surveys.errors import SurveyImplausible, SurveyMalformed
from market.surveys.rules import SurveyLine, check_lines, check_open, doubts, due_at, total
from market.surveys.tables import SurveyAnswer

EVENT: Final = "STA.SURVEY"
FORM: Final = "data-asset-survey/1"
LONGEST_EXPLANATION: Final = 1000


async def answer_survey(
    s: WriteSession, act: Act, *, year: int, lines: Sequence[SurveyLine], explained: str | None = None
) -> SurveyAnswer:
    """Answer the survey of a year, or correct what was answered (STA.SURVEY).

    What is unlikely is taken with an explanation. Raises SurveyNotOpen, SurveyMalformed, SurveyImplausible,
    `member-not-active`.
    """
    check_open(year, act.now)
    check_lines(lines)
    said = (explained or "").strip() or None
    if said is not None and len(said) > LONGEST_EXPLANATION:
        raise SurveyMalformed("explained: too long", lines=[])
    org_id = act.actor.org_id
    await lock_organisation(s, org_id=org_id, alone=True)  # its answers are numbered one by one
    await require_member(s, org_id=org_id)
    former = await repository.newest(s, org_id=org_id, year=year)
    before = await repository.newest(s, org_id=org_id, year=year - 1)
    settled = await repository.settled_minor(s, org_id=org_id, year=year)
    unlikely = doubts(
        lines, settled_minor=settled, before_minor=None if before is None else before.expenditure_minor
    )
    if unlikely and said is None:
        raise SurveyImplausible(f"explain: {', '.join(unlikely)}", doubts=list(unlikely))
    answer = SurveyAnswer(
        survey_id=act.new_id("sta"),
        org_id=org_id,
        year=year,
        answer_no=1 if former is None else former.answer_no + 1,
        corrects=None if former is None else former.survey_id,
        lines=canonical([line.document() for line in lines]).decode(),
        expenditure_minor=total(lines),
        explained=said,
        late=act.occurred_at > due_at(year),
        answered_at=act.occurred_at,
        statement_id="",
    )
    recorded = await record(s, act, _said(answer, lines, unlikely))
    answer.statement_id = recorded.statement_id
    s.add(answer)
    await s.flush()
    return answer


def _said(answer: SurveyAnswer, lines: Sequence[SurveyLine], unlikely: Sequence[str]) -> Draft:
    """Who answered which year is public; every figure is in the opening."""
    opening: dict[str, Any] = {"lines": [line.document() for line in lines]}
    if unlikely:
        opening |= {"doubts": list(unlikely)}
    if answer.explained is not None:
        opening |= {"explained": answer.explained}
    return Draft(
        EVENT,
        answer.survey_id,
        public={
            "survey_id": answer.survey_id,
            "org_id": answer.org_id,
            "form": FORM,
            "year": answer.year,
            "answer_no": answer.answer_no,
            "corrects": answer.corrects,
            "late": answer.late,
        },
        opening=opening,
    )
