"""Customs decides: one officer takes a declaration up and decides it; halts, resumes and revokes.

No officer of the exporter or of its group decides. Taking up is a conditional UPDATE: of two officers at once
one has it, the other is told so.
"""

from datetime import date, datetime
from typing import Final

from sqlmodel import col, or_, update

from base.calendar import deadline_after, end_of_day_shanghai
from base.clock import rfc3339
from base.db import WriteSession
from identity.service import same_controller
from ledger.recording import Act
from market.customs import repository
from market.customs.assessed import require_assessed
from market.customs.carrying import checked
from market.customs.counting import hold_group
from market.customs.errors import DeclarationTaken, DeclarationWrongRole, EvidenceRefused
from market.customs.known import held_level, zone_list
from market.customs.moving import Said, step
from market.customs.proving import DocumentKind, Shown
from market.customs.reading import declaration_from
from market.customs.routing import Way
from market.customs.standing import due_way, look_at_group
from market.customs.states import DeclarationEvent, DeclarationState, may_move
from market.customs.tables import DeclarationRow
from market.customs.terms import term
from market.customs.transit import tell_egress
from registry.rules import rank

_E = DeclarationEvent
_S = DeclarationState
_NOBODY: Final = {"taken_by": None, "taken_org": None, "taken_at": None}
_STRICTER = {
    Way.EXEMPT_SMALL: 0,
    Way.GBA_STANDARD_CONTRACT: 1,
    Way.CONTRACT_OR_CERTIFICATION: 2,
    Way.ASSESSMENT: 3,
    Way.PROHIBIT: 4,
}


async def take(s: WriteSession, act: Act, *, declaration_id: str) -> DeclarationRow:
    """Take a declaration up (XBD.TAKE): from here on it is this officer's to decide.

    Who is absent loses it: after two working days another officer may take it over. Raises DeclarationTaken,
    DeclarationWrongState, DeclarationWrongRole.
    """
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, _E.TAKE, act.role)
    await _require_stranger(s, act, row)
    over = row.taken_by not in {None, _officer(act)} and may_take_over(row, act.now)
    free = (
        col(DeclarationRow.declaration_id) == declaration_id,
        col(DeclarationRow.taken_by).is_not_distinct_from(row.taken_by)
        if over
        else or_(col(DeclarationRow.taken_by).is_(None), col(DeclarationRow.taken_by) == _officer(act)),
    )
    mine = {"taken_by": _officer(act), "taken_org": act.actor.org_id, "taken_at": act.now}
    taken = await s.exec(update(DeclarationRow).where(*free).values(**mine))
    if taken.rowcount != 1:
        raise DeclarationTaken("another officer has it", declaration_id=declaration_id)
    await s.refresh(row)
    await step(s, act, _E.TAKE, row, Said(public={"taken_over": over}))
    return row


def may_take_over(row: DeclarationRow, now: datetime) -> bool:
    """Whether an officer has had a declaration for so long that another may take it over."""
    if row.taken_by is None:
        return False
    if row.taken_at is None:  # taken up before it was kept when
        return True
    return now > deadline_after(row.taken_at, term("XBD-TERM", "take_over", now).whole).at


async def give_back(s: WriteSession, act: Act, *, declaration_id: str) -> DeclarationRow:
    """Give a declaration back that one has taken up (XBD.UNTAKE): another officer may take it."""
    row = await _decided(s, act, declaration_id, _E.UNTAKE)
    await step(s, act, _E.UNTAKE, row, values=_NOBODY)
    return row


async def clear(s: WriteSession, act: Act, *, declaration_id: str, reason: str) -> DeclarationRow:
    """Clear what was checked or reviewed (XBD.CLEAR). Its document is held against the register again.

    Raises EvidenceRefused, also where the registry holds a higher level by now: that is rerouted.
    """
    await _hold_group_of(s, declaration_id)
    row = await _decided(s, act, declaration_id, _E.CLEAR)
    await _require_level(s, row)
    await _require_assessed(s, act, row)
    await _require_way(s, act, row)
    values = {}
    if row.status is _S.UNDER_REVIEW:
        last = await checked(s, act, row, _shown(row))
        values = {} if last is None else {"valid_to": min(row.valid_to, end_of_day_shanghai(last))}
    _require_time(row, act.now)
    said = Said(
        public={"valid_to": rfc3339(values.get("valid_to", row.valid_to))}, opening={"reason": reason}
    )
    await step(s, act, _E.CLEAR, row, said, values=values | {"due_at": None, "reason_code": None})
    await look_at_group(s, act, org_id=row.exporter_id)
    return row


async def send_back(s: WriteSession, act: Act, *, declaration_id: str, reason: str) -> DeclarationRow:
    """Return a declaration to its exporter, to be declared again (XBD.RETURN)."""
    row = await _decided(s, act, declaration_id, _E.RETURN)
    values = {
        "note": reason,
        **_NOBODY,
        "due_at": None,
        "reason_code": repository.RETURNED,
    }
    await step(s, act, _E.RETURN, row, Said(opening={"reason": reason}), values=values)
    return row


async def reject(
    s: WriteSession, act: Act, *, declaration_id: str, reason_code: str, reason: str
) -> DeclarationRow:
    """Reject a declaration (XBD.REJECT)."""
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, _E.REJECT, act.role)
    await _require_stranger(s, act, row)
    if row.status is not _S.ROUTED:
        _require_taken(row, act)
    said = Said(public={"reason_code": reason_code}, opening={"reason": reason})
    values = {"reason_code": reason_code, "note": reason, "due_at": None}
    await step(s, act, _E.REJECT, row, said, values=values)
    return row


async def reroute(s: WriteSession, act: Act, *, declaration_id: str, way: Way, reason: str) -> DeclarationRow:
    """Put a declaration on a stricter route (XBD.REROUTE): the level was found higher, persons more."""
    row = await _decided(s, act, declaration_id, _E.REROUTE)
    if row.way is Way.MANUAL and way is not Way.PROHIBIT:  # an approval is wanted, or it is refused
        raise EvidenceRefused("a foreign request has no other route", why="not-stricter")
    if way.exempt or way is Way.MANUAL or _STRICTER[way] <= _STRICTER.get(row.way or Way.EXEMPT_SMALL, 0):
        raise EvidenceRefused("a reroute is to a stricter route", why="not-stricter")
    said = Said(
        public={"route": way.value, "from_route": row.way and row.way.value}, opening={"reason": reason}
    )
    values = {
        "way": way,
        "rule_id": repository.BY_OFFICER,
        "note": reason,
        **_NOBODY,
    }
    await step(s, act, _E.REROUTE, row, said, values=values | {"due_at": None, "evidence": {}})
    if way is Way.PROHIBIT:
        await step(s, act.as_exchange(), _E.REJECT, row, values={"reason_code": "PROHIBITED"})
    return row


async def pass_assessment(s: WriteSession, act: Act, *, declaration_id: str, number: str) -> DeclarationRow:
    """State that the security assessment was passed (XBD.PASS): its result is on the register."""
    await _hold_group_of(s, declaration_id)
    row = await _decided(s, act, declaration_id, _E.PASS)
    found = await repository.document_numbered(s, number=number)
    shown = Shown(
        kind=DocumentKind.ASSESSMENT, number=number, sha256="" if found is None else found.sha256, attached={}
    )
    last = await checked(s, act, row, shown)
    valid_to = row.valid_to if last is None else min(row.valid_to, end_of_day_shanghai(last))
    said = Said(public={"number": number, "valid_to": rfc3339(valid_to)}, subjects={"document": shown.sha256})
    evidence = row.evidence | shown.document() | {"attached": row.evidence.get("attached", {})}
    values = {"valid_to": valid_to, "due_at": None, "evidence": evidence}
    await step(s, act, _E.PASS, row, said, values=values)
    await look_at_group(s, act, org_id=row.exporter_id)
    return row


async def fail_assessment(s: WriteSession, act: Act, *, declaration_id: str, reason: str) -> DeclarationRow:
    """State that the security assessment was not passed (XBD.FAIL)."""
    row = await _decided(s, act, declaration_id, _E.FAIL)
    values = {"reason_code": "ASSESSMENT_FAILED", "note": reason, "due_at": None}
    await step(s, act, _E.FAIL, row, Said(opening={"reason": reason}), values=values)
    return row


async def halt(
    s: WriteSession, act: Act, *, declaration_id: str, reason_code: str, reason: str
) -> DeclarationRow:
    """Stop what leaves under a declaration at once (XBD.HALT): every access asks whether it lives."""
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, _E.HALT, act.role)
    await _require_stranger(s, act, row)
    await tell_egress(s, act, row, ends=True)
    said = Said(
        public={"reason_code": reason_code, "bytes": str(row.sent_bytes), "uses": row.sent_uses},
        opening={"reason": reason},
    )
    await step(s, act, _E.HALT, row, said, values={"reason_code": reason_code, "note": reason})
    return row


async def resume(s: WriteSession, act: Act, *, declaration_id: str, reason: str) -> DeclarationRow:
    """Let what was halted go on (XBD.RESUME), while its end has not come and its document stands."""
    await _hold_group_of(s, declaration_id)
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, _E.RESUME, act.role)
    await _require_stranger(s, act, row)
    await _require_level(s, row)
    await _require_assessed(s, act, row)
    await _require_way(s, act, row)
    if row.evidence.get("number"):
        await checked(s, act, row, _shown(row))
    if row.way is Way.EXEMPT_ZONE and await zone_list(s, act, row, declaration_from(row.said)) is None:
        raise EvidenceRefused("its seat in the zone has ended", why="ended")
    _require_time(row, act.now)
    values = {"reason_code": None, "note": ""}
    await step(s, act, _E.RESUME, row, Said(opening={"reason": reason}), values=values)
    return row


async def revoke(
    s: WriteSession, act: Act, *, declaration_id: str, reason_code: str, reason: str
) -> DeclarationRow:
    """End for good what was halted (XBD.REVOKE)."""
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, _E.REVOKE, act.role)
    await _require_stranger(s, act, row)
    said = Said(public={"reason_code": reason_code}, opening={"reason": reason})
    await step(s, act, _E.REVOKE, row, said, values={"reason_code": reason_code, "note": reason})
    return row


async def _decided(s: WriteSession, act: Act, declaration_id: str, event: DeclarationEvent) -> DeclarationRow:
    """A declaration, locked, whose decision is this officer's."""
    row = await repository.claim_declaration(s, declaration_id=declaration_id)
    may_move(row.status, event, act.role)
    await _require_stranger(s, act, row)
    _require_taken(row, act)
    return row


def _require_taken(row: DeclarationRow, act: Act) -> None:
    if row.taken_by is None:
        raise DeclarationTaken("take it up first", declaration_id=row.declaration_id)
    if row.taken_by != _officer(act):
        raise DeclarationTaken("another officer has it", declaration_id=row.declaration_id)


def _officer(act: Act) -> str:
    """Who decides: the person; of an organisation that acts by its key alone, the organisation."""
    return act.actor.user_id or act.actor.org_id


async def _require_stranger(s: WriteSession, act: Act, row: DeclarationRow) -> None:
    """Who reviews is not who submitted, nor of its group."""
    org_id = act.actor.org_id
    if _officer(act) == row.declared_by or await same_controller(s, org_id, row.exporter_id):
        raise DeclarationWrongRole("nobody clears its own declaration", declaration_id=row.declaration_id)


async def _require_level(s: WriteSession, row: DeclarationRow) -> None:
    said = declaration_from(row.said)
    held = await held_level(s, said, row.product_id)
    if rank(held) > rank(said.level):
        raise EvidenceRefused("the registry holds a higher level: reroute it", why="level", level=held.value)


async def _require_assessed(s: WriteSession, act: Act, row: DeclarationRow) -> None:
    said, exporter_id = declaration_from(row.said), row.exporter_id
    await require_assessed(s, said, exporter_id=exporter_id, product_id=row.product_id, now=act.now)


async def _hold_group_of(s: WriteSession, declaration_id: str) -> None:
    """Of two officers who clear for one group at once the second sees what the first has cleared."""
    found = await repository.get_declaration(s, declaration_id=declaration_id)
    await hold_group(s, org_id=found.exporter_id)


async def _require_way(s: WriteSession, act: Act, row: DeclarationRow) -> None:
    """The route is still the one: the group may have grown since, by an affiliate that declared alone."""
    due = await due_way(s, act, row)
    if due is not None:
        raise EvidenceRefused(
            "the group counts more persons by now: reroute it, or return it", why="group", route=due.value
        )


def _require_time(row: DeclarationRow, now: datetime) -> None:
    if now > row.valid_to:
        raise EvidenceRefused("its period is over", why="expired", valid_to=rfc3339(row.valid_to))


def _shown(row: DeclarationRow) -> Shown:
    kept = row.evidence
    return Shown(
        kind=DocumentKind(kept["kind"]),
        number=kept["number"],
        sha256=kept["sha256"],
        attached=kept["attached"],
        pipia_on=None if kept["pipia_on"] is None else date.fromisoformat(kept["pipia_on"]),
    )
