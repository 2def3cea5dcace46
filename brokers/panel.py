"""Three or more persons of the data authority decide an application: each for itself, once, with reasons.

A person is counted once, whatever the number of logins; one who is related to the applicant, or has declared
a tie to it, does not vote, and whoever votes declares to have none. What the panel decided is then stated:
BRK.NOTICE where most are for it and `BRK-QUAL` is met, BRK.REFUSE where most are against.
"""

from base.calendar import deadline_after
from base.db import WriteSession
from base.errors import NotFound
from brokers import repository
from brokers.applying import claims_of
from brokers.certifying import scope_document
from brokers.errors import (
    CertificateWrongRole,
    PanelDecidedOtherwise,
    PanelNotComplete,
    PanelTie,
    PanelVotedBefore,
)
from brokers.moving import Said, advance, moments
from brokers.qualifying import check_qualified, check_text
from brokers.rule_table import in_force
from brokers.states import AUTHORITY, CertificateEvent, certificate_may_move
from brokers.tables import ApplicationRow, PanelTieRow, PanelVoteRow
from identity.repository import Person, get_organisation, logins_of
from identity.service import require_identified, require_unbound, same_controller
from ledger.recording import Act, record
from ledger.statement import Draft


async def declare_tie(s: WriteSession, act: Act, *, org_id: str) -> PanelTieRow:
    """Say, as somebody of the authority, that one is related to an organisation (PNL.RECUSE).

    Who it is stays in the opening. Raises CertificateWrongRole, NotFound, `person-not-identified`.
    """
    if act.role != AUTHORITY:
        raise CertificateWrongRole("the panel is the authority's", role=act.role, roles=[AUTHORITY])
    person = await require_identified(s, user_id=act.actor.user_id)
    if await get_organisation(s, org_id=org_id) is None:
        raise NotFound("no such organisation", org_id=org_id)
    said = Draft("PNL.RECUSE", org_id, public={"org_id": org_id}, opening={"officer_id": person.user_id})
    recorded = await record(s, act, said)
    tie = PanelTieRow(
        person=_mark(person),
        org_id=org_id,
        declared_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    tie = await s.merge(tie)
    await s.flush()
    return tie


async def vote(
    s: WriteSession, act: Act, *, cert_id: str, approves: bool, reasons: str, no_ties: bool
) -> ApplicationRow:
    """One person's word on an application (BRK.VOTE); how many have spoken is public, who and what is not.

    Raises CertificateWrongState, PanelTie, PanelVotedBefore, `person-not-identified`, `persons-bound`.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.VOTE, act.role)
    check_text(reasons)
    person = await check_untied(s, act, row, no_ties=no_ties)
    earlier = await repository.votes_of(s, cert_id=cert_id)
    if any(one.person == _mark(person) for one in earlier):
        raise PanelVotedBefore("each person votes once", cert_id=cert_id)
    await require_unbound(s, user_id=person.user_id, others=[one.user_id for one in earlier])
    opening = {
        "officer_id": person.user_id,
        "approves": approves,
        "no_ties": no_ties,
        "reasons": reasons,
    }
    said = Said(public={"votes": len(earlier) + 1}, opening=opening)
    recorded = await advance(s, act, CertificateEvent.VOTE, row, said)
    s.add(
        PanelVoteRow(
            cert_id=cert_id,
            person=_mark(person),
            user_id=person.user_id,
            approves=approves,
            reasons=reasons,
            voted_at=act.occurred_at,
            statement_id=recorded.statement_id,
        )
    )
    await s.flush()
    return row


async def publish_notice(s: WriteSession, act: Act, *, cert_id: str) -> ApplicationRow:
    """Put an application on public notice (BRK.NOTICE), once the panel is for it and `BRK-QUAL` is met.

    Raises PanelNotComplete, PanelDecidedOtherwise, NotQualified, CertificateWrongState.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.NOTICE, act.role)
    rules = in_force(row.applied_at)
    votes = await _decided(s, act, row, approved=True)
    check_qualified(claims_of(row), grade=row.grade, rules=rules)
    until = deadline_after(act.now, in_force(act.now).whole("BRK-PROC", "notice")).at
    said = Said(
        public=scope_document(row)
        | moments(notice_until=until)
        | {"votes": votes, "rules": [value.cited for value in rules.of(f"BRK-QUAL.{row.grade}")]}
    )
    values = {"since": act.now, "due_at": None, "notice_until": until}
    await advance(s, act, CertificateEvent.NOTICE, row, said, values=values)
    return row


async def refuse_application(
    s: WriteSession, act: Act, *, cert_id: str, reason_code: str, reasons: str
) -> ApplicationRow:
    """Refuse an application that most of the panel are against (BRK.REFUSE).

    Raises PanelNotComplete, PanelDecidedOtherwise, CertificateWrongState.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.REFUSE, act.role)
    check_text(reasons)
    votes = await _decided(s, act, row, approved=False)
    said = Said(public={"reason_code": reason_code, "votes": votes}, opening={"reasons": reasons})
    values = {"due_at": None, "reason_code": reason_code}
    await advance(s, act, CertificateEvent.REFUSE, row, said, values=values)
    return row


async def _decided(s: WriteSession, act: Act, row: ApplicationRow, *, approved: bool) -> int:
    """How many votes decide. One by who has declared a tie since then is not among them."""
    votes = [
        one
        for one in await repository.votes_of(s, cert_id=row.cert_id)
        if not await _has_declared(s, one.person, row)
    ]
    wanted = in_force(act.now).whole("BRK-PROC", "panel")
    for_it = sum(one.approves for one in votes)
    if len(votes) < wanted or 2 * for_it == len(votes):
        raise PanelNotComplete(
            f"{len(votes)} of at least {wanted} have voted, and most must agree",
            cert_id=row.cert_id,
            votes=len(votes),
            wanted=wanted,
        )
    if (2 * for_it > len(votes)) is not approved:
        raise PanelDecidedOtherwise("most of the panel voted otherwise", cert_id=row.cert_id)
    return len(votes)


async def _has_declared(s: WriteSession, person: str, row: ApplicationRow) -> bool:
    """Only the person's own word takes a vote out: what others enrol afterwards unseats nobody."""
    ties = await repository.ties_of(s, person=person)
    return any([await same_controller(s, tie.org_id, row.org_id) for tie in ties])


async def check_untied(s: WriteSession, act: Act, row: ApplicationRow, *, no_ties: bool) -> Person:
    """The natural person who decides, without a tie to the applicant. Raises PanelTie.

    A tie is: one that was declared; a login at the applicant or at who shares its controller; being its
    controller by name; an authority under the applicant's control.
    """
    person = await require_identified(s, user_id=act.actor.user_id)
    applicant = await get_organisation(s, org_id=row.org_id)
    assert applicant is not None
    ties = {tie.org_id for tie in await repository.ties_of(s, person=_mark(person))}
    at = {login.org_id for login in await logins_of(s, person=person)} | ties | {act.actor.org_id}
    related = [org_id for org_id in sorted(at) if await same_controller(s, org_id, row.org_id)]
    if not no_ties or related or applicant.controller_id == person.name:
        raise PanelTie("say no_ties, and have none", cert_id=row.cert_id, applicant=row.org_id)
    return person


def _mark(person: Person) -> str:
    assert person.mark is not None  # require_identified has seen to it
    return person.mark
