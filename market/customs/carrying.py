"""What follows the route: evidence that carries it, its renewal, and its end.

A document is checked against the authority's register when it is shown, and again when an officer clears.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from base.calendar import end_of_day_shanghai, months_after, shanghai_day, working_days_between
from base.clock import rfc3339
from base.db import WriteSession
from ledger.recording import Act
from market.customs import repository
from market.customs.errors import (
    DeclarationMalformed,
    DeclarationWrongRole,
    EvidenceRefused,
    RenewalTooLate,
)
from market.customs.moving import Said, step
from market.customs.proving import Shown, check_shown, check_submission
from market.customs.reading import declaration_from, on_register
from market.customs.releasing import due_in
from market.customs.routing import Way
from market.customs.states import LOOKED_AT, PENDING, DeclarationEvent, DeclarationState, may_move
from market.customs.tables import DeclarationRow
from market.customs.terms import term
from market.customs.transit import tell_egress

_E = DeclarationEvent
_S = DeclarationState


async def attach_evidence(s: WriteSession, act: Act, *, declaration_id: str, shown: Shown) -> DeclarationRow:
    """Show the filing or certificate that carries the route, with contract, PIPIA and consent.

    XBD.ATTACH_EVIDENCE; checked against the authority's register before an officer sees it. Raises
    EvidenceRefused.
    """
    row = await own_declaration(s, act, declaration_id, _E.ATTACH_EVIDENCE)
    if row.way is None or row.way not in {
        Way.GBA_STANDARD_CONTRACT,
        Way.CONTRACT_OR_CERTIFICATION,
        Way.MANUAL,
    }:
        raise EvidenceRefused("this route takes no filing or certificate", why="other-route")
    last = await checked(s, act, row, shown)
    subjects = dict(sorted(shown.attached.items())) | {"document": shown.sha256}
    values: dict[str, Any] = {"evidence": shown.document(), "due_at": due_in(act, "review")}
    if last is not None:
        values["valid_to"] = min(row.valid_to, end_of_day_shanghai(last))
    public = {"kind": shown.kind.value, "number": shown.number}
    await step(s, act, _E.ATTACH_EVIDENCE, row, Said(public=public, subjects=subjects), values=values)
    return row


async def submit_assessment(
    s: WriteSession, act: Act, *, declaration_id: str, attached: Mapping[str, str]
) -> DeclarationRow:
    """Hand in what a security assessment needs, by the provincial CAC (XBD.SUBMIT_ASSESSMENT)."""
    row = await own_declaration(s, act, declaration_id, _E.SUBMIT_ASSESSMENT)
    if row.way is not Way.ASSESSMENT:
        raise EvidenceRefused("this route takes no assessment", why="other-route")
    check_submission(attached, declaration_from(row.said))
    values = {"evidence": {"attached": dict(attached)}, "due_at": due_in(act, "assessment")}
    await step(
        s, act, _E.SUBMIT_ASSESSMENT, row, Said(subjects=dict(sorted(attached.items()))), values=values
    )
    return row


async def renew(s: WriteSession, act: Act, *, declaration_id: str, shown: Shown, to: date) -> DeclarationRow:
    """Go on under an extended document (XBD.RENEW), asked for 60 working days before the end.

    Raises RenewalTooLate, EvidenceRefused, DeclarationMalformed.
    """
    row = await own_declaration(s, act, declaration_id, _E.RENEW)
    if row.way is None or row.way.exempt:
        raise EvidenceRefused("what is exempt is declared anew", why="other-route")
    today, ends = shanghai_day(act.now), shanghai_day(row.valid_to)
    if working_days_between(today, ends) < term("XBD-TERM", "renewal", act.now).whole:
        raise RenewalTooLate("sixty working days before the end at the latest", ends=ends.isoformat())
    if not ends < to <= months_after(ends, term("XBD-TERM", "assessment_validity", act.now).whole):
        raise DeclarationMalformed("a renewal is longer, by three years at most", fields=["to"])
    last = await checked(s, act, row, shown)
    if last is not None and last < to:
        raise EvidenceRefused("the document ends before", why="expired", last=last.isoformat())
    valid_to = end_of_day_shanghai(to)
    said = Said(
        public={"kind": shown.kind.value, "number": shown.number, "valid_to": rfc3339(valid_to)},
        subjects={"document": shown.sha256},
    )
    attached = row.evidence.get("attached", {}) | dict(shown.attached)
    evidence = row.evidence | shown.document() | {"attached": attached}
    await step(s, act, _E.RENEW, row, said, values={"valid_to": valid_to, "evidence": evidence})
    return row


async def complete(s: WriteSession, act: Act, *, declaration_id: str) -> DeclarationRow:
    """All that was to go has gone and was received (XBD.COMPLETE), as its exporter."""
    row = await own_declaration(s, act, declaration_id, _E.COMPLETE)
    await tell_egress(s, act, row, ends=True)
    await step(s, act, _E.COMPLETE, row, Said(public={"bytes": str(row.sent_bytes), "uses": row.sent_uses}))
    return row


async def withdraw(s: WriteSession, act: Act, *, declaration_id: str, reason: str) -> DeclarationRow:
    """Take back a declaration that is not cleared yet (XBD.WITHDRAW), as its exporter.

    Its lists of persons are destroyed. What an officer was looking at is looked at again when the same flow
    is declared again.
    """
    row = await own_declaration(s, act, declaration_id, _E.WITHDRAW)
    code = repository.WITHDRAWN_FROM_OFFICER if row.status in LOOKED_AT else repository.WITHDRAWN
    said = Said(public={"reason_code": code}, opening={"reason": reason})
    await step(s, act, _E.WITHDRAW, row, said, values=_given_up(code) | {"note": reason})
    return row


def _given_up(code: str) -> dict[str, Any]:
    return {"reason_code": code, "due_at": None, "taken_by": None, "taken_org": None, "taken_at": None}


async def fall_due(s: WriteSession, act: Act, *, declaration_id: str, at: str) -> bool:
    """The clock's end of a period: expired, completed where something left, lapsed where nobody cleared it.

    False where it moved on.
    """
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    if rfc3339(row.valid_to) != at or act.now <= row.valid_to:
        return False
    if row.status in {_S.CLEARED, _S.IN_TRANSIT}:
        await tell_egress(s, act, row, ends=True)
    if row.status is _S.CLEARED:
        await step(s, act, _E.EXPIRE, row)
    elif row.status is _S.IN_TRANSIT:
        await step(
            s, act, _E.COMPLETE, row, Said(public={"bytes": str(row.sent_bytes), "uses": row.sent_uses})
        )
    elif row.status in PENDING:
        code = repository.LAPSED_AT_OFFICER if row.status in LOOKED_AT else repository.LAPSED
        await step(s, act, _E.LAPSE, row, Said(public={"reason_code": code}), values=_given_up(code))
    else:
        return False
    return True


async def checked(s: WriteSession, act: Act, row: DeclarationRow, shown: Shown) -> date | None:
    """Whether a document carries a declaration now, by the register; the last day it does."""
    found = await repository.claim_document(s, number=shown.number)
    carried = await repository.carried_by(s, number=shown.number)
    assert row.way is not None
    return check_shown(
        row.way,
        declaration_from(row.said),
        shown,
        None if found is None else on_register(found),
        exporter_id=row.exporter_id,
        at=act.now,
        carried=sum(
            one.persons + one.sensitive_persons for one in carried if one.declaration_id != row.declaration_id
        ),
    )


async def own_declaration(
    s: WriteSession, act: Act, declaration_id: str, event: DeclarationEvent
) -> DeclarationRow:
    """A declaration, locked, in which this step is its exporter's. Raises DeclarationWrongRole."""
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    if act.actor.org_id != row.exporter_id:
        raise DeclarationWrongRole("this is another's declaration", declaration_id=declaration_id)
    may_move(row.status, event, act.role)
    return row
