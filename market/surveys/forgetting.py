"""What the table of answers repeats of the openings of `STA.SURVEY`, emptied when one is erased."""

from sqlmodel import col, update

from base.db import WriteSession
from market.surveys.tables import SurveyAnswer


async def forget_answers(s: WriteSession, *, survey_id: str) -> None:
    """The figures of an answer, and what explained them."""
    await s.exec(
        update(SurveyAnswer)
        .where(col(SurveyAnswer.survey_id) == survey_id)
        .values(lines="[]", expenditure_minor=None, explained=None)
    )
