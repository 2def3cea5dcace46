"""After the decision: appeal, execution by payments and signed orders, publication and its end."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from cases import repository
from cases.bargaining import party_of
from cases.deadlines import term
from cases.errors import CaseIncomplete, CaseTooLate, CaseWrongState
from cases.flags import clear_flags
from cases.moving import LATE, Said, Speaker, claim_for, step
from cases.punishing import Decision, check_named, decided_against
from cases.rules import LIFTS, SPARING, CaseEvent, CaseState, Outcome
from cases.states import PARTY
from cases.tables import Case, CaseDeadline, CasePaper
from ledger.recording import Act

DISPLAY_JOB: Final = "case.display-over"
REVIEW: Final = "REVIEW"
LAWSUIT: Final = "LAWSUIT"
_LIMITS: Final[Mapping[str, str]] = {REVIEW: "review", LAWSUIT: "lawsuit"}


async def appeal_decision(
    s: WriteSession, act: Act, *, case_id: str, party: Speaker, way: str, text: str
) -> Case:
    """Take a decision to a review or a court (CSE.APPEAL), within its time.

    Raises CaseNotParty, CaseTooLate, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.APPEAL, party)
    await party_of(s, case, org_id=party.org_id)
    decided = await _decided(s, case_id)
    if decided.document["outcome"] in SPARING:
        raise CaseWrongState("nothing was decided that hits anybody", state=case.status.value, allowed=[])
    check_named(decided.document, party.org_id)
    due = await s.get(CaseDeadline, (case_id, _LIMITS[way]))
    if due is not None and act.now > due.due_at:
        raise CaseTooLate("the time for this is over", until=rfc3339(due.due_at))
    opening = {"org_id": party.org_id, "side": PARTY, "text_sha256": sha256_hex(text.encode())}
    said = Said(public={"way": way}, opening=opening, document={"text": text})
    await step(s, act, case, CaseEvent.APPEAL, said, speaker=party)
    return case


async def end_appeal(
    s: WriteSession, act: Act, *, case_id: str, event: CaseEvent, ruling: str, fines: Mapping[str, int]
) -> Case:
    """Enter what the review or the judgment says (CSE.UPHOLD, CSE.CHANGE, CSE.REVOKE).

    Changed fines stay in the range of the notice. Raises FineBeyondRange, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, event)
    opening: dict[str, Any] = {"ruling": ruling}
    if event is CaseEvent.CHANGE:
        notice = await repository.last_paper(s, case_id=case_id, event=CaseEvent.PROPOSE_PENALTY)
        decided = await _decided(s, case_id)
        assert notice is not None
        changed = Decision(
            outcome=Outcome(decided.document["outcome"]),
            org_ids=decided.document["org_ids"],
            fines=fines,
            reasons=ruling,
        )
        opening["fines"] = await decided_against(changed, notice)
    await step(s, act, case, event, Said(opening=opening))
    if event is CaseEvent.REVOKE:
        await clear_flags(s, act, case_id=case_id)
    return case


async def held_against(s: WriteSession, case_id: str) -> list[dict[str, Any]]:
    """Whom the case is held against in the end, and each fine and confiscation."""
    changed = await repository.last_paper(s, case_id=case_id, event=CaseEvent.CHANGE)
    source = changed or await _decided(s, case_id)
    found: list[dict[str, Any]] = source.document["fines"]
    return found


async def execute_decision(
    s: WriteSession, act: Act, *, case_id: str, payments: Mapping[str, str], reasons: str = ""
) -> Case:
    """Close what was decided (CSE.EXECUTE): every sum is paid, every measure ordered and in force.

    `payments` names the receipt of each party that owes something. Raises CaseIncomplete, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.EXECUTE)
    decided = await _decided(s, case_id)
    if decided.document["outcome"] in SPARING:
        raise CaseWrongState("nothing was decided that is executed", state=case.status.value, allowed=[])
    held = await held_against(s, case_id)
    unpaid = [
        one["org_id"]
        for one in held
        if int(one["fine_minor"]) + int(one["confiscate_minor"])
        and not payments.get(one["org_id"], "").strip()
    ]
    in_force: set[tuple[str, str]] = set()
    for order in await repository.orders_of(s, case_id=case_id):
        in_force -= {(one.value, order.object_id) for one, by in LIFTS.items() if by is order.measure}
        in_force.add((order.measure.value, order.object_id))
    missing = [
        one for one in decided.document["measures"] if (one["measure"], one["object_id"]) not in in_force
    ]
    if unpaid or missing:
        raise CaseIncomplete("sums are unpaid, or measures not ordered", unpaid=unpaid, missing=missing)
    opening = {"payments": dict(payments), "fines": held, "reasons": reasons}
    await step(s, act, case, CaseEvent.EXECUTE, Said(opening=opening))
    return case


async def publish_decision(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Publish whom it is held against (CSE.PUBLISH), for three months or three years."""
    case = await claim_for(s, act, case_id, CaseEvent.PUBLISH)
    decided = await _decided(s, case_id)
    held = await held_against(s, case_id)
    outcome = decided.document["outcome"]
    name = "display_minor" if outcome == Outcome.WARNING else "display"
    until = term(name, act.occurred_at).after(act.occurred_at)
    public = {
        "rule_id": case.rule_id,
        "org_ids": _named(held),
        "outcome": outcome,
        "fines": {one["org_id"]: one["fine_minor"] for one in held},
        "display_until": rfc3339(until),
    }
    await step(s, act, case, CaseEvent.PUBLISH, Said(public=public))
    payload = {"case_id": case_id}
    await enqueue(s, kind=DISPLAY_JOB, key=case_id, run_at=until + LATE, payload=payload)
    return case


async def end_display(s: WriteSession, act: Act, *, case_id: str) -> bool:
    """The clock's end of a display (CSE.EXPIRE_DISPLAY); False where it is over."""
    case = await repository.claim_case(s, case_id=case_id)
    if case.status is not CaseState.PUBLISHED:
        return False
    await step(s, act, case, CaseEvent.EXPIRE_DISPLAY)
    return True


def _named(held: Collection[Mapping[str, Any]]) -> list[str]:
    return sorted(one["org_id"] for one in held)


async def _decided(s: WriteSession, case_id: str) -> CasePaper:
    found = await repository.last_paper(s, case_id=case_id, event=CaseEvent.DECIDE)
    if found is None:
        raise CaseWrongState("nothing was decided", state="", allowed=[])
    return found
