"""A case is decided by another person than opened it; what a broker checked is kept for twenty years."""

from dataclasses import replace

import pytest

from brokers.conduct.repository import source_check_of
from cases.erasing import erase_opening
from cases.errors import (
    CaseSameOfficer,
    CaseWrongRole,
    CaseWrongState,
    DecisionBeyondFinding,
    OpeningInUse,
    RetentionNotOver,
)
from cases.rules import CaseState, Measure
from cases.service import decide_case, file_case, issue_order, open_case
from identity.errors import PersonNotIdentified, PersonsBound
from ledger.acts import perform
from ledger.erasure import ERASED
from ledger.reader import opening, statements_of
from ledger.recording import Actor
from market.disputes.voiding import void_trade
from tests.cases.test_orders import FINDING
from tests.houses import officer
from tests.standstill import refused, untouched


async def opened(scene, *subjects, who="usr_handler"):
    async with scene.database.write() as s:
        for user_id, number, maker in (
            ("usr_handler", 91, None),
            ("usr_handler_too", 91, None),
            ("usr_made", 93, "usr_handler"),
            ("usr_chief", 92, None),
            ("usr_nobody", None, None),
        ):
            row = officer(scene.samr.org_id, number or 94, scene.clock)
            row.user_id = row.login = user_id
            row.enrolled_by, row.roles = maker, '["SAMR"]'
            row.mark = None if number is None else row.mark
            s.add(row)
    finding = FINDING | {"subjects": list(subjects or (scene.broker.org_id, scene.seller.org_id))}
    case = await scene.samr.do(file_case, finding=finding)
    await by(scene, who, open_case, case_id=case.case_id)
    return case.case_id


async def by(scene, user_id, verb, **facts):
    actor = Actor(scene.samr.org_id, scene.samr.actor.roles, user_id)
    act = scene.house.house.act(actor, "SAMR", scene.samr.pen)

    async def bound(s, act):
        return await verb(s, act, **facts)

    return await perform(scene.house.house, act, bound, attempted="CSE.DECIDE", object_id=facts["case_id"])


async def test_a_decision_is_public_and_names_rule_and_organisations(scene):
    case_id = await opened(scene)
    case = await by(scene, "usr_chief", decide_case, case_id=case_id, org_ids=[scene.broker.org_id])
    assert (case.status, case.closed_at is not None) == (CaseState.DECIDED, True)
    async with scene.database.read() as s:
        *_, said = await statements_of(s, object_id=case_id)
    assert (said.event, said.predicate["from"], said.predicate["to"]) == (
        "CSE.DECIDE",
        "INVESTIGATING",
        "DECIDED",
    )
    assert (said.predicate["rule_id"], said.predicate["org_ids"]) == (
        FINDING["rule_id"],
        [scene.broker.org_id],
    )

    async def order(s, act):
        return await issue_order(
            s,
            act,
            case_id=case_id,
            measure=Measure.FREEZE_TRADE,
            object_id=scene.trades["FUNDED"],
            reason_code="X_Y",
        )

    await scene.samr.do(order)  # what was decided is carried out
    async with refused(scene.database, CaseWrongState):
        await by(scene, "usr_chief", decide_case, case_id=case_id, org_ids=[scene.broker.org_id])


@pytest.mark.parametrize(
    ("who", "whom", "error"),
    [
        ("usr_handler", "broker", CaseSameOfficer),
        ("usr_handler_too", "broker", CaseSameOfficer),
        ("usr_made", "broker", PersonsBound),
        ("usr_nobody", "broker", PersonNotIdentified),
        (None, "broker", PersonNotIdentified),
        ("usr_chief", "buyer", DecisionBeyondFinding),
        ("usr_chief", None, DecisionBeyondFinding),
    ],
)
async def test_who_opened_it_does_not_decide_and_nobody_is_drawn_in(scene, who, whom, error):
    case_id = await opened(scene)
    org_ids = [] if whom is None else [getattr(scene, whom).org_id]
    async with (untouched if error is DecisionBeyondFinding else refused)(scene.database, error):
        await by(scene, who, decide_case, case_id=case_id, org_ids=org_ids)


async def test_a_case_that_nobody_on_record_opened_is_not_decided(scene):
    case_id = await opened(scene, who=None)
    async with refused(scene.database, PersonNotIdentified):
        await by(scene, "usr_chief", decide_case, case_id=case_id, org_ids=[scene.broker.org_id])


async def test_a_case_that_was_not_opened_is_not_decided_and_the_operator_decides_none(scene):
    finding = FINDING | {"subjects": [scene.broker.org_id]}
    case = await scene.samr.do(file_case, finding=finding)
    async with refused(scene.database, CaseWrongState):
        await by(scene, "usr_chief", decide_case, case_id=case.case_id, org_ids=[scene.broker.org_id])
    await scene.samr.do(open_case, case_id=case.case_id)
    operator = replace(scene.house.operator)
    async with refused(scene.database, CaseWrongRole):
        await operator.do(decide_case, case_id=case.case_id, org_ids=[scene.broker.org_id])


async def test_what_a_broker_checked_is_kept_for_twenty_years_except_by_judgment(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    async with scene.database.read() as s:
        (said,) = [one for one in await statements_of(s, object_id=trade_id) if one.event == "CND.CHECK"]

    async def erase(**facts):
        asked = {"statement_id": said.statement_id, "basis": "PIPL-47-1", "reason": "不再需要"} | facts
        return await scene.house.operator.do(erase_opening, object_id=said.statement_id, **asked)

    with pytest.raises(OpeningInUse):  # its trade is not over
        await erase()
    await scene.samr.do(void_trade, trade_id=trade_id, order_id="ord_1", reason_code="ILLEGAL_SOURCE")
    async with refused(scene.database, RetentionNotOver) as caught:
        await erase()
    assert caught.value.facts["until"].startswith("2046-")
    assert caught.value.facts["law"] == "数据安全法 art. 33"
    await erase(basis="JUDGMENT", order_ref="（2027）粤01民终1号")
    async with scene.database.read() as s:
        row = await source_check_of(s, trade_id=trade_id, broker_id=scene.broker.org_id)
        assert await opening(s, sha256=said.opening_sha256) is None
    assert row is not None
    assert row.documents == [ERASED]
    assert len(row.source_sha256) == 64  # the contract rests on it
