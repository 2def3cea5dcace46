"""What rests on a level, on the catalogue or on a record: whoever acts asks here, inside the act.

Customs and delivery, opening, authorised operation and listing ask `level_of` and `require_not_important`
under a share lock, so that a raise or a notified entry bites at the very next act.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from base.db import ReadSession
from base.ids import is_id
from registry.errors import UnclassifiedProduct
from registry.grading import repository
from registry.grading.errors import AssessmentMissing, ImportantData
from registry.grading.matching import Answer, Covered, Covering, compared
from registry.grading.rules import effective
from registry.grading.states import AssessmentState
from registry.grading.tables import AssessmentRow, GradeRow, ImportantRow
from registry.grading.templates import floor_of
from registry.lists.errors import DataEntryUnknown
from registry.lists.repository import resting_on_entry
from registry.lists.tables import DataRow
from registry.repository import classification_of
from registry.rules import Level


async def level_of(s: ReadSession, *, object_id: str) -> Level:
    """How high an object is: the highest of declared, scanned, decided, inherited and matched; share-locked.

    `object_id` is a product (`prd_`) or a data entry (`dat_`). Raises UnclassifiedProduct where nobody has
    said anything of it.
    """
    row = await repository.grade_of(s, object_id=object_id, lock=True)
    known = [] if row is None else [row.level]
    if is_id(object_id, "prd"):
        classified = await classification_of(s, product_id=object_id, lock=True)
        known += [] if classified is None else [classified.level]
    elif is_id(object_id, "dat"):
        entry = await entry_row(s, data_id=object_id)
        if entry is not None:
            known += levels_of_entry(
                row, entry, await repository.live_entries(s) if _unseen(row, entry) else ()
            )
    if not known:
        raise UnclassifiedProduct("nobody has graded this", product=object_id)
    return effective(*known)


def levels_of_entry(row: GradeRow | None, entry: DataRow, live: Collection[ImportantRow]) -> list[Level]:
    """What a data entry is at the least: by its own word, by live entries of the catalogue that cover it.

    These where grading has not looked at it as it stands; and the floor of its kind until people decide.
    """
    known = [entry.level]
    if _unseen(row, entry):
        known += [one.level for one, _ in _covering(entry, live)]
    if row is None or row.decided is None:  # until people have decided on the real data
        known.append(floor_of(kind=entry.kind, base_library=entry.base_library))
    return known


async def require_not_important(s: ReadSession, *, object_id: str) -> None:
    """No live entry of the important-data catalogue covers it. Raises ImportantData, naming the entry."""
    found = await repository.stopping(s, object_id=object_id)
    said = None if found is None else (found[1].entry_id, found[0].how)
    if found is None and is_id(object_id, "dat"):
        row = await entry_row(s, data_id=object_id)
        if row is not None and _unseen(await repository.grade_of(s, object_id=object_id), row):
            covers = _covering(row, await repository.live_entries(s))
            said = (covers[0][0].entry_id, covers[0][1].how.value) if covers else None
    if said is not None:
        raise ImportantData(
            "an entry of the important-data catalogue covers this",
            object_id=object_id,
            entry_id=said[0],
            how=said[1],
        )


def covering(entry: ImportantRow) -> Covering:
    """An entry as the rule takes it."""
    return Covering(
        sector=entry.sector,
        objects=frozenset(entry.objects),
        digests=frozenset(entry.digests),
        keywords=tuple(entry.keywords),
        patterns=tuple(entry.patterns),
    )


def words_of(entry: DataRow) -> str:
    """What a data entry says of itself, as the catalogue is compared with it."""
    return f"{entry.name}\n{entry.abstract}\n{entry.theme}"


def _unseen(row: GradeRow | None, entry: DataRow) -> bool:
    """Whether grading has yet to look at a data entry as it stands: another file, or other words."""
    return row is None or row.file_sha256 != entry.resource_sha256 or row.words != words_of(entry)


def _covering(entry: DataRow, live: Collection[ImportantRow]) -> list[tuple[ImportantRow, Answer]]:
    """The live entries that cover a data entry which grading has not looked at as it stands."""
    found = Covered(
        object_id=entry.data_id,
        file_sha256=entry.resource_sha256,
        sector="",
        words=words_of(entry),
        fields=frozenset(str(one["name"]) for one in entry.fields),
        ancestors=frozenset(),
    )
    answers = [(one, compared(covering(one), found)) for one in live]
    return [(one, answer) for one, answer in answers if answer is not None and answer.stops]


async def require_reviewed(
    s: ReadSession,
    *,
    object_id: str,
    holder_id: str,
    use: str,
    now: datetime | None,
    purposes: Collection[str] = (),
    recipients: Collection[str] = (),
    file_sha256: str | None = None,
    lock: bool = True,
) -> None:
    """Personal data is listed or exported after an impact assessment and a security review (PIPL 55, R78).

    Both stand, were made by this holder for this `use` (LISTING, EXPORT), these purposes and recipients, and
    of this very file: where none is named, of the one that is known of the holder's object. No finding of
    theirs is overdue. Share-locked. Raises AssessmentMissing, naming the `kind`.
    """
    rows = await repository.standing_of(s, object_id=object_id, holder_id=holder_id, lock=lock)
    if rows and file_sha256 is None:
        file_sha256 = await known_file(s, object_id=object_id, holder_id=holder_id)
    asked = _Asked(use, now, frozenset(purposes), frozenset(recipients), file_sha256)
    for kind in ("PIPIA", "SECURITY_REVIEW"):
        reasons = [_short_of(row, asked) for row in rows if row.kind == kind]
        if None not in reasons:
            raise AssessmentMissing(
                "no assessment of this stands that carries it",
                object_id=object_id,
                kind=kind,
                why=reasons[0] if reasons else "none",
            )


async def known_file(s: ReadSession, *, object_id: str, holder_id: str) -> str | None:
    """The file that is known of an object: its holder's, or the newest that another holder offers of it."""
    known = await repository.grade_of(s, object_id=object_id)
    if known is None or known.holder_id == holder_id:
        return None if known is None else known.file_sha256
    brought = await repository.evidence_of(s, object_id=object_id)
    return next((one.file_sha256 for one in brought if one.holder_id == holder_id), None)


@dataclass(frozen=True, slots=True)
class _Asked:
    use: str
    now: datetime | None
    purposes: frozenset[str]
    recipients: frozenset[str]
    file_sha256: str | None


def _short_of(row: AssessmentRow, asked: _Asked) -> str | None:
    """Why an assessment that stands does not carry what is asked; None where it does.

    One from before there were purposes and recipients names none, and is asked for none.
    """
    why = None
    if asked.use not in row.uses:
        why = "another-use"
    elif asked.file_sha256 is not None and row.file_sha256 != asked.file_sha256:
        why = "no-file" if row.file_sha256 is None else "another-file"
    elif row.purposes and asked.purposes - set(row.purposes):
        why = "another-purpose"
    elif row.recipients and asked.recipients - set(row.recipients):
        why = "another-recipient"
    elif asked.now is not None and row.valid_until is not None and asked.now > row.valid_until:
        why = "out-of-time"
    elif asked.now is not None and row.due_at is not None and asked.now > row.due_at:
        why = "finding-overdue"
    return why


async def require_security_review(s: ReadSession, *, object_id: str, now: datetime) -> str:
    """The id of a security review of the object that stands, with no finding overdue. AssessmentMissing.

    What opens city video or the readings of sensors asks for it, beside the chief data officer (R43).
    """
    for row in await repository.assessments_of(s, object_id=object_id):
        stands = row.kind == "SECURITY_REVIEW" and row.status is AssessmentState.STANDING
        in_time = row.valid_until is not None and now <= row.valid_until
        if stands and in_time and (row.due_at is None or now <= row.due_at):
            return row.assessment_id
    raise AssessmentMissing("no security review of this stands", object_id=object_id)


async def entry_row(s: ReadSession, *, data_id: str) -> DataRow | None:
    """An entry of the data lists, share-locked; None for what is registered under an id of its own."""
    try:
        return await resting_on_entry(s, data_id=data_id)
    except DataEntryUnknown:
        return None
