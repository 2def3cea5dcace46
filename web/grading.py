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
from registry.errors import UnclassifiedProduct
from registry.grading import repository
from registry.grading.depending import level_of
from registry.grading.describing import Subject, entry_of, subject_of
from registry.grading.duties import Control, Owed, judged
from registry.grading.scanning import SCAN_EVENT, record_scan
from registry.grading.states import CATALOGUERS, CONFIRMERS, AssessmentState, ConsentState, GradingState
from registry.grading.tables import GradeRow
from registry.lists import repository as lists
from registry.lists.files import stored
from registry.measure import measure_file
from registry.opening import renewing
from registry.repository import classification_of, rights_in
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


async def duties_owed(s: ReadSession, object_id: str) -> tuple[Owed, ...]:
    """What is owed for an object at its level, and whether it is there."""
    level = await _level(s, object_id)
    row = await repository.grade_of(s, object_id=object_id)
    history = await repository.gradings_of(s, object_id=object_id)
    standing = [one for one in history if one.decided and one.status in _STANDING]
    consents, personal = await _personal(s, object_id, row)
    assessed = [
        one
        for one in await repository.assessments_of(s, object_id=object_id)
        if one.status is AssessmentState.STANDING and one.outcome != "FAIL"
    ]
    kinds = {one.kind for one in assessed}
    stopping = await repository.stopping(s, object_id=object_id)
    entry = is_id(object_id, "dat")
    present: Mapping[Control, bool] = {
        Control.GRADED: bool(standing),
        Control.SCANNED: row is not None and row.scanned is not None,
        Control.RIGHT: entry or bool(await rights_in(s, product_id=object_id)),
        Control.ENCRYPTED: True,  # `base.files`: every stored file, under a key of its own
        Control.LOGGED: True,
        Control.LICENSED: True,
        Control.REVIEWED: any(one.status is GradingState.IN_FORCE for one in standing),
        Control.CONSENT: bool(consents),
        Control.SEPARATE: any(consents.values()),
        Control.PIPIA: "PIPIA" in kinds,
        Control.REVIEW: "SECURITY_REVIEW" in kinds,
        Control.CATALOGUED: stopping is not None,
        Control.CONFIRMED: any(one.confirmed_by for one in standing),
        Control.NOT_TRADED: rank(level) >= rank(Level.IMPORTANT),
    }
    return judged(level, present, personal=personal)


_STANDING = (GradingState.IN_FORCE, GradingState.REVIEW_DUE)


async def _level(s: ReadSession, object_id: str) -> Level:
    try:
        return await level_of(s, object_id=object_id)
    except UnclassifiedProduct:
        return Level.GENERAL_1


async def _personal(s: ReadSession, object_id: str, row: GradeRow | None) -> tuple[dict[str, bool], bool]:
    """The standing consents (whether separate), and whether the object holds personal data."""
    seen = row is not None and any(one["flagged"] and HintKind(one["kind"]) in _PERSONAL for one in row.hints)
    classified = await classification_of(s, product_id=object_id)
    if classified is not None:
        seen = seen or bool(classified.personal.get("contained"))
    entry = await entry_of(s, data_id=object_id) if is_id(object_id, "dat") else None
    if entry is not None:
        seen = seen or any(one.get("personal") for one in entry.fields)
    holder = None if row is None else row.holder_id
    records = [] if holder is None else await repository.consents_of(s, holder_id=holder)
    standing = {
        one.consent_id: one.separate
        for one in records
        if one.object_id == object_id and one.status is ConsentState.STANDING
    }
    return standing, seen or bool(standing)
