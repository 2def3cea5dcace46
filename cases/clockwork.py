"""What the durable scheduler does when something of a case falls due."""

from base.clock import parse_rfc3339
from base.db import WriteSession
from base.jobs import Handlers, Job
from cases import repository
from cases.executing import DISPLAY_JOB, end_display
from cases.moving import DUE_JOB, FORGET_JOB, Said, step
from cases.reporters import forget_reporter
from cases.rules import CaseEvent
from cases.tables import CaseDeadline
from ledger.acts import House
from ledger.recording import Act


async def note_overdue(s: WriteSession, act: Act, *, case_id: str, matter: str, due_at: str) -> bool:
    """State that a time limit has passed (CSE.OVERDUE), and put it on the officer's page.

    False where it was met, or another time runs since.
    """
    case = await repository.claim_case(s, case_id=case_id)
    row = await s.get(CaseDeadline, (case_id, matter), populate_existing=True)
    if row is None or row.met_at is not None or row.overdue_at is not None:
        return False
    if row.due_at != parse_rfc3339(due_at):
        return False
    row.overdue_at = act.now
    s.add(row)
    await step(s, act, case, CaseEvent.OVERDUE, Said(public={"matter": matter}))
    return True


def case_handlers(house: House) -> Handlers:
    """The clocks of cases, on this node."""

    async def overdue(s: WriteSession, job: Job) -> None:
        named = {name: str(job.payload[name]) for name in ("case_id", "matter", "due_at")}
        await note_overdue(s, house.exchange_act(), **named)

    async def display_over(s: WriteSession, job: Job) -> None:
        await end_display(s, house.exchange_act(), case_id=job.payload["case_id"])

    async def forget(s: WriteSession, job: Job) -> None:
        await forget_reporter(s, house.exchange_act(), case_id=job.payload["case_id"])

    return {DUE_JOB: overdue, DISPLAY_JOB: display_over, FORGET_JOB: forget}
