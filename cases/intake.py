"""What an intake officer does with a paper: triage, transfer, jurisdiction, refusal, mediation."""

from datetime import date

from base.canonical import sha256_hex
from base.db import WriteSession
from base.errors import Malformed
from cases import repository
from cases.deadlines import is_stale
from cases.errors import CaseIncomplete, CaseTooEarly, CaseTooLate, CaseWrongKind, CaseWrongRole
from cases.filing import split_clue
from cases.flags import clear_flags
from cases.moving import Said, claim_for, step
from cases.rules import CaseEvent, Kind, Matter, authorities_for
from cases.states import DESKS, PARTY, REPORTER
from cases.tables import Case, CaseDeadline
from identity.repository import get_organisation, is_held_by_another
from identity.service import require_identified
from ledger.recording import Act


async def triage_case(
    s: WriteSession, act: Act, *, case_id: str, matter: Matter | None = None, authority: str | None = None
) -> Case:
    """Say what a paper is about, and so whose it is (CSE.TRIAGE); within a working day.

    Raises CaseUnknown, CaseWrongState, CaseWrongRole, Malformed where that authority has no such matters.
    """
    case = await claim_for(s, act, case_id, CaseEvent.TRIAGE)
    matter = matter or case.matter
    fitting = authorities_for(case.kind, matter, concerned=await _concerned(s, case))
    chosen = authority or fitting[0]
    if chosen not in fitting:
        raise Malformed("this matter is another authority's", authority=chosen, authorities=list(fitting))
    said = Said(public={"authority": chosen}, opening={"matter": matter.value, "also": list(fitting)})
    await step(s, act, case, CaseEvent.TRIAGE, said, values={"matter": matter, "authority": chosen})
    return case


async def transfer_case(s: WriteSession, act: Act, *, case_id: str, authority: str, reason: str) -> Case:
    """Send a paper to the authority whose it is (CSE.TRANSFER). Raises CaseWrongState, Malformed."""
    case = await claim_for(s, act, case_id, CaseEvent.TRANSFER)
    others = DESKS - {case.authority} - await _concerned(s, case)
    if authority not in others:
        raise Malformed("name another authority", authority=authority, authorities=sorted(others))
    said = Said(public={"authority": authority}, opening={"was": case.authority, "reason": reason})
    await step(s, act, case, CaseEvent.TRANSFER, said, values={"authority": authority})
    return case


async def receive_case(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Take a paper that was sent over (CSE.RECEIVE): its times begin anew."""
    case = await claim_for(s, act, case_id, CaseEvent.RECEIVE)
    await step(s, act, case, CaseEvent.RECEIVE, values={"received_at": act.occurred_at})
    return case


async def contest_jurisdiction(s: WriteSession, act: Act, *, case_id: str, reason: str) -> Case:
    """Say that a paper that was sent over is not one's own (CSE.CONTEST)."""
    case = await claim_for(s, act, case_id, CaseEvent.CONTEST)
    await step(s, act, case, CaseEvent.CONTEST, Said(opening={"reason": reason}))
    return case


async def settle_jurisdiction(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Take a paper upon oneself that two authorities differ about (CSE.SETTLE_JURISDICTION).

    Raises CaseWrongState, CaseWrongRole.
    """
    case = await claim_for(s, act, case_id, CaseEvent.SETTLE_JURISDICTION)
    await _one_of_two(s, act, case)
    values = {"authority": act.role, "received_at": act.occurred_at}
    said = Said(public={"authority": act.role})
    await step(s, act, case, CaseEvent.SETTLE_JURISDICTION, said, values=values)
    return case


async def assign_case(s: WriteSession, act: Act, *, case_id: str, authority: str, ruling: str) -> Case:
    """Enter what the common superior has ruled, once the time to agree is over (CSE.ASSIGN).

    Raises CaseTooEarly, CaseWrongState, CaseWrongRole, Malformed.
    """
    case = await claim_for(s, act, case_id, CaseEvent.ASSIGN)
    two = await _one_of_two(s, act, case)
    due = await _due(s, case, "jurisdiction")
    if due is not None and act.now <= due.due_at:
        raise CaseTooEarly("the two may still agree", case_id=case_id)
    if authority not in two or not ruling.strip():
        raise Malformed("name one of the two, and the ruling", authority=authority, authorities=sorted(two))
    said = Said(public={"authority": authority}, opening={"ruling": ruling})
    values = {"authority": authority, "received_at": act.occurred_at}
    await step(s, act, case, CaseEvent.ASSIGN, said, values=values)
    return case


async def refuse_paper(s: WriteSession, act: Act, *, case_id: str, reason_code: str, reasons: str) -> Case:
    """Refuse a paper with its reason, told to who filed it (CSE.REFUSE); what it flagged counts again."""
    case = await claim_for(s, act, case_id, CaseEvent.REFUSE)
    said = Said(public={"reason_code": reason_code}, opening={"reasons": reasons})
    await step(s, act, case, CaseEvent.REFUSE, said)
    await clear_flags(s, act, case_id=case_id)
    return case


async def accept_complaint(s: WriteSession, act: Act, *, case_id: str, claim: str = "") -> Case:
    """Take a complaint up for mediation (CSE.ACCEPT); `claim` is what those it is about are told of it.

    Raises CaseWrongKind, CaseTooLate, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.ACCEPT)
    if case.kind is not Kind.COMPLAINT:
        raise CaseWrongKind("a report is verified", kind=case.kind.value)
    if case.acted_on is not None and is_stale(date.fromisoformat(case.acted_on), case.filed_at):
        raise CaseTooLate("the dispute is older than the law takes up", acted_on=case.acted_on)
    await step(s, act, case, CaseEvent.ACCEPT, Said(opening={"claim": claim} if claim.strip() else None))
    return case


async def close_agreed(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """End a mediation in which all sides have consented to the same terms (CSE.AGREE).

    Who complained, and each of those it complains of. Raises CaseIncomplete, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.AGREE)
    said: dict[tuple[str, str], str] = {}
    for paper in await repository.papers_on(s, case_id=case_id, event=CaseEvent.CONSENT):
        said[paper.document["side"], paper.document["org_id"]] = paper.document["terms_sha256"]
    agreed = said.get((REPORTER, ""))
    waiting = [one for one in case.subjects if agreed is None or said.get((PARTY, one)) != agreed]
    if agreed is None or not case.subjects or waiting:
        sides = sorted({side for side, _ in said})
        raise CaseIncomplete("every side consents to the same terms first", consented=sides, waiting=waiting)
    await step(s, act, case, CaseEvent.AGREE, Said(opening={"terms_sha256": agreed}))
    return case


async def end_mediation(s: WriteSession, act: Act, *, case_id: str, reason: str) -> Case:
    """End a mediation without agreement (CSE.END); a clue that came up goes on."""
    case = await claim_for(s, act, case_id, CaseEvent.END)
    await step(s, act, case, CaseEvent.END, Said(opening={"reason": reason}))
    return case


async def report_clue(s: WriteSession, act: Act, *, case_id: str, text: str) -> Case:
    """Make a report of what a mediation has brought up (CSE.CLUE); answers the new case."""
    case = await claim_for(s, act, case_id, CaseEvent.CLUE)
    opening = {"text_sha256": sha256_hex(text.encode())}
    await step(s, act, case, CaseEvent.CLUE, Said(opening=opening))
    clue = await split_clue(s, act, case=case, text=text)
    case.sibling_id = case.sibling_id or clue.case_id
    s.add(case)
    await s.flush()
    return clue


async def verify_report(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Begin to verify a report, as the officer who handles it from then on (CSE.VERIFY).

    Raises CaseWrongKind, CaseWrongState, CaseWrongRole, `person-not-identified`.
    """
    case = await claim_for(s, act, case_id, CaseEvent.VERIFY)
    if case.kind is not Kind.REPORT:
        raise CaseWrongKind("a complaint is mediated", kind=case.kind.value)
    officer = await require_identified(s, user_id=act.actor.user_id)
    said = Said(opening={"officer_id": officer.user_id})
    await step(s, act, case, CaseEvent.VERIFY, said, values={"handler": officer.user_id})
    return case


async def _concerned(s: WriteSession, case: Case) -> set[str]:
    """The authorities that the paper is about themselves: no other member holds that office."""
    roles: set[str] = set()
    for org_id in case.subjects:
        member = await get_organisation(s, org_id=org_id)
        roles |= {role.value for role in member.roles} & DESKS if member is not None else set()
    return {one for one in roles if not await is_held_by_another(s, role=one, besides=case.subjects)}


async def _one_of_two(s: WriteSession, act: Act, case: Case) -> set[str]:
    """The two authorities that differ, one of which acts. Raises CaseWrongRole."""
    sent = await repository.last_paper(s, case_id=case.case_id, event=CaseEvent.TRANSFER)
    two = {case.authority} | ({sent.document["was"]} if sent is not None else set())
    found = {one for one in two if one is not None}
    if act.role not in found:
        raise CaseWrongRole("the two authorities settle it", role=act.role, roles=sorted(found))
    return found


async def _due(s: WriteSession, case: Case, matter: str) -> CaseDeadline | None:
    return await s.get(CaseDeadline, (case.case_id, matter))
