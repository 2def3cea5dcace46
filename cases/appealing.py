"""An appeal and what comes of it: to a review or a court, heard by who has not decided.

An appeal suspends neither execution nor publication (行政处罚法 art. 73, 行政复议法 art. 42, 行政诉讼法
art. 56), so it is taken within its time wherever the decision stands by then. A review is asked for within 60
days and once; a court within six months of the decision, or within fifteen days of a review's ruling
(行政诉讼法 art. 45, 46). What one party has taken to a review another one joins, and nobody goes to court
meanwhile (行政复议法 art. 29); one ruling ends all that wait for it, and nobody else's way. No
ruling changes a decision to the worse (行政复议法 art. 63, 行政诉讼法 art. 77).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import enqueue
from cases import repository
from cases.bargaining import party_of
from cases.deadlines import term
from cases.errors import CaseDoneBefore, CaseTooLate, CaseWrongRole, CaseWrongState
from cases.executing import DISPLAY_JOB, decision_of, held_against
from cases.flags import clear_flags
from cases.moving import LATE, Said, Speaker, another_officer, claim_for, set_deadline, step
from cases.penalties import check_fine
from cases.punishing import check_named
from cases.rules import SPARING, CaseEvent, CaseState, check_decision
from cases.states import HEARERS, PARTY
from cases.tables import Case, CaseDeadline, CasePaper
from ledger.recording import Act

REVIEW: Final = "REVIEW"
LAWSUIT: Final = "LAWSUIT"
RULINGS: Final = frozenset({CaseEvent.UPHOLD, CaseEvent.CHANGE, CaseEvent.REVOKE})
AFTER_REVIEW: Final = "lawsuit_after_review"
"""Each party's runs from its own ruling; the row of the case says when the last of them ends."""
_LIMITS: Final[Mapping[str, str]] = {REVIEW: "review", LAWSUIT: "lawsuit"}
_RULED_IN: Final[Mapping[str, str]] = {REVIEW: "review_ruling", LAWSUIT: "lawsuit_ruling"}


@dataclass(frozen=True, slots=True)
class Appeals:
    """What was taken to whom since the decision; `waiting` for a ruling, all of one way."""

    waiting: tuple[tuple[str, str], ...] = ()  # way, who
    ended: Mapping[tuple[str, str], datetime] = field(default_factory=dict)  # way, whose: when it was ruled

    @property
    def way(self) -> str | None:
        return self.waiting[0][0] if self.waiting else None


def appeals_in(papers: Sequence[CasePaper]) -> Appeals:
    """The appeals of a file. Pure."""
    waiting: list[tuple[str, str]] = []
    ended: dict[tuple[str, str], datetime] = {}
    for paper in papers:
        if paper.event == CaseEvent.APPEAL:
            waiting.append((paper.document["way"], paper.org_id))
        elif paper.event in RULINGS:
            ended |= dict.fromkeys(waiting, paper.at)
            waiting = []
    return Appeals(tuple(waiting), ended)


def check_way(appeals: Appeals, way: str, org_id: str) -> None:
    """Whether this party can go this way now. Raises CaseDoneBefore, CaseWrongState."""
    if (way, org_id) in appeals.ended:
        raise CaseDoneBefore("this way was gone to its end", way=way)
    if (way, org_id) in appeals.waiting:
        raise CaseDoneBefore("this party waits for the ruling", way=way)
    if appeals.way not in {None, way}:
        raise CaseWrongState("the decision is heard elsewhere", state=str(appeals.way), allowed=[])
    if way == REVIEW and (LAWSUIT, org_id) in appeals.ended:
        raise CaseWrongState("a court has ruled upon it", state=LAWSUIT, allowed=[])


async def ways_open(s: ReadSession, *, case: Case, org_id: str, now: datetime) -> dict[str, datetime]:
    """The ways a party can take a decision that names it, each with the last moment for it."""
    decided = await repository.last_paper(s, case_id=case.case_id, event=CaseEvent.DECIDE)
    if decided is None or org_id not in {one["org_id"] for one in decided.document["fines"]}:
        return {}
    appeals = appeals_in(await repository.papers_of(s, case_id=case.case_id))
    found = {}
    for way in _LIMITS:
        until = await _until(s, case.case_id, way, appeals, org_id)
        try:
            check_way(appeals, way, org_id)
        except (CaseDoneBefore, CaseWrongState):
            continue
        if until is not None and now <= until:
            found[way] = until
    return found


async def appeal_decision(
    s: WriteSession, act: Act, *, case_id: str, party: Speaker, way: str, text: str
) -> Case:
    """Take a decision to a review or a court (CSE.APPEAL), within its time; it is executed all the same.

    Raises CaseNotParty, CaseTooLate, CaseDoneBefore, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.APPEAL, party)
    await party_of(s, case, org_id=party.org_id)
    decided = await decision_of(s, case_id)
    if decided.document["outcome"] in SPARING:
        raise CaseWrongState("nothing was decided that hits anybody", state=case.status.value, allowed=[])
    check_named(decided.document, party.org_id)
    appeals = appeals_in(await repository.papers_of(s, case_id=case_id))
    check_way(appeals, way, party.org_id)
    until = await _until(s, case_id, way, appeals, party.org_id)
    if until is not None and act.now > until:
        raise CaseTooLate("the time for this is over", until=rfc3339(until))
    opening = {"org_id": party.org_id, "side": PARTY, "text_sha256": sha256_hex(text.encode())}
    said = Said(public={"way": way}, opening=opening, document={"text": text})
    await step(s, act, case, CaseEvent.APPEAL, said, speaker=party)
    if appeals.way is None:
        due = term(_RULED_IN[way], act.occurred_at).after(act.occurred_at)
        await set_deadline(s, act, case, "ruling", due)
    return case


async def end_appeal(
    s: WriteSession, act: Act, *, case_id: str, event: CaseEvent, ruling: str, fines: Mapping[str, int]
) -> Case:
    """Rule upon an appeal, as who hears it (CSE.UPHOLD, CSE.CHANGE, CSE.REVOKE): it ends all that wait.

    By another natural person than handled the case, proposed the penalty or decided. Changed fines stay in
    the range of the notice and at or below what is held; those that are not named stay as they are. Raises
    FineBeyondRange, DecisionBeyondFinding, CaseWrongRole, CaseWrongState, CaseSameOfficer,
    `person-not-identified`, `persons-bound`.
    """
    case = await claim_for(s, act, case_id, event)
    notice = await repository.last_paper(s, case_id=case_id, event=CaseEvent.PROPOSE_PENALTY)
    decided = await decision_of(s, case_id)
    assert notice is not None
    appeals = appeals_in(await repository.papers_of(s, case_id=case_id))
    assert appeals.way is not None
    hearer = HEARERS[appeals.way]
    if act.role != hearer:
        raise CaseWrongRole("another one hears this appeal", role=act.role, roles=[hearer])
    officer = await another_officer(s, act, case.handler, notice.document["officer_id"], decided.user_id)
    opening: dict[str, Any] = {"ruling": ruling, "officer_id": officer.user_id}
    if event is CaseEvent.CHANGE:
        opening["fines"] = changed_fines(await held_against(s, case_id), fines, notice.document["fines"])
    await step(s, act, case, event, Said(opening=opening))
    if event is CaseEvent.REVOKE:
        await clear_flags(s, act, case_id=case_id)
        return case
    if appeals.way == REVIEW:
        due = term(AFTER_REVIEW, act.occurred_at).after(act.occurred_at)
        await set_deadline(s, act, case, AFTER_REVIEW, due)
    if case.status is CaseState.PUBLISHED:
        await _display_on(s, act, case)
    return case


def changed_fines(
    held: Sequence[Mapping[str, Any]], fines: Mapping[str, int], proposed: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What is held against whom after a ruling that names `fines`: nobody's rises. Pure.

    Raises DecisionBeyondFinding, FineBeyondRange.
    """
    org_ids = [one["org_id"] for one in held]
    check_decision(org_ids, {*org_ids, *fines})
    lows = {one["org_id"]: int(one["low_minor"]) for one in proposed}
    found = []
    for one in held:
        high = int(one["fine_minor"])
        low = min(lows[one["org_id"]], high)  # a warning has no fine, whatever the range
        fine = fines.get(one["org_id"], high)
        check_fine(fine, low, high)
        found.append({**one, "fine_minor": str(fine)})
    return found


async def _display_on(s: WriteSession, act: Act, case: Case) -> None:
    """An upheld decision is displayed as long as it would have been; that may be over already."""
    published = await repository.last_paper(s, case_id=case.case_id, event=CaseEvent.PUBLISH)
    assert published is not None
    payload = {"case_id": case.case_id}
    key = f"{case.case_id}:{rfc3339(act.occurred_at)}"
    until = repository.display_until(published)
    await enqueue(s, kind=DISPLAY_JOB, key=key, run_at=max(until, act.now) + LATE, payload=payload)


async def _until(s: ReadSession, case_id: str, way: str, appeals: Appeals, org_id: str) -> datetime | None:
    """The last moment of a way for a party; None where no time runs for it.

    Who has had a review's ruling has what runs from that one and no more: neither does it cut another
    party's six months, nor does the ruling that another one gets later give it more.
    """
    reviewed = appeals.ended.get((REVIEW, org_id)) if way == LAWSUIT else None
    if reviewed is not None:
        return term(AFTER_REVIEW, reviewed).after(reviewed)
    row = await s.get(CaseDeadline, (case_id, _LIMITS[way]))
    return None if row is None else row.due_at
