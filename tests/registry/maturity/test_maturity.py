"""A maturity level is claimed by an organisation and confirmed by another; it holds while valid (R50)."""

import itertools
from datetime import date, timedelta

import pytest
from sqlmodel import select

from base.errors import Malformed, Refusal
from registry.maturity.errors import MaturityMalformed, MaturityWrongRole, MaturityWrongState
from registry.maturity.service import claim_level, dcmm_of, decide_level, record_level
from registry.maturity.states import MOVES, MaturityEvent, MaturityState, may_move
from registry.maturity.tables import MaturityRow
from supervision.audit_registry import MATURITY_MOVES
from tests.houses import make_house

CERTIFICATE = {"certificate_sha256": "c" * 64, "issued_on": date(2025, 5, 1)}
E = MaturityEvent


async def test_the_highest_confirmed_level_that_is_valid_on_the_day_counts(database, clock) -> None:
    house = await make_house(database, clock)
    firm = await house.admit("粤能数科", {"PROVIDER"})
    authority = await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"})
    today = clock.now().date()
    soon, later = today + timedelta(days=10), today + timedelta(days=100)

    async def level(on: date) -> int | None:
        async with database.read() as s:
            row = await dcmm_of(s, org_id=firm.org_id, on=on)
        return row and row.level

    claimed = await firm.do(claim_level, level=4, valid_until=soon, **CERTIFICATE)
    assert await level(today) is None  # a claim is no level
    about = {"maturity_id": claimed.maturity_id}
    with pytest.raises(MaturityWrongRole):
        await firm.do(decide_level, event=E.CONFIRM, **about)
    with pytest.raises(Malformed):
        await authority.do(decide_level, event=E.DECLINE, **about)  # without a reason
    await authority.do(decide_level, event=E.CONFIRM, **about)
    with pytest.raises(MaturityWrongState):
        await authority.do(decide_level, event=E.CONFIRM, **about)
    await authority.do(record_level, org_id=firm.org_id, level=2, valid_until=later, **CERTIFICATE)
    assert [await level(on) for on in (today, soon, later, later + timedelta(days=1))] == [4, 4, 2, None]
    await authority.do(decide_level, event=E.REVOKE, reason="证书被撤销", **about)
    assert await level(today) == 2
    async with database.read() as s:
        before = (await s.exec(select(MaturityRow))).all()
    for party, verb, facts, error in [
        (firm, claim_level, {"level": 6, "valid_until": soon}, MaturityMalformed),
        (firm, claim_level, {"level": 3, "valid_until": today - timedelta(days=1)}, MaturityMalformed),
        (
            firm,
            record_level,
            {"org_id": authority.org_id, "level": 3, "valid_until": soon},
            MaturityWrongRole,
        ),
        (
            authority,
            record_level,
            {"org_id": authority.org_id, "level": 3, "valid_until": soon},
            MaturityWrongRole,
        ),
        (authority, claim_level, {"level": 3, "valid_until": soon}, MaturityWrongRole),
    ]:
        with pytest.raises(error):
            await party.do(verb, **facts, **CERTIFICATE)
    async with database.read() as s:
        assert (await s.exec(select(MaturityRow))).all() == before


def test_the_table_refuses_everything_else_and_the_auditor_holds_the_same():
    for state, event in itertools.product([None, *MaturityState], E):
        for role in ("PROVIDER", "DATA_AUTHORITY", "AUDITOR"):
            move = MOVES.get((state, event))
            if move is not None and role in move.roles:
                assert may_move(state, event, role) is move.to
            else:
                with pytest.raises(Refusal):
                    may_move(state, event, role)
    ours = {
        (at and at.value, f"DCM.{event}"): (move.roles, move.to.value) for (at, event), move in MOVES.items()
    }
    assert ours == MATURITY_MOVES
