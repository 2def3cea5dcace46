"""Grading through the doors: the scan of a mounted file, who sees what, which controls are there."""

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from base.db import ReadSession, WriteSession
from base.errors import Malformed, NotFound
from base.ids import is_id
from ledger.acts import perform
from ledger.recording import Act, Actor
from registry.declared import Declared
from registry.grading import repository
from registry.grading.describing import Subject, entry_of, subject_of
from registry.grading.duties import Control, Owed, judged
from registry.grading.scanning import SCAN_EVENT, record_scan
from registry.grading.states import CATALOGUERS, CONFIRMERS, GradingState
from registry.grading.tables import GradeRow
from registry.grading.together import Known, known_of
from registry.lists import repository as lists
from registry.lists.files import stored
from registry.measure import measure_file
from registry.opening import renewing
from registry.rules import HintKind, Level, rank
from web.deps import Caller

OVERSEERS = frozenset({"DATA_AUTHORITY", "CAC", "SAMR", "AUDITOR", "EXCHANGE_OPERATOR"})
"""Who sees every grading; the records of consents and the catalogue have readers of their own."""
_PERSONAL = frozenset(
    {HintKind.CN_ID, HintKind.MOBILE, HintKind.BANK_CARD, HintKind.PLATE, HintKind.BIOMETRIC}
)


async def visible_subject(s: ReadSession, actor: Actor, object_id: str) -> Subject:
    """An object, for its holder and who oversees; to anyone else it does not exist. Raises GradingUnknown."""
    subject = await subject_of(s, object_id=object_id)
    if actor.org_id != subject.holder_id and not actor.roles & OVERSEERS:
        raise NotFound("nothing is known of this", object_id=object_id)
    return subject


async def entries_told(s: ReadSession, actor: Actor, entry_ids: Collection[str]) -> Collection[str]:
    """Which catalogue entries one may read: a department its own, who confirms all."""
    if actor.roles & CONFIRMERS:
        return entry_ids
    if not actor.roles & CATALOGUERS:
        return ()
    return await repository.entries_of_department(s, department_id=actor.org_id, entry_ids=entry_ids)


async def scan_entry(caller: Caller, object_id: str) -> GradeRow:
    """Scan the mounted file of a data entry in a child process, and state what it showed (GRD.SCAN).

    The open entry of this data serves it from then on, where its level still fits (OPN.RENEW).

    For the agency that holds it. Raises NotFound, Malformed where no file is mounted, and what cannot be
    measured.
    """
    caller.require("PUBLIC_AGENCY")
    node = caller.node
    async with node.database.read() as s:
        entry = await entry_of(s, data_id=object_id) if is_id(object_id, "dat") else None
        if entry is None or entry.agency_id != caller.actor.org_id:
            raise NotFound("no such data entry", object_id=object_id)
        file = None
        if entry.resource_file_id is not None:
            file = await lists.list_file(s, file_id=entry.resource_file_id)
    if file is None:
        raise Malformed("no file is mounted to this entry", object_id=object_id)
    async with node.measuring:
        with tempfile.TemporaryDirectory(dir=node.scratch()) as folder:
            path = Path(folder) / "data"
            await node.files.copy_to(stored(file), path)
            report = await measure_file(path, Declared(), as_of=node.clock.now(), books=True)

    async def recorded(s: WriteSession, act: Act) -> GradeRow:
        await renewing.claim(s, data_id=object_id)
        row = await record_scan(
            s,
            act,
            object_id=object_id,
            file_sha256=report.file_sha256,
            hints=report.hints,
            fields=report.header,
        )
        await renewing.renew(s, act, data_id=object_id, file_sha256=report.file_sha256)
        return row

    act = node.house.exchange_act()
    return await perform(node.house, act, recorded, attempted=SCAN_EVENT, object_id=object_id)


async def duties_owed(s: ReadSession, object_ids: Collection[str]) -> dict[str, tuple[Owed, ...]]:
    """What is owed for each of these objects at its level, and whether it is there."""
    return {object_id: _owed(known) for object_id, known in (await known_of(s, object_ids)).items()}


def _owed(known: Known) -> tuple[Owed, ...]:
    standing = [one for one in known.gradings if one.decided and one.status in _STANDING]
    present: Mapping[Control, bool] = {
        Control.GRADED: bool(standing),
        Control.SCANNED: known.grade is not None and known.grade.scanned is not None,
        Control.RIGHT: is_id(known.object_id, "dat") or known.has_right,
        Control.ENCRYPTED: True,  # `base.files`: every stored file, under a key of its own
        Control.LOGGED: True,
        Control.LICENSED: True,
        Control.REVIEWED: any(one.status is GradingState.IN_FORCE for one in standing),
        Control.CONSENT: bool(known.consents),
        Control.SEPARATE: any(known.consents.values()),
        Control.PIPIA: "PIPIA" in known.assessed,
        Control.REVIEW: "SECURITY_REVIEW" in known.assessed,
        Control.CATALOGUED: known.stopped,
        Control.CONFIRMED: any(one.confirmed_by for one in standing),
        Control.NOT_TRADED: rank(known.level) >= rank(Level.IMPORTANT),
    }
    return judged(known.level, present, personal=_personal(known))


_STANDING = (GradingState.IN_FORCE, GradingState.REVIEW_DUE)


def _personal(known: Known) -> bool:
    """Whether an object holds personal data: as scanned, declared, listed, or consented to."""
    hints = [] if known.grade is None else known.grade.hints
    seen = any(one["flagged"] and HintKind(one["kind"]) in _PERSONAL for one in hints)
    if known.classified is not None:
        seen = seen or bool(known.classified.personal.get("contained"))
    if known.entry is not None:
        seen = seen or any(one.get("personal") for one in known.entry.fields)
    return seen or bool(known.consents)
