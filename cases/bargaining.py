"""What a party can offer in an antitrust investigation: a commitment, or to tell of a cartel first.

Both are the party's word, stated by the exchange without its name. A commitment that SAMR accepts suspends
the investigation; kept, it ends it. Who tells of a monopoly agreement, horizontal or vertical, gets a place
in line (反垄断法 art. 56(3)), and the ladder says what each place is forgiven; the law knows none for an
abuse, a concentration or an agency. What a paper of people is about the application itself tells.
"""

from datetime import datetime
from typing import Final

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from cases import repository
from cases.errors import CaseDoneBefore, CaseIncomplete, CaseNotParty, CaseWrongKind
from cases.moving import Said, Speaker, another_officer, claim_for, set_deadline, step
from cases.rules import CaseEvent, Matter
from cases.tables import Case
from ledger.recording import Act

_CARTEL: Final = ("CO", "S10", "S11", "S12", "S13", "S14")  # bids and prices that go together
_NO_AGREEMENT: Final = ("AB", "S4", "AML", "AM", "US")  # abuse, a position, use of power, a concentration
_MOST_TEXT: Final = 8000


async def party_of(s: WriteSession, case: Case, *, org_id: str) -> None:
    """Whom the case is about, and who was told of it. Raises CaseNotParty."""
    if not await repository.is_told(s, case=case, org_id=org_id):
        raise CaseNotParty("only whom the case is about speaks as its party")


async def offer_commitment(s: WriteSession, act: Act, *, case_id: str, party: Speaker, text: str) -> Case:
    """Offer to change what is suspected (CSE.OFFER_COMMITMENT).

    Raises CaseNotParty, CaseWrongKind where the matter knows no commitments, CaseWrongState, Malformed.
    """
    case = await claim_for(s, act, case_id, CaseEvent.OFFER_COMMITMENT, party)
    await party_of(s, case, org_id=party.org_id)
    _check_antitrust(case)
    if not offers_commitment(case):
        raise CaseWrongKind("a horizontal agreement is not suspended by a commitment", rule_id=case.rule_id)
    _check_text(text)
    await step(s, act, case, CaseEvent.OFFER_COMMITMENT, _worded(party, text), speaker=party)
    return case


async def accept_commitment(s: WriteSession, act: Act, *, case_id: str, until: datetime) -> Case:
    """Suspend the investigation upon what was offered (CSE.COMMITMENT), until it is to be fulfilled.

    Raises CaseIncomplete where nothing was offered, CaseWrongKind, CaseSameOfficer, Malformed.
    """
    case = await claim_for(s, act, case_id, CaseEvent.COMMITMENT)
    _check_antitrust(case)
    offered = await repository.last_paper(s, case_id=case_id, event=CaseEvent.OFFER_COMMITMENT)
    if offered is None:
        raise CaseIncomplete("no party has offered anything", case_id=case_id)
    if until <= act.now:
        raise Malformed("the day of fulfilment lies ahead", member="until")
    await another_officer(s, act, case.handler)
    opening = {"offer": offered.document["text_sha256"], "until": rfc3339(until)}
    said = Said(opening=opening, document={"text": offered.document["text"], "org_id": offered.org_id})
    await step(s, act, case, CaseEvent.COMMITMENT, said)
    await set_deadline(s, act, case, "commitment", until)
    return case


async def end_commitment(s: WriteSession, act: Act, *, case_id: str, kept: bool, reasons: str) -> Case:
    """Say whether a commitment was kept: the case is closed, or goes on (CSE.FULFILLED, CSE.BROKEN)."""
    event = CaseEvent.FULFILLED if kept else CaseEvent.BROKEN
    case = await claim_for(s, act, case_id, event)
    if kept:  # it ends the case, as closing it without a result does
        await another_officer(s, act, case.handler)
    await step(s, act, case, event, Said(opening={"reasons": reasons}))
    return case


async def apply_for_leniency(s: WriteSession, act: Act, *, case_id: str, party: Speaker, text: str) -> Case:
    """Tell of a monopoly agreement one took part in (CSE.APPLY_LENIENCY): once, with a place in line.

    Raises CaseNotParty, CaseWrongKind, CaseDoneBefore, CaseWrongState, Malformed.
    """
    case = await claim_for(s, act, case_id, CaseEvent.APPLY_LENIENCY, party)
    await party_of(s, case, org_id=party.org_id)
    _check_antitrust(case)
    if not knows_leniency(case):
        raise CaseWrongKind("leniency is for a monopoly agreement", rule_id=case.rule_id)
    _check_text(text)
    line = await line_of(s, case_id=case_id)
    if party.org_id in line:
        raise CaseDoneBefore("this party stands in line", place=line.index(party.org_id) + 1)
    said = _worded(party, text)
    place = {"place": len(line) + 1}
    await step(
        s,
        act,
        case,
        CaseEvent.APPLY_LENIENCY,
        Said(opening={**(said.opening or {}), **place}, document=said.document),
        speaker=party,
    )
    return case


async def line_of(s: WriteSession, *, case_id: str) -> list[str]:
    """Who told of the agreement, the first one first."""
    told = await repository.papers_on(s, case_id=case_id, event=CaseEvent.APPLY_LENIENCY)
    return [one.org_id for one in told]


def offers_commitment(case: Case) -> bool:
    """Whether what is suspected can be suspended by a commitment."""
    return case.matter is Matter.ANTITRUST and not case.rule_id.startswith(_CARTEL)


def knows_leniency(case: Case) -> bool:
    """Whether the law forgives who tells of it: a monopoly agreement, or what may turn out to be one."""
    return case.matter is Matter.ANTITRUST and not case.rule_id.startswith(_NO_AGREEMENT)


def _worded(party: Speaker, text: str) -> Said:
    opening = {"org_id": party.org_id, "text_sha256": sha256_hex(text.encode())}
    return Said(opening=opening, document={"text": text})


def _check_antitrust(case: Case) -> None:
    if case.matter is not Matter.ANTITRUST:
        raise CaseWrongKind("the law knows this in antitrust cases only", matter=case.matter.value)


def _check_text(text: str) -> None:
    if not 0 < len(text.strip()) <= _MOST_TEXT:
        raise Malformed("a text of at most so many characters is asked for", member="text", limit=_MOST_TEXT)
