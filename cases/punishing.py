"""From the notice of a penalty to its decision: what is proposed, what the party says, who decides.

Each fine is proposed and decided within the range that `cases.penalties` makes of stated facts; the evidence
is what the case has pinned. Whom it is held against is public once the decision is published
(`cases.executing`), and nothing before that names anybody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from cases import repository
from cases.bargaining import line_of
from cases.deadlines import is_limited, term
from cases.errors import (
    CaseIncomplete,
    CaseNotParty,
    CaseTooEarly,
    CaseTooLate,
    EvidenceNotPinned,
)
from cases.filing import hand_over
from cases.flags import clear_flags, move_flags
from cases.moving import Said, Speaker, another_officer, claim_for, forget_later, set_deadline, step
from cases.penalties import check_fine, fine_range, read_offence
from cases.rules import SPARING, CaseEvent, Measure, Outcome, check_decision
from cases.states import PARTY
from cases.tables import Case, CaseDeadline, CasePaper
from identity.service import require_identified
from ledger.recording import Act

_POLICE = "PUBLIC_SECURITY"


@dataclass(frozen=True, slots=True)
class Fine:
    """What is proposed against one party: the facts its range is made of, and the fine within it."""

    org_id: str
    facts: Mapping[str, Any]
    fine_minor: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """A measure that a decision names, and that a signed order then carries out."""

    measure: Measure
    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a chief officer decides; fines that are not named are as proposed."""

    outcome: Outcome
    org_ids: Collection[str] = ()
    fines: Mapping[str, int] = field(default_factory=dict)
    measures: Sequence[Ordered] = ()
    reasons: str


async def propose_penalty(
    s: WriteSession,
    act: Act,
    *,
    case_id: str,
    fines: Sequence[Fine],
    evidence_seqs: Sequence[int],
    reasons: str,
) -> Case:
    """Give notice of what is held against whom, on which evidence, at what fine (CSE.PROPOSE_PENALTY).

    Raises DecisionBeyondFinding, FineBeyondRange, EvidenceNotPinned, CaseTooLate where it was found too late
    to be punished, Malformed, `person-not-identified`, and what `cases.penalties` raises.
    """
    case = await claim_for(s, act, case_id, CaseEvent.PROPOSE_PENALTY)
    check_decision(case.subjects, [one.org_id for one in fines])
    if len({one.org_id for one in fines}) != len(fines):
        raise Malformed("each party once", member="fines")
    _check_limitation(case)
    await _check_evidence(s, case_id, evidence_seqs)
    officer = await require_identified(s, user_id=act.actor.user_id)
    line = await line_of(s, case_id=case_id)
    proposed = [_ranged(one, line) for one in fines]
    opening = {
        "officer_id": officer.user_id,
        "evidence_seqs": sorted(set(evidence_seqs)),
        "fines": proposed,
        "reasons": reasons,
    }
    await step(s, act, case, CaseEvent.PROPOSE_PENALTY, Said(opening=opening))
    return case


async def make_statement(s: WriteSession, act: Act, *, case_id: str, party: Speaker, text: str) -> Case:
    """What a party says to the notice (CSE.STATEMENT), within five working days of it."""
    return await _say(s, act, CaseEvent.STATEMENT, case_id=case_id, party=party, text=text)


async def request_hearing(s: WriteSession, act: Act, *, case_id: str, party: Speaker, text: str) -> Case:
    """Ask to be heard (CSE.REQUEST_HEARING), within five working days of the notice."""
    return await _say(s, act, CaseEvent.REQUEST_HEARING, case_id=case_id, party=party, text=text)


async def notify_hearing(s: WriteSession, act: Act, *, case_id: str, held_at: datetime, place: str) -> Case:
    """Tell when and where the hearing is, seven working days before (CSE.NOTIFY_HEARING).

    Raises CaseIncomplete where nobody has asked for one, CaseTooEarly.
    """
    case = await claim_for(s, act, case_id, CaseEvent.NOTIFY_HEARING)
    if await repository.last_paper(s, case_id=case_id, event=CaseEvent.REQUEST_HEARING) is None:
        raise CaseIncomplete("nobody has asked for a hearing", case_id=case_id)
    earliest = term("hearing_notice", act.now).after(act.now)
    if held_at <= earliest:
        raise CaseTooEarly("a hearing is told seven working days before", after=rfc3339(earliest))
    said = Said(opening={"held_at": rfc3339(held_at), "place": place})
    await step(s, act, case, CaseEvent.NOTIFY_HEARING, said)
    return case


async def decide_case(s: WriteSession, act: Act, *, case_id: str, decision: Decision) -> Case:
    """Decide upon a notice, as another person than handled the case or proposed the penalty (CSE.DECIDE).

    Raises CaseTooEarly while the party may still speak or be heard, CaseSameOfficer, DecisionBeyondFinding,
    FineBeyondRange, CaseWrongState, `person-not-identified`, `persons-bound`.
    """
    case = await claim_for(s, act, case_id, CaseEvent.DECIDE)
    notice = await _notice(s, case)
    await _check_heard(s, act, case)
    await another_officer(s, act, case.handler, notice.document["officer_id"])
    held = _decided_against(decision, notice)
    opening = {
        "org_ids": sorted(one["org_id"] for one in held),
        "fines": held,
        "measures": [{"measure": m.measure.value, "object_id": m.object_id} for m in decision.measures],
        "reasons": decision.reasons,
    }
    public = {"outcome": decision.outcome.value}
    final = decision.outcome in SPARING
    values = {"closed_at": act.occurred_at} if final else None
    await step(s, act, case, CaseEvent.DECIDE, Said(public=public, opening=opening), values=values)
    if decision.outcome is Outcome.NONE:
        await clear_flags(s, act, case_id=case_id)
    elif decision.outcome is Outcome.TRANSFER:
        made = await hand_over(s, act, case=case, authority=_POLICE, text=decision.reasons)
        await move_flags(s, act, case=case, to=made)
        case.sibling_id = case.sibling_id or made.case_id
        s.add(case)
        await s.flush()
    if final:
        await forget_later(s, act, case)
        return case
    for name in ("review", "lawsuit"):
        await set_deadline(s, act, case, name, term(name, act.occurred_at).after(act.occurred_at))
    return case


def _decided_against(decision: Decision, notice: CasePaper) -> list[dict[str, Any]]:
    """Whom a decision is against, and each fine, within the range of the notice.

    Raises DecisionBeyondFinding, FineBeyondRange, Malformed.
    """
    if decision.outcome in SPARING:
        if decision.fines or decision.org_ids or decision.measures:
            raise Malformed("this outcome punishes nobody", member="outcome")
        return []
    proposed = {one["org_id"]: one for one in notice.document["fines"]}
    org_ids = set(decision.org_ids) or set(proposed)
    check_decision(list(proposed), org_ids | set(decision.fines))
    held = []
    for org_id in sorted(org_ids):
        one = proposed[org_id]
        low, high = int(one["low_minor"]), int(one["high_minor"])
        fine = decision.fines.get(org_id, int(one["fine_minor"]))
        if decision.outcome is Outcome.WARNING:
            fine, low, gains = 0, 0, 0
        else:
            gains = int(one["confiscate_minor"])
        check_fine(fine, low, high)
        held.append({"org_id": org_id, "fine_minor": str(fine), "confiscate_minor": str(gains)})
    return held


def _ranged(one: Fine, line: Sequence[str]) -> dict[str, Any]:
    """A proposed fine with the range of its facts. Raises FineBeyondRange, CaseIncomplete."""
    offence, _ = read_offence(one.facts)
    place = line.index(one.org_id) + 1 if one.org_id in line else 0
    if offence.leniency != min(place, 3) and offence.leniency:
        raise CaseIncomplete("leniency is for who stands in line, by its place", place=place)
    found = fine_range(offence)
    found.check(one.fine_minor)
    return {
        "org_id": one.org_id,
        "facts": dict(one.facts),
        "low_minor": str(found.low_minor),
        "high_minor": str(found.high_minor),
        "confiscate_minor": str(found.confiscate_minor),
        "fine_minor": str(one.fine_minor),
        "rules": list(found.rules),
        "reasons": list(found.reasons),
        "unverified": list(found.unverified),
    }


def _check_limitation(case: Case) -> None:
    if case.acted_on is None:
        return
    if is_limited(date.fromisoformat(case.acted_on), case.filed_at, grave=case.grave):
        raise CaseTooLate("it was found too late to be punished", acted_on=case.acted_on)


async def _check_evidence(s: WriteSession, case_id: str, seqs: Sequence[int]) -> None:
    pinned = {row.seq for row in await repository.evidence_of(s, case_id=case_id)}
    loose = sorted(set(seqs) - pinned)
    if loose or not seqs:
        raise EvidenceNotPinned("a penalty rests on pinned entries", seqs=loose)


async def _say(
    s: WriteSession, act: Act, event: CaseEvent, *, case_id: str, party: Speaker, text: str
) -> Case:
    case = await claim_for(s, act, case_id, event, party)
    check_named((await _notice(s, case)).document, party.org_id)
    due = await s.get(CaseDeadline, (case_id, "hearing_request"))
    if due is not None and act.now > due.due_at:
        raise CaseTooLate("the time for this is over", until=rfc3339(due.due_at))
    said = Said(opening={"org_id": party.org_id, "side": PARTY}, document={"text": text})
    await step(s, act, case, event, said, speaker=party)
    return case


def check_named(document: Mapping[str, Any], org_id: str) -> None:
    """Who speaks to a notice or a decision is one that it names. Raises CaseNotParty."""
    if org_id not in {one["org_id"] for one in document["fines"]}:
        raise CaseNotParty("only whom it names speaks to it")


async def _notice(s: WriteSession, case: Case) -> CasePaper:
    notice = await repository.last_paper(s, case_id=case.case_id, event=CaseEvent.PROPOSE_PENALTY)
    if notice is None:
        raise CaseIncomplete("no notice was given", case_id=case.case_id)
    return notice


async def _check_heard(s: WriteSession, act: Act, case: Case) -> None:
    """The party's five days are over, and a hearing that was asked for has been held."""
    due = await s.get(CaseDeadline, (case.case_id, "hearing_request"))
    if due is not None and act.now <= due.due_at:
        raise CaseTooEarly("the party may still speak", until=rfc3339(due.due_at))
    asked = await repository.last_paper(s, case_id=case.case_id, event=CaseEvent.REQUEST_HEARING)
    if asked is None:
        return
    told = await repository.last_paper(s, case_id=case.case_id, event=CaseEvent.NOTIFY_HEARING)
    if told is None or rfc3339(act.now) <= told.document["held_at"]:
        raise CaseTooEarly("the hearing that was asked for has not been held", case_id=case.case_id)
