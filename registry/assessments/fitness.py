"""Who may review what: registered for it now, of another group where the law wants that, another person."""

from base.db import ReadSession, WriteSession
from identity.groups import members_of
from identity.service import own_logins, require_member
from ledger.recording import Act
from registry.assessments import repository
from registry.assessments.errors import ReviewerUnfit
from registry.assessments.rules import AssessmentKind, Trade
from registry.assessments.states import SUPERVISING
from registry.grading.tables import AssessmentRow


async def require_reviewer(
    s: WriteSession, act: Act, *, kind: AssessmentKind, holder_id: str, reviewer_id: str
) -> None:
    """This organisation may review this: an authority, or a registered assessor of another group.

    An impact assessment also within the holder's own house, by another person. Raises ReviewerUnfit.
    """
    if reviewer_id == holder_id and kind is AssessmentKind.PIPIA:
        return
    member = await require_member(s, org_id=reviewer_id)
    if await of_one_group(s, holder_id, reviewer_id):
        raise ReviewerUnfit("nobody reviews what its own group holds", reviewer_id=reviewer_id)
    if SUPERVISING & {role.value for role in member.roles}:
        return
    await require_registered(s, act, org_id=reviewer_id, trade=Trade(kind.value))


async def require_registered(s: ReadSession, act: Act, *, org_id: str, trade: Trade) -> None:
    """It is on the register for this now, and neither suspended nor over. Raises ReviewerUnfit."""
    if await repository.registered(s, org_id=org_id, trade=trade.value, now=act.now) is None:
        raise ReviewerUnfit("no registered assessor of this", reviewer_id=org_id, trade=trade.value)


async def of_one_group(s: ReadSession, one: str, other: str) -> bool:
    """Whether two organisations are one group now."""
    return other in await members_of(s, org_id=one)


def require_person(act: Act) -> str:
    """A person acts, so that another one can review it. Raises ReviewerUnfit."""
    if act.actor.user_id is None:
        raise ReviewerUnfit("a person writes and reviews it")
    return act.actor.user_id


async def require_another(s: WriteSession, act: Act, row: AssessmentRow, *others: str | None) -> None:
    """A person acts, none of those who wrote or remedied it, under whatever login. Raises ReviewerUnfit."""
    own = await own_logins(s, user_id=require_person(act))
    if own & {*row.writers, *others}:
        raise ReviewerUnfit("who wrote it does not review it", assessment_id=row.assessment_id)
