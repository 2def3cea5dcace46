"""The operator: selected in competition, bound by an agreement, evaluated, renewed; resources registered."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from base.calendar import end_of_day_shanghai, months_after, shanghai_day
from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from identity.service import require_member, same_controller
from ledger.recording import Act
from registry.doors import Said
from registry.operation import repository
from registry.operation.documents import (
    agreement_digest,
    agreement_document,
    agreement_of,
    scheme_of,
    selection_document,
    traces_document,
)
from registry.operation.errors import (
    AgreementUnfit,
    GrantMalformed,
    GrantTooEarly,
    GrantWrongState,
    OperatorUnfit,
    ResourceUnregistered,
)
from registry.operation.moving import claim_for, step, wind
from registry.operation.rules import (
    MAX_SCORE,
    Agreement,
    Selection,
    check_agreement,
    check_renewal,
    check_selection,
    disclosed_until,
)
from registry.operation.scheming import require_province
from registry.operation.states import GrantEvent
from registry.operation.tables import GrantRow
from registry.operation.terms import term
from registry.registration.applying import stands
from registry.registration.repository import resting_on as resting_on_registration
from registry.registration.rules import Kind

_E = GrantEvent
TERM: str = "TERM"
YEAR: str = "YEAR"


async def select_operator(s: WriteSession, act: Act, *, grant_id: str, selection: Selection) -> GrantRow:
    """Record who was selected, and how (AOG.SELECT). Supervision reads method, bids and conditions (AM1–AM3).

    Raises SelectionUnfit, OperatorUnfit, GrantMalformed, `member-not-active`.
    """
    row = await claim_for(s, act, grant_id, _E.SELECT)
    check_selection(selection, authority_id=row.authority_id, at=act.now)
    for bidder in selection.bidders:
        await require_member(s, org_id=bidder.org_id)
    winner = await require_member(s, org_id=selection.winner_id)
    if "OPERATING_INSTITUTION" not in {role.value for role in winner.roles}:
        raise OperatorUnfit("this member is no operating institution", org_id=selection.winner_id)
    for other in (row.authority_id, act.exchange.actor.org_id):
        if await same_controller(s, selection.winner_id, other):
            raise OperatorUnfit("an operator is neither its grantor's nor the exchange's", org_id=other)
    document = selection_document(selection)
    public = {
        "selection_method": document["method"],
        "winner_id": selection.winner_id,
        "bidders": document["bidders"],
        "notice_from": document["notice_from"],
        "notice_to": document["notice_to"],
    }
    opening: dict[str, Any] = {
        "conditions": list(scheme_of(row.scheme).conditions),
        "exception": selection.exception,
        "traces": traces_document(selection),
    }
    digests = {"record": selection.record_sha256, "notice": selection.notice_sha256}
    values = {"selection": document, "operator_id": selection.winner_id, "agreement": None}
    said = Said(public=public, opening=opening, subjects=digests)
    await step(s, act, _E.SELECT, row, said, values=values)
    return row


async def sign(s: WriteSession, act: Act, *, grant_id: str, agreement: Agreement) -> GrantRow:
    """Sign the agreement as the implementing body (AOG.SIGN); the operator signs the same one.

    Raises AgreementUnfit, GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.SIGN)
    check_agreement(agreement, scheme_of(row.scheme).term_months, act.now)
    document = agreement_document(agreement)
    said = _of_agreement(document)
    await step(s, act, _E.SIGN, row, said, values={"agreement": document})
    return row


async def countersign(
    s: WriteSession, act: Act, *, grant_id: str, agreement_sha256: str, filed_with: str
) -> GrantRow:
    """Sign, as the operator, the very agreement that the agency signed (AOG.COUNTERSIGN): it is granted.

    `agreement_sha256` is that of all that was signed (`agreement_digest`): clauses, term and the document's
    digest. Raises GrantWrongState where nothing is signed yet, AgreementUnfit for another agreement,
    ProvinceUnknown.
    """
    row = await claim_for(s, act, grant_id, _E.COUNTERSIGN)
    if row.agreement is None:
        raise GrantWrongState("the agency has not signed", grant_id=grant_id)
    agreement = agreement_of(row.agreement)
    if agreement_digest(row.agreement) != agreement_sha256:
        raise AgreementUnfit("the agency signed another agreement", short=["agreement"])
    check_agreement(agreement, scheme_of(row.scheme).term_months, act.now)
    await require_member(s, org_id=act.actor.org_id)
    await require_province(s, org_id=filed_with)
    ends_at = end_of_day_shanghai(agreement.term_to)
    said = _of_agreement(row.agreement, filed_with=filed_with, ends_at=rfc3339(ends_at))
    values = {
        "granted_at": act.occurred_at,
        "starts_at": datetime.fromisoformat(f"{agreement.term_from}T00:00:00+08:00"),
        "ends_at": ends_at,
    }
    await step(s, act, _E.COUNTERSIGN, row, said, values=values)
    await wind(s, row, TERM, ends_at)
    return row


async def register_resources(
    s: WriteSession, act: Act, *, grant_id: str, registrations: Mapping[str, str]
) -> GrantRow:
    """Name the public registration of each resource (AOG.REGISTER_RESOURCES): the grant is active.

    `registrations` gives the registration of each entry of data; all of the grant's must have one.
    Raises ResourceUnregistered, GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.REGISTER_RESOURCES)
    resources = await repository.resources_of(s, grant_id=grant_id)
    unknown = sorted(set(registrations) - {one.data_id for one in resources})
    if unknown or len(set(registrations.values())) < len(registrations):
        raise GrantMalformed("a registration of its own for data of this grant", fields=["registrations"])
    for one in resources:
        one.registration_id = registrations.get(one.data_id, one.registration_id)
        await _require_registered(s, act, one.registration_id, agency_id=one.agency_id, data_id=one.data_id)
        s.add(one)
    await s.flush()
    first = row.active_at is None
    values = {"active_at": act.occurred_at} if first else {}
    public = {"registrations": {one.data_id: one.registration_id for one in resources}}
    await step(s, act, _E.REGISTER_RESOURCES, row, Said(public=public), values=values)
    if first:
        await wind_year(s, act, row, shanghai_day(act.now).year)
    return row


async def evaluate(s: WriteSession, act: Act, *, grant_id: str, score: int, report_sha256: str) -> GrantRow:
    """Evaluate an operator's performance (AOG.EVALUATE); `score` in tenths of a point of a hundred."""
    row = await claim_for(s, act, grant_id, _E.EVALUATE)
    if not 0 <= score <= MAX_SCORE:
        raise GrantMalformed("a score of nought to a thousand tenths", fields=["score"])
    passed = score >= term("pass_score", act.now).whole
    evaluation = {"score": score, "passed": passed, "report_sha256": report_sha256}
    said = Said(public={"score": score, "passed": passed}, subjects={"report": report_sha256})
    values = {"evaluation": evaluation, "evaluated_at": act.occurred_at}
    await step(s, act, _E.EVALUATE, row, said, values=values)
    return row


async def renew(s: WriteSession, act: Act, *, grant_id: str, until: date, supplement_sha256: str) -> GrantRow:
    """Renew a grant by a supplement that both signed (AOG.RENEW), after an evaluation that passed.

    Raises GrantTooEarly where it was not evaluated as passing within a year, AgreementUnfit.
    """
    row = await claim_for(s, act, grant_id, _E.RENEW)
    assert row.ends_at is not None
    valid = term("evaluation_valid", act.now).whole
    fresh = row.evaluated_at is not None and months_after(row.evaluated_at, valid) >= act.now
    if not fresh or not (row.evaluation or {}).get("passed"):
        raise GrantTooEarly("renewed after an evaluation that passed, within a year of it")
    check_renewal(shanghai_day(row.ends_at), until, act.now)
    ends_at = end_of_day_shanghai(until)
    said = Said(public={"ends_at": rfc3339(ends_at)}, subjects={"supplement": supplement_sha256})
    await step(s, act, _E.RENEW, row, said, values={"ends_at": ends_at})
    await wind(s, row, TERM, ends_at)
    return row


async def wind_year(s: WriteSession, act: Act, row: GrantRow, year: int) -> None:
    """Have the clock look at whether a year was disclosed and reported."""
    await wind(s, row, f"{YEAR}:{year}", disclosed_until(year, act.now))


async def _require_registered(
    s: WriteSession, act: Act, registration_id: str | None, *, agency_id: str, data_id: str
) -> None:
    """A public registration of the agency whose data it is, which stands. Raises ResourceUnregistered."""
    found = None
    if registration_id is not None:
        found = await resting_on_registration(s, registration_id=registration_id)
    if found is None or found.kind is not Kind.PUBLIC_RESOURCE or not stands(found, act):
        raise ResourceUnregistered("no registration of this resource stands", data_id=data_id)
    if found.applicant_id != agency_id:
        raise ResourceUnregistered("registered by another agency", data_id=data_id)


def _of_agreement(document: Mapping[str, Any], **more: str) -> Said:
    public: dict[str, Any] = {
        "term_from": document["term_from"],
        "term_to": document["term_to"],
        "redevelopment_barred": document["redevelopment_barred"],
        **more,
    }
    digests = {
        "agreement": agreement_digest(document),
        "document": document["document_sha256"],
        "clauses": sha256_hex(canonical(document["clauses"])),
    }
    return Said(public=public, opening={"clauses": document["clauses"]}, subjects=digests)
