"""Scenarios, and every access under them: within scenario, data, fields, users, environment and term (R02).

A use is a job of the operator. It is asked against the live grant under a share lock, so a suspension bites
at the next one; what is outside is refused, and the refusal stands on the ledger. Each use that is allowed
has one statement of its own: a job covers many calls, so there are few beside what delivery counts.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import col, update

from base.clock import rfc3339
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.operation import repository
from registry.operation.depending import fields_held, require_live
from registry.operation.documents import plain, scenario_of
from registry.operation.errors import (
    GrantMalformed,
    GrantNotLive,
    OutsideScope,
    ResourceUnregistered,
    ScenarioAsked,
)
from registry.operation.moving import check_party, claim_for, step
from registry.operation.rules import (
    MAX_TEXT,
    Scenario,
    ScenarioState,
    Use,
    check_scenario,
    check_use,
)
from registry.operation.states import GrantEvent, may_move
from registry.operation.tables import GrantScenarioRow, GrantUseRow
from registry.registration.applying import stands
from registry.registration.repository import resting_on as resting_on_registration

_E = GrantEvent


async def ask_scenario(s: WriteSession, act: Act, *, grant_id: str, scenario: Scenario) -> GrantScenarioRow:
    """Apply for one scenario (AOG.ASK_SCENARIO), as the operator.

    Raises OutsideScope where it reaches beyond the grant's data, their fields or its term, GrantMalformed,
    `member-not-active`.
    """
    row = await claim_for(s, act, grant_id, _E.ASK_SCENARIO)
    assert row.ends_at is not None
    await _check_scenario(s, row.grant_id, scenario, row.ends_at)
    for user_id in scenario.users:
        await require_member(s, org_id=user_id)
    asked = GrantScenarioRow(
        scenario_id=act.new_id("scn"),
        grant_id=grant_id,
        status=ScenarioState.ASKED,
        name=scenario.name,
        purpose=scenario.purpose.strip(),
        fields=plain(scenario.fields),
        users=sorted(set(scenario.users)),
        environment=scenario.environment.strip(),
        starts=scenario.starts.isoformat(),
        ends=scenario.ends.isoformat(),
        asked_at=act.occurred_at,
    )
    s.add(asked)
    await s.flush()
    await step(s, act, _E.ASK_SCENARIO, row, _said(asked))
    return asked


async def approve_scenario(s: WriteSession, act: Act, *, grant_id: str, scenario_id: str) -> GrantScenarioRow:
    """Approve a scenario (AOG.APPROVE_SCENARIO), as the implementing body: uses may begin."""
    row = await claim_for(s, act, grant_id, _E.APPROVE_SCENARIO)
    asked = await _in_state(s, grant_id, scenario_id, ScenarioState.ASKED)
    assert row.ends_at is not None
    await _check_scenario(s, grant_id, scenario_of(asked), row.ends_at)
    asked.status, asked.decided_at = ScenarioState.APPROVED, act.occurred_at
    s.add(asked)
    await s.flush()
    await step(s, act, _E.APPROVE_SCENARIO, row, _said(asked))
    return asked


async def refuse_scenario(
    s: WriteSession, act: Act, *, grant_id: str, scenario_id: str, reason: str
) -> GrantScenarioRow:
    """Refuse a scenario with a reason (AOG.REFUSE_SCENARIO)."""
    row = await claim_for(s, act, grant_id, _E.REFUSE_SCENARIO)
    asked = await _in_state(s, grant_id, scenario_id, ScenarioState.ASKED)
    asked.status, asked.decided_at, asked.reason = ScenarioState.REFUSED, act.occurred_at, reason
    s.add(asked)
    await s.flush()
    said = Said(public={"scenario_id": scenario_id}, opening={"reason": reason})
    await step(s, act, _E.REFUSE_SCENARIO, row, said)
    return asked


async def end_scenario(
    s: WriteSession, act: Act, *, grant_id: str, scenario_id: str, reason: str
) -> GrantScenarioRow:
    """End a scenario (AOG.END_SCENARIO), as either party: nothing is used under it any more."""
    row = await claim_for(s, act, grant_id, _E.END_SCENARIO)
    ended = await _in_state(s, grant_id, scenario_id, ScenarioState.APPROVED)
    ended.status, ended.reason = ScenarioState.ENDED, reason
    s.add(ended)
    await s.flush()
    said = Said(public={"scenario_id": scenario_id}, opening={"reason": reason})
    await step(s, act, _E.END_SCENARIO, row, said)
    return ended


async def tell_outcome(
    s: WriteSession, act: Act, *, grant_id: str, scenario_id: str, value: str, risk: str
) -> GrantScenarioRow:
    """Tell what came of a scenario (AOG.TELL_OUTCOME), as the operator: its value, and its risks.

    Both in words, 1 to `MAX_TEXT` characters; the newest takes the place of what was told before. Raises
    GrantMalformed, ScenarioAsked for one that was never approved.
    """
    row = await claim_for(s, act, grant_id, _E.TELL_OUTCOME)
    said = {"value": value.strip(), "risk": risk.strip()}
    if not all(0 < len(text) <= MAX_TEXT for text in said.values()):
        raise GrantMalformed("value and risk, each in words", fields=["value", "risk"])
    told = await repository.scenario_of(s, grant_id=grant_id, scenario_id=scenario_id)
    if told.status not in {ScenarioState.APPROVED, ScenarioState.ENDED}:
        raise ScenarioAsked("not approved", scenario_id=scenario_id, status=told.status.value)
    told.value, told.risk, told.outcome_at = said["value"], said["risk"], act.occurred_at
    s.add(told)
    await s.flush()
    public = {"scenario_id": scenario_id, "uses": told.uses, "calls": told.calls}
    await step(s, act, _E.TELL_OUTCOME, row, Said(public=public, opening=said))
    return told


async def use_data(s: WriteSession, act: Act, *, grant_id: str, scenario_id: str, use: Use) -> GrantUseRow:
    """Use data under a scenario (AOG.USE), as the operator: allowed and counted, or refused.

    Raises GrantNotLive, OutsideScope naming what it leaves, ResourceUnregistered.
    """
    row = await require_live(s, grant_id=grant_id, now=act.now)
    may_move(row.status, _E.USE, act.role)
    check_party(act, row)
    scenario = await repository.scenario_of(s, grant_id=grant_id, scenario_id=scenario_id)
    if scenario.status is not ScenarioState.APPROVED:
        raise OutsideScope("no approved scenario", outside=["scenario"], status=scenario.status.value)
    check_use(use, scenario_of(scenario), act.now)
    await _require_resource(s, act, grant_id, use.data_id)
    counted = (
        update(GrantScenarioRow)
        .where(
            col(GrantScenarioRow.scenario_id) == scenario_id,
            col(GrantScenarioRow.status) == ScenarioState.APPROVED,
        )
        .values(uses=col(GrantScenarioRow.uses) + 1, calls=col(GrantScenarioRow.calls) + use.calls)
    )
    if (await s.exec(counted)).rowcount != 1:
        raise GrantNotLive("the scenario has ended", scenario_id=scenario_id)
    used = GrantUseRow(
        use_id=act.new_id("use"),
        grant_id=grant_id,
        scenario_id=scenario_id,
        data_id=use.data_id,
        fields=sorted(set(use.fields)),
        user_id=use.user_id,
        calls=use.calls,
        used_at=act.occurred_at,
    )
    s.add(used)
    await s.flush()
    public = {"use_id": used.use_id, "scenario_id": scenario_id, "data_id": use.data_id}
    opening = {
        "user_id": use.user_id,
        "fields": used.fields,
        "purpose": use.purpose.strip(),
        "environment": use.environment.strip(),
        "calls": use.calls,
    }
    await step(s, act, _E.USE, row, Said(public=public, opening=opening))
    return used


async def _check_scenario(s: WriteSession, grant_id: str, scenario: Scenario, ends_at: datetime) -> None:
    known = await fields_held(s, grant_id=grant_id)
    check_scenario(scenario, data=known, term_to=ends_at)


async def _require_resource(s: WriteSession, act: Act, grant_id: str, data_id: str) -> None:
    """The registration of a resource stands at the moment of use. Raises ResourceUnregistered."""
    resource = await repository.resource_of(s, grant_id=grant_id, data_id=data_id)
    found = None
    if resource is not None and resource.registration_id is not None:
        found = await resting_on_registration(s, registration_id=resource.registration_id)
    if found is None or not stands(found, act):
        raise ResourceUnregistered("the registration of this resource does not stand", data_id=data_id)


async def _in_state(
    s: WriteSession, grant_id: str, scenario_id: str, state: ScenarioState
) -> GrantScenarioRow:
    row = await repository.scenario_of(s, grant_id=grant_id, scenario_id=scenario_id)
    if row.status is not state:
        raise ScenarioAsked("decided before, or ended", scenario_id=scenario_id, status=row.status.value)
    return row


def _said(row: GrantScenarioRow) -> Said:
    public: Mapping[str, object] = {
        "scenario_id": row.scenario_id,
        "data_ids": sorted(row.fields),
        "starts": row.starts,
        "ends": row.ends,
        **({"decided_at": rfc3339(row.decided_at)} if row.decided_at else {}),
    }
    opening = {
        "name": row.name,
        "purpose": row.purpose,
        "fields": row.fields,
        "users": row.users,
        "environment": row.environment,
    }
    return Said(public=public, opening=opening)
