"""Breaches, their rectification, suspension, the end of a grant; and the clock.

What the data authority finds or suspends, it clears and resumes itself. An operator that tells nothing by the
set date is suspended by the clock. A grant ends with its products delisted, proof of the destruction of data,
and a hand-over.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from base.calendar import shanghai_day
from base.clock import parse_rfc3339, rfc3339
from base.db import WriteSession
from ledger.recording import Act
from registry.doors import Said
from registry.operation import repository
from registry.operation.charging import PRODUCT, REVIEW
from registry.operation.errors import (
    BreachOpen,
    GrantMalformed,
    GrantPartUnknown,
    GrantWrongRole,
    GrantWrongState,
    NotRectified,
)
from registry.operation.granting import TERM, YEAR, wind_year
from registry.operation.moving import LATE, claim_for, step, wind
from registry.operation.rules import BreachKind
from registry.operation.states import HELD, LIVE, GrantEvent, GrantState
from registry.operation.tables import GrantBreachRow, GrantRow
from registry.operation.terms import term

_E = GrantEvent
_S = GrantState
RECTIFY = "RECTIFY"


async def find_breach(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    kind: BreachKind,
    text: str,
    evidence: Sequence[str],
    rectify_by: datetime,
) -> GrantBreachRow:
    """State a breach with its evidence and until when it is to be rectified (AOG.BREACH_FOUND).

    `evidence` are digests of documents, findings or statements. Raises GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.BREACH_FOUND)
    latest = act.now + timedelta(days=term("rectify", act.now).whole)
    if not act.now < rectify_by <= latest:
        raise GrantMalformed("a date ahead, within the limit", fields=["rectify_by"], latest=rfc3339(latest))
    breach = GrantBreachRow(
        breach_id=act.new_id("brc"),
        grant_id=grant_id,
        kind=kind,
        text=text,
        evidence=list(evidence),
        found_by=act.actor.org_id,
        found_role=act.role,
        found_at=act.occurred_at,
        rectify_by=rectify_by,
    )
    s.add(breach)
    await s.flush()
    until = _due(await repository.breaches_of(s, grant_id=grant_id, open_only=True))
    public = {
        "breach_id": breach.breach_id,
        "kind": kind.value,
        "rectify_by": rfc3339(rectify_by),
        "evidence": len(evidence),
    }
    digests = {f"evidence-{n}": digest for n, digest in enumerate(evidence, 1)}
    said = Said(public=public, opening={"text": text}, subjects=digests)
    await step(s, act, _E.BREACH_FOUND, row, said, values={"rectify_by": until})
    await wind(s, row, RECTIFY, rectify_by)
    return breach


async def rectified(
    s: WriteSession, act: Act, *, grant_id: str, breach_id: str, text: str, evidence: Sequence[str]
) -> GrantBreachRow:
    """Tell what was rectified, with evidence (AOG.RECTIFIED), as the operator."""
    row = await claim_for(s, act, grant_id, _E.RECTIFIED)
    found = [
        one
        for one in await repository.breaches_of(s, grant_id=grant_id, open_only=True)
        if one.breach_id == breach_id
    ]
    if not found:
        raise GrantPartUnknown("no such breach is open", breach_id=breach_id)
    (breach,) = found
    breach.rectified, breach.rectified_evidence = text, list(evidence)
    breach.rectified_at = act.occurred_at
    s.add(breach)
    await s.flush()
    said = Said(
        public={"breach_id": breach_id, "in_time": act.now <= breach.rectify_by},
        opening={"text": text},
        subjects={f"evidence-{n}": digest for n, digest in enumerate(evidence, 1)},
    )
    values = {"rectify_by": _due(await repository.breaches_of(s, grant_id=grant_id, open_only=True))}
    await step(s, act, _E.RECTIFIED, row, said, values=values if row.status is _S.RECTIFYING else None)
    return breach


async def clear(s: WriteSession, act: Act, *, grant_id: str, reason: str) -> GrantRow:
    """Find that what was wrong is rectified (AOG.CLEAR): the grant is active again.

    What the data authority found it clears itself. Raises NotRectified, GrantWrongRole.
    """
    row = await claim_for(s, act, grant_id, _E.CLEAR)
    breaches = await repository.breaches_of(s, grant_id=grant_id, open_only=True)
    if any(one.rectified_at is None for one in breaches):
        waiting = [one.breach_id for one in breaches if one.rectified_at is None]
        raise NotRectified("nothing was said of some breaches", breaches=waiting)
    _check_finder(act, row, breaches)
    await _cleared(s, act, breaches)
    public = {"breaches": [one.breach_id for one in breaches]}
    said = Said(public=public, opening={"reason": reason})
    await step(s, act, _E.CLEAR, row, said, values={"rectify_by": None})
    return row


async def suspend(s: WriteSession, act: Act, *, grant_id: str, reason: str) -> GrantRow:
    """Suspend a grant in which breaches are open (AOG.SUSPEND): nothing is used or offered under it."""
    row = await claim_for(s, act, grant_id, _E.SUSPEND)
    breaches = await repository.breaches_of(s, grant_id=grant_id, open_only=True)
    public = {"breaches": [one.breach_id for one in breaches]}
    values = {"rectify_by": None, "suspended_role": act.role}
    await step(s, act, _E.SUSPEND, row, Said(public=public, opening={"reason": reason}), values=values)
    return row


async def resume(s: WriteSession, act: Act, *, grant_id: str, reason: str) -> GrantRow:
    """Let a suspended grant go on (AOG.RESUME); each breach was rectified. The listings are put back by hand.

    The implementing body lifts no suspension of the data authority, and clears no breach that it found.
    Raises GrantWrongRole, BreachOpen.
    """
    row = await claim_for(s, act, grant_id, _E.RESUME)
    if row.suspended_role == "DATA_AUTHORITY" and act.role != "DATA_AUTHORITY":
        raise GrantWrongRole("the data authority suspended it", grant_id=grant_id)
    if row.ends_at is not None and act.now > row.ends_at:
        raise GrantWrongState("its term is over", grant_id=grant_id)
    breaches = await repository.breaches_of(s, grant_id=grant_id, open_only=True)
    _check_finder(act, row, breaches)
    await _cleared(s, act, breaches)
    public = {"breaches": [one.breach_id for one in breaches]}
    values = {"suspended_role": None}
    await step(s, act, _E.RESUME, row, Said(public=public, opening={"reason": reason}), values=values)
    return row


async def terminate(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    reason: str,
    destruction_sha256: str,
    handover_sha256: str,
) -> GrantRow:
    """End a suspended grant for good (AOG.TERMINATE), with proof of destruction and of the hand-over."""
    row = await claim_for(s, act, grant_id, _E.TERMINATE)
    products = [one.product_id for one in await repository.products_of(s, grant_id=grant_id)]
    said = Said(
        public={"products": products},
        opening={"reason": reason},
        subjects={"destruction": destruction_sha256, "handover": handover_sha256},
    )
    values = {"ended_at": act.occurred_at, "reason_code": "TERMINATED"}
    await step(s, act, _E.TERMINATE, row, said, values=values)
    return row


async def fall_due(s: WriteSession, act: Act, *, grant_id: str, what: str, at: str) -> bool:
    """What the clock does when a period is over: EXPIRE, SUSPEND, or OVERDUE with what is missing.

    False where it was done meanwhile, or another date holds.
    """
    row = await repository.claim_grant(s, grant_id=grant_id)
    moment = parse_rfc3339(at)
    if act.now < moment + LATE:
        return False
    kind, _, which = what.partition(":")
    if kind == TERM:
        return await _expire(s, act, row, moment)
    if kind == RECTIFY:
        return await _lapse(s, act, row, moment)
    if kind == YEAR:
        return await _year_over(s, act, row, int(which), at)
    missing: dict[str, object] = {}
    if kind == PRODUCT and row.status in LIVE:
        product = await repository.product_of(s, grant_id=grant_id, product_id=which)
        missing = {} if product.code else {"missing": ["code"], "product_id": which}
    elif kind == REVIEW and row.status in LIVE and row.review_by == moment:
        missing = {"missing": ["review"]}
    if not missing:
        return False
    await step(s, act, _E.OVERDUE, row, Said(public={**missing, "due_at": at}))
    return True


async def _expire(s: WriteSession, act: Act, row: GrantRow, moment: datetime) -> bool:
    if row.status not in HELD or row.ends_at != moment:
        return False
    await step(s, act, _E.EXPIRE, row, values={"ended_at": act.occurred_at, "reason_code": "EXPIRED"})
    return True


async def _lapse(s: WriteSession, act: Act, row: GrantRow, moment: datetime) -> bool:
    """Suspend where the date has passed and of some breach that was due nothing was said."""
    if row.status is not _S.RECTIFYING:
        return False
    breaches = await repository.breaches_of(s, grant_id=row.grant_id, open_only=True)
    silent = [one for one in breaches if one.rectified_at is None and one.rectify_by <= moment]
    if not silent:
        return False  # every breach has its own date, for which the clock is wound
    found_by_authority = any(one.found_role == "DATA_AUTHORITY" for one in silent)
    role = "DATA_AUTHORITY" if found_by_authority else act.role
    public = {"breaches": [one.breach_id for one in silent], "by_silence": True}
    values = {"rectify_by": None, "suspended_role": role}
    await step(s, act, _E.SUSPEND, row, Said(public=public), values=values)
    return True


async def _year_over(s: WriteSession, act: Act, row: GrantRow, year: int, at: str) -> bool:
    """State what of a year was not disclosed in time; wind the next while the grant was held in it."""
    if row.ended_at is None or shanghai_day(row.ended_at).year > year:
        await wind_year(s, act, row, year + 1)
    kept = await repository.year_of(s, grant_id=row.grant_id, year=year)
    missing = [
        name
        for name, there in (
            ("disclosure", kept is not None and kept.disclosed_at is not None),
            ("report", kept is not None and kept.reported_at is not None),
        )
        if not there
    ]
    if not missing:
        return False
    public = {"missing": missing, "year": year, "due_at": at}
    await step(s, act, _E.OVERDUE, row, Said(public=public))
    return True


def _due(breaches: Sequence[GrantBreachRow]) -> datetime | None:
    """The earliest date of what is open and of which nothing was said yet."""
    return min((one.rectify_by for one in breaches if one.rectified_at is None), default=None)


def _check_finder(act: Act, row: GrantRow, breaches: Sequence[GrantBreachRow]) -> None:
    """What the data authority found it clears itself. Raises GrantWrongRole."""
    if act.role != "DATA_AUTHORITY" and any(one.found_role == "DATA_AUTHORITY" for one in breaches):
        raise GrantWrongRole("the data authority clears what it found", grant_id=row.grant_id)


async def _cleared(s: WriteSession, act: Act, breaches: Sequence[GrantBreachRow]) -> None:
    """Clear breaches of which the operator has told what it rectified. Raises BreachOpen."""
    silent = [one.breach_id for one in breaches if one.rectified_at is None]
    if silent:
        raise BreachOpen("not rectified", breaches=silent)
    for one in breaches:
        one.cleared_at = act.occurred_at
        s.add(one)
    await s.flush()
