"""Early warnings: a reading beyond its limit is stated, an officer has it in time, and it comes to something.

One warning of a signal (and of what it is about) is open at a time: a later reading of a higher level makes
it worse, with a new time to be acknowledged; one of no higher level is kept as a reading alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from base.clock import rfc3339
from base.db import WriteSession
from cases.incidents import repository
from cases.incidents.detecting import detect
from cases.incidents.errors import SignalNotTold
from cases.incidents.moving import (
    Said,
    begin_warning,
    check_text,
    second_person,
    step_warning,
    wind_warning,
)
from cases.incidents.rules import Facts
from cases.incidents.signals import TOLD, Colour, Judged, Signal, ack_by, judge
from cases.incidents.states import WarningEvent, WarningState, may_move_warning
from cases.incidents.tables import IncidentRow, ReadingRow, WarningRow
from cases.incidents.terms import term
from identity.service import require_identified
from ledger.recording import Act

_E = WarningEvent
MAX_ABOUT: Final = 120
MOST_NAMED: Final = 20
TOTAL: Final = "total"


async def note_reading(
    s: WriteSession, act: Act, *, signal: Signal, value: int, about: str = "", text: str = "", at: datetime
) -> WarningRow | None:
    """Keep a reading, and warn where it is one to warn of (WRN.RAISE, WRN.WORSEN); the warning, if any.

    A reading of a moment that is known already changes nothing.
    """
    if await s.get(ReadingRow, (signal, about, at)) is not None:
        return None
    most = term("WRN-WATCH", "history", at).whole
    earlier = await repository.history(s, signal=signal, about=about, before=at, limit=most)
    s.add(ReadingRow(signal=signal, about=about, read_at=at, value=value))
    await s.flush()
    judged = judge(signal, value, earlier, at)
    if judged is None or await _is_known(s, signal=signal, about=about, judged=judged, at=at):
        return None
    return await warn(s, act.as_exchange(), signal=signal, judged=judged, about=about, text=text)


async def _is_known(s: WriteSession, *, signal: Signal, about: str, judged: Judged, at: datetime) -> bool:
    """Whether this goes on since a warning of it was dismissed: no higher, and never below its limit."""
    last = await repository.last_dismissed(s, signal=signal, about=about)
    if last is None or last.decided_at is None or judged.mean_milli is not None:
        return False
    higher = judged.colour.rank > last.colour.rank or judged.value > int(last.numbers["value"])
    since = await repository.readings_since(s, signal=signal, about=about, since=last.decided_at, before=at)
    return not higher and all(one >= judged.limit for one in since)


async def grown(s: WriteSession, *, signal: Signal, total: int, at: datetime) -> int | None:
    """By how much a total grew since it was read last, which is kept; None at the first reading."""
    before = await repository.history(s, signal=signal, about=TOTAL, before=at, limit=1)
    await s.merge(ReadingRow(signal=signal, about=TOTAL, read_at=at, value=total))
    await s.flush()
    return total - before[0] if before else None


async def tell_reading(
    s: WriteSession, act: Act, *, signal: Signal, value: int, about: str = "", text: str = ""
) -> WarningRow | None:
    """A reading that a probe of the operator tells: an audit, a scrub of the store, a restore drill.

    Raises SignalNotTold for what the exchange reads itself, WarningWrongRole.
    """
    may_move_warning(None, _E.RAISE, act.role)
    if signal not in TOLD:
        raise SignalNotTold("this is not told by hand", signal=signal.value, told=sorted(TOLD))
    return await note_reading(s, act, signal=signal, value=value, about=about, text=text, at=act.now)


async def note_trace(
    s: WriteSession, act: Act, *, entitlement_ids: Sequence[str], file_sha256: str
) -> WarningRow:
    """Warn of a leaked file that names deliveries, the surest first (WRN.RAISE): one a delivery is open."""
    judged = judge(Signal.MARK_HIT, len(entitlement_ids), (), act.now)
    assert judged is not None
    named = ", ".join(entitlement_ids[:MOST_NAMED])
    text = f"{file_sha256}: {named}"
    return await warn(
        s, act.as_exchange(), signal=Signal.MARK_HIT, judged=judged, about=entitlement_ids[0], text=text
    )


async def warn(
    s: WriteSession,
    act: Act,
    *,
    signal: Signal,
    judged: Judged,
    about: str = "",
    text: str = "",
    extra: Mapping[str, Any] | None = None,
    warning_id: str | None = None,
) -> WarningRow:
    """Raise a warning, or make the one that is open worse; one that is no worse stays as it is."""
    known = await repository.open_warning(s, signal=signal, about=about) if warning_id is None else None
    due = ack_by(judged.colour, act.now)
    waits = known is not None and known.status is WarningState.RAISED
    if known is not None and waits:
        due = min(due, known.ack_by)  # nobody has it yet: a worse reading gives no more time
    public = {
        "signal": signal.value,
        "level": judged.colour.value,
        "numbers": judged.numbers(),
        "ack_by": rfc3339(due),
        **(extra or {}),
    }
    opening = {name: one for name, one in (("about", about), ("text", text)) if one} or None
    if known is None:
        row = WarningRow(
            warning_id=warning_id or act.new_id("wrn"),
            signal=signal,
            about=about[:MAX_ABOUT],
            colour=judged.colour,
            status=WarningState.RAISED,
            numbers=judged.numbers(),
            text=text,
            raised_at=act.now,
            ack_by=due,
        )
        s.add(row)
        await s.flush()
        await begin_warning(s, act, row, Said(public=public, opening=opening))
        return row
    if judged.colour.rank > known.colour.rank:
        values = {
            "colour": judged.colour,
            "numbers": judged.numbers(),
            "ack_by": due,
            "acknowledged_at": None,
            "acknowledged_by": None,
            "overdue_at": known.overdue_at if waits else None,
        }
        await step_warning(s, act, _E.WORSEN, known, Said(public=public, opening=opening), values=values)
        await wind_warning(s, known)
    return known


async def acknowledge(s: WriteSession, act: Act, *, warning_id: str) -> WarningRow:
    """Take a warning up, as an officer of the exchange (WRN.ACKNOWLEDGE).

    Raises WarningUnknown, WarningWrongState, WarningWrongRole, `person-not-identified`.
    """
    row = await repository.claim_warning(s, warning_id=warning_id)
    may_move_warning(row.status, _E.ACKNOWLEDGE, act.role)
    officer = await require_identified(s, user_id=act.actor.user_id)
    said = Said(public={"late": act.now > row.ack_by}, opening={"officer_id": officer.user_id})
    values = {
        "acknowledged_at": act.now,
        "acknowledged_by": officer.user_id,
        "taken_at": row.taken_at or act.now,
    }
    await step_warning(s, act, _E.ACKNOWLEDGE, row, said, values=values)
    return row


async def dismiss_warning(s: WriteSession, act: Act, *, warning_id: str, reason: str) -> WarningRow:
    """Say why nothing follows (WRN.DISMISS); of orange and red another person than acknowledged it.

    Raises WarningWrongState, IncidentSameOfficer, IncidentMalformed.
    """
    row = await repository.claim_warning(s, warning_id=warning_id)
    may_move_warning(row.status, _E.DISMISS, act.role)
    if row.colour.rank >= Colour.ORANGE.rank:
        await second_person(s, act, row.acknowledged_by)
    said = Said(opening={"reason": check_text(reason)})
    await step_warning(s, act, _E.DISMISS, row, said, values={"decided_at": act.now, "reason": reason})
    return row


async def escalate(
    s: WriteSession,
    act: Act,
    *,
    warning_id: str,
    title: str,
    text: str,
    facts: Facts,
    org_id: str | None = None,
) -> IncidentRow:
    """Make an incident of a warning (WRN.ESCALATE, INC.DETECT).

    It was detected when an officer first took the warning up, or at the latest when one should have: what is
    left lying, or gets worse, gains no time. Raises WarningWrongState, and what detecting raises.
    """
    row = await repository.claim_warning(s, warning_id=warning_id)
    may_move_warning(row.status, _E.ESCALATE, act.role)
    exchange = act.as_exchange()
    incident = await detect(
        s,
        exchange,
        title=title,
        text=text,
        facts=facts,
        org_id=org_id,
        detected_at=min(one for one in (row.taken_at, row.ack_by, act.now) if one is not None),
        warning_id=warning_id,
        opened_by=act.actor.user_id,
    )
    said = Said(public={"incident_id": incident.incident_id})
    values = {"decided_at": act.now, "incident_id": incident.incident_id}
    await step_warning(s, act, _E.ESCALATE, row, said, values=values)
    return incident
