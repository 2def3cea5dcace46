"""Anybody reports a weakness, named or not: it becomes a warning, its reporter a secret beside the ledger.

As papers of the regulator's room are (`cases.reporters`): the log has a salted commitment of who is named,
name and contact rest sealed under the node's master key, and a code finds it again.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from base.canonical import sha256_hex
from base.db import ReadSession, WriteSession
from base.signing import unwrap, wrap
from cases.incidents import repository
from cases.incidents.alarming import warn
from cases.incidents.errors import WarningUnknown, WeaknessCodeUnknown
from cases.incidents.moving import Said, check_text, step_warning
from cases.incidents.signals import Colour, Judged, Signal, judge
from cases.incidents.states import WarningEvent
from cases.incidents.tables import WarningRow
from cases.reporters import Reporter, committed, mark_of_code, new_code
from identity.service import require_identified
from ledger.recording import Act

_PURPOSE: Final = "databourse/weakness/"


class Severity(StrEnum):
    """How bad the reporter thinks it is."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


_RANK: Final[Mapping[Severity, int]] = {one: rank for rank, one in enumerate(Severity, 1)}


@dataclass(frozen=True, slots=True)
class Reported:
    """What the reporter gets, once: the code to follow it up, and the warning."""

    code: str
    warning_id: str


@dataclass(frozen=True, slots=True)
class Followed:
    """What the reporter is told of it."""

    status: str
    colour: Colour
    raised_at: datetime
    decided_at: datetime | None


async def report_weakness(
    s: WriteSession, act: Act, *, severity: Severity, text: str, reporter: Reporter, master: bytes
) -> Reported:
    """Take a weakness that somebody reports, as the exchange (WRN.RAISE): each is a warning of its own.

    `act` is the exchange's: nobody's signature may tell who reported. Raises IncidentMalformed.
    """
    check_text(text)
    warning_id, code, salt = act.new_id("wrn"), new_code(), secrets.token_hex(32)
    judged: Judged | None = judge(Signal.WEAKNESS, _RANK[severity], (), act.now)
    assert judged is not None
    extra = {"text_sha256": sha256_hex((salt + text).encode())}
    if reporter.named:
        extra["reporter_sha256"] = committed(warning_id, reporter, salt)
    row = await warn(
        s,
        act,
        signal=Signal.WEAKNESS,
        judged=judged,
        extra=extra,
        warning_id=warning_id,
    )
    row.text, row.named = text, reporter.named
    row.code_mark = mark_of_code(master, code)
    if reporter.named:
        sealed = {"name": reporter.name, "contact": reporter.contact, "salt": salt}
        row.sealed = wrap(master, orjson.dumps(sealed), weakness_purpose(warning_id))
    s.add(row)
    await s.flush()
    return Reported(code, warning_id)


async def follow_up(s: ReadSession, *, code: str, master: bytes) -> Followed:
    """What became of what was reported under a code. Raises WeaknessCodeUnknown."""
    row = await repository.reported_under(s, code_mark=mark_of_code(master, code))
    if row is None:
        raise WeaknessCodeUnknown("nothing was reported under this code")
    return Followed(row.status.value, row.colour, row.raised_at, row.decided_at)


async def read_reporter(
    s: WriteSession, act: Act, *, warning_id: str, officer_id: str | None, master: bytes
) -> dict[str, Any] | None:
    """Who reported a weakness; that this officer has read it is stated (WRN.READ_REPORTER).

    None without a name. `act` is the exchange's. Raises WarningUnknown, `person-not-identified`.
    """
    officer = await require_identified(s, user_id=officer_id)
    row: WarningRow = await repository.claim_warning(s, warning_id=warning_id)
    if row.signal is not Signal.WEAKNESS:
        raise WarningUnknown("nobody reported this", warning_id=warning_id)
    said = Said(opening={"officer_id": officer.user_id})
    await step_warning(s, act, WarningEvent.READ_REPORTER, row, said)
    if row.sealed is None:
        return None
    found: dict[str, Any] = orjson.loads(unwrap(master, row.sealed, weakness_purpose(warning_id)))
    return {"name": found["name"], "contact": found["contact"]}


def weakness_purpose(warning_id: str) -> bytes:
    """What the name of who reported a weakness is bound to."""
    return (_PURPOSE + warning_id).encode()
