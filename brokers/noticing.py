"""A certificate on public notice: objections, what the authority answers, and the issue."""

from collections.abc import Collection

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from brokers import repository
from brokers.applying import due_in, wind
from brokers.certifying import check_free, enter, scope_document, years_after
from brokers.errors import DeadlineOver, ObjectionsDiffer, TooEarly
from brokers.moving import Said, advance, moments
from brokers.panel import check_untied
from brokers.qualifying import Evidence, check_text
from brokers.rule_table import in_force
from brokers.states import CertificateEvent, CertificateState, certificate_may_move
from brokers.tables import ApplicationRow, CertificateRow, ObjectionRow
from identity.repository import lock_organisation
from identity.service import require_member
from ledger.recording import Act


async def object_to(
    s: WriteSession, act: Act, *, cert_id: str, text: str, evidence: Collection[Evidence]
) -> ObjectionRow:
    """Object to an application on notice (BRK.OBJECT), in one's own name and with evidence.

    Who objects is public, what is said stays in the opening. Raises DeadlineOver, CertificateWrongState,
    `member-not-active`, and what evidence raises.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.OBJECT, act.role)
    check_text(text)
    if not evidence:
        raise Malformed("an objection names what shows it")
    assert row.notice_until is not None
    if act.now > row.notice_until:
        raise DeadlineOver("the notice is over", cert_id=cert_id, notice_until=rfc3339(row.notice_until))
    await require_member(s, org_id=act.actor.org_id)
    first = row.status is CertificateState.PUBLIC_NOTICE
    since = act.now if first else row.since
    due_at = due_in(CertificateState.OBJECTED, since)
    objection_id = act.new_id("obj")
    said = Said(
        public={"objection_id": objection_id, "objector_id": act.actor.org_id} | moments(decide_by=due_at),
        opening={"text": text},
        evidence=tuple(evidence),
    )
    values = {"since": since, "due_at": due_at} if first else {}
    recorded = await advance(s, act, CertificateEvent.OBJECT, row, said, values=values)
    objection = ObjectionRow(
        objection_id=objection_id,
        cert_id=cert_id,
        objector_id=act.actor.org_id,
        text=text,
        filed_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(objection)
    await s.flush()
    if first:
        await wind(s, row)
    return objection


async def uphold(
    s: WriteSession, act: Act, *, cert_id: str, objection_id: str, answer: str, no_ties: bool
) -> ApplicationRow:
    """Find an objection right: the application is refused (BRK.UPHOLD). Raises PanelTie, ObjectionsDiffer."""
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.UPHOLD, act.role)
    check_text(answer)
    person = await check_untied(s, act, row, no_ties=no_ties)
    if objection_id not in await _open(s, row):
        raise ObjectionsDiffer("no such objection is open", objection_id=objection_id)
    said = Said(
        public={"objection_id": objection_id, "reason_code": "OBJECTION"},
        opening={"officer_id": person.user_id, "answer": answer},
    )
    values = {"due_at": None, "reason_code": "OBJECTION"}
    await advance(s, act, CertificateEvent.UPHOLD, row, said, values=values)
    await _answer(s, act, [objection_id], answer=answer, upheld=True)
    return row


async def dismiss(
    s: WriteSession,
    act: Act,
    *,
    cert_id: str,
    objection_ids: Collection[str],
    answer: str,
    no_ties: bool,
) -> ApplicationRow:
    """Find all open objections wrong, together and with reasons (BRK.DISMISS): the notice goes on.

    They are named, so that none is dismissed that nobody has read. Raises ObjectionsDiffer, PanelTie.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.DISMISS, act.role)
    check_text(answer)
    person = await check_untied(s, act, row, no_ties=no_ties)
    named, open_now = sorted(set(objection_ids)), await _open(s, row)
    if named != open_now:
        raise ObjectionsDiffer("name the objections that are open, and no other", open=open_now)
    said = Said(public={"objection_ids": named}, opening={"officer_id": person.user_id, "answer": answer})
    values = {"since": act.now, "due_at": None}
    await advance(s, act, CertificateEvent.DISMISS, row, said, values=values)
    await _answer(s, act, named, answer=answer, upheld=False)
    return row


async def issue(s: WriteSession, act: Act, *, cert_id: str, cert_no: str) -> CertificateRow:
    """Certify the applicant after its notice (BRK.CERTIFY): a certificate of the same id, from now on.

    Raises TooEarly, CertificateWrongState, CertificateNumberTaken, BrokerBarred, CertificateOverlaps.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.CERTIFY, act.role)
    assert row.notice_until is not None
    if act.now <= row.notice_until:
        raise TooEarly("the notice is not over", cert_id=cert_id, notice_until=rfc3339(row.notice_until))
    await lock_organisation(s, org_id=row.org_id, alone=True)
    await require_member(s, org_id=row.org_id)
    years = in_force(act.now).whole("BRK-CERT", "validity")
    valid_to = years_after(act.now, years)
    await check_free(s, act, org_id=row.org_id, valid_from=act.now, valid_to=valid_to)
    certificate = CertificateRow(
        **scope_document(row),
        cert_id=cert_id,
        cert_no=cert_no,
        org_id=row.org_id,
        valid_from=act.now,
        valid_to=valid_to,
        status=CertificateState.ACTIVE,
    )
    await enter(s, act, certificate, before=CertificateState.PUBLIC_NOTICE)
    await s.exec(
        update(ApplicationRow)
        .where(
            col(ApplicationRow.cert_id) == cert_id,
            col(ApplicationRow.status) == CertificateState.PUBLIC_NOTICE,
        )
        .values(status=CertificateState.ACTIVE, since=act.now)
    )
    await s.refresh(row)
    return certificate


async def _open(s: WriteSession, row: ApplicationRow) -> list[str]:
    found = await repository.objections_to(s, cert_id=row.cert_id)
    return sorted(one.objection_id for one in found if one.upheld is None)


async def _answer(
    s: WriteSession, act: Act, objection_ids: Collection[str], *, answer: str, upheld: bool
) -> None:
    await s.exec(
        update(ObjectionRow)
        .where(col(ObjectionRow.objection_id).in_(sorted(objection_ids)))
        .values(upheld=upheld, answer=answer, decided_at=act.occurred_at)
    )
