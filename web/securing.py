"""The duties of security through the doors: who sees what, and the matrix of duties over one's objects."""

from contextlib import aclosing
from typing import Final

from base.db import ReadSession, WriteSession
from base.errors import NotFound
from base.files import StoredFile
from ledger.acts import perform
from ledger.recording import Act, Actor
from registry.assessments.confiding import require_access
from registry.assessments.seeing import require_seen
from registry.assessments.tables import AssessorRow, ItemRow, RiskRow, RoundRow
from registry.grading import repository as grading
from registry.grading.duties import Control, matrix
from registry.grading.tables import AssessmentRow
from web.assessment_views import (
    ControlView,
    LevelDutiesView,
)
from web.crossing import require_at_home
from web.deps import Caller
from web.grading import duties_owed

MOST_OBJECTS: Final = 50


async def visible_assessment(s: ReadSession, actor: Actor, assessment_id: str) -> AssessmentRow:
    """An assessment, for its holder; handed in, for its reviewer and who supervises."""
    row: AssessmentRow = await require_seen(s, actor, assessment_id)
    return row


async def visible_risk(s: ReadSession, actor: Actor, risk_id: str) -> RiskRow:
    """A yearly assessment, for its handler, its assessor and who supervises."""
    row: RiskRow = await require_seen(s, actor, risk_id)
    return row


async def visible_round(s: ReadSession, actor: Actor, round_id: str) -> RoundRow:
    """A round, for its department and who confirms entries."""
    row: RoundRow = await require_seen(s, actor, round_id)
    return row


async def visible_assessor(s: ReadSession, actor: Actor, assessor_id: str) -> AssessorRow:
    """An application or registration in full, for itself and who supervises."""
    row: AssessorRow = await require_seen(s, actor, assessor_id)
    return row


async def visible_item(s: ReadSession, actor: Actor, item_id: str) -> ItemRow:
    """What an item is, for its holder and who was admitted; to anyone else it does not exist."""
    row: ItemRow = await require_seen(s, actor, item_id)
    return row


async def duties_by_level(s: ReadSession, *, holder_id: str | None, after: str = "") -> list[LevelDutiesView]:
    """Every level with what it asks for, and where it is there: of one's own objects, or of all (R76).

    Objects in the order of their ids from `after` on, as many as MOST_OBJECTS.
    """
    rows = await grading.grades_held(s, holder_id=holder_id, after=after, limit=MOST_OBJECTS)
    present: dict[tuple[str, Control], int] = {}
    lacking: dict[tuple[str, Control], list[str]] = {}
    owed_of = await duties_owed(s, [row.object_id for row in rows])
    for row in rows:
        for owed in owed_of[row.object_id]:
            key = (row.level.value, owed.duty.control)
            if owed.present:
                present[key] = present.get(key, 0) + 1
            else:
                lacking.setdefault(key, []).append(row.object_id)
    levels = []
    for level, duties in matrix().items():
        controls = [
            ControlView(
                control=duty.control.value,
                party=duty.party.value,
                basis=duty.basis,
                present=present.get((level.value, duty.control), 0),
                lacking=lacking.get((level.value, duty.control), []),
            )
            for duty in {one.control: one for one in duties}.values()
        ]
        objects = sum(row.level is level for row in rows)
        levels.append(LevelDutiesView(level=level.value, objects=objects, controls=controls))
    return levels


async def content_of(caller: Caller, item_id: str, no: int) -> bytes:
    """The bytes that an access serves. Raises ConfidentialityRefused; NotFound where none are kept here;
    CustomsRouteNotOpen for a reader abroad who is not its holder.
    """
    node, actor = caller.node, caller.actor
    house = node.house

    async def found(s: WriteSession, act: Act) -> ItemRow:
        user_id, org_id = actor.user_id, actor.org_id
        row = await require_access(s, item_id=item_id, no=no, user_id=user_id, org_id=org_id, now=act.now)
        if org_id != row.holder_id:
            await require_at_home(s, org_id=org_id, object_id=item_id)
        return row

    # Not an act, and yet its refusal is recorded: nobody looks at what is secret unseen.
    act = house.act(actor, min(actor.roles), house.exchange_act().pen)
    row = await perform(house, act, found, attempted="CFI.READ", object_id=item_id)
    if row.file_id is None or row.file_bytes is None:
        raise NotFound("it is kept elsewhere, by its digest", item_id=item_id)
    file = StoredFile(row.file_id, row.file_bytes, row.sha256)
    async with aclosing(node.files.read(file)) as pieces:
        return b"".join([piece async for piece in pieces])
