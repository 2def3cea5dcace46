"""Who controls whom, by the exchange's own pseudonyms of ultimate controllers; and who did before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession
from base.errors import Malformed, NotFound
from identity.repository import Organisation, get_organisation, lock_organisation
from identity.rules import parse_name
from identity.service import require_operator
from identity.tables import OrganisationRow
from ledger.reader import opening, statements_about
from ledger.recording import Act, record
from ledger.statement import Draft

_AT_ONCE: Final = 500
_TOLD: Final = ("ORG.ADMIT", "ORG.CONTROL")
MAX_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Control:
    """Under whose control a member is from a moment on; None: under nobody's, or it was erased (`known`)."""

    controller_id: str | None
    since: datetime
    known: bool
    statement_id: str


async def enter_controller(
    s: WriteSession, act: Act, *, org_id: str, controller_id: str | None, reason: str
) -> Organisation:
    """Enter under whose control a member is from now on (ORG.CONTROL), as the exchange operator.

    `controller_id` names the controller (a member by its id), None that nobody controls it any more. Who
    controls whom stands in the opening alone. Raises OperatorOnly, NotFound, Malformed.
    """
    require_operator(act)
    member = await lock_organisation(s, org_id=org_id, alone=True)
    if member is None:
        raise NotFound("no such member", org_id=org_id)
    wanted = None if controller_id is None else parse_name(controller_id)
    if wanted in {member.controller_id, org_id}:
        raise Malformed("another controller than before is asked for, and not itself", member="controller_id")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Malformed(f"a reason of 1 to {MAX_REASON} characters is asked for", member="reason")
    of_it = col(OrganisationRow.org_id) == org_id
    await s.exec(update(OrganisationRow).where(of_it).values(controller_id=wanted))
    said = {"controller_id": wanted, "reason": reason.strip()}
    await record(s, act, Draft("ORG.CONTROL", org_id, public={"org_id": org_id}, opening=said))
    found = await get_organisation(s, org_id=org_id)
    assert found is not None
    return found


async def controls_of(s: ReadSession, *, org_id: str) -> Sequence[Control]:
    """Under whose control a member was, from its admission on, the first first."""
    found = []
    for said in await statements_about(s, object_ids=[org_id], events=_TOLD):
        assert said.opening_sha256 is not None
        opened = await opening(s, sha256=said.opening_sha256)
        controller = None if opened is None else opened["controller_id"]
        found.append(Control(controller, said.occurred_at, opened is not None, said.statement_id))
    return found


async def controllers_of(s: ReadSession, *, org_ids: Collection[str]) -> dict[str, str]:
    """The ultimate controllers of these organisations by id; who has none on record is left out."""
    found: dict[str, str] = {}
    ids = sorted(org_ids)
    for begin in range(0, len(ids), _AT_ONCE):
        query = select(OrganisationRow.org_id, OrganisationRow.controller_id).where(
            col(OrganisationRow.org_id).in_(ids[begin : begin + _AT_ONCE])
        )
        found |= {org_id: controller for org_id, controller in await s.exec(query) if controller}
    return found
