"""The door of a certificate's state, and of the application it begins as: one table, one conditional UPDATE.

A step is claimed in the UPDATE that finds the state it was decided on, and stated as `BRK.<event>`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import col, update

from base.calendar import shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from brokers import repository
from brokers.credential.issuing import follow_step
from brokers.errors import CertificateWrongState, NotYourCertificate
from brokers.mandates.following import follow_certificate
from brokers.qualifying import Evidence, check_evidence, looks_back_dated
from brokers.rule_table import in_force
from brokers.states import CertificateEvent, CertificateState, certificate_may_move
from brokers.tables import ApplicationRow, CertificateEventRow, CertificateRow, EvidenceRow
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft

LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it: the clock looks when it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says beside whose certificate it is: in public, in the opening, of which documents."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    evidence: Sequence[Evidence] = ()
    asked_at: datetime | None = None
    """When documents were asked for: one that is dated before is looked at twice."""


def check_own(act: Act, org_id: str) -> None:
    """A broker acts on its own certificate. Raises NotYourCertificate."""
    if act.actor.org_id != org_id:
        raise NotYourCertificate("this is another organisation's", org_id=org_id)


async def begin(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    row: ApplicationRow | CertificateRow,
    said: Said,
    *,
    before: CertificateState | None,
) -> Recorded:
    """State an application or a certificate that has just been stored (BRK.APPLY, BRK.CERTIFY)."""
    recorded = await _state(s, act, event, row, said, before=before)
    if isinstance(row, CertificateRow):
        _remember(s, act, event, row, recorded)
    return recorded


async def advance(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    row: ApplicationRow,
    said: Said,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move an application. Raises CertificateWrongState, CertificateWrongRole, and what evidence raises."""
    before = row.status
    after = certificate_may_move(before, event, act.role)
    await _move(s, event, row, {"status": after, **(values or {})})
    return await _state(s, act, event, row, said, before=before)


async def step(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    row: CertificateRow,
    said: Said | None = None,
    *,
    reason_code: str | None = None,
    case_id: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a certificate, and enter the step into its history."""
    said = said or Said()
    before = row.status
    back_to = None if row.suspended_from is None else CertificateState(row.suspended_from)
    after = certificate_may_move(before, event, act.role, back_to=back_to)
    suspended_from = _suspended_from(before, event, after, back_to)
    await _move(s, event, row, {"status": after, "suspended_from": suspended_from, **(values or {})})
    public = dict(said.public)
    public |= {"reason_code": reason_code} if reason_code else {}
    public |= {"case_id": case_id} if case_id else {}
    recorded = await _state(s, act, event, row, replace(said, public=public), before=before)
    _remember(s, act, event, row, recorded, reason_code=reason_code)
    await follow_step(s, act, cert_id=row.cert_id, event=event, because=recorded.statement_id)
    await follow_certificate(s, act.as_exchange(), org_id=row.org_id, before=before, after=row.status)
    return recorded


def _suspended_from(
    before: CertificateState,
    event: CertificateEvent,
    after: CertificateState,
    so_far: CertificateState | None,
) -> CertificateState | None:
    """What a suspended certificate goes back to: what it was, but not into a review that has ended."""
    if after is not CertificateState.SUSPENDED:
        return None
    if event in {CertificateEvent.RECTIFY_MISS, CertificateEvent.ANNUAL_FAIL}:
        return CertificateState.ACTIVE
    return so_far if before is after else before


async def _move(
    s: WriteSession, event: CertificateEvent, row: ApplicationRow | CertificateRow, values: Mapping[str, Any]
) -> None:
    table = type(row)
    found = col(table.cert_id) == row.cert_id, col(table.status) == row.status
    changed = await s.exec(update(table).where(*found).values(**values))
    if changed.rowcount != 1:
        raise CertificateWrongState("the certificate has moved on", cert_id=row.cert_id, event=event.value)
    await s.refresh(row)


def _remember(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    row: CertificateRow,
    recorded: Recorded,
    *,
    reason_code: str | None = None,
) -> None:
    """Enter a step into the certificate's history."""
    s.add(
        CertificateEventRow(
            statement_id=recorded.statement_id,
            cert_id=row.cert_id,
            event=event.value,
            reason_code=reason_code,
            at=act.occurred_at,
        )
    )


async def _state(
    s: WriteSession,
    act: Act,
    event: CertificateEvent,
    row: ApplicationRow | CertificateRow,
    said: Said,
    *,
    before: CertificateState | None,
) -> Recorded:
    public = {"cert_id": row.cert_id, "org_id": row.org_id, **said.public}
    opening, subjects = said.opening, {}
    if said.evidence:
        await _check(s, act, row.org_id, said.evidence)
        shown = [_shown(piece) for piece in said.evidence]
        public |= {"evidence": sorted({piece.kind.value for piece in said.evidence})}
        opening = {**(opening or {}), "evidence": shown}
        subjects = {f"evidence_{number}": piece.sha256 for number, piece in enumerate(said.evidence, 1)}
    draft = Draft(
        f"BRK.{event.value}",
        row.cert_id,
        public=public,
        opening=opening,
        subjects=subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    recorded = await record(s, act, draft)
    asked_on = None if said.asked_at is None else shanghai_day(said.asked_at)
    s.add_all(
        EvidenceRow(
            statement_id=recorded.statement_id,
            number=number,
            cert_id=row.cert_id,
            org_id=row.org_id,
            event=event.value,
            kind=piece.kind.value,
            name=piece.name,
            sha256=piece.sha256,
            dated_on=piece.dated_on.isoformat(),
            back_dated=looks_back_dated(piece, asked_on=asked_on),
            filed_at=act.now,
        )
        for number, piece in enumerate(said.evidence, 1)
    )
    await s.flush()
    return recorded


async def _check(s: WriteSession, act: Act, org_id: str, evidence: Sequence[Evidence]) -> None:
    """The day that counts is that of the ledger, never the one a document bears."""
    known = await repository.evidence_dates(s, org_id=org_id)
    check_evidence(evidence, filed_on=shanghai_day(act.now), rules=in_force(act.now), known=known)


def _shown(piece: Evidence) -> dict[str, str]:
    return {
        "kind": piece.kind.value,
        "name": piece.name,
        "sha256": piece.sha256,
        "dated_on": piece.dated_on.isoformat(),
    }


def moments(**named: datetime | None) -> dict[str, Any]:
    """Moments as a statement has them; those that are not there are left out."""
    return {name: rfc3339(at) for name, at in named.items() if at is not None}
