"""An organisation applies for a certificate; the authority sees whether the application is complete.

All gaps are told at once, and once. What is not corrected in time lapses; what is not decided in time is
stated as overdue (BRK.OVERDUE) and stays where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.calendar import deadline_after
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from brokers import repository
from brokers.certifying import CertificateScope, check_free, check_scope, claim_broker, scope_document
from brokers.errors import ApplicationUnderWay, CorrectionAskedBefore, DeadlineOver
from brokers.moving import LATE, Said, advance, begin, check_own, moments
from brokers.qualifying import (
    Claims,
    Evidence,
    EvidenceKind,
    Practitioner,
    Procedure,
    check_claims,
    check_complete,
    check_text,
    missing,
    required,
)
from brokers.rule_table import in_force
from brokers.rules import BrokerType
from brokers.states import APPLICATION, CertificateEvent, CertificateState, certificate_may_move
from brokers.tables import ApplicationRow
from ledger.recording import Act

APPLICATION_JOB: Final = "brokers.application-due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What an application, a correction or a renewal brings: claims and their documents."""

    claims: Claims
    evidence: Sequence[Evidence]


async def apply(s: WriteSession, act: Act, *, scope: CertificateScope, filing: Filing) -> ApplicationRow:
    """Apply for a certificate (BRK.APPLY), as the broker to be.

    Claims, names and dates of documents are in the opening; their digests are subjects. Raises
    CertificateBeyondGrade, BrokerRoleMissing, BrokerBarred, CertificateOverlaps, ApplicationUnderWay,
    EvidencePostdated, EvidenceTooOld, EvidenceRedated, `member-not-active`, and Malformed.
    """
    org_id = act.actor.org_id
    status = certificate_may_move(None, CertificateEvent.APPLY, act.role)
    check_scope(scope)
    check_claims(filing.claims)
    await claim_broker(s, org_id=org_id)
    under_way = await repository.application_of(s, org_id=org_id, states=APPLICATION)
    if under_way is not None:
        raise ApplicationUnderWay(
            "an application is under way", cert_id=under_way.cert_id, status=under_way.status.value
        )
    await check_free(s, act, org_id=org_id, valid_from=act.now, valid_to=act.now)
    row = ApplicationRow(
        cert_id=act.new_id("crt"),
        org_id=org_id,
        status=status,
        **scope.columns(),
        claims=claims_document(filing.claims),
        applied_at=act.occurred_at,
        since=act.now,
        due_at=due_in(status, act.now),
    )
    s.add(row)
    await s.flush()
    public = scope_document(row) | moments(decide_by=row.due_at)
    said = Said(public=public, opening={"claims": row.claims}, evidence=filing.evidence)
    await begin(s, act, CertificateEvent.APPLY, row, said, before=None)
    await wind(s, row)
    return row


async def ask_correction(s: WriteSession, act: Act, *, cert_id: str, remarks: str = "") -> ApplicationRow:
    """Tell the applicant all that is missing or unclear, once (BRK.ASK_CORRECTION), as the authority.

    What is missing the exchange finds itself. Raises CorrectionAskedBefore, CertificateWrongState; Malformed
    where nothing is missing and nothing is said.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.ASK_CORRECTION, act.role)
    if row.asked_at is not None:
        raise CorrectionAskedBefore("the gaps were told before", cert_id=cert_id)
    gaps = await _missing(s, row)
    if not gaps or remarks:
        check_text(remarks)
    due_at = due_in(CertificateState.CORRECTING, act.now)
    values = {
        "gaps": {"missing": gaps, "remarks": remarks},
        "asked_at": act.now,
        "since": act.now,
        "due_at": due_at,
    }
    said = Said(
        public={"missing": gaps} | moments(correct_by=due_at),
        opening={"remarks": remarks} if remarks else None,
    )
    await advance(s, act, CertificateEvent.ASK_CORRECTION, row, said, values=values)
    await wind(s, row)
    return row


async def correct(s: WriteSession, act: Act, *, cert_id: str, filing: Filing, note: str) -> ApplicationRow:
    """Bring what was missing (BRK.CORRECT), as the applicant; claims are said anew. The clock begins again.

    Raises NotYourCertificate, CertificateWrongState, DeadlineOver, and what `apply` raises of evidence.
    """
    row = await repository.claim_application(s, cert_id=cert_id)
    check_own(act, row.org_id)
    certificate_may_move(row.status, CertificateEvent.CORRECT, act.role)
    check_in_time(row, act)
    check_claims(filing.claims)
    check_text(note)
    due_at = due_in(CertificateState.APPLIED, act.now)
    values = {"claims": claims_document(filing.claims), "since": act.now, "due_at": due_at}
    said = Said(
        public=moments(decide_by=due_at),
        opening={"note": note, "claims": values["claims"]},
        evidence=filing.evidence,
        asked_at=row.asked_at,
    )
    await advance(s, act, CertificateEvent.CORRECT, row, said, values=values)
    await wind(s, row)
    return row


async def withdraw(s: WriteSession, act: Act, *, cert_id: str) -> ApplicationRow:
    """Take an application back (BRK.WITHDRAW). Raises NotYourCertificate, CertificateWrongState."""
    row = await repository.claim_application(s, cert_id=cert_id)
    check_own(act, row.org_id)
    await advance(s, act, CertificateEvent.WITHDRAW, row, Said(), values={"due_at": None})
    return row


async def review(s: WriteSession, act: Act, *, cert_id: str) -> ApplicationRow:
    """Give a complete application to the panel (BRK.REVIEW). Raises ApplicationIncomplete."""
    row = await repository.claim_application(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.REVIEW, act.role)
    shown = await repository.kinds_shown(s, cert_id=cert_id)
    check_complete(wanted_of(row), (EvidenceKind(kind) for kind in shown))
    await advance(s, act, CertificateEvent.REVIEW, row, Said(public=moments(decide_by=row.due_at)))
    await wind(s, row)
    return row


async def application_due(s: WriteSession, act: Act, *, cert_id: str, state: str, since: str) -> bool:
    """What the clock does when a period is over: BRK.LAPSE, or BRK.OVERDUE. False where nothing is to do."""
    row = await repository.claim_application(s, cert_id=cert_id)
    if row.status.value != state or rfc3339(row.since) != since or row.due_at is None:
        return False
    due_at = due_in(row.status, row.since)  # again: the table of working days may have grown since
    if due_at is None or act.now <= due_at:
        await wind(s, row, due_at=due_at)
        return False
    lapses = row.status is CertificateState.CORRECTING
    event = CertificateEvent.LAPSE if lapses else CertificateEvent.OVERDUE
    await advance(s, act, event, row, Said(public=moments(due_at=due_at)), values={"due_at": None})
    return True


def due_in(state: CertificateState, since: datetime) -> datetime | None:
    """The end of the period that runs in a state of an application, or None."""
    running = {
        CertificateState.APPLIED: "review",
        CertificateState.UNDER_REVIEW: "review",
        CertificateState.CORRECTING: "correction",
        CertificateState.OBJECTED: "objection",
    }
    name = running.get(state)
    return None if name is None else deadline_after(since, in_force(since).whole("BRK-PROC", name)).at


async def wind(s: WriteSession, row: ApplicationRow, *, due_at: datetime | None = None) -> None:
    """Have the clock look at an application when its present period is over."""
    run_at = due_at or row.due_at
    if run_at is None:
        return
    payload = {"cert_id": row.cert_id, "state": row.status.value, "since": rfc3339(row.since)}
    key = f"{row.cert_id} {row.status.value} {rfc3339(run_at)}"
    await enqueue(s, kind=APPLICATION_JOB, key=key, run_at=run_at + LATE, payload=payload)


def check_in_time(row: ApplicationRow, act: Act) -> None:
    """Raises DeadlineOver: when the ledger has it counts, not the date of a document."""
    if row.due_at is not None and act.now > row.due_at:
        raise DeadlineOver("the period is over", cert_id=row.cert_id, due_at=rfc3339(row.due_at))


async def _missing(s: WriteSession, row: ApplicationRow) -> list[str]:
    shown = await repository.kinds_shown(s, cert_id=row.cert_id)
    return missing(wanted_of(row), (EvidenceKind(kind) for kind in shown))


def wanted_of(row: ApplicationRow) -> frozenset[EvidenceKind]:
    """The kinds of evidence an application needs."""
    return required(BrokerType(row.broker_type), row.grade, cross_border=row.cross_border)


def claims_document(claims: Claims) -> dict[str, Any]:
    """Claims as an opening and the register of applications keep them."""
    return {
        "mainland": claims.mainland,
        "paid_in_capital_minor": str(claims.paid_in_capital_minor),
        "dcmm": claims.dcmm,
        "mlps": claims.mlps,
        "practitioners": [{"name": one.name, "number": one.number} for one in claims.practitioners],
        "experience_years": claims.experience_years,
        "clean_years": claims.clean_years,
        "procedures": sorted(one.value for one in claims.procedures),
        "guarantee_minor": str(claims.guarantee_minor),
    }


def claims_of(row: ApplicationRow) -> Claims:
    """The claims of an application as the rules take them."""
    kept = row.claims
    return Claims(
        mainland=kept["mainland"],
        paid_in_capital_minor=int(kept["paid_in_capital_minor"]),
        dcmm=kept["dcmm"],
        mlps=kept["mlps"],
        practitioners=tuple(Practitioner(one["name"], one["number"]) for one in kept["practitioners"]),
        experience_years=kept["experience_years"],
        clean_years=kept["clean_years"],
        procedures=frozenset(Procedure(one) for one in kept["procedures"]),
        guarantee_minor=int(kept["guarantee_minor"]),
    )
