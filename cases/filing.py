"""Papers come in: of people, named or not, and of supervision. A mixed paper becomes two cases.

The exchange states the receipt, since nobody's signature may tell who reported; whom a paper is about, and a
digest of what it says, stand in the opening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from base.calendar import shanghai_day
from base.canonical import sha256_hex
from base.db import WriteSession
from base.errors import Malformed
from cases import repository
from cases.bargaining import party_of
from cases.errors import CaseDoneBefore, FindingFiledBefore, FindingMalformed
from cases.moving import Said, Speaker, begin, check_apart, check_own, claim_for, enter, step
from cases.reporters import (
    Reporter,
    cases_under,
    committed,
    mark_of_code,
    new_code,
    sealed_of,
    write_message,
)
from cases.rules import CaseEvent, CaseState, Kind, Matter, matter_of, may_move
from cases.states import PARTY, REPORTER
from cases.tables import Case, CaseReporter
from identity.repository import get_organisation
from ledger.recording import Act

MOST_TEXT: Final = 8000
_MOST_OBJECTS: Final = 20
_MOST_CONSENTS: Final = 20  # a side that takes other terms consents anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What somebody files: a dispute to be mediated, a clue to be verified, or both at once."""

    complaint: str = ""
    report: str = ""
    about: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    matter: Matter = Matter.MARKET_RULE
    acted_on: date | None = None
    grave: bool = False
    reporter: Reporter = field(default_factory=Reporter)


@dataclass(frozen=True, slots=True)
class Filed:
    """The code with which to follow up, and the cases a paper became."""

    code: str
    case_ids: tuple[str, ...]


async def file_case(s: WriteSession, act: Act, *, finding: Mapping[str, Any]) -> Case:
    """Make a report of a finding (CSE.FILE). Raises FindingFiledBefore, FindingMalformed, CaseWrongRole."""
    state = may_move(None, CaseEvent.FILE, act.role)
    finding_id, rule_id = finding.get("finding_id"), finding.get("rule_id")
    subjects = finding.get("subjects")
    if not isinstance(finding_id, str) or not isinstance(rule_id, str) or not isinstance(subjects, list):
        raise FindingMalformed("a finding has finding_id, rule_id and subjects")
    if await repository.case_of_finding(s, finding_id=finding_id) is not None:
        raise FindingFiledBefore("this finding has its case", finding_id=finding_id)
    case = Case(
        case_id=act.new_id("cse"),
        status=state,
        finding_id=finding_id,
        rule_id=rule_id,
        finding=dict(finding),
        filed_by=act.actor.org_id,
        filed_at=act.occurred_at,
        kind=Kind.REPORT,
        matter=matter_of(rule_id),
    )
    opening = {
        "finding_id": finding_id,  # a bare digest: whom it suspects could be tried out
        "rule_id": rule_id,
        "rule_version": str(finding.get("rule_version", "")),
        "subjects": sorted(map(str, subjects)),
    }
    await begin(s, act, case, Said(public={"kind": Kind.REPORT.value}, opening=opening))
    return case


async def receive_paper(s: WriteSession, act: Act, *, paper: Paper, master: bytes) -> Filed:
    """Take in what somebody files, as the exchange: one case, or two that know of each other (CSE.FILE).

    Raises Malformed, where nothing is said, or an organisation is none.
    """
    await _check(s, act, paper)
    code = new_code()
    parts = [
        (kind, text)
        for kind, text in ((Kind.COMPLAINT, paper.complaint), (Kind.REPORT, paper.report))
        if text.strip()
    ]
    made = [
        await _store(s, act, _About(paper.about, paper.objects, kind, paper.matter), text)
        for kind, text in parts
    ]
    for case, other in zip(made, reversed(made), strict=True):
        case.sibling_id = None if case is other else other.case_id
        case.acted_on = None if paper.acted_on is None else paper.acted_on.isoformat()
        case.grave = paper.grave
        await _keep_reporter(s, act, case, paper.reporter, code=code, master=master)
        await _state(s, act, case)
    return Filed(code, tuple(case.case_id for case in made))


async def split_clue(s: WriteSession, act: Act, *, case: Case, text: str) -> Case:
    """A report of its own from what a mediation has brought up, which its end does not end (CSE.FILE)."""
    clue = await _store(s, act, _of_case(case, case.matter), text)
    clue.sibling_id, clue.acted_on = case.case_id, case.acted_on
    await _state(s, act.as_exchange(), clue)
    return clue


async def hand_over(s: WriteSession, act: Act, *, case: Case, authority: str, text: str) -> Case:
    """A report for another authority about what this case has found (CSE.FILE): a crime is suspected."""
    made = await _store(s, act, _of_case(case, Matter.SECURITY), text)
    made.sibling_id, made.authority, made.acted_on = case.case_id, authority, case.acted_on
    made.finding = {**made.finding, "evidence_seqs": list(case.finding.get("evidence_seqs", []))}
    await _state(s, act.as_exchange(), made)
    return made


async def write_as_reporter(s: WriteSession, act: Act, *, code: str, text: str, master: bytes) -> None:
    """A further word of who filed a paper, to all cases it became. Raises CodeUnknown, Malformed."""
    _check_text(text)
    for case in await cases_under(s, code=code, master=master):
        await write_message(s, act, case_id=case.case_id, text=text, from_reporter=True, master=master)


async def tell_reporter(s: WriteSession, act: Act, *, case_id: str, text: str, master: bytes) -> Case:
    """Tell who reported what came of it (CSE.TELL); what is told stays between the two.

    Raises CaseUnknown, CaseWrongState, CaseWrongRole, Malformed.
    """
    _check_text(text)
    case = await claim_for(s, act, case_id, CaseEvent.TELL)
    await step(s, act, case, CaseEvent.TELL, Said(opening={"text_sha256": sha256_hex(text.encode())}))
    await write_message(s, act, case_id=case_id, text=text, from_reporter=False, master=master)
    return case


async def write_note(s: WriteSession, act: Act, *, case_id: str, text: str) -> Case:
    """A note of an officer in the file; it is on no ledger. Raises CaseWrongRole, Malformed."""
    _check_text(text)
    case = await repository.claim_case(s, case_id=case_id)
    check_apart(case, act)
    check_own(case, act.role)
    await enter(s, act, case, "NOTE", {"text": text}, paper_id=act.new_id("ppr"))
    return case


async def consent_as_reporter(
    s: WriteSession, act: Act, *, code: str, case_id: str, terms: str, master: bytes
) -> Case:
    """Agree to the terms of a mediation, as who complained (CSE.CONSENT). Raises CodeUnknown."""
    found = {case.case_id for case in await cases_under(s, code=code, master=master)}
    if case_id not in found:
        raise Malformed("this paper has no such case", case_id=case_id)
    return await consent(s, act, case_id=case_id, terms=terms, speaker=Speaker(REPORTER))


async def consent(s: WriteSession, act: Act, *, case_id: str, terms: str, speaker: Speaker) -> Case:
    """One side's word to the terms that end a mediation (CSE.CONSENT), stated by the exchange."""
    _check_text(terms)
    case = await claim_for(s, act, case_id, CaseEvent.CONSENT, speaker)
    if speaker.role == PARTY:
        await party_of(s, case, org_id=speaker.org_id)
    opening = {"side": speaker.role, "org_id": speaker.org_id, "terms_sha256": sha256_hex(terms.encode())}
    before = [
        paper.document
        for paper in await repository.papers_on(s, case_id=case_id, event=CaseEvent.CONSENT)
        if (paper.document["side"], paper.document["org_id"]) == (speaker.role, speaker.org_id)
    ]
    if len(before) >= _MOST_CONSENTS or (before and before[-1]["terms"] == terms):
        raise CaseDoneBefore("this side has consented", case_id=case_id, limit=_MOST_CONSENTS)
    await step(
        s, act, case, CaseEvent.CONSENT, Said(opening=opening, document={"terms": terms}), speaker=speaker
    )
    return case


def _check_text(text: str) -> None:
    if not 0 < len(text.strip()) <= MOST_TEXT:
        raise Malformed("a text of at most so many characters is asked for", member="text", limit=MOST_TEXT)


async def _check(s: WriteSession, act: Act, paper: Paper) -> None:
    if not (paper.complaint.strip() or paper.report.strip()):
        raise Malformed("say what the complaint or the report is", member="report")
    for text in (paper.complaint, paper.report):
        if len(text) > MOST_TEXT:
            raise Malformed("the text is too long", member="report", limit=MOST_TEXT)
    if len(paper.about) > _MOST_OBJECTS or len(paper.objects) > _MOST_OBJECTS:
        raise Malformed("a paper is about fewer", member="about", limit=_MOST_OBJECTS)
    if paper.acted_on is not None and paper.acted_on > shanghai_day(act.now):
        raise Malformed("what was done lies in the past", member="acted_on")
    for org_id in paper.about:
        if await get_organisation(s, org_id=org_id) is None:
            raise Malformed("no such organisation", member="about")


async def _keep_reporter(
    s: WriteSession, act: Act, case: Case, reporter: Reporter, *, code: str, master: bytes
) -> None:
    salt = act.nonce()
    anonymous = Reporter(contact=reporter.contact)  # who gives no name is kept by no login either
    if reporter.named:
        case.reporter_sha256 = committed(case.case_id, reporter, salt)
    s.add(
        CaseReporter(
            case_id=case.case_id,
            named=reporter.named,
            code_mark=mark_of_code(master, code),
            sealed=sealed_of(master, case.case_id, reporter if reporter.named else anonymous, salt),
        )
    )
    await s.flush()


@dataclass(frozen=True, slots=True)
class _About:
    """Whom and what a case is about, and of which kind it is."""

    subjects: Sequence[str]
    objects: Sequence[str]
    kind: Kind
    matter: Matter


async def _store(s: WriteSession, act: Act, about: _About, text: str) -> Case:
    case_id = act.new_id("cse")
    case = Case(
        case_id=case_id,
        status=CaseState.RECEIVED,
        finding_id=case_id,
        rule_id=about.matter.value,
        finding={
            "subjects": list(about.subjects),
            "objects": list(about.objects),
            "evidence_seqs": [],
            "text": text,
        },
        filed_by=act.as_exchange().actor.org_id,
        filed_at=act.occurred_at,
        kind=about.kind,
        matter=about.matter,
    )
    s.add(case)
    await s.flush()
    return case


def _of_case(case: Case, matter: Matter) -> _About:
    return _About(case.subjects, _objects_of(case), Kind.REPORT, matter)


async def _state(s: WriteSession, act: Act, case: Case) -> None:
    public = {"kind": case.kind.value, "reporter_sha256": case.reporter_sha256}
    opening = {
        "matter": case.matter.value,
        "subjects": sorted(case.subjects),
        "objects": sorted(_objects_of(case)),
        "sibling_id": case.sibling_id,
        "text_sha256": sha256_hex(str(case.finding["text"]).encode()),
    }
    await begin(s, act, case, Said(public=public, opening=opening))


def _objects_of(case: Case) -> list[str]:
    return [str(one) for one in case.finding.get("objects", [])]
