"""After the decision: execution by payments and signed orders, publication and its end.

An appeal (`cases.appealing`) stops none of it.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import enqueue
from cases import repository
from cases.deadlines import term
from cases.errors import CaseIncomplete, CaseWrongState
from cases.moving import LATE, Said, claim_for, step
from cases.rules import LIFTS, SPARING, CaseEvent, CaseState, Outcome
from cases.tables import Case, CasePaper
from ledger.recording import Act

DISPLAY_JOB: Final = "case.display-over"


async def held_against(s: ReadSession, case_id: str) -> list[dict[str, Any]]:
    """Whom the case is held against in the end, and each fine and confiscation."""
    changed = await repository.last_paper(s, case_id=case_id, event=CaseEvent.CHANGE)
    source = changed or await decision_of(s, case_id)
    found: list[dict[str, Any]] = source.document["fines"]
    return found


def owing(held: Collection[Mapping[str, Any]]) -> list[str]:
    """Who has to pay something."""
    return [one["org_id"] for one in held if int(one["fine_minor"]) + int(one["confiscate_minor"])]


async def not_ordered(s: ReadSession, decided: CasePaper) -> list[dict[str, str]]:
    """The measures of a decision that no order has put into force, or one has lifted since."""
    in_force: set[tuple[str, str]] = set()
    for order in await repository.orders_of(s, case_id=decided.case_id):
        in_force -= {(one.value, order.object_id) for one, by in LIFTS.items() if by is order.measure}
        in_force.add((order.measure.value, order.object_id))
    wanted: list[dict[str, str]] = decided.document["measures"]
    return [one for one in wanted if (one["measure"], one["object_id"]) not in in_force]


async def execute_decision(
    s: WriteSession, act: Act, *, case_id: str, payments: Mapping[str, str], reasons: str = ""
) -> Case:
    """Close what was decided (CSE.EXECUTE): every sum is paid, every measure ordered and in force.

    `payments` names the receipt of each party that owes something. Raises CaseIncomplete, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.EXECUTE)
    decided = await decision_of(s, case_id)
    if decided.document["outcome"] in SPARING:
        raise CaseWrongState("nothing was decided that is executed", state=case.status.value, allowed=[])
    held = await held_against(s, case_id)
    unpaid = [one for one in owing(held) if not payments.get(one, "").strip()]
    missing = await not_ordered(s, decided)
    if unpaid or missing:
        raise CaseIncomplete("sums are unpaid, or measures not ordered", unpaid=unpaid, missing=missing)
    opening = {"payments": dict(payments), "fines": held, "reasons": reasons}
    await step(s, act, case, CaseEvent.EXECUTE, Said(opening=opening))
    return case


async def publish_decision(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Publish whom it is held against (CSE.PUBLISH), for three months or three years.

    What was published before and changed on appeal is displayed no longer than it would have been.
    """
    case = await claim_for(s, act, case_id, CaseEvent.PUBLISH)
    decided = await decision_of(s, case_id)
    held = await held_against(s, case_id)
    outcome = decided.document["outcome"]
    name = "display_minor" if outcome == Outcome.WARNING else "display"
    until = term(name, act.occurred_at).after(act.occurred_at)
    before = await repository.last_paper(s, case_id=case_id, event=CaseEvent.PUBLISH)
    if before is not None:
        until = min(until, repository.display_until(before))
    public = {
        "rule_id": case.rule_id,
        "org_ids": _named(held),
        "outcome": outcome,
        "fines": {one["org_id"]: one["fine_minor"] for one in held},
        "display_until": rfc3339(until),
    }
    await step(s, act, case, CaseEvent.PUBLISH, Said(public=public))
    payload = {"case_id": case_id}
    key = f"{case_id}:{rfc3339(act.occurred_at)}"  # what was changed on appeal is published anew
    await enqueue(s, kind=DISPLAY_JOB, key=key, run_at=max(until, act.now) + LATE, payload=payload)
    return case


async def end_display(s: WriteSession, act: Act, *, case_id: str) -> bool:
    """The clock's end of a display (CSE.EXPIRE_DISPLAY); False where it is over."""
    case = await repository.claim_case(s, case_id=case_id)
    published = await repository.last_paper(s, case_id=case_id, event=CaseEvent.PUBLISH)
    if case.status is not CaseState.PUBLISHED or published is None:
        return False
    if act.now <= repository.display_until(published):  # published anew since
        return False
    await step(s, act, case, CaseEvent.EXPIRE_DISPLAY)
    return True


def _named(held: Collection[Mapping[str, Any]]) -> list[str]:
    return sorted(one["org_id"] for one in held)


async def decision_of(s: ReadSession, case_id: str) -> CasePaper:
    """What was decided. Raises CaseWrongState."""
    found = await repository.last_paper(s, case_id=case_id, event=CaseEvent.DECIDE)
    if found is None:
        raise CaseWrongState("nothing was decided", state="", allowed=[])
    return found
