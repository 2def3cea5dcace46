"""The important-data catalogue (重要数据具体目录): identified, reported, confirmed, changed, removed.

A department identifies and reports with its chief data officer's signature; the data authority or the CAC
confirms. From then on an entry stops the ordinary trade and export of what it covers (DSL 21, 30;
CAC Order 16 Art 7: what was neither notified nor published need not be declared as important).
"""

from dataclasses import dataclass
from typing import Any

from base.db import WriteSession
from base.ids import is_id
from base.jobs import enqueue
from identity.rules import parse_region
from identity.service import require_member
from ledger.recording import Act
from registry.chiefs.depending import require_chief
from registry.chiefs.repository import get_chief
from registry.doors import Said
from registry.grading import repository
from registry.grading.comparing import compare_entry_now, settle_matches
from registry.grading.declaring import check_text, require_other
from registry.grading.errors import GradingMalformed, GradingWrongRole, GradingWrongState
from registry.grading.matching import check_described
from registry.grading.moving import HANDLER_JOB, begin, step
from registry.grading.rules import MAX_NAME
from registry.grading.states import ENTRY_MOVES, MATCH_MOVES, EntryEvent, EntryState, MatchEvent, may_move
from registry.grading.tables import ImportantRow, MatchRow
from registry.grading.templates import SECTORS
from registry.rules import Level, rank

_E = EntryEvent
REMOVAL = "REMOVE"
CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an entry says. `patterns` are parts of field names; `objects` are ids, `digests` of files."""

    region: str
    sector: str
    name: str
    description: str
    level: Level = Level.IMPORTANT
    objects: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is kept and opened."""
        return {
            "region": self.region,
            "sector": self.sector,
            "name": self.name.strip(),
            "description": self.description.strip(),
            "level": self.level.value,
            "objects": sorted(set(self.objects)),
            "digests": sorted(set(self.digests)),
            "keywords": sorted(set(self.keywords)),
            "patterns": sorted(set(self.patterns)),
        }


async def identify(s: WriteSession, act: Act, *, content: Content) -> ImportantRow:
    """Identify data as important (IMP.IDENTIFY), as the department of its sector. Raises GradingMalformed."""
    _check(content)
    await require_member(s, org_id=act.actor.org_id)
    row = ImportantRow(
        entry_id=act.new_id("imp"),
        department_id=act.actor.org_id,
        status=EntryState.IDENTIFIED,
        version=1,
        identified_at=act.occurred_at,
        changed_at=act.occurred_at,
        **_members(content.document()),
    )
    await begin(s, act, row, _E.IDENTIFY, _said(row.sector, row.level, content.document()))
    return row


async def report(s: WriteSession, act: Act, *, entry_id: str) -> ImportantRow:
    """Report an entry (IMP.REPORT), signed by the department's chief data officer in person."""
    row = await _of_department(s, act, entry_id, _E.REPORT)
    chief_id = await require_chief(s, act, agency_id=row.department_id)
    await step(s, act, row, _E.REPORT, Said(public={"chief_id": chief_id}), values={"chief_id": chief_id})
    return row


async def return_entry(s: WriteSession, act: Act, *, entry_id: str, reason: str) -> ImportantRow:
    """Send a reported entry back with a reason (IMP.SEND_BACK), as who confirms."""
    row = await repository.claim_entry(s, entry_id=entry_id)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, row, _E.SEND_BACK, said, values={"reason": reason.strip()})
    return row


async def confirm_entry(s: WriteSession, act: Act, *, entry_id: str) -> ImportantRow:
    """Confirm and notify an entry (IMP.CONFIRM): what it covers is stopped in the same transaction.

    By another organisation and person than reported it. Raises GradingWrongRole, GradingOwnDeclaration.
    """
    row = await repository.claim_entry(s, entry_id=entry_id)
    may_move(ENTRY_MOVES, row.status, _E.CONFIRM, act.role)
    await _require_apart(s, act, row)
    values = {"confirmed_at": act.occurred_at, "changed_at": act.occurred_at}
    await step(s, act, row, _E.CONFIRM, Said(public={"level": row.level.value}), values=values)
    await compare_entry_now(s, act, row)
    await enqueue(s, kind=HANDLER_JOB, key=entry_id, run_at=act.now, payload={})
    return row


async def ask_change(s: WriteSession, act: Act, *, entry_id: str, content: Content | None) -> ImportantRow:
    """Ask for a change of an entry, or for its removal where there is no content (IMP.ASK), with the CDO.

    One wish at a time. Raises GradingWrongState.
    """
    row = await _of_department(s, act, entry_id, _E.ASK)
    if row.asked is not None:
        raise GradingWrongState("another wish waits", entry_id=entry_id, asked=row.asked["what"])
    chief_id = await require_chief(s, act, agency_id=row.department_id)
    asked: dict[str, Any] = {"what": REMOVAL if content is None else CHANGE}
    if content is not None:
        _check(content)
        asked["content"] = content.document()
    said = Said(public={"asked": asked["what"], "chief_id": chief_id}, opening=asked)
    await step(s, act, row, _E.ASK, said, values={"asked": asked, "chief_id": chief_id})
    return row


async def decline_change(s: WriteSession, act: Act, *, entry_id: str, reason: str) -> ImportantRow:
    """Decline what the department asked (IMP.DECLINE), with a reason."""
    row = await repository.claim_entry(s, entry_id=entry_id)
    may_move(ENTRY_MOVES, row.status, _E.DECLINE, act.role)
    _asked(row)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, row, _E.DECLINE, said, values={"asked": None, "reason": reason.strip()})
    return row


async def enter_change(s: WriteSession, act: Act, *, entry_id: str) -> ImportantRow:
    """Enter what the department asked: IMP.CHANGE, or IMP.REMOVE. Levels follow at once.

    Raises GradingWrongState where nothing was asked, or the entry is removed already.
    """
    row = await repository.claim_entry(s, entry_id=entry_id)
    removed = row.asked is not None and row.asked["what"] == REMOVAL
    may_move(ENTRY_MOVES, row.status, _E.REMOVE if removed else _E.CHANGE, act.role)
    asked = _asked(row)
    await _require_apart(s, act, row)
    after = {"asked": None, "changed_at": act.occurred_at, "version": row.version + 1}
    if removed:
        await step(s, act, row, _E.REMOVE, values=after)
        for object_id in await repository.matched_objects(s, entry_id=entry_id):
            await settle_matches(s, act, object_id=object_id)
        return row
    content = asked["content"]
    said = _said(content["sector"], Level(content["level"]), content)
    await step(s, act, row, _E.CHANGE, said, values={**after, **_members(content)})
    await compare_entry_now(s, act, row)
    return row


async def decide_match(s: WriteSession, act: Act, *, match_id: str, upheld: bool, reason: str) -> MatchRow:
    """Say of a resemblance, or of a match, whether the entry covers the object (IMM.UPHOLD, IMM.DISMISS)."""
    row = await repository.claim_match(s, match_id=match_id)
    event = MatchEvent.UPHOLD if upheld else MatchEvent.DISMISS
    may_move(MATCH_MOVES, row.status, event, act.role)
    await require_other(s, act)
    said = Said(opening={"reason": check_text(reason)})
    entry = await repository.get_entry(s, entry_id=row.entry_id)
    known = await repository.grade_of(s, object_id=row.object_id)
    values = {
        "decided_by": act.actor.user_id,
        "reason": reason.strip(),
        "entry_version": entry.version,
        "file_sha256": None if known is None else known.file_sha256,
    }
    await step(s, act, row, event, said, values=values)
    await settle_matches(s, act, object_id=row.object_id)
    return row


async def _of_department(s: WriteSession, act: Act, entry_id: str, event: EntryEvent) -> ImportantRow:
    row = await repository.claim_entry(s, entry_id=entry_id)
    may_move(ENTRY_MOVES, row.status, event, act.role)
    if row.department_id != act.actor.org_id:
        raise GradingWrongRole("it is another department's entry", entry_id=entry_id)
    return row


async def _require_apart(s: WriteSession, act: Act, row: ImportantRow) -> None:
    """Who confirms is of another organisation than the department, and not the person who signed for it.

    Raises GradingWrongRole, GradingOwnDeclaration.
    """
    if act.actor.org_id == row.department_id:
        raise GradingWrongRole("another organisation confirms this", entry_id=row.entry_id)
    signed = None if row.chief_id is None else await get_chief(s, chief_id=row.chief_id)
    await require_other(s, act, None if signed is None else signed.user_id)


def _asked(row: ImportantRow) -> dict[str, Any]:
    if row.asked is None:
        raise GradingWrongState("nothing was asked of this entry", entry_id=row.entry_id)
    return row.asked


def _check(content: Content) -> None:
    check_described(
        objects=content.objects,
        digests=content.digests,
        keywords=content.keywords,
        patterns=content.patterns,
    )
    parse_region(content.region)
    check_text(content.description)
    wrong = []
    if content.sector[:1] not in SECTORS:
        wrong.append("sector")
    if not 1 <= len(content.name.strip()) <= MAX_NAME:
        wrong.append("name")
    if rank(content.level) < rank(Level.IMPORTANT):
        wrong.append("level")
    if any(not is_id(one, "prd") and not is_id(one, "dat") for one in content.objects):
        wrong.append("objects")
    if wrong:
        raise GradingMalformed(
            "an entry names its sector, itself, and a level of important or core", fields=wrong
        )


def _members(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "level": Level(document["level"])}


def _said(sector: str, level: Level, content: dict[str, Any]) -> Said:
    public = {"sector": sector[:1], "level": level.value}
    return Said(public=public, opening={"content": content})
